/** What was appended to logs last, so that whoever reads at a log's end is answered at once, without the disk. */
import { usableMemoryBytes } from '../config/usable-memory.ts'
import { lastOffset } from '../wire/batch.ts'
import { isLent } from '../wire/lent-memory.ts'
import type { Frame } from './log-store.ts'
import { MemorySegment } from './memory-segment.ts'

/** When so much has been appended, what came before the last half of it is forgotten. */
const MAX_HALF_BYTES = 1024 * 1024
/** Frames from this size on are kept where they are, unless their memory is lent: then they are read from the disk. */
const LARGE_FRAME_BYTES = 16 * 1024
/** What a cache takes beside its frames, about. */
const OVERHEAD_BYTES = 1024

/** The part of the memory that caches may take by default, and how much is enough. */
const PART = 1 / 16
const ENOUGH_BYTES = 64 * 1024 * 1024

export function defaultCacheBytes(usableBytes: number = usableMemoryBytes()): number {
  return Math.min(ENOUGH_BYTES, Math.floor(usableBytes * PART))
}

/** How much all caches may take together: beyond it those that grew longest ago are emptied. */
export class CacheBudget {
  readonly #limitBytes: number
  #usedBytes = 0
  readonly #caches = new Set<TailCache>()

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  /** For caches. */
  take(cache: TailCache, bytes: number): void {
    this.#usedBytes += bytes
    this.#caches.delete(cache)
    this.#caches.add(cache)
    for (const oldest of this.#caches) {
      if (this.#usedBytes <= this.#limitBytes || oldest === cache) return
      oldest.clear()
    }
  }

  give(cache: TailCache | null, bytes: number): void {
    this.#usedBytes -= bytes
    if (cache !== null) this.#caches.delete(cache)
  }
}

export class TailCache {
  readonly #budget: CacheBudget
  #older: MemorySegment | null = null
  #newer: MemorySegment | null = null

  constructor(budget: CacheBudget) {
    this.#budget = budget
  }

  /** From which offset on everything is there; null when nothing is. */
  get startOffset(): bigint | null {
    return (this.#older ?? this.#newer)?.baseOffset ?? null
  }

  /** @param from the log's end before the frames. */
  append(frames: readonly Frame[], from: bigint): void {
    const last = frames.findLast((frame) => frame.length >= LARGE_FRAME_BYTES && isLent(frame))
    if (last === undefined) {
      this.#add(frames, from)
      return
    }
    this.clear()
    this.#add(frames.slice(frames.indexOf(last) + 1), lastOffset(last) + 1n)
  }

  #add(frames: readonly Frame[], from: bigint): void {
    if (frames.length === 0) return
    if (this.#newer !== null && this.#newer.sizeBytes >= MAX_HALF_BYTES) {
      this.#give(this.#older, null)
      this.#older = this.#newer
      this.#newer = null
    }
    const before = this.#newer === null ? -OVERHEAD_BYTES : this.#newer.sizeBytes
    this.#newer ??= new MemorySegment(from)
    for (const frame of frames) this.#newer.append(frame)
    this.#budget.take(this, this.#newer.sizeBytes - before)
  }

  /** As `StoredLog.read`, from `startOffset` on. */
  read(from: bigint, maxBytes: number, upTo: bigint): readonly Buffer[] {
    const views: Buffer[] = []
    const budget = { leftBytes: maxBytes, upTo, views }
    if (this.#older === null || this.#older.read(from, budget)) this.#newer?.read(from, budget)
    return views
  }

  clear(): void {
    this.#give(this.#older, this)
    this.#give(this.#newer, this)
    this.#older = null
    this.#newer = null
  }

  #give(segment: MemorySegment | null, cache: TailCache | null): void {
    if (segment !== null) this.#budget.give(cache, segment.sizeBytes + OVERHEAD_BYTES)
  }
}
