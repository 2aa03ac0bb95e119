/** The latest offset of each key in the dirty part of a log, in memory that is bounded beforehand. */
import { hash } from 'node:crypto'
import type { Random } from '../clock.ts'

/** 16 bytes of key and 8 of offset, as in Kafka: as many fit into log.cleaner.dedupe.buffer.size. */
const SLOT_BYTES = 24
const KEY_WORDS = 4
/** Shorter keys stand in the map as they are. */
const KEY_BYTES = 16
const HASHED = 0xff

export interface OffsetMapOptions {
  /** log.cleaner.dedupe.buffer.size, or what of it one cleaning gets. */
  readonly maxBytes: number
  /** log.cleaner.io.buffer.load.factor: how full the map may be. */
  readonly loadFactor: number
  /** How many different keys there can be at most. */
  readonly maxKeys: number
  /** So that nobody can choose keys that all fall into the same slots. */
  readonly random: Random
}

/**
 * Keys of up to 15 bytes stand in the map as they are, longer ones by their SHA-256, cut to 15 bytes: two keys are
 * never taken for one. Offsets are numbers, counted from wherever the owner likes.
 */
export class OffsetMap {
  /** How many keys it takes. */
  readonly capacity: number
  readonly #slots: number
  readonly #keys: Int32Array
  /** Plus 1: 0 stands in a slot that is free. */
  readonly #offsets: Float64Array
  readonly #seedLow: number
  readonly #seedHigh: number
  readonly #scratch: Buffer = Buffer.alloc(KEY_BYTES)
  readonly #words: Int32Array
  #size = 0

  constructor({ maxBytes, loadFactor, maxKeys, random }: OffsetMapOptions) {
    const maxSlots = Math.floor(maxBytes / SLOT_BYTES)
    const needed = Math.ceil(Math.min(maxKeys, maxSlots) / loadFactor) + 1
    this.#slots = Math.max(2, Math.min(maxSlots, needed))
    this.capacity = Math.max(1, Math.min(this.#slots - 1, Math.floor(this.#slots * loadFactor)))
    this.#keys = new Int32Array(this.#slots * KEY_WORDS)
    this.#offsets = new Float64Array(this.#slots)
    this.#words = new Int32Array(this.#scratch.buffer, this.#scratch.byteOffset, KEY_WORDS)
    const seed = random.bytes(8)
    this.#seedLow = seed.readInt32LE(0)
    this.#seedHigh = seed.readInt32LE(4)
  }

  /** How many keys are in it. */
  get size(): number {
    return this.#size
  }

  /** Notes an offset that is higher than any before it; one of a new key only while there is room. */
  put(bytes: Buffer, start: number, length: number, offset: number): boolean {
    const slot = this.#find(bytes, start, length)
    if (this.#offsets[slot] === 0) {
      if (this.#size >= this.capacity) return false
      this.#size++
      this.#keys.set(this.#words, slot * KEY_WORDS)
    }
    this.#offsets[slot] = offset + 1
    return true
  }

  /** The key's latest offset; one below all others when the key is not in the map. */
  get(bytes: Buffer, start: number, length: number): number {
    const found = this.#offsets[this.#find(bytes, start, length)] as number
    return found === 0 ? Number.NEGATIVE_INFINITY : found - 1
  }

  /** The slot of the key, or the free one where it belongs. */
  #find(bytes: Buffer, start: number, length: number): number {
    this.#read(bytes, start, length)
    const [a, b, c, d] = this.#words as unknown as [number, number, number, number]
    let slot = halfSipHash(a, b, c, d, this.#seedLow, this.#seedHigh) % this.#slots
    const keys = this.#keys
    while (this.#offsets[slot] !== 0) {
      const at = slot * KEY_WORDS
      if (keys[at] === a && keys[at + 1] === b && keys[at + 2] === c && keys[at + 3] === d) return slot
      slot = slot + 1 === this.#slots ? 0 : slot + 1
    }
    return slot
  }

  #read(bytes: Buffer, start: number, length: number): void {
    const scratch = this.#scratch
    if (length < KEY_BYTES) {
      this.#words.fill(0)
      scratch[0] = length
      bytes.copy(scratch, 1, start, start + length)
    } else {
      scratch[0] = HASHED
      hash('sha256', bytes.subarray(start, start + length), 'buffer').copy(scratch, 1, 0, KEY_BYTES - 1)
    }
  }
}

/** HalfSipHash-1-3 of 16 bytes, with 32 bits of result: unsigned. */
function halfSipHash(a: number, b: number, c: number, d: number, low: number, high: number): number {
  let v0 = low
  let v1 = high
  let v2 = low ^ 0x6c796765
  let v3 = high ^ 0x74656462
  const round = (): void => {
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
  }
  const absorb = (word: number): void => {
    v3 ^= word
    round()
    v0 ^= word
  }
  absorb(a)
  absorb(b)
  absorb(c)
  absorb(d)
  absorb(KEY_BYTES << 24)
  v2 ^= 0xff
  round()
  round()
  round()
  return (v1 ^ v3) >>> 0
}
