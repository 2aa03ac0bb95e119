/** Apache Kafka itself: one broker in KRaft mode, from a directory of jars, on ports and data of its own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { metadataApi } from '../../src/wire/messages/metadata.ts'
import { killProcess } from '../kill-process.ts'
import { pause, type Target } from './case.ts'
import { Connection } from './client.ts'
import { settings } from './settings.ts'

export interface Kafka extends Target, AsyncDisposable {
  stop(): Promise<void>
  /** Gives it no time for anything. */
  kill(): Promise<void>
}

const START_LIMIT_MS = 120_000
const STOP_LIMIT_MS = 20_000

export interface KafkaOptions {
  /** Where Kafka keeps its data, and where they stay; formatted where it is not there. Otherwise they go with Kafka. */
  readonly dataDir?: string
  /** Beside those of the suite, and over them. */
  readonly config?: Readonly<Record<string, string>>
}

/**
 * Starts Kafka and waits until it answers.
 * @param libs the directory of its jars, as Maven's dependency:copy-dependencies leaves them.
 */
export async function startKafka(libs: string, options: KafkaOptions = {}): Promise<Kafka> {
  if (!existsSync(libs)) throw new Error(`no jars of Apache Kafka in ${libs}`)
  const directory = mkdtempSync(join(tmpdir(), 'ottla-kafka-'))
  const { dataDir = join(directory, 'data'), config = {} } = options
  const [port, controllerPort] = [await freePort(), await freePort()]
  const properties = join(directory, 'server.properties')
  writeFileSync(
    properties,
    serverProperties(port, controllerPort, { 'log.dirs': dataDir, ...settings, ...config }),
  )
  if (!existsSync(dataDir)) formatStorage(libs, properties)
  const log = join(directory, 'server.log')
  const output = openSync(log, 'w')
  const java = [...javaOptions(libs), '-Xmx768m', 'kafka.Kafka', properties]
  const child = spawn('java', java, { stdio: ['ignore', output, output] })
  closeSync(output)
  // Should this process leave without stopping it, it must not stay behind.
  const abandon = (): void => {
    child.kill('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  }
  process.once('exit', abandon)
  const finish = async (ending: Promise<void>): Promise<void> => {
    await ending
    process.off('exit', abandon)
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
  }
  const stop = (): Promise<void> => finish(end(child))
  const kill = (): Promise<void> => finish(killProcess(child))
  try {
    await answers(port, child)
  } catch (error) {
    const tail = readFileSync(log, 'utf8').slice(-2000)
    await stop()
    throw new Error(`Apache Kafka did not start: ${String(error)}\n${tail}`)
  }
  return { host: '127.0.0.1', port, stop, kill, [Symbol.asyncDispose]: stop }
}

const javaOptions = (libs: string): string[] => [
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  '-cp',
  join(libs, '*'),
]

function serverProperties(
  port: number,
  controllerPort: number,
  more: Readonly<Record<string, string>>,
): string {
  const all = {
    'process.roles': 'broker,controller',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    ...more,
  }
  return Object.entries(all)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}

/** Makes the data directory that the properties name ready for Kafka's first start, as `kafka-storage format` does. */
export function formatStorage(libs: string, properties: string, ...more: readonly string[]): void {
  const clusterId = 'b3R0bGEtZGlmZmVyZW50aQ'
  const done = spawnSync(
    'java',
    [...javaOptions(libs), 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', properties, ...more],
    { encoding: 'utf8' },
  )
  if (done.status !== 0) throw new Error(`cannot format Kafka's storage: ${done.error ?? done.stderr}`)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Waits until the broker names itself in its metadata. */
async function answers(port: number, child: ChildProcess): Promise<void> {
  const deadlineMs = Date.now() + START_LIMIT_MS
  for (;;) {
    if (child.exitCode !== null) throw new Error(`exit code ${child.exitCode}`)
    try {
      const connection = await Connection.open('127.0.0.1', port)
      const metadata = await connection.send(metadataApi, 1, { topics: [] })
      connection.close()
      if (metadata.brokers.length > 0) return
    } catch (error) {
      if (Date.now() > deadlineMs) throw error
    }
    await pause(200)
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS)
  await exited
  clearTimeout(timer)
}
