/** What is known of the record that a walk has come to. */

/**
 * The record that a walk has come to. One object serves for all records of a walk: what is needed later has to be
 * copied out of it.
 */
export interface RecordCursor {
  /** How many records came before this one in the batch. */
  readonly index: number
  readonly attributes: number
  /** Counted from the batch's base offset. */
  readonly offsetDelta: number
  /**
   * Milliseconds, counted from the batch's base timestamp. Exact up to 2^53 - 1 in either direction; beyond that
   * `exactTimestampDelta` tells the rest.
   */
  readonly timestampDelta: number
  exactTimestampDelta(): bigint
  /** -1 for a null key. */
  readonly keyBytes: number
  /** -1 for a null value. */
  readonly valueBytes: number
  readonly headersCount: number
  /** Where the key, the value and the headers stand in the buffer; -1 where the walk goes through a stream. */
  readonly keyPosition: number
  readonly valuePosition: number
  readonly headersPosition: number
}

/** Called for each record, once all of it was found well-formed. */
export type RecordVisitor = (record: RecordCursor) => void

/** The cursor, as the walkers see it. */
export class MutableRecordCursor implements RecordCursor {
  index = 0
  attributes = 0
  offsetDelta = 0
  timestampDelta = 0
  keyBytes = -1
  valueBytes = -1
  headersCount = 0
  keyPosition = -1
  valuePosition = -1
  headersPosition = -1
  /** The 64 bits of the timestamp delta's varlong as it was written: 28, 28 and 8 of them, the lowest first. */
  #low = 0
  #middle = 0
  #high = 0

  setTimestampDelta(low: number, middle: number, high: number): void {
    this.#low = low
    this.#middle = middle
    this.#high = high & 0xff
    const half = (low >>> 1) + middle * 2 ** 27 + this.#high * 2 ** 55
    this.timestampDelta = (low & 1) === 0 ? half : -half - 1
  }

  exactTimestampDelta(): bigint {
    const raw = BigInt(this.#low) | (BigInt(this.#middle) << 28n) | (BigInt(this.#high) << 56n)
    return BigInt.asIntN(64, (raw >> 1n) ^ -(raw & 1n))
  }
}
