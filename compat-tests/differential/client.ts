/**
 * A raw client: one connection, requests of any API and version, frames of any bytes. It checks nothing and
 * retries nothing; a connection that the broker closes is one of the possible answers.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Api } from '../../src/wire/message.ts'
import { requestHeader } from '../../src/wire/messages/request-header.ts'
import { responseHeader } from '../../src/wire/messages/response-header.ts'
import { Reader } from '../../src/wire/reader.ts'
import { Writer } from '../../src/wire/writer.ts'
import { fill, type Tree } from './definitions.ts'

/** What a case writes of a request: the fields it cares about; the rest take the definition's defaults. */
export type Partially<T> = T extends Buffer | string | number | bigint | boolean | null
  ? T
  : T extends ReadonlyArray<infer Item>
    ? ReadonlyArray<Partially<Item>>
    : { readonly [K in keyof T]?: Partially<T[K]> }

/** What was read of an answer: fields that may be left out when writing are all there. */
export type Complete<T> = T extends Buffer | string | number | bigint | boolean | null
  ? T
  : T extends ReadonlyArray<infer Item>
    ? ReadonlyArray<Complete<Item>>
    : { readonly [K in keyof T]-?: Complete<Exclude<T[K], undefined>> }

/** The broker closed the connection in place of an answer. */
export class ConnectionClosed extends Error {
  constructor() {
    super('connection closed')
  }
}

interface Waiter {
  readonly resolve: (frame: Buffer) => void
  readonly reject: (error: Error) => void
}

const API_VERSIONS_KEY = 18

/** No answer may take longer: a broker that says nothing fails the case, it does not hang it. */
const ANSWER_TIMEOUT_MS = 40_000

export class Connection {
  readonly #socket: Socket
  readonly #clientId: string | null
  readonly #waiters: Waiter[] = []
  #received: Buffer = Buffer.alloc(0)
  #closed = false
  #correlationId = 0

  private constructor(socket: Socket, clientId: string | null) {
    this.#socket = socket
    this.#clientId = clientId
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('error', () => this.#end())
    socket.on('close', () => this.#end())
  }

  static async open(host: string, port: number, clientId: string | null = 'diff'): Promise<Connection> {
    const socket = connect({ host, port, noDelay: true })
    await once(socket, 'connect')
    return new Connection(socket, clientId)
  }

  /**
   * Sends one request and waits for its answer.
   * @throws ConnectionClosed
   */
  async send<Req, Res>(api: Api<Req, Res>, version: number, request: Partially<Req>): Promise<Complete<Res>> {
    const correlationId = this.write(api, version, request)
    const answer = decodeAnswer(api, version, await this.#next(`${api.name} v${version}`))
    if (answer.correlationId !== correlationId) {
      throw new Error(`${api.name}: asked with correlation id ${correlationId}, got ${answer.correlationId}`)
    }
    return answer.response
  }

  /** Sends a request whose answer nobody waits for: produce with acks=0. Returns its correlation id. */
  write<Req, Res>(api: Api<Req, Res>, version: number, request: Partially<Req>): number {
    const correlationId = this.#correlationId++
    this.writeRaw(encodeFrame(api, version, correlationId, this.#clientId, request))
    return correlationId
  }

  /** Sends bytes as they are. */
  writeRaw(bytes: Buffer): void {
    if (!this.#closed) this.#socket.write(bytes)
  }

  /**
   * Sends bytes as they are and waits for the frame that answers them, without its length.
   * @throws ConnectionClosed
   */
  async sendRaw(bytes: Buffer): Promise<Buffer> {
    this.writeRaw(bytes)
    return this.#next('raw bytes')
  }

  close(): void {
    this.#socket.destroy()
  }

  #next(asked: string): Promise<Buffer> {
    if (this.#closed) return Promise.reject(new ConnectionClosed())
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer to ${asked}`)), ANSWER_TIMEOUT_MS)
      this.#waiters.push({
        resolve: (frame) => {
          clearTimeout(timer)
          resolve(frame)
        },
        reject: (error) => {
          clearTimeout(timer)
          reject(error)
        },
      })
    })
  }

  #receive(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk])
    while (this.#received.length >= 4) {
      const end = 4 + this.#received.readInt32BE(0)
      if (this.#received.length < end) return
      const frame = this.#received.subarray(4, end)
      this.#received = this.#received.subarray(end)
      this.#waiters.shift()?.resolve(frame)
    }
  }

  #end(): void {
    this.#closed = true
    for (const waiter of this.#waiters.splice(0)) waiter.reject(new ConnectionClosed())
  }
}

/** A whole frame, its length included. */
export function encodeFrame<Req, Res>(
  api: Api<Req, Res>,
  version: number,
  correlationId: number,
  clientId: string | null,
  request: Partially<Req>,
): Buffer {
  const writer = new Writer()
  const header = { requestApiKey: api.key, requestApiVersion: version, correlationId, clientId }
  requestHeader.write(writer, version >= api.flexibleFrom ? 2 : 1, header)
  api.request.write(writer, version, fill(`${api.name}Request`, request as Tree) as Req)
  return frame(writer.concat())
}

/** Puts the length in front. */
export function frame(body: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length, 0)
  return Buffer.concat([length, body])
}

/** Reads the frame of an answer. */
export function decodeAnswer<Req, Res>(
  api: Api<Req, Res>,
  version: number,
  bytes: Buffer,
): { readonly correlationId: number; readonly response: Complete<Res> } {
  const reader = new Reader(bytes)
  const flexible = version >= api.flexibleFrom && api.key !== API_VERSIONS_KEY
  const { correlationId } = responseHeader.read(reader, flexible ? 1 : 0)
  const response = api.response.read(reader, version) as Complete<Res>
  if (reader.remaining > 0) throw new Error(`${api.name} v${version}: ${reader.remaining} bytes left over`)
  return { correlationId, response }
}
