/** Memory for what logs in memory are likely to keep. */

/** Smaller pieces do not matter. */
const LARGE_BYTES = 64 * 1024
/** V8 looks through the heap each time that so many bytes of buffers have been made since it last did. */
const COLLECTED_EVERY_BYTES = 64 * 1024 * 1024

/**
 * V8 looks through the whole heap for each 64 MB of buffers that are made, which takes a quarter of the time of producing
 * and finds nothing where logs in memory keep them. Shared memory it collects like any other, but does not count. So
 * what is allocated here is shared memory for as long as the logs come to keep it; when too much was not kept, or is
 * no longer, it is memory that counts until V8 must have collected the rest.
 */
export class KeptMemory {
  readonly #keptBytes: () => number
  #uncountedBytes = 0
  #keptBefore = 0
  #countedBytes = 0

  /** @param keptBytes how much of what was allocated, or as much in its place, is kept by the logs now. */
  constructor(keptBytes: () => number) {
    this.#keptBytes = keptBytes
  }

  /** A buffer with anything in it; nothing else lies in its memory. */
  allocate(bytes: number): Buffer {
    if (bytes < LARGE_BYTES) return Buffer.allocUnsafeSlow(bytes)
    if (!freedMemoryIsUsedAgain) useFreedMemoryAgain()
    const keptBytes = this.#keptBytes()
    // Logs keep other things, too: what they keep more than was allocated here does not make up for garbage.
    this.#keptBefore = Math.max(this.#keptBefore, keptBytes - this.#uncountedBytes)
    const garbageBytes = this.#uncountedBytes - (keptBytes - this.#keptBefore)
    if (garbageBytes < COLLECTED_EVERY_BYTES) {
      this.#uncountedBytes += bytes
      return Buffer.from(new SharedArrayBuffer(bytes))
    }
    this.#countedBytes += bytes
    if (this.#countedBytes > COLLECTED_EVERY_BYTES) {
      this.#uncountedBytes = 0
      this.#countedBytes = 0
      this.#keptBefore = keptBytes
    }
    return Buffer.allocUnsafeSlow(bytes)
  }
}

/** Just below what glibc takes from the system by itself in any case (DEFAULT_MMAP_THRESHOLD_MAX). */
const GLIBC_PIECE_BYTES = 32 * 1024 * 1024 - 64 * 1024

let freedMemoryIsUsedAgain = false

/**
 * Lets the process keep memory that logs no longer need. By itself glibc gives each large piece back to the system, and
 * the system clears the pages of the next one, which takes longer than all else that is done with a batch. It ceases
 * to once it has freed a piece as large as the one that is garbage here, of which nothing is ever touched. Other C
 * libraries go on as before. The price is gaps: the process takes up to half as much again as what it holds.
 */
function useFreedMemoryAgain(): void {
  freedMemoryIsUsedAgain = true
  Buffer.allocUnsafeSlow(GLIBC_PIECE_BYTES)
}
