/** A partition on the broker that leads it: its log, its high watermark, and who waits for either to move. */

import type { AppendResult } from '../log/append-result.ts'
import type { CleanableRange } from '../log/cleanable-range.ts'
import type { EpochEnd } from '../log/leader-epochs.ts'
import type { Log } from '../log/log.ts'
import type { CompactionLimits, CompactionResult, Deletion, LogCleaning } from '../log/log-cleaning.ts'
import type { ActiveProducer } from '../log/producer-state.ts'
import type { TimestampAndOffset } from '../log/timestamp-search.ts'
import { type AbortedTransaction, MARKER_BYTES, type TransactionMarker } from '../log/transaction-marker.ts'
import type { ValidatedBatch } from '../log/validate-batch.ts'
import type { VerificationGuard } from '../log/verifications.ts'
import type { PartitionRegistration } from '../metadata/metadata.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { lookUpOffset } from './offset-lookup.ts'

/** Which records a reader sees: `isolation_level` of Fetch and ListOffsets. */
export const Isolation = { READ_UNCOMMITTED: 0, READ_COMMITTED: 1 } as const

/** Where a fetch reads on, and what its sender knows of the log. */
export interface FetchPosition {
  readonly offset: bigint
  readonly maxBytes: number
  /** The epoch in which the sender believes the leader to be (KIP-320); -1 for unknown. */
  readonly currentLeaderEpoch: number
  /** The epoch of the last record that the sender has (KIP-595); -1 for unknown. */
  readonly lastFetchedEpoch: number
}

/** What a fetch gets of one partition. */
export interface PartitionRead {
  /** Whole batches, as they are stored: views. */
  readonly records: readonly Buffer[]
  readonly sizeBytes: number
  readonly highWatermark: bigint
  readonly lastStableOffset: bigint
  readonly logStartOffset: bigint
  /** Where the sender's log and this one part, if they do. */
  readonly divergingEpoch: { readonly epoch: number; readonly endOffset: bigint } | null
  /** Set for a reader of committed records only. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null
}

type MutableRead = { -readonly [K in keyof PartitionRead]: PartitionRead[K] }

/** Hears of each change that a waiting fetch may have to answer. */
export interface PartitionWatcher {
  /**
   * @param bytes how many more can be read; 0 when it is another change: log start, leader, deletion.
   * @param committedBytes how many more those can read at most who read committed records only.
   */
  partitionChanged(bytes: number, committedBytes: number): void
}

export class Partition {
  readonly topic: string
  readonly topicId: string
  readonly index: number
  #log: Log
  #registration: PartitionRegistration
  #highWatermark: bigint
  /** How many bytes there are at most from the last stable offset to the high watermark. */
  #unstableBytes = 0
  #watchers: Set<PartitionWatcher> | undefined
  #deleted = false
  readonly #onMissed: () => void

  /** @param onMissed called when somebody asks for something while the log is offline: it may `reopen` at once. */
  constructor(
    topic: { readonly name: string; readonly id: string },
    registration: PartitionRegistration,
    log: Log,
    onMissed: () => void = () => {},
  ) {
    this.topic = topic.name
    this.topicId = topic.id
    this.index = registration.index
    this.#registration = registration
    this.#onMissed = onMissed
    this.#log = log
    this.#highWatermark = this.#adopt(log)
  }

  get leader(): number {
    return this.#registration.leader
  }

  get leaderEpoch(): number {
    return this.#registration.leaderEpoch
  }

  /** The first offset that readers may ask for. */
  get logStartOffset(): bigint {
    return this.#log.startOffset
  }

  /** The offset that the next record gets. */
  get logEndOffset(): bigint {
    return this.#log.endOffset
  }

  /** The first offset that readers do not get yet. */
  get highWatermark(): bigint {
    return this.#highWatermark
  }

  /** The first offset that readers of committed records do not get yet. */
  get lastStableOffset(): bigint {
    const firstUnstable = this.#log.firstUnstableOffset
    return firstUnstable !== null && firstUnstable < this.#highWatermark ? firstUnstable : this.#highWatermark
  }

  get sizeBytes(): number {
    return this.#log.sizeBytes
  }

  /** The largest batch that the topic takes: max.message.bytes. */
  get maxMessageBytes(): number {
    return this.#log.maxMessageBytes
  }

  /** Whether the topic is gone, or the broker has closed. */
  get deleted(): boolean {
    return this.#deleted
  }

  /** Checks a produced batch; see `Log.prepare`. */
  prepare(records: Buffer): ValidatedBatch | Promise<ValidatedBatch> {
    return this.#log.prepare(records)
  }

  /** See `Log.hasOngoingTransaction`. */
  hasOngoingTransaction(producerId: bigint, producerEpoch: number): boolean {
    return this.#log.hasOngoingTransaction(producerId, producerEpoch)
  }

  /** Begins to ask whether a transactional batch belongs to an ongoing transaction; see `Log.startVerification`. */
  startVerification(records: Buffer, supportsEpochBump: boolean): VerificationGuard | null {
    this.#checkLed()
    return this.#log.startVerification(records, supportsEpochBump)
  }

  /** Appends a batch that has been prepared; see `Log.append`. */
  append(batch: ValidatedBatch, guard?: VerificationGuard | null): AppendResult {
    this.#checkLed()
    const result = this.#log.append(batch, this.leaderEpoch, guard)
    if (!result.duplicate) this.#followAppend(result, batch.frame.length)
    return result
  }

  /** Appends a batch of the broker's own; see `Log.appendOwn`. */
  appendOwn(batch: Buffer, guard?: VerificationGuard | null): AppendResult {
    this.#checkLed()
    const result = this.#log.appendOwn(batch, this.leaderEpoch, guard)
    this.#followAppend(result, batch.length)
    return result
  }

  /** Ends a transaction; see `Log.appendMarker`. */
  appendMarker(marker: TransactionMarker): AppendResult {
    this.#checkLed()
    const result = this.#log.appendMarker(marker, this.leaderEpoch)
    this.#followAppend(result, MARKER_BYTES)
    return result
  }

  /**
   * Reads for a fetch, up to what its isolation level may see.
   * @param maxBytes what is left of the whole fetch's limit; the position has the partition's own.
   * @param atLeastOne whether a first batch above the limits is answered all the same (KIP-74).
   * @throws KafkaError OFFSET_OUT_OF_RANGE, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, KAFKA_STORAGE_ERROR, and
   * UNKNOWN_SERVER_ERROR for a negative limit.
   */
  read(
    position: FetchPosition,
    maxBytes: number,
    isolation: number,
    atLeastOne: boolean,
  ): PartitionRead | Promise<PartitionRead> {
    // Any negative epoch of a fetch is an unknown one; of other requests only -1 is.
    this.checkLeaderEpoch(Math.max(position.currentLeaderEpoch, -1))
    const diverging = this.#divergingEpoch(position)
    const answer = this.#emptyRead(isolation, diverging)
    if (diverging !== null) return answer
    const limit = Math.min(maxBytes, position.maxBytes)
    if (limit < 0) {
      throw new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, `${limit} bytes of ${this} cannot be read`)
    }
    const log = this.#log
    const wholeBatches = (buffers: readonly Buffer[]): PartitionRead => {
      const sizeBytes = totalBytes(buffers)
      if (isolation === Isolation.READ_COMMITTED) {
        answer.abortedTransactions = log.abortedTransactions(position.offset, buffers)
      }
      if (sizeBytes > limit && !atLeastOne) return answer
      answer.records = buffers
      answer.sizeBytes = sizeBytes
      return answer
    }
    const buffers = log.readSegment(position.offset, limit, this.#readableEnd(isolation))
    return buffers instanceof Promise ? buffers.then(wholeBatches) : wholeBatches(buffers)
  }

  /**
   * Finds the offset for a timestamp, or one of the special ones that `ListOffsetsTimestamp` names.
   * @throws KafkaError FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, KAFKA_STORAGE_ERROR.
   */
  listOffset(
    timestamp: bigint,
    isolation: number,
    currentLeaderEpoch: number,
  ): TimestampAndOffset | Promise<TimestampAndOffset> {
    this.checkLeaderEpoch(currentLeaderEpoch)
    return lookUpOffset(this.#log, timestamp, this.#readableEnd(isolation))
  }

  /**
   * Moves the log start up to `offset`, or to the high watermark for -1.
   * @returns the new log start: the low watermark, since there are no followers that lag.
   * @throws KafkaError OFFSET_OUT_OF_RANGE
   */
  async deleteRecordsBefore(offset: bigint): Promise<bigint> {
    const target = offset === -1n ? this.#highWatermark : offset
    if (target < 0n || target > this.#highWatermark) {
      throw new KafkaError(
        ErrorCode.OFFSET_OUT_OF_RANGE,
        `cannot delete records of ${this} before offset ${offset}: the high watermark is ${this.#highWatermark}`,
      )
    }
    const before = this.logStartOffset
    await this.#log.deleteRecordsBefore(target)
    if (this.logStartOffset !== before) this.#notify(0, 0)
    return this.logStartOffset
  }

  /** Whether cleanup.policy contains compact. */
  get compacted(): boolean {
    return this.#log.cleaning.compacted
  }

  /** Drops what is too old or too much; see `LogCleaning.deleteOldSegments`. */
  deleteOldSegments(): readonly Deletion[] {
    const before = this.logStartOffset
    const deletions = this.#log.cleaning.deleteOldSegments(this.#highWatermark)
    if (this.logStartOffset !== before) this.#notify(0, 0)
    return deletions
  }

  /** How its log gives up its oldest data; see `LogCleaning`. */
  get cleaning(): Pick<LogCleaning, 'deletes' | 'oldestMs' | 'endLargeSegment' | 'settled'> {
    return this.#log.cleaning
  }

  /** Drops the oldest segment to make room; see `LogCleaning.dropOldestSegment`. */
  dropOldestSegment(): number {
    const droppedBytes = this.#log.cleaning.dropOldestSegment(this.#highWatermark)
    if (droppedBytes > 0) this.#notify(0, 0)
    return droppedBytes
  }

  /** What there is to compact; see `LogCleaning.cleanable`. */
  cleanable(): CleanableRange | null | Promise<CleanableRange | null> {
    return this.#log.cleaning.cleanable(this.lastStableOffset)
  }

  /** Compacts the log; see `LogCleaning.compact`. */
  compact(range: CleanableRange, limits: CompactionLimits): Promise<CompactionResult> {
    return this.#log.cleaning.compact(range, limits)
  }

  /**
   * Where a leader epoch ends, for consumers that look for records that were lost (KIP-320).
   * @throws KafkaError FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, KAFKA_STORAGE_ERROR.
   */
  endOffsetForEpoch(epoch: number, currentLeaderEpoch: number): EpochEnd {
    this.checkLeaderEpoch(currentLeaderEpoch)
    return this.#log.endOffsetForEpoch(epoch)
  }

  /** The idempotent producers that the log remembers. @throws KafkaError KAFKA_STORAGE_ERROR */
  activeProducers(): readonly ActiveProducer[] {
    this.#checkLed()
    return this.#log.activeProducers()
  }

  /** @throws KafkaError FENCED_LEADER_EPOCH or UNKNOWN_LEADER_EPOCH when a client is behind or ahead (KIP-320). */
  checkLeaderEpoch(epoch: number): void {
    this.#checkLed()
    if (epoch === -1 || epoch === this.leaderEpoch) return
    const behind = epoch < this.leaderEpoch
    throw new KafkaError(
      behind ? ErrorCode.FENCED_LEADER_EPOCH : ErrorCode.UNKNOWN_LEADER_EPOCH,
      `leader epoch ${epoch} of the request is ${behind ? 'below' : 'above'} ${this.leaderEpoch}, that of ${this}`,
    )
  }

  /** How many wait for a change. */
  get watcherCount(): number {
    return this.#watchers?.size ?? 0
  }

  watch(watcher: PartitionWatcher): void {
    this.#watchers ??= new Set()
    this.#watchers.add(watcher)
  }

  unwatch(watcher: PartitionWatcher): void {
    this.#watchers?.delete(watcher)
  }

  /** Whether the log's store has failed: every request answers KAFKA_STORAGE_ERROR until `reopen`. */
  get offline(): boolean {
    return this.#log.offline
  }

  /** Lets go of a log that is offline, so that it can be opened anew. */
  release(): void | Promise<void> {
    return this.#log.discard()
  }

  /** Goes on with the log as it was opened anew: with what its store has, and nothing else. */
  reopen(log: Log): void {
    this.#highWatermark = this.#adopt(log)
    this.#notify(0, 0)
  }

  /** The broker stops: whoever waits looks again, and finds nothing. The log can be opened again without being read. */
  close(): void | Promise<void> {
    this.#leave()
    return this.#log.close()
  }

  /** The topic is gone: whoever waits looks again, and finds nothing. */
  delete(): void | Promise<void> {
    this.#leave()
    return this.#log.discard()
  }

  toString(): string {
    return `${this.topic}-${this.index}`
  }

  /** Returns the high watermark: where the log is durable. */
  #adopt(log: Log): bigint {
    const highWatermark = log.durableEndOffset
    log.assignEpoch(this.leaderEpoch)
    log.highWatermarkMoved(highWatermark)
    this.#log = log
    this.#unstableBytes = log.firstUnstableOffset === null ? 0 : log.sizeBytes
    return highWatermark
  }

  #leave(): void {
    this.#deleted = true
    this.#notify(0, 0)
    this.#watchers = undefined
  }

  #checkLed(): void {
    if (this.#deleted) throw new KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER, `${this} has been deleted`)
    if (this.#log.offline) this.#onMissed()
    this.#log.checkOnline()
  }

  /** The high watermark is where all in-sync replicas are: for a single one, where its log is durable. */
  #followAppend(result: AppendResult, sizeBytes: number): void {
    const advance = (): void => {
      const stableBefore = this.lastStableOffset
      this.#highWatermark = this.#log.durableEndOffset
      this.#log.highWatermarkMoved(this.#highWatermark)
      this.#unstableBytes += sizeBytes
      const stable = this.lastStableOffset
      const committedBytes = stable === stableBefore ? 0 : this.#unstableBytes
      if (stable === this.#highWatermark) this.#unstableBytes = 0
      this.#notify(sizeBytes, committedBytes)
    }
    if (result.durable === undefined) advance()
    else result.durable.then(advance, () => this.#notify(0, 0))
  }

  #readableEnd(isolation: number): bigint {
    return isolation === Isolation.READ_COMMITTED ? this.lastStableOffset : this.#highWatermark
  }

  /** KIP-595: the log of the sender may have records that this one has not. */
  #divergingEpoch({ lastFetchedEpoch, offset }: FetchPosition): PartitionRead['divergingEpoch'] {
    if (lastFetchedEpoch < 0) return null
    const { epoch, endOffset } = this.#log.endOffsetForEpoch(lastFetchedEpoch)
    if (epoch === -1 || endOffset === -1n) {
      throw new KafkaError(
        ErrorCode.OFFSET_OUT_OF_RANGE,
        `${this} does not know where the last fetched epoch ${lastFetchedEpoch} ends`,
      )
    }
    return epoch < lastFetchedEpoch || endOffset < offset ? { epoch, endOffset } : null
  }

  /** The answer to a fetch but for the records: what was known when they were asked for, however slow the store. */
  #emptyRead(isolation: number, divergingEpoch: PartitionRead['divergingEpoch']): MutableRead {
    return {
      records: [],
      sizeBytes: 0,
      highWatermark: this.#highWatermark,
      lastStableOffset: this.lastStableOffset,
      logStartOffset: this.logStartOffset,
      divergingEpoch,
      abortedTransactions: isolation === Isolation.READ_COMMITTED ? [] : null,
    }
  }

  #notify(bytes: number, committedBytes: number): void {
    if (this.#watchers === undefined) return
    for (const watcher of this.#watchers) watcher.partitionChanged(bytes, committedBytes)
  }
}

function totalBytes(buffers: readonly Buffer[]): number {
  let bytes = 0
  for (const buffer of buffers) bytes += buffer.length
  return bytes
}
