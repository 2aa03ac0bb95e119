/** One client's connection: a plain loop that reads a frame, answers it and reads the next. */
import type { Socket } from 'node:net'
import type { Logger } from 'pino'
import type { Clock, Timer } from '../clock.ts'
import type { Endpoint } from '../handlers/handler.ts'
import type { UnsentAnswers } from '../handlers/unsent-answers.ts'
import { FrameCutter, FrameError } from '../wire/frame.ts'
import { giveBack, isLent } from '../wire/lent-memory.ts'
import { produceApi } from '../wire/messages/produce.ts'
import { CloseConnection } from './close-connection.ts'
import { type Intake, readDirectly } from './direct-reads.ts'
import type { Answer, Caller } from './dispatch.ts'
import { foreignProtocolHint } from './foreign-protocol.ts'
import type { IdleConnections } from './idle-connections.ts'
import type { RequestClaim, RequestMemory } from './request-memory.ts'

export interface ConnectionOptions {
  /** Answers one frame, as `Dispatcher.serve` does. */
  readonly serve: (frame: Buffer, caller: Caller) => Answer | Promise<Answer>
  readonly clock: Clock
  readonly logger: Logger
  /** Where the connection stands whenever it is not at work. */
  readonly idle: IdleConnections<Connection>
  /** socket.request.max.bytes. */
  readonly maxRequestBytes: number
  /** What requests of all connections may take. */
  readonly requestMemory: RequestMemory
  /** Where answers are counted that the client does not take. */
  readonly unsent: UnsentAnswers
  readonly connectionId: string
  /** The client's address as Kafka prints it. */
  readonly clientHost: string
  readonly clientPort: number
  /** The client's address and port, for the log. */
  readonly client: string
  readonly listenerName: string
  /** What the listener tells this client to connect to. */
  readonly advertised: Endpoint
  /** Called once, when the socket is closed. */
  readonly onClosed: (connection: Connection) => void
}

/** So much may have arrived while an answer is waited for; beyond it the socket is not read. */
const READ_AHEAD_BYTES = 64 * 1024
/** So many bytes of answers are gathered for one write. */
const GATHERED_BYTES = 64 * 1024
/** How long each answer is waited for when the client has said that it will send nothing more. */
const HALF_OPEN_GRACE_MS = 5_000

/**
 * Serves requests one at a time and answers in their order; requests may be pipelined. While an answer is waited for or
 * the client does not read its answers, no further request is served and soon the socket is not read either, so
 * that a connection holds at most a request being read, some read-ahead, and the answers of one go.
 */
export class Connection implements Caller, Intake {
  readonly connectionId: string
  readonly clientHost: string
  readonly clientPort: number
  readonly listenerName: string
  readonly advertised: Endpoint
  /** Aborted when the client has gone or will send nothing more, and when the broker stops. */
  readonly signal: AbortSignal
  clientSoftware: string | null = null

  readonly #options: ConnectionOptions
  readonly #socket: Socket
  readonly #frames: FrameCutter
  readonly #claim: RequestClaim
  readonly #abort = new AbortController()
  /** A handler is at work whose answer is still to come. */
  #serving = false
  /** Answers that the client did not take yet wait to be written. */
  #draining = false
  /** No more requests will be read: the client ended its side, or the broker stops. */
  #lastRequests = false
  /** Our side was ended: whatever still arrives is thrown away. */
  #finished = false
  #graceTimer: Timer | null = null

  /** @param accepted nothing has been read of it yet; it may be given up for another one. */
  constructor(accepted: Socket, options: ConnectionOptions) {
    this.#options = options
    this.#claim = options.requestMemory.claim(() => this.#arrived())
    this.#frames = new FrameCutter(options.maxRequestBytes, (sizeBytes) => this.#claim.begin(sizeBytes))
    this.signal = this.#abort.signal
    this.connectionId = options.connectionId
    this.clientHost = options.clientHost
    this.clientPort = options.clientPort
    this.listenerName = options.listenerName
    this.advertised = options.advertised
    const socket = readDirectly(accepted, this)
    this.#socket = socket
    socket.on('end', () => this.#ended())
    socket.on('drain', () => this.#drained())
    socket.on('error', (error) => this.#log('debug', `${error.message}`))
    socket.on('close', () => this.#closed())
    options.idle.add(this)
  }

  /** Finishes what has arrived already, waits for no more than that, and closes. */
  stop(): void {
    // What is written while the process ends on its own still has to arrive.
    this.#socket.ref()
    this.#lastRequests = true
    this.#abort.abort()
    if (this.#serving || this.#draining) return
    // With nothing under way the client cannot lose an answer.
    this.#finished = true
    this.#socket.destroySoon()
  }

  /** Closes at once, with a reason for the log. */
  destroy(reason: string): void {
    this.#log('debug', reason)
    this.#socket.destroy()
  }

  room(): Buffer | null {
    return this.#frames.room()
  }

  received(chunk: Buffer): void {
    if (!this.#takesIn()) return
    this.#frames.push(chunk)
    this.#arrived()
    if (!this.#finished) this.#frames.settle()
  }

  filled(bytes: number): void {
    if (!this.#takesIn()) return
    this.#frames.filled(bytes)
    // Most reads only bring a part of a large frame.
    if (this.#frames.room() === null) this.#arrived()
    else if (this.#serving || this.#draining) this.#holdBack()
  }

  /** When the broker stops, what has not been read yet is not taken in any more. */
  #takesIn(): boolean {
    if (this.#finished) return false
    if (!this.#abort.signal.aborted) return true
    this.#arrived()
    return false
  }

  #arrived(): void {
    if (this.#serving || this.#draining) this.#holdBack()
    else this.#work(null)
  }

  #ended(): void {
    if (this.#finished) return
    this.#lastRequests = true
    // The client may have gone altogether, so nobody waits long for it, but it may as well only have ended its side.
    this.#abort.abort()
    if (this.#serving) this.#startGrace()
    else if (!this.#draining) this.#work(null)
  }

  #drained(): void {
    if (!this.#draining) return
    this.#draining = false
    this.#options.unsent.remove(this)
    if (!this.#serving) this.#work(null)
  }

  #closed(): void {
    this.#finished = true
    this.#graceTimer?.cancel()
    this.#abort.abort()
    this.#claim.end()
    this.#options.unsent.remove(this)
    this.#options.idle.remove(this)
    this.#options.onClosed(this)
  }

  /** Writes an answer and serves whole frames for as long as each is answered at once and the client takes the answers. */
  #work(answer: Answer): void {
    const socket = this.#socket
    socket.cork()
    try {
      this.#write(answer)
      while (!this.#serving && !this.#draining && !this.#finished) {
        const frame = this.#frames.next()
        if (frame === null) {
          this.#claim.check()
          break
        }
        this.#serve(frame)
      }
    } catch (error) {
      this.#fail(error)
    }
    socket.uncork()
    this.#rest()
  }

  #serve(frame: Buffer): void {
    const claim = this.#claim
    const claimedBytes = claim.handOver()
    let served: Answer | Promise<Answer> = null
    try {
      served = this.#options.serve(frame, this)
      if (!(served instanceof Promise)) this.#write(served)
    } finally {
      // Behind its answer: what has waited for the memory may be answered in the middle of this.
      if (!(served instanceof Promise)) this.#served(frame, claimedBytes)
    }
    if (served instanceof Promise) this.#wait(served, frame, claimedBytes)
  }

  /** The request is over. Of a Produce it is known who goes on looking at it: they have said `keep`. */
  #served(frame: Buffer, claimedBytes: number): void {
    this.#claim.giveBack(claimedBytes)
    if (isLent(frame) && frame.readInt16BE(0) === produceApi.key) giveBack(frame)
  }

  #wait(served: Promise<Answer>, frame: Buffer, claimedBytes: number): void {
    this.#serving = true
    if (this.#lastRequests) this.#startGrace()
    served.then(
      (answer) => {
        this.#settled(frame, claimedBytes)
        this.#work(answer)
      },
      (error) => {
        this.#settled(frame, claimedBytes)
        this.#fail(error)
        this.#rest()
      },
    )
  }

  #settled(frame: Buffer, claimedBytes: number): void {
    // While it still counts as being served, so that what has waited for its memory is not answered before it.
    this.#served(frame, claimedBytes)
    this.#serving = false
    this.#graceTimer?.cancel()
    this.#graceTimer = null
  }

  #startGrace(): void {
    this.#graceTimer?.cancel()
    this.#graceTimer = this.#options.clock.schedule(HALF_OPEN_GRACE_MS, () =>
      this.destroy(`no answer within ${HALF_OPEN_GRACE_MS} ms to a client that has ended its side`),
    )
  }

  #write(answer: Answer): void {
    const socket = this.#socket
    if (answer === null || this.#finished || socket.destroyed) return
    const last = answer.length - 1
    // What a log read comes behind a part of the answer's own.
    const sent = last > 0 ? whenSent(answer) : undefined
    for (let at = 0; at <= last; at++) socket.write(answer[at] as Buffer, at === last ? sent : undefined)
    if (socket.writableLength < GATHERED_BYTES) return
    socket.uncork()
    socket.cork()
    // What the kernel did not take stays here until the client reads: 'drain' tells.
    this.#draining = socket.writableLength >= socket.writableHighWaterMark
    if (this.#draining) this.#options.unsent.add(this, socket.writableLength)
  }

  /** What follows when all that can be done now is done. */
  #rest(): void {
    const { idle } = this.#options
    if (this.#socket.destroyed) return
    if (this.#serving) idle.remove(this)
    else idle.add(this)
    if (this.#finished) return
    if (this.#serving || this.#draining) this.#holdBack()
    else if (this.#lastRequests) this.#finish()
    else if (this.#claim.waiting) this.#holdBack()
    else if (this.#socket.isPaused()) this.#socket.resume()
  }

  #holdBack(): void {
    if (this.#frames.bufferedBytes >= READ_AHEAD_BYTES && !this.#socket.isPaused()) this.#socket.pause()
  }

  /**
   * Ends our side once the answers are written. The socket goes on reading, and throws away, until the client has ended
   * its side too: closing a socket with unread bytes would make the kernel reset the connection and drop answers on
   * their way.
   */
  #finish(): void {
    this.#finished = true
    this.#claim.end()
    if (this.#frames.bufferedBytes > 0) {
      this.#log('debug', `${this.#frames.bufferedBytes} bytes of a request that was cut off are dropped`)
    }
    this.#socket.resume()
    this.#socket.end()
  }

  /** Closes the connection, after the answers to earlier requests. */
  #fail(error: unknown): void {
    if (error instanceof CloseConnection) this.#log(error.level, error.message)
    else if (error instanceof FrameError) {
      const hint = foreignProtocolHint(error.sizeBytes)
      this.#log('warn', hint === null ? error.message : `${error.message}; ${hint}`)
    } else
      this.#options.logger.error({ err: error, connectionId: this.connectionId }, 'serving a request failed')
    this.#finished = true
    this.#claim.end()
    this.#abort.abort()
    if (!this.#socket.destroyed) this.#socket.destroySoon()
  }

  #log(level: 'debug' | 'info' | 'warn', reason: string): void {
    const { logger, client, listenerName, connectionId } = this.#options
    logger[level]({ connectionId }, `connection from ${client} to ${listenerName} closed: ${reason}`)
  }
}

/** What a log read for an answer alone goes back when the kernel has taken it; after an error it is just garbage. */
function whenSent(answer: readonly Buffer[]): ((error?: Error | null) => void) | undefined {
  const lent = answer.filter(isLent)
  if (lent.length === 0) return undefined
  return (error) => {
    if (error === undefined || error === null) for (const chunk of lent) giveBack(chunk)
  }
}
