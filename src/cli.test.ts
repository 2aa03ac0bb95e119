import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { Connection } from '../compat-tests/differential/client.ts'
import { describeConfigsApi } from './wire/messages/describe-configs.ts'
import { metadataApi } from './wire/messages/metadata.ts'

const CLI = fileURLToPath(new URL('cli.ts', import.meta.url))
const VERSION = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version

interface Running {
  readonly process: ChildProcess
  readonly output: () => string
  readonly errors: () => string
  readonly exitCode: Promise<number | null>
}

const started: Running[] = []

afterEach(() => {
  for (const { process } of started.splice(0)) process.kill('SIGKILL')
})

function ottla(...args: string[]): Running {
  return ottlaWith({}, 'pipe', ...args)
}

/** With environment variables, and without those of whoever runs the test. */
function ottlaWith(variables: Record<string, string>, stdout: 'pipe' | number, ...args: string[]): Running {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('KAFKA_') && name !== 'CLUSTER_ID',
  )
  const child = spawn(process.execPath, ['--import', 'tsx', CLI, ...args], {
    env: { ...Object.fromEntries(inherited), NO_COLOR: '1', ...variables },
    stdio: ['ignore', stdout, 'pipe'],
  })
  let output = ''
  let errors = ''
  child.stdout?.on('data', (chunk) => {
    output += chunk
  })
  child.stderr?.on('data', (chunk) => {
    errors += chunk
  })
  const running: Running = {
    process: child,
    output: () => output,
    errors: () => errors,
    exitCode: once(child, 'close').then(([code]) => code),
  }
  started.push(running)
  return running
}

function portOf(server: Server): string {
  const address = server.address()
  return typeof address === 'object' && address !== null ? String(address.port) : ''
}

async function isOpen(port: string): Promise<boolean> {
  const socket = connect(Number(port), 'localhost')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** The port in the ready line. */
async function ready(running: Running): Promise<number> {
  for (;;) {
    const [, port] = /is ready: bootstrap servers localhost:(\d+)/.exec(running.output()) ?? []
    if (port !== undefined) return Number(port)
    const { stdout } = running.process
    if (stdout === null) throw new Error('no output')
    await Promise.race([once(stdout, 'data'), running.exitCode.then(() => Promise.reject(running.errors()))])
  }
}

test('it says when it is ready, in JSON where nobody watches, and a signal stops it', async () => {
  const running = ottla('--port', '0', '--topic', 'orders:3', '-c', 'num.partitions=2')
  const port = await ready(running)
  const socket = connect(port, 'localhost')
  await once(socket, 'connect')
  const lines = running.output().split('\n')
  const line = lines.find((each) => each.includes('is ready')) ?? ''
  expect(JSON.parse(line)).toMatchObject({
    level: 30,
    msg: `ottla ${VERSION} is ready: bootstrap servers localhost:${port}`,
  })
  running.process.kill('SIGTERM')
  expect(await running.exitCode).toBe(0)
  expect(running.errors()).toBe('')
  socket.destroy()
})

test('flags win over the environment, and the environment over files', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ottla-cli-'))
  const file = join(folder, 'server.properties')
  writeFileSync(file, 'num.partitions=2\nlog.retention.hours=1\nnum.io.threads=3\nnum.io.threads=4\n')
  const running = ottlaWith(
    { KAFKA_NUM_PARTITIONS: '3', KAFKA_CFG_LOG_RETENTION_HOURS: '2', KAFKA_HEAP_OPTS: '-Xmx1g' },
    'pipe',
    ...['--port', '0', '--config', file, '-c', 'num.partitions=4'],
  )
  const port = await ready(running)
  const connection = await Connection.open('127.0.0.1', port)
  const names = ['num.partitions', 'log.retention.hours', 'num.io.threads']
  const { results } = await connection.send(describeConfigsApi, 4, {
    resources: [{ resourceType: 4, resourceName: '1', configurationKeys: names }],
  })
  connection.close()
  const values = new Map(results[0]?.configs.map(({ name, value }) => [name, value]))
  expect(names.map((name) => values.get(name))).toEqual(['4', '2', '4'])
  expect(running.output()).toContain(`${file}:4: num.io.threads is set again and replaces`)
  expect(running.output()).toContain('KAFKA_HEAP_OPTS: there is no JVM')
  rmSync(folder, { recursive: true })
})

test('nobody who reads the help is no error', async () => {
  const running = ottla('--help')
  running.process.stdout?.destroy()
  expect(await running.exitCode).toBe(0)
  expect(running.errors()).toBe('')
})

test.runIf(existsSync('/dev/full'))('a full disk takes away its log and nothing else', async () => {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const port = portOf(server)
  await once(server.close(), 'close')
  const full = openSync('/dev/full', 'w')
  const running = ottlaWith({}, full, '--port', port)
  closeSync(full)
  while (!(await isOpen(port))) await setTimeout(20)
  running.process.kill('SIGTERM')
  expect(await running.exitCode).toBe(0)
  expect(running.errors()).toBe('')
})

test('a port in use is said plainly', async () => {
  const taken = createServer().listen(0)
  await once(taken, 'listening')
  const running = ottla('--port', portOf(taken))
  expect(await running.exitCode).toBe(1)
  expect(running.errors()).toMatch(/^ottla: cannot listen on .*: the port is in use\. .* choose another port/)
  expect(running.errors().trim().split('\n')).toHaveLength(1)
  taken.close()
})

test('a data directory keeps everything over a SIGTERM, and belongs to one process, cluster and node', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ottla-cli-'))
  const dataDir = join(folder, 'data')
  const environment = { CLUSTER_ID: 'b3R0bGEtZGlmZmVyZW50aQ', KAFKA_NODE_ID: '3' }
  const arguments_ = ['--port', '0', '--data-dir', dataDir]
  const first = ottlaWith(environment, 'pipe', ...arguments_, '--topic', 'orders:2')
  await ready(first)
  const refusals = [
    [{ ...environment }, `ottla: ${dataDir} is in use: `],
    [
      { ...environment, CLUSTER_ID: '4L6g3nShT-eMCtK--X86sw' },
      'belongs to cluster b3R0bGEtZGlmZmVyZW50aQ, not to 4L6',
    ],
    [{ ...environment, KAFKA_NODE_ID: '4' }, 'belongs to node 3, not to 4'],
  ] as const
  for (const [at, [variables, message]] of refusals.entries()) {
    // Whoever has the directory is asked for first.
    if (at === 1) {
      first.process.kill('SIGTERM')
      expect(await first.exitCode).toBe(0)
      expect(first.errors()).toBe('')
    }
    const refused = ottlaWith(variables, 'pipe', ...arguments_)
    expect(await refused.exitCode).toBe(1)
    expect(refused.errors()).toContain(message)
    expect(refused.errors().trim().split('\n')).toHaveLength(1)
  }
  const second = ottlaWith(environment, 'pipe', ...arguments_)
  const connection = await Connection.open('127.0.0.1', await ready(second))
  const { clusterId, brokers, topics } = await connection.send(metadataApi, 5, { topics: null })
  connection.close()
  expect([clusterId, brokers[0]?.nodeId]).toEqual(['b3R0bGEtZGlmZmVyZW50aQ', 3])
  expect(topics.map(({ name, partitions }) => [name, partitions.length])).toEqual([['orders', 2]])
  second.process.kill('SIGTERM')
  expect(await second.exitCode).toBe(0)
  rmSync(folder, { recursive: true })
  // Five processes, one after the other.
}, 120_000)

test('a directory that cannot be used is said plainly', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ottla-cli-'))
  writeFileSync(join(folder, 'file'), '')
  const running = ottla('--port', '0', '--data-dir', join(folder, 'file', 'data'))
  expect(await running.exitCode).toBe(1)
  expect(running.errors()).toMatch(/^ottla: .*file\/data /)
  expect(running.errors().trim().split('\n')).toHaveLength(1)
  rmSync(folder, { recursive: true })
})

test.each([
  [
    ['-p', '0', '-c', 'log.dirs=/tmp/a,/tmp/b'],
    2,
    '',
    'ottla: log.dirs names 2 directories (/tmp/a, /tmp/b)',
  ],
  [['-p', '0', '--cluster-id', 'x'], 2, '', 'ottla: x is no cluster id'],
  [['--help'], 0, 'Usage: ottla [start] [options]', ''],
  [['--version'], 0, VERSION, ''],
  [['--prot', '1'], 2, '', 'ottla: there is no option --prot: did you mean --port?'],
  [
    ['-p', '0', '-c', 'num.partitions=0'],
    2,
    '',
    'ottla: -c num.partitions: Invalid value 0 for configuration num.partitions',
  ],
  [['-p', '0', '-t', 'a b'], 2, '', 'ottla: '],
  [['-c', 'no-such-file'], 2, '', 'ottla: cannot read the configs in no-such-file: there is no such file'],
])('ottla %j exits with %i', async (args, code, output, errors) => {
  const running = ottla(...args)
  expect(await running.exitCode).toBe(code)
  expect(running.output()).toContain(output)
  expect(running.errors()).toContain(errors)
  if (code === 0) expect(running.errors()).toBe('')
  if (code === 2) expect(running.errors()).toContain('Run "ottla --help"')
})
