/** Where in a segment's file offsets are: Kafka's offset index, in memory in the format of its file. */

/** An entry: int32 offset counted from the segment's base, int32 position in the file. */
export const OFFSET_ENTRY_BYTES = 8
const POSITION_IN_ENTRY = 4
const MIN_ENTRIES = 16

/** Between which positions a batch begins: at `from`, at `to` or somewhere in between. */
export interface PositionRange {
  readonly from: number
  /** Not above the segment's size. */
  readonly to: number
}

/** Sparse: an entry says at which position the batch begins whose last offset it names. Both rise. */
export class OffsetIndex {
  #bytes: Buffer
  #length: number

  constructor(bytes: Buffer = EMPTY) {
    this.#bytes = bytes
    this.#length = bytes.length
  }

  /** What the file holds. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  /** The position of the last entry; 0 without any. */
  get lastPosition(): number {
    return this.#length === 0 ? 0 : this.#bytes.readInt32BE(this.#length - POSITION_IN_ENTRY)
  }

  add(lastOffsetDelta: number, position: number): void {
    if (this.#length === this.#bytes.length) this.#grow()
    this.#bytes.writeInt32BE(lastOffsetDelta, this.#length)
    this.#bytes.writeInt32BE(position, this.#length + POSITION_IN_ENTRY)
    this.#length += OFFSET_ENTRY_BYTES
  }

  /** Where the first batch begins whose last offset is `delta` or higher, in a segment of `sizeBytes`. */
  find(delta: number, sizeBytes: number): PositionRange {
    let low = 0
    let high = this.#length / OFFSET_ENTRY_BYTES
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#bytes.readInt32BE(middle * OFFSET_ENTRY_BYTES) <= delta) low = middle + 1
      else high = middle
    }
    return { from: this.#positionAt(low - 1) ?? 0, to: this.#positionAt(low) ?? sizeBytes }
  }

  /** Forgets the batches that begin at `position` or behind it. */
  truncate(position: number): void {
    let entries = this.#length / OFFSET_ENTRY_BYTES
    while (entries > 0 && (this.#positionAt(entries - 1) ?? 0) >= position) entries--
    this.#length = entries * OFFSET_ENTRY_BYTES
  }

  #positionAt(entry: number): number | undefined {
    const at = entry * OFFSET_ENTRY_BYTES
    return at >= 0 && at < this.#length ? this.#bytes.readInt32BE(at + POSITION_IN_ENTRY) : undefined
  }

  #grow(): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(MIN_ENTRIES * OFFSET_ENTRY_BYTES, 2 * this.#length))
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
  }
}

const EMPTY = Buffer.alloc(0)
