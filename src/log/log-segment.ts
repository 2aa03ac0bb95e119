/** What a log knows of one of its segments: when it is full, and which timestamps it holds. */
import type { Random } from '../clock.ts'
import type { Segment } from '../storage/log-store.ts'
import { NO_TIMESTAMP } from '../wire/batch.ts'
import type { LogConfig } from './log-config.ts'

/** What one entry takes in Kafka's index files, which bound how large a segment gets. */
const OFFSET_INDEX_ENTRY_BYTES = 8
const TIME_INDEX_ENTRY_BYTES = 12
const MAX_OFFSET_DELTA = 2n ** 31n - 1n

/** A batch that is about to be appended, or was found in the store. */
export interface BatchFacts {
  readonly baseOffset: bigint
  readonly lastOffset: bigint
  readonly bytes: number
  readonly maxTimestamp: bigint
}

export class LogSegment {
  readonly baseOffset: bigint
  /** When it became a segment here: milliseconds since 1970. */
  readonly createdMs: number
  /** When it was last written to, as far as that is known: it stands for timestamps that batches do not have. */
  modifiedMs: number
  /** How much earlier than segment.ms the segment ends. */
  #jitterMs = 0
  #sizeBytes = 0
  /** The latest timestamp of the first batch, or -1. */
  #firstTimestamp: bigint = NO_TIMESTAMP
  #maxTimestamp: bigint = NO_TIMESTAMP
  /** Null while no batch has a timestamp. */
  #maxTimestampOffset: bigint | null = null
  #bytesSinceIndexed = 0
  #offsetEntries = 0
  #timeEntries = 0
  #indexedTimestamp: bigint = NO_TIMESTAMP

  constructor(baseOffset: bigint, createdMs: number) {
    this.baseOffset = baseOffset
    this.createdMs = createdMs
    this.modifiedMs = createdMs
  }

  /**
   * A segment that the store holds, without reading its batches. How full its indexes are is not known then: it is
   * taken for the most that so many bytes can have filled.
   */
  static of(stored: Segment, createdMs: number, indexIntervalBytes: number): LogSegment {
    const segment = new LogSegment(stored.baseOffset, createdMs)
    segment.#sizeBytes = stored.sizeBytes
    segment.#firstTimestamp = stored.firstTimestamp
    segment.#maxTimestamp = stored.maxTimestamp
    segment.#maxTimestampOffset = stored.maxTimestamp === NO_TIMESTAMP ? null : stored.maxTimestampOffset
    segment.#indexedTimestamp = stored.maxTimestamp
    segment.#offsetEntries = Math.floor(stored.sizeBytes / (indexIntervalBytes + 1))
    segment.#timeEntries = segment.#offsetEntries
    return segment
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** The latest timestamp of the first batch, or -1. */
  get firstTimestamp(): bigint {
    return this.#firstTimestamp
  }

  /** The latest timestamp in the segment, or -1. */
  get maxTimestamp(): bigint {
    return this.#maxTimestamp
  }

  /** An offset in the first batch that holds `maxTimestamp`; the segment's base when no batch has a timestamp. */
  get maxTimestampOffset(): bigint {
    return this.#maxTimestampOffset ?? this.baseOffset
  }

  /** What Kafka's offset index of the segment would take. */
  get offsetIndexBytes(): number {
    return this.#offsetEntries * OFFSET_INDEX_ENTRY_BYTES
  }

  /** What Kafka's time index of the segment would take. */
  get timeIndexBytes(): number {
    return this.#timeEntries * TIME_INDEX_ENTRY_BYTES
  }

  /** The latest timestamp; where no batch has one, when the segment was last written to. */
  get largestTimestamp(): number {
    return this.#maxTimestamp >= 0n ? Number(this.#maxTimestamp) : this.modifiedMs
  }

  /** Gives the segment a time of its own to end at, so that those of many logs do not end all at once. */
  drawJitter({ segmentJitterMs, segmentMs }: LogConfig, random: Random | undefined): void {
    if (segmentJitterMs === 0 || random === undefined) return
    this.#jitterMs = random.bytes(6).readUIntBE(0, 6) % Math.min(segmentJitterMs, segmentMs)
  }

  /** Whether the batch belongs into a new segment, by Kafka's rules of size, time and index space. */
  isFullFor(batch: BatchFacts, config: LogConfig, nowMs: number): boolean {
    if (this.#sizeBytes > config.segmentBytes - batch.bytes) return true
    if (this.#sizeBytes > 0 && this.#waitedMs(batch, nowMs) > config.segmentMs - this.#jitterMs) return true
    if (this.#offsetEntries >= Math.floor(config.segmentIndexBytes / OFFSET_INDEX_ENTRY_BYTES)) return true
    if (this.#timeEntries >= Math.floor(config.segmentIndexBytes / TIME_INDEX_ENTRY_BYTES) - 1) return true
    return batch.lastOffset - this.baseOffset > MAX_OFFSET_DELTA
  }

  /** Takes into account a batch that goes behind all others. */
  add(batch: BatchFacts, indexIntervalBytes: number): void {
    if (this.#sizeBytes === 0) this.#firstTimestamp = batch.maxTimestamp
    if (this.#bytesSinceIndexed > indexIntervalBytes) this.#index()
    if (batch.maxTimestamp > this.#maxTimestamp) {
      this.#maxTimestamp = batch.maxTimestamp
      this.#maxTimestampOffset = batch.lastOffset
    }
    this.#bytesSinceIndexed += batch.bytes
    this.#sizeBytes += batch.bytes
  }

  /** How long the segment has been filled: by its batches' clock where they have one, otherwise by the broker's. */
  #waitedMs(batch: BatchFacts, nowMs: number): number {
    return this.#firstTimestamp >= 0n
      ? Number(batch.maxTimestamp - this.#firstTimestamp)
      : nowMs - this.createdMs
  }

  /** Counts the entries that Kafka's indexes get before the batch that is about to be added. */
  #index(): void {
    this.#bytesSinceIndexed = 0
    this.#offsetEntries++
    if (this.#maxTimestamp <= this.#indexedTimestamp) return
    this.#timeEntries++
    this.#indexedTimestamp = this.#maxTimestamp
  }
}
