import { MAX_STRING_BYTES } from './reader.ts'
import { unexpectedNull, WireError } from './wire-error.ts'

/** Bytes from this length on are passed on as they are instead of being copied. */
const LARGE_BYTES = 4096
const SLAB_BYTES = 16 * 1024
const MAX_SLAB_BYTES = 1024 * 1024

/**
 * Writes the protocol's primitive types one after the other, into memory of its own, except for large byte fields,
 * which become parts of the result as they are.
 *
 * A writer may be used for message after message: `finish` and `concat` hand over what has been written and begin
 * a new one. Memory that was handed over is never written to again, so there is nothing to give back.
 */
export class Writer {
  #slab: Buffer
  #view: DataView
  /** Where in the slab the part being written begins. */
  #start = 0
  #position = 0
  #parts: Buffer[] = []
  #partBytes = 0
  /** How many tagged fields are open: while one is, everything stays in the slab, since its size comes first. */
  #openTags = 0

  /** @param slabBytes how much memory to take at first. */
  constructor(slabBytes: number = SLAB_BYTES) {
    this.#slab = Buffer.allocUnsafeSlow(slabBytes)
    this.#view = viewOf(this.#slab)
  }

  /** How many bytes the message being written has so far. */
  get byteLength(): number {
    return this.#partBytes + this.#position - this.#start
  }

  /** Hands over the message as the parts it consists of, and begins a new one. */
  finish(): Buffer[] {
    this.#seal()
    const parts = this.#parts
    this.#parts = []
    this.#partBytes = 0
    return parts
  }

  /** Hands over the message as one buffer that shares memory with no other, and begins a new one. */
  concat(): Buffer {
    const whole = Buffer.allocUnsafeSlow(this.byteLength)
    let at = 0
    for (const part of this.#parts) at += part.copy(whole, at)
    this.#slab.copy(whole, at, this.#start, this.#position)
    this.reset()
    return whole
  }

  /** Forgets the message being written, to begin a new one; for when it turned out that it cannot be written. */
  reset(): void {
    this.#position = this.#start
    this.#parts = []
    this.#partBytes = 0
    this.#openTags = 0
  }

  int8(value: number): void {
    const at = this.#reserve(1)
    this.#view.setInt8(at, value)
  }

  boolean(value: boolean): void {
    const at = this.#reserve(1)
    this.#slab[at] = value ? 1 : 0
  }

  int16(value: number): void {
    const at = this.#reserve(2)
    this.#view.setInt16(at, value)
  }

  uint16(value: number): void {
    const at = this.#reserve(2)
    this.#view.setUint16(at, value)
  }

  int32(value: number): void {
    const at = this.#reserve(4)
    this.#view.setInt32(at, value)
  }

  uint32(value: number): void {
    const at = this.#reserve(4)
    this.#view.setUint32(at, value)
  }

  int64(value: bigint): void {
    const at = this.#reserve(8)
    this.#view.setBigInt64(at, value)
  }

  float64(value: number): void {
    const at = this.#reserve(8)
    this.#view.setFloat64(at, value)
  }

  /** @param value 0 to 2^32 - 1. */
  uvarint(value: number): void {
    let at = this.#reserve(5)
    const slab = this.#slab
    let rest = value >>> 0
    while (rest > 0x7f) {
      slab[at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    slab[at++] = rest
    this.#position = at
  }

  /** A signed integer of at most 32 bits, in zigzag coding. */
  varint(value: number): void {
    this.uvarint((value << 1) ^ (value >> 31))
  }

  /** A signed integer of at most 64 bits, in zigzag coding. */
  varlong(value: bigint): void {
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
    while (rest > 0x7fn) {
      this.int8(Number(rest & 0x7fn) | 0x80)
      rest >>= 7n
    }
    this.int8(Number(rest))
  }

  /** @param value Kafka's text form: 22 characters of base64url. */
  uuid(value: string): void {
    if (value.length !== 22) throw notUuid(value)
    let at = this.#ensure(16)
    const slab = this.#slab
    // Negative as soon as one character is none of base64url.
    let all = 0
    for (let index = 0; index < 20; index += 4) {
      const bits =
        (sixBits(value, index) << 18) |
        (sixBits(value, index + 1) << 12) |
        (sixBits(value, index + 2) << 6) |
        sixBits(value, index + 3)
      all |= bits
      slab[at++] = bits >> 16
      slab[at++] = bits >> 8
      slab[at++] = bits
    }
    const last = (sixBits(value, 20) << 6) | sixBits(value, 21)
    if ((all | last) < 0) throw notUuid(value)
    slab[at++] = last >> 4
    this.#position = at
  }

  string(value: string): void {
    const at = this.#reserveText(value, 2)
    const length = this.#text(value, at + 2)
    this.#view.setInt16(at, length)
  }

  nullableString(value: string | null): void {
    if (value === null) this.int16(-1)
    else this.string(value)
  }

  compactString(value: string): void {
    if (typeof value === 'string' && value.length < 42) {
      // At three bytes for each UTF-16 unit, the length is sure to fit in a single byte.
      const at = this.#reserveText(value, 1)
      this.#slab[at] = this.#text(value, at + 1) + 1
      return
    }
    this.uvarint(checkedLength(value) + 1)
    const at = this.#reserveText(value, 0)
    this.#text(value, at)
  }

  compactNullableString(value: string | null): void {
    if (value === null) this.uvarint(0)
    else this.compactString(value)
  }

  /** One buffer, or several that are written as if they were one. */
  bytes(value: Buffer | readonly Buffer[]): void {
    this.int32(lengthOf(value))
    this.raw(value)
  }

  nullableBytes(value: Buffer | readonly Buffer[] | null): void {
    if (value === null) this.int32(-1)
    else this.bytes(value)
  }

  compactBytes(value: Buffer | readonly Buffer[]): void {
    this.uvarint(lengthOf(value) + 1)
    this.raw(value)
  }

  compactNullableBytes(value: Buffer | readonly Buffer[] | null): void {
    if (value === null) this.uvarint(0)
    else this.compactBytes(value)
  }

  /** The bytes alone, without their length. */
  raw(value: Buffer | readonly Buffer[]): void {
    if (Buffer.isBuffer(value)) this.#append(value)
    else for (const part of value) this.#append(part)
  }

  /** The length of an array: the elements follow. */
  count(flexible: boolean, value: readonly unknown[]): void {
    if (value === null) throw unexpectedNull('an array')
    if (flexible) this.uvarint(value.length + 1)
    else this.int32(value.length)
  }

  /** The length of an array that is null. */
  nullCount(flexible: boolean): void {
    if (flexible) this.uvarint(0)
    else this.int32(-1)
  }

  int8s(flexible: boolean, values: readonly number[]): void {
    this.count(flexible, values)
    for (const value of values) this.int8(value)
  }

  int16s(flexible: boolean, values: readonly number[]): void {
    this.count(flexible, values)
    for (const value of values) this.int16(value)
  }

  int32s(flexible: boolean, values: readonly number[]): void {
    this.count(flexible, values)
    for (const value of values) this.int32(value)
  }

  int64s(flexible: boolean, values: readonly bigint[]): void {
    this.count(flexible, values)
    for (const value of values) this.int64(value)
  }

  uuids(flexible: boolean, values: readonly string[]): void {
    this.count(flexible, values)
    for (const value of values) this.uuid(value)
  }

  strings(flexible: boolean, values: readonly string[]): void {
    this.count(flexible, values)
    for (const value of values) {
      if (flexible) this.compactString(value)
      else this.string(value)
    }
  }

  nullableInt8s(flexible: boolean, values: readonly number[] | null): void {
    if (values === null) this.nullCount(flexible)
    else this.int8s(flexible, values)
  }

  nullableInt16s(flexible: boolean, values: readonly number[] | null): void {
    if (values === null) this.nullCount(flexible)
    else this.int16s(flexible, values)
  }

  nullableInt32s(flexible: boolean, values: readonly number[] | null): void {
    if (values === null) this.nullCount(flexible)
    else this.int32s(flexible, values)
  }

  nullableInt64s(flexible: boolean, values: readonly bigint[] | null): void {
    if (values === null) this.nullCount(flexible)
    else this.int64s(flexible, values)
  }

  nullableUuids(flexible: boolean, values: readonly string[] | null): void {
    if (values === null) this.nullCount(flexible)
    else this.uuids(flexible, values)
  }

  nullableStrings(flexible: boolean, values: readonly string[] | null): void {
    if (values === null) this.nullCount(flexible)
    else this.strings(flexible, values)
  }

  /** Begins a tagged field (KIP-482): its value follows, then `closeTag` with what this returns. */
  openTag(tag: number): number {
    this.uvarint(tag)
    this.#openTags++
    return this.byteLength
  }

  /** Ends the tagged field whose value began at `start`, by putting its size in front of it. */
  closeTag(start: number): void {
    const size = this.byteLength - start
    let sizeBytes = 1
    for (let rest = size; rest > 0x7f; rest >>>= 7) sizeBytes++
    this.#reserve(sizeBytes)
    const end = this.#position
    const from = end - sizeBytes - size
    const slab = this.#slab
    slab.copyWithin(from + sizeBytes, from, from + size)
    let rest = size
    for (let at = from; at < from + sizeBytes; at++, rest >>>= 7)
      slab[at] = rest > 0x7f ? (rest & 0x7f) | 0x80 : rest
    this.#openTags--
  }

  #append(bytes: Buffer): void {
    if (bytes.length >= LARGE_BYTES && this.#openTags === 0) {
      this.#seal()
      this.#parts.push(bytes)
      this.#partBytes += bytes.length
    } else {
      const at = this.#reserve(bytes.length)
      bytes.copy(this.#slab, at)
    }
  }

  /** Makes room for a string of any content and `prefix` bytes before it; gives where that begins. */
  #reserveText(value: string, prefix: number): number {
    if (typeof value !== 'string') throw unexpectedNull('a string')
    if (value.length > MAX_STRING_BYTES) checkedLength(value)
    return this.#ensure(prefix + value.length * 3)
  }

  /** Writes the string's bytes at `at`, for which there is room, and gives their number. */
  #text(value: string, at: number): number {
    const slab = this.#slab
    let length = 0
    if (value.length < 24) {
      for (; length < value.length; length++) {
        const unit = value.charCodeAt(length)
        if (unit > 0x7f) break
        slab[at + length] = unit
      }
      if (length === value.length) {
        this.#position = at + length
        return length
      }
    }
    length = slab.write(value, at, 'utf8')
    if (length > MAX_STRING_BYTES) checkedLength(value)
    this.#position = at + length
    return length
  }

  /** Takes the next `length` bytes of the slab and gives the index of the first. */
  #reserve(length: number): number {
    const at = this.#ensure(length)
    this.#position = at + length
    return at
  }

  /** Makes sure that the slab has `length` more bytes and gives the index of the first. */
  #ensure(length: number): number {
    if (this.#position + length > this.#slab.length) this.#grow(length)
    return this.#position
  }

  #grow(length: number): void {
    const written = this.#openTags > 0 ? this.#position - this.#start : 0
    if (written === 0) this.#seal()
    const old = this.#slab
    const from = this.#start
    const slabBytes = Math.min(Math.max(this.byteLength, SLAB_BYTES), MAX_SLAB_BYTES)
    this.#slab = Buffer.allocUnsafeSlow(Math.max(slabBytes, written * 2 + length))
    this.#view = viewOf(this.#slab)
    old.copy(this.#slab, 0, from, from + written)
    this.#start = 0
    this.#position = written
  }

  /** Makes what stands in the slab a part of the message. */
  #seal(): void {
    if (this.#position === this.#start) return
    this.#parts.push(this.#slab.subarray(this.#start, this.#position))
    this.#partBytes += this.#position - this.#start
    this.#start = this.#position
  }
}

/** What each character of base64url stands for, by its code; -1 for the others. */
const SIX_BITS = new Int8Array(256).fill(-1)
for (let bits = 0; bits < 64; bits++) {
  SIX_BITS['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.charCodeAt(bits)] = bits
}

function sixBits(text: string, index: number): number {
  const code = text.charCodeAt(index)
  return code < 256 ? (SIX_BITS[code] as number) : -1
}

function notUuid(value: string): WireError {
  return new WireError(`not a uuid of 22 base64url characters: ${JSON.stringify(value)}`)
}

function viewOf(slab: Buffer): DataView {
  return new DataView(slab.buffer, slab.byteOffset, slab.length)
}

/** The length in bytes of one buffer or of several together. */
function lengthOf(value: Buffer | readonly Buffer[]): number {
  if (value === null) throw unexpectedNull('bytes')
  if (Buffer.isBuffer(value)) return value.length
  let total = 0
  for (const part of value) total += part.length
  return total
}

/** The length in bytes of a string that is not too long to be one. */
function checkedLength(value: string): number {
  if (typeof value !== 'string') throw unexpectedNull('a string')
  const length = Buffer.byteLength(value, 'utf8')
  if (length > MAX_STRING_BYTES) {
    throw new WireError(`a string of ${length} bytes is longer than ${MAX_STRING_BYTES}`)
  }
  return length
}
