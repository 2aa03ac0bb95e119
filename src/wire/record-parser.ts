/** Walks records that are not compressed. */
import { ErrorCode } from './error-codes.ts'
import { MutableRecordCursor, type RecordCursor, type RecordVisitor } from './record-cursor.ts'
import { invalidRecord, RecordsError } from './records-error.ts'

/**
 * Walks `count` uncompressed records that take up all of `payload`. Stricter than what compressed ones are held to,
 * as in Kafka: a record must be as long as it says.
 * @throws RecordsError INVALID_RECORD when they are not that.
 */
export function walkRecords(payload: Buffer, count: number, visit: RecordVisitor): void {
  if (count < 0) throw invalidRecord(`batch with a records count of ${count}`)
  const parser = new RecordParser(payload)
  for (let index = 0; index < count; index++) visit(parser.next(index))
  if (count > 0 && parser.position !== payload.length) {
    throw invalidRecord(`${payload.length - parser.position} bytes remain behind the ${count} records`)
  }
}

/** The numbers up to the key's length: a size, attributes, two deltas, and it, each of at most four bytes. */
const USUAL_FRONT_BYTES = 4 + 1 + 4 + 4 + 4
/** The value's length, and the count of headers. */
const USUAL_VALUE_BYTES = 4 + 1
/** `shortVarint` tells how many bytes it took in its lowest bits. */
const LENGTH_SHIFT = 3
const LENGTH_BITS = 0b111

/**
 * A varint of at most four bytes, still in zigzag coding, and its length, in one number, so that nothing is allocated;
 * 0 for a longer one. The bytes must be there.
 */
function shortVarint(bytes: Buffer, at: number): number {
  const first = bytes[at] as number
  if (first < 0x80) return (first << LENGTH_SHIFT) | 1
  const second = bytes[at + 1] as number
  const two = (first & 0x7f) | ((second & 0x7f) << 7)
  if (second < 0x80) return (two << LENGTH_SHIFT) | 2
  const third = bytes[at + 2] as number
  const three = two | ((third & 0x7f) << 14)
  if (third < 0x80) return (three << LENGTH_SHIFT) | 3
  const fourth = bytes[at + 3] as number
  return fourth < 0x80 ? ((three | (fourth << 21)) << LENGTH_SHIFT) | 4 : 0
}

function unzigzag(short: number): number {
  const value = short >>> LENGTH_SHIFT
  return (value >>> 1) ^ -(value & 1)
}

/** Parses uncompressed records one after the other. */
export class RecordParser {
  position: number
  readonly #bytes: Buffer
  readonly #cursor = new MutableRecordCursor()

  constructor(bytes: Buffer, position = 0) {
    this.#bytes = bytes
    this.position = position
  }

  next(index: number): RecordCursor {
    return this.#takeUsual(index) ? this.#cursor : this.#takeAny(index)
  }

  /**
   * Nearly all records are small numbers around a key and a value, with enough bytes behind them that none needs a check
   * of its own. Whatever else it is, the position stays where it was, so that the other way finds the mistake.
   */
  #takeUsual(index: number): boolean {
    const bytes = this.#bytes
    let at = this.position
    if (bytes.length - at < USUAL_FRONT_BYTES) return false
    const size = shortVarint(bytes, at)
    at += size & LENGTH_BITS
    const end = at + unzigzag(size)
    const attributes = bytes[at] as number
    const timestamp = shortVarint(bytes, at + 1)
    at += 1 + (timestamp & LENGTH_BITS)
    const offset = shortVarint(bytes, at)
    at += offset & LENGTH_BITS
    const key = shortVarint(bytes, at)
    const keyPosition = at + (key & LENGTH_BITS)
    const keyBytes = Math.max(unzigzag(key), -1)
    at = keyPosition + Math.max(keyBytes, 0)
    if (size === 0 || timestamp === 0 || offset === 0 || key === 0) return false
    if (bytes.length - at < USUAL_VALUE_BYTES) return false
    const value = shortVarint(bytes, at)
    const valuePosition = at + (value & LENGTH_BITS)
    const valueBytes = Math.max(unzigzag(value), -1)
    at = valuePosition + Math.max(valueBytes, 0)
    // What is left of it is the count of its headers: zero, in one byte.
    if (value === 0 || at + 1 !== end || bytes[at] !== 0) return false
    this.position = end
    const cursor = this.#cursor
    cursor.index = index
    cursor.attributes = attributes
    cursor.setShortTimestampDelta(timestamp >>> LENGTH_SHIFT)
    cursor.offsetDelta = unzigzag(offset)
    cursor.keyBytes = keyBytes
    cursor.keyPosition = keyPosition
    cursor.valueBytes = valueBytes
    cursor.valuePosition = valuePosition
    cursor.headersCount = 0
    cursor.headersPosition = end
    return true
  }

  #takeAny(index: number): RecordCursor {
    const cursor = this.#cursor
    // Kafka does not expect such a size to be malformed, and answers as it does to its own mistakes.
    const bytes = this.varint(ErrorCode.UNKNOWN_SERVER_ERROR)
    const start = this.position
    if (bytes > this.#bytes.length - start) {
      throw invalidRecord(`record ${index} of ${bytes} bytes where ${this.#bytes.length - start} are left`)
    }
    cursor.index = index
    cursor.attributes = this.#byte()
    this.#timestampDelta(cursor)
    cursor.offsetDelta = this.varint()
    cursor.keyBytes = Math.max(this.varint(), -1)
    cursor.keyPosition = this.position
    this.skip(cursor.keyBytes)
    cursor.valueBytes = Math.max(this.varint(), -1)
    cursor.valuePosition = this.position
    this.skip(cursor.valueBytes)
    cursor.headersCount = this.varint()
    cursor.headersPosition = this.position
    if (cursor.headersCount !== 0) this.#skipHeaders(cursor.headersCount)
    if (this.position - start !== bytes) {
      throw invalidRecord(`record ${index} of ${bytes} bytes takes ${this.position - start}`)
    }
    return cursor
  }

  /**
   * A signed integer of at most 32 bits in zigzag coding.
   * @throws RecordsError with `tooLong` as its code when it does not end.
   */
  varint(tooLong: ErrorCode = ErrorCode.INVALID_RECORD): number {
    const first = this.#byte()
    if (first < 0x80) return (first >>> 1) ^ -(first & 1)
    let value = first & 0x7f
    for (let shift = 7; shift < 35; shift += 7) {
      const byte = this.#byte()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
    }
    throw new RecordsError(tooLong, 'varint of more than 5 bytes')
  }

  /** Goes on by that many bytes; a negative number stands for null and takes none. */
  skip(bytes: number): void {
    if (bytes <= 0) return
    if (bytes > this.#bytes.length - this.position) {
      throw invalidRecord(`${bytes} bytes claimed where ${this.#bytes.length - this.position} are left`)
    }
    this.position += bytes
  }

  #skipHeaders(count: number): void {
    if (count < 0 || count > this.#bytes.length - this.position) {
      throw invalidRecord(`${count} headers claimed in ${this.#bytes.length - this.position} bytes`)
    }
    for (let left = count; left > 0; left--) {
      const keyBytes = this.varint()
      if (keyBytes < 0) throw invalidRecord(`header key of ${keyBytes} bytes`)
      this.skip(keyBytes)
      this.skip(this.varint())
    }
  }

  #timestampDelta(cursor: MutableRecordCursor): void {
    let low = 0
    let middle = 0
    let high = 0
    for (let at = 0; at < 10; at++) {
      const byte = this.#byte()
      const bits = byte & 0x7f
      if (at < 4) low |= bits << (7 * at)
      else if (at < 8) middle |= bits << (7 * (at - 4))
      else high |= bits << (7 * (at - 8))
      if (byte < 0x80) {
        cursor.setTimestampDelta(low, middle, high)
        return
      }
    }
    throw invalidRecord('varlong of more than 10 bytes')
  }

  #byte(): number {
    if (this.position >= this.#bytes.length) throw invalidRecord('records end within a record')
    return this.#bytes[this.position++] as number
  }
}
