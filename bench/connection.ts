/** A client that costs little: it sends frames that were made before, and counts what comes back without reading it. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import {
  type Complete,
  decodeAnswer,
  encodeFrame,
  type Partially,
} from '../compat-tests/differential/client.ts'
import type { Api } from '../src/wire/message.ts'

/** A request with its size in front; fields that are left out are as their definition says. */
export function frameOf<Req, Res>(api: Api<Req, Res>, version: number, request: Partially<Req>): Buffer {
  return encodeFrame(api, version, 1, 'bench', request)
}

/** The body of an answer, given without its size. */
export function bodyOf<Req, Res>(api: Api<Req, Res>, version: number, answer: Buffer): Complete<Res> {
  return decodeAnswer(api, version, answer).response
}

const SIZE_BYTES = 4

export class BenchConnection implements Disposable {
  readonly #port: number
  #socket: Socket
  #onAnswer: () => void = () => {}
  /** Set while answers are wanted whole. */
  #whole: { readonly chunks: Buffer[]; readonly done: (answer: Buffer) => void } | null = null
  #onEnd: (error: Error) => void = () => {}
  /** What is missing of the answer that is coming in; a size that came in pieces is put together here. */
  #leftBytes = 0
  readonly #size: Buffer = Buffer.alloc(SIZE_BYTES)
  #sizeBytes = 0

  private constructor(port: number, socket: Socket) {
    this.#port = port
    this.#socket = this.#listen(socket)
  }

  static async open(port: number): Promise<BenchConnection> {
    return new BenchConnection(port, await connected(port))
  }

  /** Goes on over a new connection. */
  async reconnect(): Promise<void> {
    this.close()
    this.#socket = this.#listen(await connected(this.#port))
  }

  /** Sends a request and reads its answer. */
  async request<Req, Res>(
    api: Api<Req, Res>,
    version: number,
    request: Partially<Req>,
  ): Promise<Complete<Res>> {
    return bodyOf(api, version, await this.exchange(frameOf(api, version, request)))
  }

  /** Sends a frame; gives its answer without the size. */
  exchange(frame: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#onEnd = reject
      this.#whole = {
        chunks: [],
        done: (answer) => {
          this.#whole = null
          this.#onEnd = () => {}
          resolve(answer)
        },
      }
      this.#socket.write(frame)
    })
  }

  /**
   * Sends a frame, and another one whenever an answer has come, as long as `next` gives one.
   * @param window how many wait for their answers at a time.
   * @returns how many have been answered.
   */
  drive(next: () => Buffer | null, window: number): Promise<number> {
    return new Promise((resolve, reject) => {
      let answered = 0
      let waiting = 0
      const send = (): void => {
        const frame = next()
        if (frame === null) return
        waiting++
        this.#socket.write(frame)
      }
      this.#onEnd = reject
      this.#onAnswer = () => {
        answered++
        waiting--
        send()
        if (waiting > 0) return
        this.#onAnswer = () => {}
        this.#onEnd = () => {}
        resolve(answered)
      }
      for (let count = 0; count < window; count++) send()
      if (waiting === 0) resolve(0)
    })
  }

  close(): void {
    // Its end is nothing that what comes after it has to hear of.
    this.#socket.removeAllListeners()
    this.#socket.destroy()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #listen(socket: Socket): Socket {
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('error', (error) => this.#onEnd(error))
    return socket.on('close', () => this.#onEnd(new Error('the broker has closed the connection')))
  }

  #take(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#leftBytes === 0) {
        const taken = chunk.copy(this.#size, this.#sizeBytes, at, at + SIZE_BYTES - this.#sizeBytes)
        this.#sizeBytes += taken
        at += taken
        if (this.#sizeBytes < SIZE_BYTES) return
        this.#sizeBytes = 0
        this.#leftBytes = this.#size.readInt32BE(0)
        continue
      }
      const taken = Math.min(this.#leftBytes, chunk.length - at)
      this.#whole?.chunks.push(chunk.subarray(at, at + taken))
      at += taken
      this.#leftBytes -= taken
      if (this.#leftBytes > 0) continue
      if (this.#whole === null) this.#onAnswer()
      else this.#whole.done(Buffer.concat(this.#whole.chunks))
    }
  }
}

/** How many connections are opened at a time. */
const OPENED_AT_ONCE = 50

/** Opens many connections, on each of which a frame is answered. */
export async function openAll(
  port: number,
  count: number,
  frame: Buffer,
): Promise<readonly BenchConnection[]> {
  const opened: BenchConnection[] = []
  while (opened.length < count) {
    const wanted = Math.min(OPENED_AT_ONCE, count - opened.length)
    const some = await Promise.all(Array.from({ length: wanted }, () => BenchConnection.open(port)))
    await Promise.all(some.map((connection) => connection.exchange(frame)))
    opened.push(...some)
  }
  return opened
}

const PAUSE_MS = 50
const MAX_TRIES = 600

/** Asks until the answer has no error: a coordinator that has just been made is not there at once. */
export async function retried<Res extends { readonly errorCode: number }>(
  ask: () => Promise<Res>,
): Promise<Res> {
  for (let tries = 1; ; tries++) {
    const answer = await ask()
    if (answer.errorCode === 0) return answer
    if (tries === MAX_TRIES) throw new Error(`a request is refused: error ${answer.errorCode}`)
    await pause(PAUSE_MS)
  }
}

async function connected(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  return socket
}
