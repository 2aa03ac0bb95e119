/** A client that sends one request at a time, as bytes, and asks for the next answer before it goes on. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Api } from '../../src/wire/message.ts'
import { apiVersionsApi } from '../../src/wire/messages/api-versions.ts'
import { requestHeader } from '../../src/wire/messages/request-header.ts'
import { Reader } from '../../src/wire/reader.ts'
import { Writer } from '../../src/wire/writer.ts'

/** A request with its size in front. */
export function frameOf<Req>(api: Api<Req, unknown>, version: number, request: Req): Buffer {
  const writer = new Writer()
  writer.int32(0)
  const header = { requestApiKey: api.key, requestApiVersion: version, correlationId: 1, clientId: 'bench' }
  requestHeader.write(writer, version >= api.flexibleFrom ? 2 : 1, header)
  api.request.write(writer, version, request)
  const frame = writer.concat()
  frame.writeInt32BE(frame.length - 4, 0)
  return frame
}

/** The body of an answer, given without its size. */
export function bodyOf<Res>(api: Api<unknown, Res> | Api<never, Res>, version: number, answer: Buffer): Res {
  const reader = new Reader(answer, 4)
  if (version >= api.flexibleFrom && api.key !== apiVersionsApi.key) reader.skipTags()
  return api.response.read(reader, version)
}

export class RawClient implements Disposable {
  #socket: Socket
  readonly #port: number
  #chunks: Buffer[] = []
  #bytes = 0
  #arrived: ((answer: Buffer) => void) | null = null
  #failed: ((error: Error) => void) | null = null

  private constructor(socket: Socket, port: number) {
    this.#socket = this.#listen(socket)
    this.#port = port
  }

  static async connect(port: number): Promise<RawClient> {
    return new RawClient(await connected(port), port)
  }

  /** Goes on over a new connection. */
  async reconnect(): Promise<void> {
    this[Symbol.dispose]()
    this.#socket = this.#listen(await connected(this.#port))
  }

  /** Sends a frame and gives its answer, without the four bytes of its size. */
  exchange(frame: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#arrived = resolve
      this.#failed = reject
      this.#socket.write(frame)
    })
  }

  async request<Req, Res>(api: Api<Req, Res>, version: number, request: Req): Promise<Res> {
    return bodyOf(api, version, await this.exchange(frameOf(api, version, request)))
  }

  [Symbol.dispose](): void {
    this.#failed = null
    this.#socket.destroy()
  }

  #listen(socket: Socket): Socket {
    return socket
      .on('data', (chunk: Buffer) => this.#received(chunk))
      .on('close', () => this.#failed?.(new Error('the broker closed the connection')))
      .on('error', () => {})
  }

  #received(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes < 4) return
    if ((this.#chunks[0]?.length ?? 0) < 4) this.#chunks = [Buffer.concat(this.#chunks)]
    if (this.#bytes < 4 + (this.#chunks[0]?.readInt32BE(0) ?? 0)) return
    const [only] = this.#chunks
    const answer = this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks)
    this.#chunks = []
    this.#bytes = 0
    this.#arrived?.(answer.subarray(4))
  }
}

async function connected(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  return socket
}
