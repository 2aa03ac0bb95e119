/** What a coordinator keeps its state in: one partition of an internal topic, as records with a key. */
import type { TransactionMarker } from '../log/transaction-marker.ts'
import type { VerificationGuard } from '../log/verifications.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'

/** One record of `__consumer_offsets` or `__transaction_state`; a null value is a tombstone. */
export interface CoordinatorRecord {
  readonly key: Buffer
  readonly value: Buffer | null
}

/** Whose transaction records belong to (KIP-98). */
export interface TransactionalProducer {
  readonly producerId: bigint
  readonly producerEpoch: number
}

/** A producer that wants to add to its transaction, and how its transaction coordinator was asked about it. */
export interface VerifiedProducer extends TransactionalProducer {
  /** What the partition gave when the question was begun; undefined where nobody had to be asked. */
  readonly guard?: VerificationGuard | null | undefined
}

/** What a log holds: records, and the markers that end the transactions which some of them belong to. */
export type LogEntry =
  | {
      readonly kind: 'record'
      readonly record: CoordinatorRecord
      /** Null outside transactions. */
      readonly producer: TransactionalProducer | null
    }
  | { readonly kind: 'marker'; readonly marker: EndMarker }

/** What the log keeps of a marker: the version of transactions that it was written in is not among it. */
export type EndMarker = Omit<TransactionMarker, 'transactionVersion'>

/** One partition of such a topic, led here. */
export interface CoordinatorLog {
  /**
   * Appends all of `records` in this order, or none of them. Returns when they are committed: at once, or by the
   * promise. Appends made later commit later.
   * @param producer whose transaction the records belong to.
   * @throws KafkaError at once, without a promise, when the log refuses the records (`isRefusal`): MESSAGE_TOO_LARGE
   * where they do not fit into one batch of max.message.bytes, INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE. It is then as
   * it was. After any
   * other error, also as a rejection, nothing is known of the log any more, and its coordinator reads it again.
   */
  append(records: readonly CoordinatorRecord[], producer?: VerifiedProducer): void | Promise<void>
  /**
   * Ends a transaction in this partition, also one that it has no records of.
   * @throws KafkaError as `append`; the refusals are INVALID_PRODUCER_EPOCH and TRANSACTION_COORDINATOR_FENCED.
   */
  appendMarker(marker: TransactionMarker): void | Promise<void>
  /** Everything from the first record on that is committed, as a log: tombstones and open transactions included. */
  read(): Iterable<LogEntry> | AsyncIterable<LogEntry>
}

const REFUSALS: ReadonlySet<ErrorCode> = new Set([
  ErrorCode.MESSAGE_TOO_LARGE,
  ErrorCode.RECORD_LIST_TOO_LARGE,
  ErrorCode.INVALID_PRODUCER_EPOCH,
  ErrorCode.INVALID_TXN_STATE,
  ErrorCode.TRANSACTION_COORDINATOR_FENCED,
])

/** Whether an append that threw this was refused: nothing has been written, and the log goes on. */
export function isRefusal(error: unknown): error is KafkaError {
  return error instanceof KafkaError && REFUSALS.has(error.code)
}
