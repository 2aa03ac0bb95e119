import { WireError } from './wire-error.ts'

/** The uuid of sixteen zero bytes, which Kafka reads as "none". */
export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA'

/** What `bytes` fields hold by default. */
export const EMPTY_BYTES: Buffer = Buffer.alloc(0)

/** The longest string that Kafka reads or writes, in bytes, whichever way its length is put. */
export const MAX_STRING_BYTES = 0x7fff

/** Integers whose upper 32 bits are below this are exact as a double. */
const MAX_DOUBLE_HIGH = 0x20_0000

/**
 * The quickest way to an int64 is a DataView, but making one takes as long as reading several: with fewer bytes left
 * than this it does not pay.
 */
const MANY_BYTES = 256

/**
 * Topic ids come again and again: the text of one that was read lately is taken as it is, which is quicker than making
 * it, and so is looking it up in a map. Each uuid has but one place, where it replaces whichever was there.
 */
const KNOWN_UUIDS = 128
const knownWords = new Int32Array(KNOWN_UUIDS * 4)
const knownTexts: string[] = Array.from({ length: KNOWN_UUIDS }, () => ZERO_UUID)

/**
 * Reads the protocol's primitive types one after the other. Every length is compared with what is left before
 * anything is allocated for it; byte fields are views of the buffer given, not copies.
 *
 * All methods throw WireError when the bytes end too early or cannot be what is asked for.
 */
export class Reader {
  readonly buffer: Buffer
  /** Index of the next byte to be read. */
  position: number
  /** Index after the last byte that may be read. */
  readonly end: number
  #view: DataView | undefined

  constructor(buffer: Buffer, position = 0, end: number = buffer.length) {
    this.buffer = buffer
    this.position = position
    this.end = end
    if (!(position >= 0 && position <= end && end <= buffer.length)) {
      throw new WireError(`bytes ${position} to ${end} are not within a buffer of ${buffer.length}`)
    }
  }

  /** How many bytes are left. */
  get remaining(): number {
    return this.end - this.position
  }

  int8(): number {
    return (this.#byte('an int8') << 24) >> 24
  }

  boolean(): boolean {
    return this.#byte('a boolean') !== 0
  }

  int16(): number {
    const at = this.#take(2, 'an int16')
    const bytes = this.buffer
    return (((bytes[at] as number) << 24) >> 16) | (bytes[at + 1] as number)
  }

  uint16(): number {
    const at = this.#take(2, 'a uint16')
    const bytes = this.buffer
    return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
  }

  int32(): number {
    return this.#int32At(this.#take(4, 'an int32'))
  }

  uint32(): number {
    return this.int32() >>> 0
  }

  int64(): bigint {
    if (this.#view !== undefined || this.end - this.position >= MANY_BYTES) {
      const at = this.#take(8, 'an int64')
      const { buffer } = this
      this.#view ??= new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
      return this.#view.getBigInt64(at)
    }
    const at = this.#take(8, 'an int64')
    const high = this.#int32At(at)
    const low = this.#int32At(at + 4) >>> 0
    if (high >= -MAX_DOUBLE_HIGH && high < MAX_DOUBLE_HIGH) return BigInt(high * 0x1_0000_0000 + low)
    return (BigInt(high) << 32n) | BigInt(low)
  }

  float64(): number {
    const at = this.#take(8, 'a float64')
    return this.buffer.readDoubleBE(at)
  }

  /** An unsigned integer of at most 32 bits, seven of them in each byte. */
  uvarint(): number {
    const first = this.#byte('an unsigned varint')
    if (first < 0x80) return first
    let value = first & 0x7f
    for (let shift = 7; shift < 35; shift += 7) {
      const byte = this.#byte('an unsigned varint')
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw this.#refuse('an unsigned varint of at most 5 bytes')
  }

  /** A signed integer of at most 32 bits in zigzag coding. */
  varint(): number {
    const value = this.uvarint()
    return (value >>> 1) ^ -(value & 1)
  }

  /** A signed integer of at most 64 bits in zigzag coding. */
  varlong(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte('a varlong')
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asIntN(64, (BigInt.asUintN(64, value) >> 1n) ^ -(value & 1n))
    }
    throw this.#refuse('a varlong of at most 10 bytes')
  }

  /** A uuid in Kafka's own text form: 22 characters of base64url. */
  uuid(): string {
    const at = this.#take(16, 'a uuid')
    const first = this.#int32At(at)
    const second = this.#int32At(at + 4)
    const third = this.#int32At(at + 8)
    const fourth = this.#int32At(at + 12)
    if ((first | second | third | fourth) === 0) return ZERO_UUID
    const place = (first ^ (second >>> 7) ^ (third >>> 13) ^ fourth) & (KNOWN_UUIDS - 1)
    const word = place * 4
    if (
      knownWords[word] === first &&
      knownWords[word + 1] === second &&
      knownWords[word + 2] === third &&
      knownWords[word + 3] === fourth
    ) {
      return knownTexts[place] as string
    }
    const text = this.buffer.toString('base64url', at, at + 16)
    knownWords[word] = first
    knownWords[word + 1] = second
    knownWords[word + 2] = third
    knownWords[word + 3] = fourth
    knownTexts[place] = text
    return text
  }

  string(): string {
    return this.#text(this.int16())
  }

  nullableString(): string | null {
    const length = this.int16()
    return length < 0 ? null : this.#text(length)
  }

  compactString(): string {
    return this.#text(this.uvarint() - 1)
  }

  compactNullableString(): string | null {
    const length = this.uvarint() - 1
    return length < 0 ? null : this.#text(length)
  }

  /** A view of the bytes, which lives as long as the buffer that is read. */
  bytes(): Buffer {
    return this.#slice(this.int32())
  }

  nullableBytes(): Buffer | null {
    const length = this.int32()
    return length < 0 ? null : this.#slice(length)
  }

  compactBytes(): Buffer {
    return this.#slice(this.uvarint() - 1)
  }

  compactNullableBytes(): Buffer | null {
    const length = this.uvarint() - 1
    return length < 0 ? null : this.#slice(length)
  }

  /** A view of the next `length` bytes. */
  raw(length: number): Buffer {
    return this.#slice(length)
  }

  /**
   * How many elements an array has, each of which takes at least `minElementBytes`.
   * @param flexible whether the length is put the compact way (KIP-482).
   */
  count(flexible: boolean, minElementBytes: number): number {
    const count = flexible ? this.uvarint() - 1 : this.int32()
    if (count < 0) throw this.#refuse('an array, which cannot be null')
    return this.#bounded(count, minElementBytes)
  }

  /** As `count`, and -1 for null. */
  nullableCount(flexible: boolean, minElementBytes: number): number {
    const count = flexible ? this.uvarint() - 1 : this.int32()
    return count < 0 ? -1 : this.#bounded(count, minElementBytes)
  }

  int8s(flexible: boolean): number[] {
    const list: number[] = []
    for (let left = this.count(flexible, 1); left > 0; left--) list.push(this.int8())
    return list
  }

  int16s(flexible: boolean): number[] {
    const list: number[] = []
    for (let left = this.count(flexible, 2); left > 0; left--) list.push(this.int16())
    return list
  }

  int32s(flexible: boolean): number[] {
    const list: number[] = []
    for (let left = this.count(flexible, 4); left > 0; left--) list.push(this.int32())
    return list
  }

  int64s(flexible: boolean): bigint[] {
    const list: bigint[] = []
    for (let left = this.count(flexible, 8); left > 0; left--) list.push(this.int64())
    return list
  }

  uuids(flexible: boolean): string[] {
    const list: string[] = []
    for (let left = this.count(flexible, 16); left > 0; left--) list.push(this.uuid())
    return list
  }

  strings(flexible: boolean): string[] {
    const list: string[] = []
    for (let left = this.count(flexible, flexible ? 1 : 2); left > 0; left--) {
      list.push(flexible ? this.compactString() : this.string())
    }
    return list
  }

  nullableInt8s(flexible: boolean): number[] | null {
    return this.#isNullArray(flexible) ? null : this.int8s(flexible)
  }

  nullableInt16s(flexible: boolean): number[] | null {
    return this.#isNullArray(flexible) ? null : this.int16s(flexible)
  }

  nullableInt32s(flexible: boolean): number[] | null {
    return this.#isNullArray(flexible) ? null : this.int32s(flexible)
  }

  nullableInt64s(flexible: boolean): bigint[] | null {
    return this.#isNullArray(flexible) ? null : this.int64s(flexible)
  }

  nullableUuids(flexible: boolean): string[] | null {
    return this.#isNullArray(flexible) ? null : this.uuids(flexible)
  }

  nullableStrings(flexible: boolean): string[] | null {
    return this.#isNullArray(flexible) ? null : this.strings(flexible)
  }

  /** Passes over the tagged fields at the end of a struct that knows none (KIP-482). */
  skipTags(): void {
    for (let left = this.uvarint(); left > 0; left--) {
      this.uvarint()
      this.skip(this.uvarint())
    }
  }

  /** Passes over `length` bytes. */
  skip(length: number): void {
    this.#take(length, 'the bytes to skip')
  }

  /** Looks whether the array that begins here is null, and passes over its length only if so. */
  #isNullArray(flexible: boolean): boolean {
    const start = this.position
    const isNull = flexible ? this.uvarint() === 0 : this.int32() < 0
    if (!isNull) this.position = start
    return isNull
  }

  #bounded(count: number, minElementBytes: number): number {
    if (count * minElementBytes > this.end - this.position) {
      throw this.#refuse(`an array of ${count} elements of ${minElementBytes} bytes or more`)
    }
    return count
  }

  #text(length: number): string {
    if (length <= 0) {
      if (length === 0) return ''
      throw this.#refuse('a string, which cannot be null')
    }
    if (length > MAX_STRING_BYTES)
      throw this.#refuse(`a string of at most ${MAX_STRING_BYTES} bytes, not ${length}`)
    const at = this.#take(length, 'a string')
    return this.buffer.toString('utf8', at, at + length)
  }

  #slice(length: number): Buffer {
    if (length < 0) throw this.#refuse('bytes, which cannot be null')
    const at = this.#take(length, 'bytes')
    return this.buffer.subarray(at, at + length)
  }

  /** Moves past `length` bytes, if there are as many, and gives the index of the first. */
  #take(length: number, what: string): number {
    const at = this.position
    if (length > this.end - at) throw this.#refuse(`${what} (${length} bytes)`)
    this.position = at + length
    return at
  }

  #byte(what: string): number {
    const at = this.position
    if (at >= this.end) throw this.#refuse(what)
    this.position = at + 1
    return this.buffer[at] as number
  }

  #int32At(at: number): number {
    const bytes = this.buffer
    return (
      ((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)
    )
  }

  #refuse(expected: string): WireError {
    const left = this.end - this.position
    return new WireError(`expected ${expected} at byte ${this.position}, where ${left} bytes are left`)
  }
}
