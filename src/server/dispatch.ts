/** From a request's bytes to its answer's bytes: header, handler by key, version check, body, answer. */
import type { Logger } from 'pino'
import type { AnyHandler, Call } from '../handlers/handler.ts'
import { heapRoom } from '../handlers/heap-room.ts'
import type { Services } from '../handlers/services.ts'
import { ErrorCode, errorName } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { apiVersionsApi } from '../wire/messages/api-versions.ts'
import { requestHeader } from '../wire/messages/request-header.ts'
import { Reader } from '../wire/reader.ts'
import { WireError } from '../wire/wire-error.ts'
import { Writer } from '../wire/writer.ts'
import { CloseConnection } from './close-connection.ts'
import { callsWith, type MakeCall } from './request-call.ts'

/** An answer as the chunks to be written, its size in front; null where none is owed. */
export type Answer = readonly Buffer[] | null

/** What dispatch knows of the connection that a request came over. */
export interface Caller
  extends Pick<
    Call,
    'connectionId' | 'clientHost' | 'clientPort' | 'listenerName' | 'advertised' | 'signal'
  > {
  /** Name and version of the client's library, once it has told them in ApiVersions v3 or later (KIP-511). */
  clientSoftware: string | null
}

/** A request whose header and body were read, as told to `onRequest`. */
export interface RequestRecord {
  readonly apiKey: number
  readonly apiName: string
  readonly version: number
  readonly clientId: string
  readonly clientSoftware: string | null
  readonly connectionId: string
}

export interface DispatcherOptions {
  readonly handlers: readonly AnyHandler[]
  readonly services: Services
  /** Called for each request before it is answered. */
  readonly onRequest?: ((record: RequestRecord) => void) | undefined
}

/** Answers the requests of one broker. */
export class Dispatcher {
  readonly #served: readonly (Served | undefined)[]
  readonly #logger: Logger
  readonly #makeCall: MakeCall
  readonly #onRequest: ((record: RequestRecord) => void) | undefined
  /** One for all: an answer is encoded in one synchronous step. */
  readonly #writer = new Writer()

  constructor(options: DispatcherOptions) {
    this.#served = servedByKey(options.handlers)
    this.#logger = options.services.logger
    this.#makeCall = callsWith(options.services)
    this.#onRequest = options.onRequest
  }

  /**
   * Answers one request, in the same tick where its handler is synchronous.
   * @param frame the request without the four bytes of its size.
   * @throws CloseConnection (or rejects with it) when the connection is to be closed instead.
   */
  serve(frame: Buffer, caller: Caller): Answer | Promise<Answer> {
    const request = this.#read(frame, caller)
    const { handler } = request.served
    if (request.body === UNREAD) return this.#encode(request, otherVersions(request.served))
    this.#record(request, caller)
    let response: unknown
    try {
      const { fullCode } = request.served
      if (fullCode !== undefined) heapRoom.checkSmall(fullCode)
      response = handler.handle(request.body, request.call)
    } catch (error) {
      return this.#fail(request, error)
    }
    if (!(response instanceof Promise)) return this.#answer(request, response)
    return response.then(
      (settled) => this.#answer(request, settled),
      (error) => this.#fail(request, error),
    )
  }

  #read(frame: Buffer, caller: Caller): Request {
    if (frame.length < 4) throw new CloseConnection(`a request of ${frame.length} bytes has no header`)
    const key = frame.readInt16BE(0)
    const version = frame.readInt16BE(2)
    const served = key < 0 ? undefined : this.#served[key]
    if (served === undefined) throw new CloseConnection(`API key ${key} (version ${version}) is not served`)
    const { handler, min, max } = served
    const inRange = version >= min && version <= max
    if (!inRange && key !== API_VERSIONS_KEY) {
      throw new CloseConnection(
        `${handler.api.name} version ${version} is not served: versions ${min} to ${max} are`,
      )
    }
    const reader = new Reader(frame)
    let part = 'header'
    try {
      const header = requestHeader.read(reader, version >= handler.api.flexibleFrom ? 2 : 1)
      // Kafka takes a null client id for an empty one.
      const clientId = header.clientId ?? ''
      if (!inRange)
        return { served, body: UNREAD, call: this.#makeCall(caller, 0, header.correlationId, clientId) }
      part = 'body'
      // Bytes behind the body are ignored, as Kafka ignores them.
      const body = handler.api.request.read(reader, version)
      return { served, body, call: this.#makeCall(caller, version, header.correlationId, clientId) }
    } catch (error) {
      throw this.#unreadable(error, `the ${part} of ${handler.api.name} version ${version}`)
    }
  }

  /** Hostile bytes end as a WireError; anything else is a mistake of ours, and closes the connection all the same. */
  #unreadable(error: unknown, what: string): CloseConnection {
    if (!(error instanceof WireError)) this.#logger.error({ err: error }, `reading ${what} failed`)
    return new CloseConnection(`${what} does not parse: ${error instanceof Error ? error.message : error}`)
  }

  #record({ served, body, call }: Request, caller: Caller): void {
    const { key, name } = served.handler.api
    const { version, connectionId } = call
    const clientId = call.clientId ?? ''
    if (key === API_VERSIONS_KEY && version >= 3) rememberSoftware(caller, body as ClientSoftware)
    const logger = this.#logger
    if (logger.isLevelEnabled('trace'))
      logger.trace({ connectionId, clientId }, `request ${name} v${version}`)
    const { clientSoftware } = caller
    this.#onRequest?.({ apiKey: key, apiName: name, version, clientId, clientSoftware, connectionId })
  }

  #answer(request: Request, response: unknown): Answer {
    if (response === null) return null
    try {
      return this.#encode(request, response)
    } catch (error) {
      this.#writer.reset()
      return this.#fail(request, error)
    }
  }

  /** The answer to a request whose handler threw, or whose answer could not be encoded. */
  #fail(request: Request, cause: unknown): Answer {
    const { served, body, call } = request
    const { handler } = served
    const error = this.#kafkaError(request, cause)
    let response: unknown
    try {
      response = handler.fail(body, error, call)
      if (response !== null) return this.#encode(request, response)
    } catch (second) {
      this.#writer.reset()
      this.#logger.error({ err: second }, `${handler.api.name} could not answer with ${error.message}`)
      throw new CloseConnection(`${handler.api.name} version ${call.version} failed: ${error.message}`)
    }
    throw new CloseConnection(`${handler.api.name} failed and owes no answer: ${error.message}`, 'info')
  }

  #kafkaError({ served, call }: Request, cause: unknown): KafkaError {
    const what = `${served.handler.api.name} v${call.version} failed`
    const { connectionId } = call
    const logger = this.#logger
    if (cause instanceof KafkaError) {
      logger.debug({ connectionId }, `${what}: ${errorName(cause.code)}: ${cause.message}`)
      return cause
    }
    // Whoever was waiting for a connection that is gone has every right to give up.
    logger[call.signal.aborted ? 'debug' : 'error']({ err: cause, connectionId }, what)
    return new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
  }

  #encode({ served, call }: Request, response: unknown): Answer {
    const { api } = served.handler
    const { version, correlationId } = call
    const writer = this.#writer
    writer.int32(0)
    writer.int32(correlationId)
    // A client that asks for the versions cannot know yet whether the broker knows flexible headers (KIP-511).
    if (version >= api.flexibleFrom && api.key !== API_VERSIONS_KEY) writer.uvarint(0)
    api.response.write(writer, version, response)
    const sizeBytes = writer.byteLength - 4
    const chunks = writer.finish()
    chunks[0]?.writeInt32BE(sizeBytes, 0)
    return chunks
  }
}

const API_VERSIONS_KEY = apiVersionsApi.key
/** Stands for the body of an ApiVersions request in a version that is not known: Kafka does not read it. */
const UNREAD: unique symbol = Symbol('unread')
/** Longer names are not worth keeping for as long as the connection lives. */
const MAX_SOFTWARE_LENGTH = 200

interface Served {
  readonly handler: AnyHandler
  readonly min: number
  readonly max: number
  /** What a request gets that would leave something behind when the heap is full. */
  readonly fullCode: ErrorCode | undefined
}

/** The errors that make clients try again later, of the APIs that anybody may fill the heap with. */
const FULL_CODES: Readonly<Record<string, ErrorCode>> = {
  Produce: ErrorCode.KAFKA_STORAGE_ERROR,
  OffsetCommit: ErrorCode.COORDINATOR_NOT_AVAILABLE,
  JoinGroup: ErrorCode.COORDINATOR_NOT_AVAILABLE,
  InitProducerId: ErrorCode.COORDINATOR_NOT_AVAILABLE,
  AddPartitionsToTxn: ErrorCode.COORDINATOR_NOT_AVAILABLE,
  AddOffsetsToTxn: ErrorCode.COORDINATOR_NOT_AVAILABLE,
  TxnOffsetCommit: ErrorCode.COORDINATOR_NOT_AVAILABLE,
}

interface Request {
  readonly served: Served
  readonly body: unknown
  readonly call: Call
}

interface ClientSoftware {
  readonly clientSoftwareName: string
  readonly clientSoftwareVersion: string
}

/** The handlers by API key, each with the versions that can be read and that clients, if of any, are told of. */
function servedByKey(handlers: readonly AnyHandler[]): readonly (Served | undefined)[] {
  const served: (Served | undefined)[] = []
  for (const handler of handlers) {
    const { key, name, versions, advertised } = handler.api
    if (served[key] !== undefined) throw new Error(`two handlers for API key ${key} (${name})`)
    // Without a receiver of metrics Kafka serves the APIs of telemetry and advertises none of them (KIP-714).
    const [first, last] = advertised ?? versions
    const min = Math.max(versions[0], first)
    const max = Math.min(versions[1], last)
    served[key] = { handler, min, max, fullCode: FULL_CODES[name] }
  }
  return served
}

/** The answer, in version 0, to ApiVersions in another version: which versions of it there are. */
function otherVersions({ min, max }: Served): unknown {
  return {
    errorCode: ErrorCode.UNSUPPORTED_VERSION,
    apiKeys: [{ apiKey: API_VERSIONS_KEY, minVersion: min, maxVersion: max }],
  }
}

function rememberSoftware(
  caller: Caller,
  { clientSoftwareName, clientSoftwareVersion }: ClientSoftware,
): void {
  if (clientSoftwareName.length + clientSoftwareVersion.length > MAX_SOFTWARE_LENGTH) return
  caller.clientSoftware = `${clientSoftwareName}/${clientSoftwareVersion}`
}
