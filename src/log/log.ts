/** One replica of one partition: its batches, offsets, producer state and leader epochs, over a stored log. */
import type { Clock } from '../clock.ts'
import type { LogId, LogStore } from '../storage/log-store.ts'
import type { EpochEnd } from './leader-epochs.ts'
import type { LogConfig } from './log-config.ts'
import type { ValidatedBatch } from './validate-batch.ts'

export interface LogOptions {
  readonly store: LogStore
  readonly id: LogId
  /** The leader epoch that the log is opened in: it fences whoever opened it in a lower one. */
  readonly epoch: number
  readonly clock: Clock
  /** Asked at every use, so that a changed config takes effect at once. */
  config(): LogConfig
}

/** What an append did. */
export interface AppendResult {
  readonly baseOffset: bigint
  readonly lastOffset: bigint
  /** The broker's timestamp on a LogAppendTime topic, the stored batch's latest one for a duplicate, otherwise -1. */
  readonly logAppendTimeMs: bigint
  /** The batch had been appended before (idempotence): nothing was added, and the offsets are those of then. */
  readonly duplicate: boolean
  readonly logStartOffset: bigint
  /**
   * Undefined when the batch is durable already, otherwise settles when it is; rejects with KAFKA_STORAGE_ERROR when
   * the store failed. It may be left alone: a rejection that nobody waits for is not reported as unhandled.
   */
  readonly durable: undefined | Promise<void>
}

/** A record found by its timestamp. */
export interface TimestampAndOffset {
  readonly timestamp: bigint
  readonly offset: bigint
  /** Of the batch that holds the record; -1 where it has none. */
  readonly leaderEpoch: number
}

/**
 * Opens a log and replays it: segments, time index, producer state, leader epochs.
 * @throws KafkaError KAFKA_STORAGE_ERROR when the store cannot open or read it.
 */
export function openLog(_options: LogOptions): Log | Promise<Log> {
  throw new Error('not yet')
}

/**
 * A log. Every method that changes it is one synchronous step as far as the log's own state goes; what the store
 * takes longer for is waited for through the promises returned. After a failed append the log is offline: each
 * method throws KAFKA_STORAGE_ERROR until the partition opens the log anew.
 */
export declare class Log {
  readonly id: LogId
  /** The first offset that readers may ask for. */
  get startOffset(): bigint
  /** The offset that the next record gets. */
  get endOffset(): bigint
  /** The offset behind the last record that the store holds safely; only here may the high watermark go. */
  get durableEndOffset(): bigint
  /** Whether the store has failed. */
  get offline(): boolean
  get sizeBytes(): number
  /** The leader epoch of the last record, or of the last `assignEpoch`; -1 when there was none. */
  get latestEpoch(): number

  /**
   * Checks a batch that a client produced, in Kafka's order, and makes it what will be stored (timestamps, checksum,
   * compression). It changes `records` in place, but not the log. A promise only where data has to be decompressed.
   * @param records what the request carried for this partition; `checkProducedRecords` has passed it.
   * @throws RecordValidationError for single records (KIP-467), otherwise KafkaError.
   */
  prepare(records: Buffer): ValidatedBatch | Promise<ValidatedBatch>

  /**
   * Appends a batch of a client: producer state, offsets, leader epoch, store.
   * @throws KafkaError INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER, RECORD_LIST_TOO_LARGE, KAFKA_STORAGE_ERROR.
   */
  append(batch: ValidatedBatch, leaderEpoch: number): AppendResult

  /**
   * Appends a batch that the broker itself built (coordinator records): no checks of a client's. Its offsets are
   * assigned as for a client's; the buffer belongs to the log from then on.
   */
  appendOwn(batch: Buffer, leaderEpoch: number): AppendResult

  /**
   * Whole batches from the one that holds `from` on, the first even if it is larger than `maxBytes`, up to `upTo`.
   * @throws KafkaError OFFSET_OUT_OF_RANGE below `startOffset` or above `endOffset`.
   */
  read(from: bigint, maxBytes: number, upTo: bigint): readonly Buffer[] | Promise<readonly Buffer[]>

  /** The first record whose timestamp is `timestampMs` or later, or null. The caller bounds it by its watermark. */
  offsetForTimestamp(timestampMs: bigint): TimestampAndOffset | null | Promise<TimestampAndOffset | null>
  /** The record with the greatest timestamp, the first of several (KIP-734), or null when the log is empty. */
  maxTimestampOffset(): TimestampAndOffset | null | Promise<TimestampAndOffset | null>
  /** The leader epoch of the record at `offset`, or -1. */
  epochForOffset(offset: bigint): number

  /** Notes that a leader of `epoch` writes from `startOffset` (by default the log end) on (KIP-101). */
  assignEpoch(epoch: number, startOffset?: bigint): void
  /** Where `epoch`, or the greatest one below it, ends (KIP-320): the answer of OffsetForLeaderEpoch. */
  endOffsetForEpoch(epoch: number): EpochEnd

  /**
   * Moves `startOffset` up to `offset` and drops the segments below it; nothing happens when it is there already.
   * The caller has checked the high watermark.
   */
  deleteRecordsBefore(offset: bigint): void | Promise<void>
  /** Cuts the log off at `offset`, as a follower does that diverged. Nobody appends until it is done. */
  truncateTo(offset: bigint): void | Promise<void>
  /** Forgets producers that have been idle for producer.id.expiration.ms; also happens by itself when they append. */
  expireProducers(): void
  /** Waits for what is in flight and lets go of the store's resources. */
  close(): void | Promise<void>
}
