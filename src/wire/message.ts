/** How the generated messages are described: what `messages/*.ts` exports and everything else consumes. */
import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

/** Reads and writes one structure in every version of it that Kafka defines. */
export interface Message<T> {
  /** @throws WireError when the bytes are not this structure in this version. */
  read(reader: Reader, version: number): T
  write(writer: Writer, version: number, value: T): void
}

/** A structure that is no request or response: a record's key or value, a consumer's subscription. */
export interface DataMessage<T> extends Message<T> {
  readonly name: string
  /** First and last version that can be read and written. */
  readonly versions: readonly [min: number, max: number]
  /** The first flexible version (KIP-482); `NEVER_FLEXIBLE` where there is none. */
  readonly flexibleFrom: number
}

/** The key of a record in an internal topic: its type is the version that precedes its bytes. */
export interface RecordMessage<K, V> {
  readonly type: number
  readonly key: DataMessage<K>
  readonly value: DataMessage<V>
}

/** One API of the Kafka protocol. */
export interface Api<Req, Res> {
  readonly key: number
  readonly name: string
  /** First and last version that the generated code reads and writes. */
  readonly versions: readonly [min: number, max: number]
  /** What Apache Kafka 4.3.1 advertises in ApiVersions, or null where a client is told nothing of this API. */
  readonly advertised: readonly [min: number, max: number] | null
  /** The first flexible version (KIP-482); `NEVER_FLEXIBLE` where there is none. */
  readonly flexibleFrom: number
  readonly request: Message<Req>
  readonly response: Message<Res>
}

/** Above every version that an int16 can name. */
export const NEVER_FLEXIBLE = 0x8000
