/** How much memory the logs of a store take, all together. */
import { KeptMemory } from './kept-memory.ts'

/** What is allocated beside the bytes of a frame that is kept by itself, and for a piece that is kept beside a log. */
export const OBJECT_BYTES = 256

/** So much has to be appended, once more each time, for somebody to be told. */
interface Watch {
  everyBytes: number
  leftBytes: number
  tell: () => void
}

export class MemoryUse {
  #bytes = 0
  /** The memory of the frame that was kept last: other frames of the same request lie in it, too, and come next. */
  #lastKept: ArrayBufferLike | null = null
  readonly #memory = new KeptMemory(() => this.#bytes)
  readonly #watch: Watch = { everyBytes: Infinity, leftBytes: Infinity, tell: () => {} }

  /** Bytes of the memory that is kept, where frames keep more alive than themselves that too. */
  get bytes(): number {
    return this.#bytes
  }

  /** Memory for what the logs are likely to keep as it is, with anything in it. */
  allocate(bytes: number): Buffer {
    return this.#memory.allocate(bytes)
  }

  /** Calls `tell` each time that so many bytes have been appended, in the middle of an append. */
  watch(everyBytes: number, tell: () => void): void {
    Object.assign(this.#watch, { everyBytes, leftBytes: everyBytes, tell })
  }

  /** What keeping the frame costs: all that its memory has, for the first of the frames in it. */
  ofKept(frame: Buffer): number {
    if (frame.buffer === this.#lastKept) return OBJECT_BYTES
    this.#lastKept = frame.buffer
    return frame.buffer.byteLength + OBJECT_BYTES
  }

  /** More is kept, or less. */
  changed(bytes: number): void {
    this.#bytes += bytes
    if (bytes < 0) this.#lastKept = null
  }

  /** So many bytes of frames have been appended. */
  appended(bytes: number): void {
    const watch = this.#watch
    watch.leftBytes -= bytes
    if (watch.leftBytes > 0) return
    watch.leftBytes = watch.everyBytes
    watch.tell()
  }
}
