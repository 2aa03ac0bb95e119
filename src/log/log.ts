/** One replica of one partition: its batches, offsets, producer state and leader epochs, over a stored log. */
import type { LogId, StoredLog } from '../storage/log-store.ts'
import { lastSegmentFrom } from '../storage/segment-search.ts'
import * as batch from '../wire/batch.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { abortedInRead } from './aborted-in-read.ts'
import type { AppendResult } from './append-result.ts'
import { FlushSchedule } from './flush-schedule.ts'
import type { EpochEnd } from './leader-epochs.ts'
import { LogCheckpoints } from './log-checkpoints.ts'
import { LogCleaning } from './log-cleaning.ts'
import type { LogConfig } from './log-config.ts'
import type { LogOptions } from './log-options.ts'
import { type RecoveredLog, recoverLog } from './log-recovery.ts'
import { type BatchFacts, LogSegment } from './log-segment.ts'
import type { LogState } from './log-state.ts'
import { ProducerExpiry } from './producer-expiry.ts'
import type { ActiveProducer, RememberedBatch } from './producer-state.ts'
import { writeLogStart } from './sidecars.ts'
import { StoreQueue } from './store-queue.ts'
import { findMaxTimestamp, findTimestamp, type TimestampAndOffset } from './timestamp-search.ts'
import { type AbortedTransaction, buildMarker, type TransactionMarker } from './transaction-marker.ts'
import { type ValidatedBatch, validateBatch } from './validate-batch.ts'
import type { VerificationGuard } from './verifications.ts'

/**
 * A log. Every method that changes it is one synchronous step as far as the log's own state goes; what the store
 * takes longer for is waited for through the promises returned. After the store has failed the log is offline: each
 * method throws KAFKA_STORAGE_ERROR until the partition opens the log anew.
 */
export class Log {
  readonly id: LogId
  /** Retention and compaction. */
  readonly cleaning: LogCleaning
  readonly #options: LogOptions
  readonly #stored: StoredLog
  readonly #queue: StoreQueue
  #state: LogState
  #checkpoints: LogCheckpoints
  #truncating = false
  #closed = false
  readonly #expiry: ProducerExpiry
  readonly #flushes: FlushSchedule

  /** For `openLog` in open-log.ts. */
  constructor(options: LogOptions, stored: StoredLog, recovered: RecoveredLog) {
    this.id = options.id
    this.#options = options
    this.#stored = stored
    this.#queue = new StoreQueue(stored, options.onOffline)
    this.#state = recovered.state
    this.#checkpoints = new LogCheckpoints(stored, this.#queue, recovered)
    this.cleaning = new LogCleaning({
      stored,
      queue: this.#queue,
      clock: options.clock,
      config: options.config,
      state: () => this.#state,
      roll: () => this.#roll(this.#state.endOffset),
      moveStart: (offset) => this.deleteRecordsBefore(offset),
      saveAborted: (baseOffset, aborted) => this.#checkpoints.saveAborted(baseOffset, aborted),
    })
    this.#expiry = new ProducerExpiry(options.clock.now(), options.config())
    this.#flushes = new FlushSchedule(options.clock, () => this.#queue.flush())
    recovered.state.segments.at(-1)?.drawJitter(options.config(), options.random)
  }

  /** The first offset that readers may ask for. */
  get startOffset(): bigint {
    return this.#state.startOffset
  }

  /** The offset that the next record gets. */
  get endOffset(): bigint {
    return this.#state.endOffset
  }

  /** The offset behind the last record that the store holds safely; only up to here may the high watermark go. */
  get durableEndOffset(): bigint {
    return this.#queue.durableEndOffset
  }

  /** Whether the store has failed. */
  get offline(): boolean {
    return this.#queue.failure !== null
  }

  /** @throws KafkaError KAFKA_STORAGE_ERROR when the store has failed. */
  checkOnline(): void {
    if (this.#queue.failure !== null) throw this.#queue.failure
  }

  get sizeBytes(): number {
    return this.#state.sizeBytes
  }

  /** The leader epoch of the last record, or of the last `assignEpoch`; -1 when there was none. */
  get latestEpoch(): number {
    return this.#state.epochs.latest
  }

  /** The largest batch that the topic takes: max.message.bytes. */
  get maxMessageBytes(): number {
    return this.#options.config().maxMessageBytes
  }

  /** How many idempotent producers the log remembers. */
  get producerCount(): number {
    return this.#state.producers.size
  }

  /**
   * Checks a batch that a client produced, in Kafka's order, and makes it what will be stored (timestamps, checksum,
   * compression). It changes `records` in place, but not the log. A promise only where something large has to be
   * decompressed, or anything compressed anew.
   * @param records what the request carried for this partition; `checkProducedRecords` has passed it.
   * @throws RecordValidationError for single records (KIP-467), otherwise KafkaError as `validateBatch` does.
   */
  prepare(records: Buffer): ValidatedBatch | Promise<ValidatedBatch> {
    return validateBatch(records, {
      topicPartition: `${this.id.topic}-${this.id.partition}`,
      config: this.#options.config(),
      nowMs: this.#options.clock.now(),
    })
  }

  /** Whether the producer has, in that epoch, a transaction open here. */
  hasOngoingTransaction(producerId: bigint, producerEpoch: number): boolean {
    return this.#state.producers.hasOngoingTransaction(producerId, producerEpoch)
  }

  /**
   * Begins to ask whether a transactional batch, of which only the header is read, belongs to an ongoing transaction
   * (KIP-890): what is returned goes to `append` when the coordinator has said so.
   * @param supportsEpochBump whether the producer uses transactions V2 (Produce v12).
   * @returns null where the transaction is open in this log, and nobody has to be asked.
   * @throws KafkaError INVALID_PRODUCER_EPOCH, KAFKA_STORAGE_ERROR.
   */
  startVerification(records: Buffer, supportsEpochBump: boolean): VerificationGuard | null {
    this.checkOnline()
    const { clock } = this.#options
    return this.#state.producers.startVerification(records, supportsEpochBump, clock.now())
  }

  /**
   * Appends a batch of a client: producer state, offsets, leader epoch, store.
   * @param guard of a transactional batch: what `startVerification` returned. Undefined (verification is switched
   * off) lets it pass.
   * @throws KafkaError INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_TXN_STATE, RECORD_LIST_TOO_LARGE,
   * KAFKA_STORAGE_ERROR.
   */
  append(validated: ValidatedBatch, leaderEpoch: number, guard?: VerificationGuard | null): AppendResult {
    this.#checkWritable()
    const { frame } = validated
    const config = this.#options.config()
    if (frame.length > config.segmentBytes) {
      throw new KafkaError(
        ErrorCode.RECORD_LIST_TOO_LARGE,
        `a batch of ${frame.length} bytes, where a segment takes ${config.segmentBytes}`,
      )
    }
    if (batch.hasProducerId(frame)) {
      this.#expiry.catchUp(this.#state.producers, this.#options.clock.now(), config)
      const repeated = this.#state.producers.check(frame, guard)
      if (repeated !== null) return this.#repeat(repeated)
    }
    return this.#write(frame, validated.maxTimestamp, validated.logAppendTimeMs, leaderEpoch)
  }

  /**
   * Appends a batch that the broker itself built (coordinator records): no checks of a client's but, where it has a
   * producer id, those of epoch and transaction; it has no sequence. Its offsets are assigned as for a client's; the
   * buffer belongs to the log from then on.
   * @param guard as for `append`.
   * @throws KafkaError INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE, KAFKA_STORAGE_ERROR.
   */
  appendOwn(frame: Buffer, leaderEpoch: number, guard?: VerificationGuard | null): AppendResult {
    this.#checkWritable()
    if (batch.hasProducerId(frame)) this.#state.producers.checkOwn(frame, guard)
    return this.#write(frame, batch.maxTimestamp(frame), batch.NO_TIMESTAMP, leaderEpoch)
  }

  /**
   * Ends the transaction that the producer has open here, if it has one: the marker is written in any case.
   * @throws KafkaError INVALID_PRODUCER_EPOCH, TRANSACTION_COORDINATOR_FENCED, KAFKA_STORAGE_ERROR.
   */
  appendMarker(marker: TransactionMarker, leaderEpoch: number): AppendResult {
    this.#checkWritable()
    this.#state.producers.checkMarker(marker)
    const { clock, config } = this.#options
    const frame = buildMarker(marker, clock.now(), config().messageTimestampType)
    return this.#write(frame, batch.maxTimestamp(frame), batch.NO_TIMESTAMP, leaderEpoch)
  }

  /**
   * The first offset of the oldest transaction that is open, or whose marker is not below the high watermark yet;
   * null when there is none.
   */
  get firstUnstableOffset(): bigint | null {
    const first = this.#state.producers.transactions.firstUnstableOffset
    return first === null || first >= this.startOffset ? first : this.startOffset
  }

  /** Markers below the high watermark count as written from here on. */
  highWatermarkMoved(highWatermark: bigint): void {
    this.#state.producers.transactions.highWatermarkMoved(highWatermark)
  }

  /** The aborted transactions that a reader of committed records has to know who got `views` for `from`. */
  abortedTransactions(from: bigint, views: readonly Buffer[]): readonly AbortedTransaction[] {
    return abortedInRead(this.#state, from, views, this.#options.config().indexIntervalBytes)
  }

  /**
   * Batches from the one that holds `from` on, the first whole even if it is larger than `maxBytes`, up to `upTo`: views
   * that stay as they are, each of one or more consecutive batches. At `maxBytes` the last one is cut, as in Kafka.
   * Gaps between batches are skipped.
   * @throws KafkaError OFFSET_OUT_OF_RANGE below `startOffset` or above `endOffset`.
   */
  read(from: bigint, maxBytes: number, upTo: bigint): readonly Buffer[] | Promise<readonly Buffer[]> {
    this.checkOnline()
    const { startOffset, endOffset } = this.#state
    if (from < startOffset || from > endOffset) {
      throw outOfRange(`offset ${from}, where the log holds ${startOffset} to ${endOffset}`)
    }
    if (from >= upTo) return []
    return this.#queue.read(() => this.#stored.read(from, maxBytes, upTo))
  }

  /**
   * The same for a fetch, which as in Kafka gets what one segment holds; one in which compaction has left nothing is
   * passed over.
   * @throws KafkaError OFFSET_OUT_OF_RANGE below `startOffset` or above `endOffset`.
   */
  readSegment(from: bigint, maxBytes: number, upTo: bigint): readonly Buffer[] | Promise<readonly Buffer[]> {
    const { segments } = this.#state
    const end = segments[lastSegmentFrom(segments, from) + 1]?.baseOffset
    if (end === undefined || end >= upTo || from < this.startOffset) return this.read(from, maxBytes, upTo)
    const goOn = (views: readonly Buffer[]): readonly Buffer[] | Promise<readonly Buffer[]> =>
      views.length > 0 ? views : this.readSegment(end, maxBytes, upTo)
    const views = this.read(from, maxBytes, end)
    return views instanceof Promise ? views.then(goOn) : goOn(views)
  }

  /** The first record whose timestamp is `timestampMs` or later, or null. The caller bounds it by its watermark. */
  offsetForTimestamp(timestampMs: bigint): Promise<TimestampAndOffset | null> {
    this.checkOnline()
    return Promise.resolve(this.#queue.read(() => findTimestamp(this.#stored, this.#state, timestampMs)))
  }

  /** The record with the greatest timestamp, the first of several (KIP-734), or null when the log is empty. */
  maxTimestampOffset(): Promise<TimestampAndOffset | null> {
    this.checkOnline()
    return Promise.resolve(this.#queue.read(() => findMaxTimestamp(this.#stored, this.#state)))
  }

  /** The leader epoch of the record at `offset`, or -1. */
  epochForOffset(offset: bigint): number {
    return this.#state.epochs.epochForOffset(offset)
  }

  /** Where `epoch`, or the greatest one below it, ends (KIP-320): the answer of OffsetForLeaderEpoch. */
  endOffsetForEpoch(epoch: number): EpochEnd {
    this.checkOnline()
    return this.#state.epochs.endOffsetFor(epoch, this.#state.endOffset)
  }

  /**
   * Notes that a leader of `epoch` writes from `startOffset` (by default the log end) on (KIP-101). That lasts from the
   * first record on, so that a start writes nothing: an epoch without records is forgotten by the next one anyway.
   */
  assignEpoch(epoch: number, startOffset: bigint = this.#state.endOffset): void {
    this.checkOnline()
    if (this.#state.epochs.assign(epoch, startOffset)) this.#checkpoints.epochsMoved = true
  }

  /**
   * Moves `startOffset` up to `offset` and drops the segments below it; nothing happens when it is there already.
   * The caller has checked the high watermark.
   * @returns undefined when that is durable, otherwise what settles when it is.
   * @throws KafkaError OFFSET_OUT_OF_RANGE above `endOffset`.
   */
  deleteRecordsBefore(offset: bigint): undefined | Promise<void> {
    this.#checkWritable()
    const state = this.#state
    if (offset > state.endOffset) throw outOfRange(`log start ${offset}, above the end ${state.endOffset}`)
    if (offset <= state.startOffset) return undefined
    state.startOffset = offset
    if (state.epochs.truncateFromStart(offset)) this.#checkpoints.saveEpochs(this.#state.epochs.entries)
    const saved = this.#queue.run(() => writeLogStart(this.#stored, offset))
    return this.cleaning.dropBelowStart() ?? saved
  }

  /**
   * Cuts the log off at `offset`, as a follower does that diverged: whole batches go, and the log goes on from
   * `offset`. Nobody appends until the promise settles.
   */
  async truncateTo(offset: bigint): Promise<void> {
    this.#checkWritable()
    this.#truncating = true
    try {
      const { startOffset, endOffset, epochs } = this.#state
      if (epochs.truncateFromEnd(offset < endOffset ? offset : endOffset))
        this.#checkpoints.saveEpochs(this.#state.epochs.entries)
      if (offset >= endOffset) return
      if (offset < startOffset) this.#queue.post(() => writeLogStart(this.#stored, offset))
      await this.cleaning.abort(offset)
      this.#checkpoints.stop()
      await this.#queue.run(() => this.#stored.truncate(offset))
      const { config, clock } = this.#options
      const recovered = await this.#queue.read(() => recoverLog(this.#stored, config(), clock.now()))
      this.#state = recovered.state
      this.#checkpoints = new LogCheckpoints(this.#stored, this.#queue, recovered)
    } finally {
      this.#truncating = false
    }
  }

  /**
   * Forgets producers that have been idle for producer.id.expiration.ms. When they append it also happens by itself,
   * as of the last time that producer.id.expiration.check.interval.ms asked for it.
   */
  expireProducers(): void {
    const { clock, config } = this.#options
    this.#state.producers.expire(clock.now(), config().producerIdExpirationMs)
  }

  /** The idempotent producers that have not been idle for too long. */
  activeProducers(): readonly ActiveProducer[] {
    this.checkOnline()
    this.#expiry.catchUp(this.#state.producers, this.#options.clock.now(), this.#options.config())
    return this.#state.producers.active()
  }

  /** Waits for what is in flight, notes what a later opening would have to read, and lets go of the store's resources. */
  close(): void | Promise<void> {
    const compacting = this.cleaning.abort()
    if (compacting !== undefined) return compacting.then(() => this.close())
    if (!this.#closed && !this.#truncating && !this.offline) {
      try {
        this.#checkpoints.close(this.#state)
      } catch {
        // The store failed with the first of it: then the log is read when it is opened.
      }
    }
    return this.discard()
  }

  /** Closes a log that nobody is going to open again. */
  discard(): void | Promise<void> {
    this.#closed = true
    this.#flushes.stop()
    this.#checkpoints.stop()
    const compacting = this.cleaning.abort()
    if (compacting !== undefined) return compacting.then(() => this.discard())
    const close = (): void | Promise<void> => this.#stored.close()
    const { idle } = this.#queue
    return idle === undefined ? close() : idle.then(close, close)
  }

  #write(frame: Buffer, maxTimestamp: bigint, logAppendTimeMs: bigint, leaderEpoch: number): AppendResult {
    const state = this.#state
    const config = this.#options.config()
    const baseOffset = state.endOffset
    const lastOffsetDelta = batch.lastOffsetDelta(frame)
    const lastOffset = baseOffset + BigInt(lastOffsetDelta)
    batch.setBaseOffset(frame, 0, baseOffset)
    batch.setLeaderEpoch(frame, 0, leaderEpoch)
    const facts = { baseOffset, lastOffset, bytes: frame.length, maxTimestamp }
    const segment = this.#segmentFor(facts, config)
    const isNewEpoch = leaderEpoch >= 0 && state.epochs.assign(leaderEpoch, baseOffset)
    if (isNewEpoch || this.#checkpoints.epochsMoved) this.#checkpoints.saveEpochs(state.epochs.entries)
    const durable = this.#queue.append(frame, this.#flushes.appended(lastOffsetDelta + 1, config))
    segment.add(facts, config.indexIntervalBytes)
    state.sizeBytes += frame.length
    state.endOffset = lastOffset + 1n
    if (batch.hasProducerId(frame)) {
      const aborted = state.producers.update(frame)
      if (aborted !== null) state.aborted.add(aborted)
    }
    const { startOffset: logStartOffset } = state
    return { baseOffset, lastOffset, logAppendTimeMs, duplicate: false, logStartOffset, durable }
  }

  /** The active segment, or a new one where the batch does not belong into it. */
  #segmentFor(facts: BatchFacts, config: LogConfig): LogSegment {
    const { segments } = this.#state
    const active = segments.at(-1) as LogSegment
    const nowMs = this.#options.clock.now()
    if (facts.maxTimestamp < 0n) active.modifiedMs = nowMs
    return active.isFullFor(facts, config, nowMs) ? this.#roll(facts.baseOffset) : active
  }

  #roll(baseOffset: bigint): LogSegment {
    const { segments } = this.#state
    this.#checkpoints.roll(this.#state)
    if (segments.at(-1)?.sizeBytes === 0) segments.pop()
    const next = new LogSegment(baseOffset, this.#options.clock.now())
    segments.push(next)
    next.drawJitter(this.#options.config(), this.#options.random)
    this.#options.onRoll?.()
    return next
  }

  /** The answer to a batch that was appended before: it may still be on its way to the store. */
  #repeat(repeated: RememberedBatch): AppendResult {
    const { baseOffset, lastOffset, timestamp } = repeated
    return {
      baseOffset,
      lastOffset,
      logAppendTimeMs: timestamp,
      duplicate: true,
      logStartOffset: this.#state.startOffset,
      durable: lastOffset < this.#queue.durableEndOffset ? undefined : this.#queue.idle,
    }
  }

  #checkWritable(): void {
    this.checkOnline()
    if (this.#truncating) {
      throw new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, 'the log is being truncated')
    }
  }
}

function outOfRange(message: string): KafkaError {
  return new KafkaError(ErrorCode.OFFSET_OUT_OF_RANGE, message)
}
