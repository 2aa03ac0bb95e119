/** Processes that are measured: how they are started and ended, and what the kernel says they use. Linux only. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { encodeFrame } from '../compat-tests/differential/client.ts'
import { metadataApi } from '../src/wire/messages/metadata.ts'
import { Reader } from '../src/wire/reader.ts'
import type { Memory, Processor } from './measure.ts'

export interface TemporaryFolder extends Disposable {
  readonly path: string
}

export interface StartedProcess extends AsyncDisposable {
  readonly pid: number
  /** What it has said last. */
  words(): string
  /** Throws if it has ended. */
  check(): void
}

export interface StartOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
}

const STOP_LIMIT_MS = 20_000
const PROGRAM_LIMIT_MS = 300_000
/** What Linux counts processor time in for those who ask, whatever it counts in itself. */
const TICK_MS = 10

/** What must not stay behind when this process ends, however it does. */
const leftovers = new Set<() => void>()

process.on('exit', () => {
  for (const remove of leftovers) remove()
})

/** Has it removed when this process leaves, also by a signal. */
function remember(remove: () => void): void {
  if (leftovers.size === 0 && process.listenerCount('SIGTERM') === 0) {
    process.on('SIGINT', () => process.exit(130))
    process.on('SIGTERM', () => process.exit(143))
  }
  leftovers.add(remove)
}

/** On the disk that temporary files are on; disposing removes it with all that is in it. */
export function temporaryFolder(): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), 'ottla-bench-'))
  const remove = (): void => rmSync(path, { recursive: true, force: true, maxRetries: 5 })
  remember(remove)
  return {
    path,
    [Symbol.dispose]() {
      remove()
      leftovers.delete(remove)
    },
  }
}

/** Starts a program that runs until it is disposed of: by SIGTERM, and by SIGKILL where that does not help. */
export function startProcess(
  program: string,
  args: readonly string[],
  options?: StartOptions,
): StartedProcess {
  const folder = temporaryFolder()
  const log = join(folder.path, 'log')
  const output = openSync(log, 'w')
  const child = spawn(program, args, { ...options, stdio: ['ignore', output, output] })
  closeSync(output)
  const kill = (): boolean => child.kill('SIGKILL')
  remember(kill)
  let failure: Error | undefined
  child.on('error', (error) => {
    failure = error
  })
  const words = (): string => readFileSync(log, 'utf8').slice(-2000)
  return {
    pid: child.pid ?? 0,
    words,
    check() {
      if (failure !== undefined) throw failure
      if (hasEnded(child)) throw new Error(`${program} has ended: ${words()}`)
    },
    async [Symbol.asyncDispose]() {
      await end(child)
      leftovers.delete(kill)
      folder[Symbol.dispose]()
    },
  }
}

/**
 * Runs a program to its end.
 * @returns what it has written to its standard output.
 * @throws Error with what it has complained of when it fails.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  options?: StartOptions,
): Promise<string> {
  const child = spawn(program, args, {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: PROGRAM_LIMIT_MS,
  })
  const kill = (): boolean => child.kill('SIGKILL')
  remember(kill)
  let output = ''
  let complaint = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-4000)
  })
  try {
    const [code, signal] = await once(child, 'close')
    if (code !== 0)
      throw new Error(`${program} ${args.join(' ')}: ended with ${signal ?? code}: ${complaint}`)
    return output
  } finally {
    leftovers.delete(kill)
  }
}

/**
 * Waits until a broker on 127.0.0.1 names itself in an answer to a Metadata request, looking every millisecond or two.
 * @param check throws when the broker cannot answer any more.
 */
export async function firstAnswer(port: number, check: () => void, limitMs = 120_000): Promise<void> {
  const request = metadataRequest()
  const deadlineMs = performance.now() + limitMs
  for (;;) {
    check()
    if (await namesItself(port, request)) return
    if (performance.now() > deadlineMs) throw new Error(`nobody answers on port ${port}`)
    await pause(1)
  }
}

/** Loads and compiles what `firstAnswer` needs, so that the first broker that is waited for is not charged for it. */
export function prepareFirstAnswer(): void {
  metadataRequest()
}

/** @throws Error when there is no such process. */
export function processorMs(pid: number): Processor {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The program's name, in parentheses, may hold anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { userMs: Number(fields[11]) * TICK_MS, systemMs: Number(fields[12]) * TICK_MS }
}

/** @throws Error when there is no such process. */
export function memoryBytes(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const bytes = (name: string): number => {
    const [, kilobytes] = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text) ?? []
    return Number(kilobytes ?? Number.NaN) * 1024
  }
  return { residentBytes: bytes('Rss'), privateBytes: bytes('Private_Clean') + bytes('Private_Dirty') }
}

function metadataRequest(): Buffer {
  return encodeFrame(metadataApi, 1, 0, 'bench', { topics: [] })
}

/** One attempt, which ends as soon as the connection is refused or closed. */
async function namesItself(port: number, request: Buffer): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  const chunks: Buffer[] = []
  try {
    socket.write(request)
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      const answer = Buffer.concat(chunks)
      if (answer.length < 4 || answer.length < 4 + answer.readInt32BE(0)) continue
      // After the length and the correlation id.
      return metadataApi.response.read(new Reader(answer, 8), 1).brokers.length > 0
    }
    return false
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

const hasEnded = (child: ChildProcess): boolean =>
  child.pid === undefined || child.exitCode !== null || child.signalCode !== null

async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS)
  await exited
  clearTimeout(timer)
}
