/** Walks records that arrive in chunks, as decompression yields them. */
import { MutableRecordCursor, type RecordVisitor } from './record-cursor.ts'
import { invalidRecord } from './records-error.ts'

/** What comes next in the stream. */
const State = {
  SIZE: 0,
  ATTRIBUTES: 1,
  TIMESTAMP_DELTA: 2,
  OFFSET_DELTA: 3,
  KEY_BYTES: 4,
  VALUE_BYTES: 5,
  HEADERS_COUNT: 6,
  HEADER_KEY_BYTES: 7,
  HEADER_VALUE_BYTES: 8,
} as const

/**
 * Walks `count` records through chunks of any size; keys, values and headers are skipped where they stand, so that
 * nothing is kept but a few numbers. What it takes for well-formed is what Kafka's broker takes for it in a
 * compressed batch: the size in front of a record is not compared with the record's own length.
 */
export class RecordStreamWalker {
  readonly #count: number
  readonly #visit: RecordVisitor
  readonly #cursor = new MutableRecordCursor()
  #walked = 0
  #state: number = State.SIZE
  #skipBytes = 0
  #headersLeft = 0
  #chunk: Buffer = EMPTY
  #position = 0
  /** A varint of which some bytes have been read: its bits so far, 28 to a number, and how many bytes it has. */
  #low = 0
  #middle = 0
  #high = 0
  #varintBytes = 0

  constructor(count: number, visit: RecordVisitor) {
    if (count < 0) throw invalidRecord(`batch with a records count of ${count}`)
    this.#count = count
    this.#visit = visit
  }

  /** @throws RecordsError INVALID_RECORD when the bytes are no records, or more than the batch counts. */
  push(chunk: Buffer): void {
    this.#chunk = chunk
    this.#position = 0
    while (this.#position < chunk.length) {
      if (this.#walked === this.#count) throw invalidRecord(`bytes remain behind the ${this.#count} records`)
      if (this.#skipBytes > 0) this.#skip()
      else this.#step()
    }
    this.#chunk = EMPTY
  }

  /** @throws RecordsError INVALID_RECORD when the stream ended before the last record did. */
  end(): void {
    if (this.#walked === this.#count) return
    throw invalidRecord(`records end within record ${this.#walked} of ${this.#count}`)
  }

  #skip(): void {
    const bytes = Math.min(this.#skipBytes, this.#chunk.length - this.#position)
    this.#position += bytes
    this.#skipBytes -= bytes
    if (this.#skipBytes === 0) this.#finishRecord()
  }

  /** Reads the next field, or as much of it as the chunk has. */
  #step(): void {
    const cursor = this.#cursor
    if (this.#state === State.ATTRIBUTES) {
      cursor.attributes = this.#chunk[this.#position++] as number
      this.#state = State.TIMESTAMP_DELTA
      return
    }
    if (this.#state === State.TIMESTAMP_DELTA) {
      if (!this.#varlong()) return
      cursor.setTimestampDelta(this.#low, this.#middle, this.#high)
      this.#state = State.OFFSET_DELTA
      this.#startVarint()
      return
    }
    if (!this.#varint()) return
    const value = (this.#low >>> 1) ^ -(this.#low & 1)
    this.#startVarint()
    this.#take(value)
  }

  #take(value: number): void {
    const cursor = this.#cursor
    switch (this.#state) {
      case State.SIZE:
        this.#state = State.ATTRIBUTES
        return
      case State.OFFSET_DELTA:
        cursor.offsetDelta = value
        this.#state = State.KEY_BYTES
        return
      case State.KEY_BYTES:
        cursor.keyBytes = Math.max(value, -1)
        this.#skipBytes = Math.max(value, 0)
        this.#state = State.VALUE_BYTES
        return
      case State.VALUE_BYTES:
        cursor.valueBytes = Math.max(value, -1)
        this.#skipBytes = Math.max(value, 0)
        this.#state = State.HEADERS_COUNT
        return
      case State.HEADERS_COUNT:
        if (value < 0) throw invalidRecord(`record ${this.#walked} with ${value} headers`)
        cursor.headersCount = value
        this.#headersLeft = value
        this.#state = State.HEADER_KEY_BYTES
        this.#finishRecord()
        return
      case State.HEADER_KEY_BYTES:
        if (value < 0) throw invalidRecord(`record ${this.#walked} with a header key of ${value} bytes`)
        this.#skipBytes = value
        this.#state = State.HEADER_VALUE_BYTES
        return
      default:
        this.#skipBytes = Math.max(value, 0)
        this.#headersLeft--
        this.#state = State.HEADER_KEY_BYTES
        if (this.#skipBytes === 0) this.#finishRecord()
    }
  }

  /** Hands the record over if its last header's value lies behind us. */
  #finishRecord(): void {
    if (this.#state !== State.HEADER_KEY_BYTES || this.#headersLeft > 0) return
    this.#cursor.index = this.#walked
    this.#visit(this.#cursor)
    this.#walked++
    this.#state = State.SIZE
  }

  #startVarint(): void {
    this.#low = 0
    this.#middle = 0
    this.#high = 0
    this.#varintBytes = 0
  }

  /** Reads on in a varint of at most 32 bits into #low; false when the chunk ends within it. */
  #varint(): boolean {
    while (this.#position < this.#chunk.length) {
      const byte = this.#chunk[this.#position++] as number
      this.#low |= (byte & 0x7f) << (7 * this.#varintBytes++)
      if (byte < 0x80) return true
      if (this.#varintBytes === 5)
        throw invalidRecord(`varint of more than 5 bytes in record ${this.#walked}`)
    }
    return false
  }

  /** Reads on in a varlong of at most 64 bits; false when the chunk ends within it. */
  #varlong(): boolean {
    while (this.#position < this.#chunk.length) {
      const byte = this.#chunk[this.#position++] as number
      const at = this.#varintBytes++
      if (at < 4) this.#low |= (byte & 0x7f) << (7 * at)
      else if (at < 8) this.#middle |= (byte & 0x7f) << (7 * (at - 4))
      else this.#high |= (byte & 0x7f) << (7 * (at - 8))
      if (byte < 0x80) return true
      if (at === 9) throw invalidRecord(`varlong of more than 10 bytes in record ${this.#walked}`)
    }
    return false
  }
}

const EMPTY = Buffer.alloc(0)
