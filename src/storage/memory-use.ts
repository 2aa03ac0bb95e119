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
  /** How many frames are kept that lie in the same memory: those of one request. */
  readonly #frames = new WeakMap<ArrayBufferLike, number>()
  readonly #memory = new KeptMemory(() => this.#bytes)
  #isShort = false
  readonly #watch: Watch = { everyBytes: Infinity, leftBytes: Infinity, tell: () => {} }

  /** Bytes of the memory that is kept, where frames keep more alive than themselves that too. */
  get bytes(): number {
    return this.#bytes
  }

  /** Memory for what the logs are likely to keep as it is, with anything in it. */
  allocate(bytes: number): Buffer {
    return this.#isShort ? Buffer.allocUnsafeSlow(bytes) : this.#memory.allocate(bytes)
  }

  /** Memory is short: what the logs no longer need goes as soon as it can, from now on, whatever time that takes. */
  spare(): void {
    this.#isShort = true
  }

  /** Calls `tell` each time that so many bytes have been appended, in the middle of an append. */
  watch(everyBytes: number, tell: () => void): void {
    Object.assign(this.#watch, { everyBytes, leftBytes: everyBytes, tell })
  }

  /** A frame is kept where it is: all that its memory has counts, once for all of the frames in it. */
  keep({ buffer }: Buffer): void {
    const frames = this.#frames.get(buffer) ?? 0
    this.#frames.set(buffer, frames + 1)
    this.changed(OBJECT_BYTES + (frames === 0 ? buffer.byteLength : 0))
  }

  /** It is kept no longer. */
  letGo({ buffer }: Buffer): void {
    const frames = (this.#frames.get(buffer) ?? 1) - 1
    if (frames > 0) this.#frames.set(buffer, frames)
    else this.#frames.delete(buffer)
    this.changed(-OBJECT_BYTES - (frames === 0 ? buffer.byteLength : 0))
  }

  /** More is kept, or less. */
  changed(bytes: number): void {
    this.#bytes += bytes
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
