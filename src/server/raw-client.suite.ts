/** What the tests of this folder share: a client that sends any bytes, and a broker of a few handlers of their own. */
import { connect, type Socket } from 'node:net'
import { type Logger, pino } from 'pino'
import { type Clock, seededRandom, systemClock } from '../clock.ts'
import { type AnyHandler, type Call, handler } from '../handlers/handler.ts'
import type { Services } from '../handlers/services.ts'
import { FrameCutter } from '../wire/frame.ts'
import type { Api } from '../wire/message.ts'
import { apiVersionsApi } from '../wire/messages/api-versions.ts'
import { type HeartbeatRequest, heartbeatApi } from '../wire/messages/heartbeat.ts'
import { requestHeader } from '../wire/messages/request-header.ts'
import { Reader } from '../wire/reader.ts'
import { Writer } from '../wire/writer.ts'
import { Dispatcher, type RequestRecord } from './dispatch.ts'
import { Listener, type ListenerOptions } from './listener.ts'

/** A request with its size in front. */
export function frameOf<Req>(
  api: Api<Req, unknown>,
  version: number,
  request: Req,
  correlationId = 0,
  clientId: string | null = 'raw',
): Buffer {
  const writer = new Writer()
  writer.int32(0)
  const header = { requestApiKey: api.key, requestApiVersion: version, correlationId, clientId }
  requestHeader.write(writer, version >= api.flexibleFrom ? 2 : 1, header)
  api.request.write(writer, version, request)
  const frame = writer.concat()
  frame.writeInt32BE(frame.length - 4, 0)
  return frame
}

/** Bytes with their number in front, whatever they are. */
export function sized(bytes: Buffer | string): Buffer {
  const frame = Buffer.concat([Buffer.alloc(4), Buffer.from(bytes)])
  frame.writeInt32BE(frame.length - 4, 0)
  return frame
}

/** A Heartbeat v0, whose group tells the test's handler what to do. */
export function heartbeat(groupId: string, correlationId: number, version = 0): Buffer {
  const request = { groupId, generationId: 1, memberId: 'm', groupInstanceId: null }
  return frameOf(heartbeatApi, version, request, correlationId)
}

/** Sends bytes as they are and cuts what comes back into answers. */
export class RawClient {
  readonly socket: Socket
  /** Set once the server has ended its side or the connection is gone. */
  ended = false
  /** The error that the connection ended with. */
  error: string | null = null
  readonly #frames = new FrameCutter(2 ** 31 - 1)
  readonly #answers: Buffer[] = []
  #wake: () => void = () => {}

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#frames.push(chunk)
      for (let frame = this.#frames.next(); frame !== null; frame = this.#frames.next())
        this.#answers.push(frame)
      this.#wake()
    })
    const end = (): void => {
      this.ended = true
      this.#wake()
    }
    socket.on('end', end).on('close', end)
    socket.on('error', (error) => {
      this.error = 'code' in error ? String(error.code) : error.message
    })
  }

  static connect(port: number, host = '127.0.0.1'): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host, allowHalfOpen: true, noDelay: true })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new RawClient(socket))
      })
    })
  }

  send(bytes: Buffer): void {
    this.socket.write(bytes)
  }

  /** The next answer without its size; null when the server closed instead. */
  async answer(): Promise<Buffer | null> {
    while (this.#answers.length === 0 && !this.ended) await this.#more()
    return this.#answers.shift() ?? null
  }

  /** The correlation ids of the next `count` answers, or of fewer when the server closes before. */
  async correlationIds(count: number): Promise<number[]> {
    const ids: number[] = []
    while (ids.length < count) {
      const answer = await this.answer()
      if (answer === null) break
      ids.push(answer.readInt32BE(0))
    }
    return ids
  }

  /** Resolves when the server has closed its side; gives how many answers were left. */
  async closed(): Promise<number> {
    while (!this.ended) await this.#more()
    this.socket.destroy()
    return this.#answers.length
  }

  /** Sends a request and reads its answer. */
  async request<Req, Res>(api: Api<Req, Res>, version: number, request: Req): Promise<Res> {
    this.send(frameOf(api, version, request, 77))
    const answer = await this.answer()
    if (answer === null) throw new Error(`${api.name}: the connection was closed`)
    const reader = new Reader(answer, 4)
    if (version >= api.flexibleFrom && api.key !== apiVersionsApi.key) reader.skipTags()
    return api.response.read(reader, version)
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}

/** A value that arrives later. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
}

export function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

/** What a test's broker saw: what it logged, which requests, which calls. */
export interface Seen {
  readonly lines: { readonly level: number; readonly msg: string }[]
  readonly requests: RequestRecord[]
  readonly calls: Call[]
}

/** How the test's Heartbeat handler answers, by the group's name; NONE where there is no entry. */
export type Behaviour = (request: HeartbeatRequest, call: Call) => number | null | Promise<number | null>

export interface TestBroker {
  readonly listener: Listener
  readonly dispatcher: Dispatcher
  readonly seen: Seen
  connect(host?: string): Promise<RawClient>
}

export interface TestBrokerOptions extends Partial<Omit<ListenerOptions, 'dispatcher' | 'logger'>> {
  readonly behaviours?: Readonly<Record<string, Behaviour>>
  readonly handlers?: readonly AnyHandler[]
}

/** A listener on a free port before ApiVersions and Heartbeat handlers of the test's own. */
export async function startTestBroker(options: TestBrokerOptions = {}): Promise<TestBroker> {
  const seen: Seen = { lines: [], requests: [], calls: [] }
  const logger = capturingLogger(seen)
  const clock = options.clock ?? systemClock
  const dispatcher = new Dispatcher({
    handlers: [...testHandlers(options.behaviours ?? {}, seen), ...(options.handlers ?? [])],
    services: testServices(clock, logger),
    onRequest: (record) => seen.requests.push(record),
  })
  const listener = new Listener({
    name: 'PLAINTEXT',
    port: 0,
    advertised: null,
    maxRequestBytes: 100 * 1024 * 1024,
    maxIdleMs: 600_000,
    ...options,
    clock,
    logger,
    dispatcher,
  })
  await listener.listen()
  return { listener, dispatcher, seen, connect: (host) => RawClient.connect(listener.port, host) }
}

function capturingLogger(seen: Seen): Logger {
  return pino({ level: 'debug' }, { write: (line: string) => void seen.lines.push(JSON.parse(line)) })
}

/** Just what the handlers of these tests need. */
function testServices(clock: Clock, logger: Logger): Services {
  return { clock, logger, random: seededRandom(1) } as Services
}

function testHandlers(behaviours: Readonly<Record<string, Behaviour>>, seen: Seen): readonly AnyHandler[] {
  return [
    handler(apiVersionsApi, {
      handle: () => ({
        errorCode: 0,
        apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }],
        throttleTimeMs: 0,
      }),
      fail: (_request, error) => ({ errorCode: error.code, apiKeys: [], throttleTimeMs: 0 }),
    }),
    handler(heartbeatApi, {
      handle(request, call) {
        seen.calls.push(call)
        const code = (behaviours[request.groupId] ?? none)(request, call)
        return code instanceof Promise ? code.then(toHeartbeat) : toHeartbeat(code)
      },
      fail: (request, error) => (request.groupId === 'no answer' ? null : toHeartbeat(error.code)),
    }),
  ]
}

function toHeartbeat(errorCode: number): { throttleTimeMs: number; errorCode: number }
function toHeartbeat(errorCode: number | null): { throttleTimeMs: number; errorCode: number } | null
function toHeartbeat(errorCode: number | null): { throttleTimeMs: number; errorCode: number } | null {
  return errorCode === null ? null : { throttleTimeMs: 0, errorCode }
}

const none: Behaviour = () => 0
