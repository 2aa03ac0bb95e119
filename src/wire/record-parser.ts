/** Walks records that are not compressed. */
import { ErrorCode } from './error-codes.ts'
import { MutableRecordCursor, type RecordCursor, type RecordVisitor } from './record-cursor.ts'
import { invalidRecord, RecordsError } from './records-error.ts'

/** Where a walk begins: the first record, unless those before it have been looked at already. */
export interface WalkStart {
  readonly index: number
  readonly position: number
}

/**
 * Walks `count` uncompressed records that take up all of `payload`. Stricter than what compressed ones are held to,
 * as in Kafka: a record must be as long as it says.
 * @throws RecordsError INVALID_RECORD when they are not that.
 */
export function walkRecords(payload: Buffer, count: number, visit: RecordVisitor, start?: WalkStart): void {
  if (count < 0) throw invalidRecord(`batch with a records count of ${count}`)
  const parser = new RecordParser(payload, start?.position)
  for (let index = start?.index ?? 0; index < count; index++) visit(parser.next(index))
  if (count > 0 && parser.position !== payload.length) {
    throw invalidRecord(`${payload.length - parser.position} bytes remain behind the ${count} records`)
  }
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
