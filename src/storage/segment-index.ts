/** What is known of a segment's batches without reading them, while its file is open: both indexes, and their sums. */
import { batchLength, LOG_OVERHEAD_BYTES, lastOffset, maxTimestamp, NO_TIMESTAMP } from '../wire/batch.ts'
import type { Segment } from './log-store.ts'
import { OFFSET_ENTRY_BYTES, OffsetIndex } from './offset-index.ts'
import { TIME_ENTRY_BYTES, TimeIndex } from './time-index.ts'

export type SegmentFacts = Omit<Segment, 'baseOffset'>

export class SegmentIndex implements SegmentFacts {
  readonly baseOffset: bigint
  endOffset: bigint
  sizeBytes: number
  firstTimestamp: bigint
  readonly offsets: OffsetIndex
  readonly times: TimeIndex
  /** How many bytes of the indexes are in their files; -1 when those have to be written as a whole. */
  savedOffsetBytes = -1
  savedTimeBytes = -1
  #bytesSinceIndexed = 0
  readonly #intervalBytes: number

  /** @param intervalBytes how many bytes lie between two entries that are made: index.interval.bytes. */
  constructor(
    baseOffset: bigint,
    intervalBytes: number,
    facts: SegmentFacts = emptyFacts(baseOffset),
    offsets: OffsetIndex = new OffsetIndex(),
    times: TimeIndex = new TimeIndex(baseOffset),
  ) {
    this.baseOffset = baseOffset
    this.#intervalBytes = intervalBytes
    this.endOffset = facts.endOffset
    this.sizeBytes = facts.sizeBytes
    this.firstTimestamp = facts.firstTimestamp
    this.offsets = offsets
    this.times = times
    times.maxTimestamp = facts.maxTimestamp
    times.maxTimestampOffset = facts.maxTimestampOffset
  }

  get maxTimestamp(): bigint {
    return this.times.maxTimestamp
  }

  get maxTimestampOffset(): bigint {
    return this.times.maxTimestampOffset
  }

  get facts(): SegmentFacts {
    const { endOffset, sizeBytes, firstTimestamp, maxTimestamp: latest, maxTimestampOffset } = this
    return { endOffset, sizeBytes, firstTimestamp, maxTimestamp: latest, maxTimestampOffset }
  }

  /** Counts a batch that stands at the segment's end, and puts it into the indexes where it is its turn. */
  add(view: Buffer, position: number): void {
    const bytes = LOG_OVERHEAD_BYTES + batchLength(view, position)
    const last = lastOffset(view, position)
    const timestamp = maxTimestamp(view, position)
    if (this.sizeBytes === 0) this.firstTimestamp = timestamp
    this.times.add(timestamp, last)
    if (this.#bytesSinceIndexed > this.#intervalBytes) {
      this.offsets.add(Number(last - this.baseOffset), this.sizeBytes)
      this.times.mark()
      this.#bytesSinceIndexed = 0
    }
    this.#bytesSinceIndexed += bytes
    this.sizeBytes += bytes
    this.endOffset = last + 1n
  }

  /**
   * Forgets the batches from `position` on, which hold `endOffset` and higher offsets.
   * @returns the offset from which on timestamps have to be looked at again, by `addTime`.
   */
  truncate(endOffset: bigint, position: number): bigint {
    this.offsets.truncate(position)
    this.savedOffsetBytes = -1
    this.savedTimeBytes = -1
    this.sizeBytes = position
    this.endOffset = endOffset > this.baseOffset ? endOffset : this.baseOffset
    this.#bytesSinceIndexed = 0
    if (position === 0) this.firstTimestamp = NO_TIMESTAMP
    return this.times.truncate(endOffset)
  }

  addTime(view: Buffer, position: number): void {
    this.times.add(maxTimestamp(view, position), lastOffset(view, position))
  }
}

/**
 * The indexes as the files hold them, or null where those are missing or do not fit the segment: then they are made
 * anew from the batches. Trailing zeros are what a JVM's mapped file has when it was not closed.
 */
export function readIndex(
  baseOffset: bigint,
  intervalBytes: number,
  facts: SegmentFacts,
  offsetBytes: Buffer | null,
  timeBytes: Buffer | null,
): SegmentIndex | null {
  if (offsetBytes === null || timeBytes === null) return null
  if (offsetBytes.length % OFFSET_ENTRY_BYTES !== 0 || timeBytes.length % TIME_ENTRY_BYTES !== 0) return null
  const range = Number(facts.endOffset - baseOffset)
  if (
    !isRising(offsetBytes, OFFSET_ENTRY_BYTES, 0, range) ||
    !isRising(offsetBytes, OFFSET_ENTRY_BYTES, 4, facts.sizeBytes)
  )
    return null
  for (let at = 0; at < timeBytes.length; at += TIME_ENTRY_BYTES) {
    const delta = timeBytes.readInt32BE(at + 8)
    if (delta < 0 || delta >= range) return null
    if (at > 0 && timeBytes.readBigInt64BE(at) <= timeBytes.readBigInt64BE(at - TIME_ENTRY_BYTES)) return null
  }
  const times = new TimeIndex(baseOffset, timeBytes)
  if (times.lastTimestamp > facts.maxTimestamp) return null
  const index = new SegmentIndex(baseOffset, intervalBytes, facts, new OffsetIndex(offsetBytes), times)
  index.savedOffsetBytes = offsetBytes.length
  index.savedTimeBytes = timeBytes.length
  return index
}

export function emptyFacts(baseOffset: bigint): SegmentFacts {
  return {
    endOffset: baseOffset,
    sizeBytes: 0,
    firstTimestamp: NO_TIMESTAMP,
    maxTimestamp: NO_TIMESTAMP,
    maxTimestampOffset: baseOffset,
  }
}

/** Whether a field of the entries rises from each to the next, and stays below `limit`. */
function isRising(bytes: Buffer, entryBytes: number, field: number, limit: number): boolean {
  let previous = -1
  for (let at = field; at < bytes.length; at += entryBytes) {
    const value = bytes.readInt32BE(at)
    if (value <= previous || value >= limit) return false
    previous = value
  }
  return true
}
