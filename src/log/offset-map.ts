/** The latest offset of each key in the dirty part of a log, in memory that is bounded beforehand. */
import type { Random } from '../clock.ts'
import { type HashKey, hashBytes } from './key-hash.ts'

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
 * Keys of up to 15 bytes stand in the map as they are, longer ones by 120 bits of hash, whose key nobody knows: two
 * keys are never taken for one. Offsets are numbers, counted from wherever the owner likes.
 */
export class OffsetMap {
  /** How many keys it takes. */
  readonly capacity: number
  readonly #slots: number
  readonly #keys: Int32Array
  /** Plus 1: 0 stands in a slot that is free. */
  readonly #offsets: Float64Array
  readonly #hashKeys: readonly HashKey[]
  readonly #scratch: Buffer = Buffer.alloc(KEY_BYTES)
  readonly #words: Int32Array
  readonly #hash: Int32Array = new Int32Array(2)
  #size = 0

  constructor({ maxBytes, loadFactor, maxKeys, random }: OffsetMapOptions) {
    const maxSlots = Math.floor(maxBytes / SLOT_BYTES)
    const needed = Math.ceil(Math.min(maxKeys, maxSlots) / loadFactor) + 1
    this.#slots = Math.max(2, Math.min(maxSlots, needed))
    this.capacity = Math.max(1, Math.min(this.#slots - 1, Math.floor(this.#slots * loadFactor)))
    this.#keys = new Int32Array(this.#slots * KEY_WORDS)
    this.#offsets = new Float64Array(this.#slots)
    this.#words = new Int32Array(this.#scratch.buffer, this.#scratch.byteOffset, KEY_WORDS)
    this.#hashKeys = [0, 1, 2].map(() => {
      const bytes = random.bytes(8)
      return { low: bytes.readInt32LE(0), high: bytes.readInt32LE(4) }
    })
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
      for (let word = 0; word < KEY_WORDS; word++) {
        this.#keys[slot * KEY_WORDS + word] = this.#words[word] as number
      }
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
    const words = this.#words
    const a = words[0] as number
    const b = words[1] as number
    const c = words[2] as number
    const d = words[3] as number
    hashBytes(this.#scratch, 0, KEY_BYTES, this.#hashKeys[0] as HashKey, this.#hash, 0)
    let slot = ((this.#hash[0] as number) >>> 0) % this.#slots
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
      hashBytes(bytes, start, length, this.#hashKeys[1] as HashKey, this.#words, 0)
      hashBytes(bytes, start, length, this.#hashKeys[2] as HashKey, this.#words, 2)
      scratch[0] = HASHED
    }
  }
}
