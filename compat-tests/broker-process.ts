/**
 * A broker as a process of its own that keeps its data in a directory, to be killed and started again: ottla from its
 * sources, or, to prove a test itself, Apache Kafka.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { root } from './tools.ts'
import { until } from './until.ts'

/** The program and its arguments. */
export type BrokerCommand = readonly [program: string, ...args: string[]]

export interface OttlaOptions {
  /** Where it listens: fixed, so that its clients find it again. See `freePort`. */
  readonly port: number
  /** Where its data last; without it, in its memory only. */
  readonly dataDir?: string
  /** Broker configs, as `-c` takes them. */
  readonly config?: Readonly<Record<string, string>>
}

export interface BrokerProcess extends AsyncDisposable {
  readonly pid: number
  /** What it has written last, its log first of all. */
  words(): string
  /** How it ended: its exit code, or the signal. */
  readonly exited: Promise<number | string>
  /** SIGKILL; resolves when it is gone, at once when it is gone already. */
  kill9(): Promise<void>
  /** SIGTERM; resolves when it is gone. @throws Error when it does not end with exit code 0 or by that signal. */
  stop(): Promise<void>
}

export function ottlaCommand({ port, dataDir, config = {} }: OttlaOptions): BrokerCommand {
  const settings = Object.entries(config).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const flags = ['--host', '127.0.0.1', '--port', `${port}`, '--log-level', 'warn']
  if (dataDir !== undefined) flags.push('--data-dir', dataDir)
  return [process.execPath, '--import', 'tsx', join(root, 'src/cli.ts'), ...flags, ...settings]
}

/**
 * Resolves when the port takes connections; disposing kills it.
 * @throws Error with its last words when it ends before that.
 */
export async function startBrokerProcess(command: BrokerCommand, port: number): Promise<BrokerProcess> {
  const [program, ...args] = command
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  let words = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      words = (words + chunk.toString()).slice(-4000)
    })
  }
  const exited = once(child, 'exit').then(([code, signal]): number | string => signal ?? code)
  // Nobody is left behind.
  const abandon = (): boolean => child.kill('SIGKILL')
  process.once('exit', abandon)
  void exited.finally(() => process.off('exit', abandon)).catch(() => {})
  const kill9 = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
  }
  await Promise.race([
    until(`port ${port} takes connections`, () => takesConnections(port)),
    exited.then((how) => Promise.reject(new Error(`the broker ended with ${how} at its start: ${words}`))),
  ])
  return {
    pid: pidOf(child),
    words: () => words,
    exited,
    kill9,
    async stop() {
      child.kill('SIGTERM')
      const how = await exited
      // A JVM ends with 128 + the signal's number.
      if (how !== 0 && how !== 143) throw new Error(`the broker ended with ${how}: ${words}`)
    },
    [Symbol.asyncDispose]: kill9,
  }
}

/** One that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('there is no port')
  return address.port
}

/** Whether somebody listens on the port of this machine. */
export async function takesConnections(port: number): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port })
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('the broker has not been started')
  return child.pid
}
