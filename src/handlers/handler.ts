/** What a handler is: one API, one file, one object. The list of them all is `index.ts` beside this file. */
import type { KafkaError } from '../wire/kafka-error.ts'
import type { Api } from '../wire/message.ts'
import type { Services } from './services.ts'

/** The network address that one listener is known by, as clients are told. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** One request being answered: everything of it that is not in its body, and the services it may use. */
export interface Call extends Services {
  readonly version: number
  readonly correlationId: number
  readonly clientId: string | null
  /** The client's address, as Kafka prints it in group descriptions: `/127.0.0.1`. */
  readonly clientHost: string
  readonly clientPort: number
  /** `name/version` of the client's library, once it has told them in ApiVersions v3 or later (KIP-511). */
  readonly clientSoftware: string | null
  /** Identifies the connection for as long as it lives. */
  readonly connectionId: string
  readonly listenerName: string
  /** What this listener tells its clients to connect to, for the broker they are speaking to. */
  readonly advertised: Endpoint
  /** Aborted when the connection goes away or the broker stops: nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

/** Answers one API. `null` means that no answer is owed (Produce with acks=0). */
export interface Handler<Req, Res> {
  readonly api: Api<Req, Res>
  handle(request: Req, call: Call): Res | null | Promise<Res | null>
  /**
   * The answer in which this API carries an error that concerns the whole request: what Kafka's own
   * `getErrorResponse` builds. Called when `handle` throws; any error that is no KafkaError arrives as
   * UNKNOWN_SERVER_ERROR and has been logged. `null` closes the connection (Produce with acks=0).
   */
  fail(request: Req, error: KafkaError, call: Call): Res | null
}

/** A handler whose request and response types are no longer known: an entry of the list. */
// biome-ignore lint/suspicious/noExplicitAny: a list of handlers has no common request type, and dispatch pairs each with its own codec
export type AnyHandler = Handler<any, any>

/** Makes a handler from an API and the two functions that answer it. */
export function handler<Req, Res>(
  api: Api<Req, Res>,
  answers: Pick<Handler<Req, Res>, 'handle' | 'fail'>,
): Handler<Req, Res> {
  return { api, ...answers }
}
