/** Sends mutated requests through dispatch and watches for everything that must not happen. */
import { writeFileSync } from 'node:fs'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Logger, pino } from 'pino'
import { CloseConnection } from '../close-connection.ts'
import type { Answer, Caller, Dispatcher } from '../dispatch.ts'
import { Chance } from './chance.suite.ts'
import { mutate } from './mutate.suite.ts'

export interface FuzzOptions {
  /** What is under test. */
  readonly target: Pick<Dispatcher, 'serve'>
  /** What the target's logger saw, at level error: each line is a finding. */
  readonly errors: ErrorLines
  /** Valid requests, without their size. */
  readonly frames: readonly Buffer[]
  readonly count: number
  readonly seed: number
  /** A frame that takes longer does so because of a length that nobody checked. Loaded machines are slow, too: 5,000. */
  readonly slowMs?: number
  /** Where each frame is written to, in hex, before it is sent: for when nobody is left to tell which one it was. */
  readonly traceFile?: string | undefined
  /** Enough is enough: 20. */
  readonly maxFindings?: number
  /** Lets everything that waits for time come to its end, by moving a ManualClock. */
  readonly elapse: () => Promise<void>
}

/** Something that must not happen, with the frame that makes it happen. */
export interface Finding {
  readonly what: 'thrown' | 'logged' | 'answer' | 'hung' | 'slow' | 'memory'
  readonly detail: string
  /** The frame in hex, without its size; of a large one only the beginning. */
  readonly frame: string
}

export interface FuzzReport {
  answered: number
  unanswered: number
  closed: number
  waited: number
  readonly findings: Finding[]
}

/** A logger for the target of a fuzz run, and what it said at level error. */
export class ErrorLines {
  readonly logger: Logger
  #lines: string[] = []

  constructor() {
    const write = (line: string): void => {
      const { msg, err } = JSON.parse(line)
      this.#lines.push(err === undefined ? msg : `${msg}: ${err.stack}`)
    }
    this.logger = pino({ level: 'error' }, { write })
  }

  /** The lines since the last call. */
  take(): readonly string[] {
    if (this.#lines.length === 0) return this.#lines
    const lines = this.#lines
    this.#lines = []
    return lines
  }
}

/** No frame may make so many bytes appear. */
const MAX_GROWTH_BYTES = 96 * 1024 * 1024
/** So many frames share a connection, and what they left waiting is looked after then. */
const FRAMES_PER_CONNECTION = 500

/** Runs `count` mutated frames through the target. */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const { frames, count, seed, maxFindings = 20 } = options
  const chance = new Chance(seed)
  const report: FuzzReport = { answered: 0, unanswered: 0, closed: 0, waited: 0, findings: [] }
  const enough = (): boolean => report.findings.length >= maxFindings
  for (let sent = 0; sent < count && !enough(); sent += FRAMES_PER_CONNECTION) {
    const connection = new FuzzConnection(options, report)
    const last = Math.min(count, sent + FRAMES_PER_CONNECTION)
    for (let index = sent; index < last && !enough(); index++) {
      connection.send(mutate(frames[index % frames.length] as Buffer, chance.pick(frames), chance))
    }
    await connection.close()
  }
  return report
}

/** Stands for a client's connection that lasts for a few hundred frames, whatever comes back. */
class FuzzConnection implements Caller {
  readonly connectionId = 'fuzz'
  readonly clientHost = '/127.0.0.1'
  readonly clientPort = 40_000
  readonly listenerName = 'PLAINTEXT'
  readonly advertised = { host: '127.0.0.1', port: 9092 }
  readonly signal: AbortSignal
  clientSoftware: string | null = null
  readonly #abort = new AbortController()
  readonly #options: FuzzOptions
  readonly #report: FuzzReport
  readonly #waiting = new Set<Buffer>()
  /** As of the frame before, since asking takes as long as many a frame. */
  #allocatedBytes = allocated()

  constructor(options: FuzzOptions, report: FuzzReport) {
    this.signal = this.#abort.signal
    this.#options = options
    this.#report = report
  }

  send(frame: Buffer): void {
    const { traceFile } = this.#options
    if (traceFile !== undefined) writeFileSync(traceFile, frame.toString('hex'))
    const startedMs = performance.now()
    try {
      const answer = this.#options.target.serve(frame, this)
      if (answer instanceof Promise) this.#wait(frame, answer)
      else this.#answered(frame, answer)
    } catch (error) {
      this.#closed(frame, error)
    }
    const tookMs = performance.now() - startedMs
    if (tookMs > (this.#options.slowMs ?? 5_000)) this.#find('slow', `${Math.round(tookMs)} ms`, frame)
    const allocatedBytes = allocated()
    const grownBytes = allocatedBytes - this.#allocatedBytes
    this.#allocatedBytes = allocatedBytes
    if (grownBytes > MAX_GROWTH_BYTES) this.#find('memory', `${grownBytes} bytes`, frame)
    for (const line of this.#options.errors.take()) this.#find('logged', line, frame)
  }

  /** The client goes away: nothing that it asked for may be waited for any longer. */
  async close(): Promise<void> {
    this.#abort.abort()
    await turn()
    if (this.#waiting.size > 0) await this.#options.elapse()
    await turn()
    for (const frame of this.#waiting) this.#find('hung', 'not settled when the client had gone', frame)
    for (const line of this.#options.errors.take()) this.#find('logged', line, EMPTY)
  }

  #wait(frame: Buffer, answer: Promise<Answer>): void {
    this.#report.waited++
    this.#waiting.add(frame)
    answer.then(
      (settled) => {
        this.#waiting.delete(frame)
        this.#answered(frame, settled)
      },
      (error) => {
        this.#waiting.delete(frame)
        this.#closed(frame, error)
      },
    )
  }

  /** An answer is whole, and to the request that was sent. */
  #answered(frame: Buffer, answer: Answer): void {
    if (answer === null) {
      this.#report.unanswered++
      return
    }
    this.#report.answered++
    let bytes = 0
    for (const chunk of answer) bytes += chunk.length
    // The first chunk may end anywhere.
    const head = Buffer.concat(answer.slice(0, 2), Math.min(bytes, 8))
    const size = head.readInt32BE(0)
    if (size !== bytes - 4) this.#find('answer', `size ${size} before ${bytes - 4} bytes`, frame)
    const correlationId = head.readInt32BE(4)
    if (correlationId !== frame.readInt32BE(4)) this.#find('answer', `correlation id ${correlationId}`, frame)
  }

  #closed(frame: Buffer, error: unknown): void {
    this.#report.closed++
    if (error instanceof CloseConnection) return
    this.#find('thrown', error instanceof Error ? (error.stack ?? error.message) : String(error), frame)
  }

  #find(what: Finding['what'], detail: string, frame: Buffer): void {
    this.#report.findings.push({ what, detail, frame: frame.toString('hex', 0, 2_000) })
  }
}

const EMPTY = Buffer.alloc(0)

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** What is allocated now, collectable or not. */
function allocated(): number {
  const { used_heap_size: heapBytes, external_memory: externalBytes } = getHeapStatistics()
  return heapBytes + externalBytes
}

/** What is in use after everything that is not has been collected: the heap, and the buffers outside it. */
export function usedBytes(): number {
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')
