/** Answers whose clients do not read them: together they may hold no more than a part of the memory. */
import { usableMemoryBytes } from '../config/usable-memory.ts'

/** A connection whose client has not taken its last answer yet. */
export interface SlowReader {
  destroy(reason: string): void
}

/** The part of the memory that answers may hold which nobody has taken yet. */
const PART = 1 / 8

/**
 * Counts the bytes that wait to be sent, of all connections. The more there are the less a fetch gets at once, as if
 * its client had asked for less; when they are too many all the same, who has kept theirs the longest is disconnected.
 */
export class UnsentAnswers {
  readonly #maxBytes: number
  /** Who has kept their answer waiting the longest comes first. */
  readonly #readers = new Map<SlowReader, number>()
  #bytes = 0
  #readingBytes = 0

  constructor(maxBytes: number = Math.floor(usableMemoryBytes() * PART)) {
    this.#maxBytes = maxBytes
  }

  /** How many bytes wait. */
  get bytes(): number {
    return this.#bytes
  }

  /** How much a fetch may get now that asks for `maxBytes`. */
  limit(maxBytes: number): number {
    const roomBytes = this.#maxBytes - this.#bytes - this.#readingBytes
    return Math.min(maxBytes, Math.max(0, Math.floor(roomBytes / 2)))
  }

  /** So many bytes are on their way from a disk into an answer; below 0 when they have come. */
  reading(bytes: number): void {
    this.#readingBytes += bytes
  }

  /** So many bytes wait for this reader, from now on until `remove`. */
  add(reader: SlowReader, bytes: number): void {
    this.remove(reader)
    this.#readers.set(reader, bytes)
    this.#bytes += bytes
    for (const [slowest] of this.#readers) {
      if (this.#bytes <= this.#maxBytes || slowest === reader) return
      const waiting = `${this.#bytes} bytes of answers wait for clients to read them, more than ${this.#maxBytes}`
      this.remove(slowest)
      slowest.destroy(`${waiting}, and its own have waited the longest`)
    }
  }

  /** The reader has taken everything, or is gone. */
  remove(reader: SlowReader): void {
    this.#bytes -= this.#readers.get(reader) ?? 0
    this.#readers.delete(reader)
  }
}
