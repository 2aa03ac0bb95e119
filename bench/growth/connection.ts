/** A client that costs little: it sends frames that were made before, and counts what comes back without reading it. */
import { connect, type Socket } from 'node:net'
import type { Api } from '../../src/wire/message.ts'
import { requestHeader } from '../../src/wire/messages/request-header.ts'
import { Reader } from '../../src/wire/reader.ts'
import { Writer } from '../../src/wire/writer.ts'

/** A request with its size in front. */
export function frameOf<Req>(api: Api<Req, unknown>, version: number, request: Req): Buffer {
  const writer = new Writer()
  writer.int32(0)
  const header = {
    requestApiKey: api.key,
    requestApiVersion: version,
    correlationId: 1,
    clientId: 'growth',
  }
  requestHeader.write(writer, version >= api.flexibleFrom ? 2 : 1, header)
  api.request.write(writer, version, request)
  const frame = writer.concat()
  frame.writeInt32BE(frame.length - 4, 0)
  return frame
}

const SIZE_BYTES = 4
const CORRELATION_ID_BYTES = 4

export class BenchConnection {
  readonly #socket: Socket
  #onAnswer: () => void = () => {}
  /** Set while answers are wanted whole. */
  #whole: { readonly chunks: Buffer[]; readonly done: (answer: Buffer) => void } | null = null
  #onEnd: (error: Error) => void = () => {}
  /** What is missing of the answer that is coming in; a size that came in pieces is put together here. */
  #leftBytes = 0
  readonly #size: Buffer = Buffer.alloc(SIZE_BYTES)
  #sizeBytes = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('error', (error) => this.#onEnd(error))
    socket.on('close', () => this.#onEnd(new Error('the broker has closed the connection')))
  }

  static open(port: number): Promise<BenchConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new BenchConnection(socket))
      })
    })
  }

  /** Sends a request and reads its answer. */
  request<Req, Res>(api: Api<Req, Res>, version: number, request: Req): Promise<Res> {
    return this.exchange(frameOf(api, version, request)).then((answer) => {
      const reader = new Reader(answer, CORRELATION_ID_BYTES)
      if (version >= api.flexibleFrom) reader.skipTags()
      return api.response.read(reader, version)
    })
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
    this.#onEnd = () => {}
    this.#socket.destroy()
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
