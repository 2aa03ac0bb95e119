/** Which timestamps a segment holds where: Kafka's time index (KIP-33), kept in memory in the format of its file. */
import { NO_TIMESTAMP } from '../wire/batch.ts'

/** An entry: int64 timestamp, int32 offset counted from the segment's base. */
export const TIME_ENTRY_BYTES = 12
const OFFSET_IN_ENTRY = 8
const MIN_ENTRIES = 16

/**
 * Sparse: an entry (T, O) says that no batch before the one that holds offset O has a timestamp of T or later.
 * Timestamps rise from entry to entry.
 */
export class TimeIndex {
  readonly #baseOffset: bigint
  #bytes: Buffer
  #length: number
  /** The latest timestamp of the segment's first batch, or -1. */
  firstTimestamp: bigint = NO_TIMESTAMP
  maxTimestamp: bigint = NO_TIMESTAMP
  /** The last offset of the first batch that has `maxTimestamp`. */
  maxTimestampOffset: bigint

  constructor(baseOffset: bigint, bytes: Buffer = EMPTY) {
    this.#baseOffset = baseOffset
    this.#bytes = bytes
    this.#length = bytes.length
    this.maxTimestampOffset = baseOffset
  }

  /** What the file holds. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  /** The offset of the last entry; the segment's base without any. */
  get lastOffset(): bigint {
    return this.#length === 0 ? this.#baseOffset : this.#offsetAt(this.#length / TIME_ENTRY_BYTES - 1)
  }

  get lastTimestamp(): bigint {
    return this.#length === 0 ? NO_TIMESTAMP : this.#bytes.readBigInt64BE(this.#length - TIME_ENTRY_BYTES)
  }

  /** Takes into account a batch that goes behind all others. */
  add(maxTimestamp: bigint, lastOffset: bigint): void {
    if (maxTimestamp <= this.maxTimestamp) return
    this.maxTimestamp = maxTimestamp
    this.maxTimestampOffset = lastOffset
  }

  /** Notes the latest timestamp so far, where it has risen since the last entry. */
  mark(): void {
    if (this.maxTimestamp <= this.lastTimestamp) return
    if (this.#length === this.#bytes.length) this.#grow()
    this.#bytes.writeBigInt64BE(this.maxTimestamp, this.#length)
    this.#bytes.writeInt32BE(
      Number(this.maxTimestampOffset - this.#baseOffset),
      this.#length + OFFSET_IN_ENTRY,
    )
    this.#length += TIME_ENTRY_BYTES
  }

  /** An offset from which to look for the first batch with `timestamp` or a later one: there is none before it. */
  seek(timestamp: bigint): bigint {
    let low = 0
    let high = this.#length / TIME_ENTRY_BYTES
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#bytes.readBigInt64BE(middle * TIME_ENTRY_BYTES) <= timestamp) low = middle + 1
      else high = middle
    }
    return low === 0 ? this.#baseOffset : this.#offsetAt(low - 1)
  }

  /**
   * Forgets the batches that hold `endOffset` or a higher offset.
   * @returns the offset from which on batches have to be added again.
   */
  truncate(endOffset: bigint): bigint {
    let entries = this.#length / TIME_ENTRY_BYTES
    while (entries > 0 && this.#offsetAt(entries - 1) >= endOffset) entries--
    this.#length = entries * TIME_ENTRY_BYTES
    this.maxTimestamp = this.lastTimestamp
    this.maxTimestampOffset = this.lastOffset
    return this.maxTimestampOffset
  }

  #offsetAt(entry: number): bigint {
    return this.#baseOffset + BigInt(this.#bytes.readInt32BE(entry * TIME_ENTRY_BYTES + OFFSET_IN_ENTRY))
  }

  #grow(): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(MIN_ENTRIES * TIME_ENTRY_BYTES, 2 * this.#length))
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
  }
}

const EMPTY = Buffer.alloc(0)
