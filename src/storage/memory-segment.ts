/** One segment of a log in memory. */
import {
  BatchField,
  LOG_OVERHEAD_BYTES,
  lastOffset,
  lastOffsetDelta,
  maxTimestamp,
  NO_TIMESTAMP,
} from '../wire/batch.ts'
import { keep } from '../wire/lent-memory.ts'
import type { Frame, Segment } from './log-store.ts'
import type { MemoryUse } from './memory-use.ts'
import { TimeIndex } from './time-index.ts'

/** Frames of at least this size are never copied into a block with others. */
const LARGE_FRAME_BYTES = 16 * 1024
/**
 * A larger frame is kept where it is unless its memory is more than so many times as large. The rest of that memory
 * is, as a rule, other partitions' frames of the same request, which are kept too.
 */
const MAX_RETAINED_PER_BYTE = 8
const MIN_BLOCK_BYTES = 1024
const MAX_BLOCK_BYTES = 256 * 1024
/** A larger frame that is copied gets memory of its own. */
const MAX_COPIED_BYTES = MAX_BLOCK_BYTES / 4
/** How far apart the entries of an extent's index are. */
const INDEX_INTERVAL_BYTES = 4096

/** Frames that lie side by side in one buffer. */
interface Extent {
  readonly block: Buffer
  readonly start: number
  bytes: number
  /** The base offset of its first frame, counted from the segment's. */
  readonly baseDelta: number
  /** Pairs of offset delta and position within the extent, about one for each INDEX_INTERVAL_BYTES; the first is left out. */
  index: number[] | null
}

/** A place between two frames of a segment: in which extent, and how far behind its start. */
interface Place {
  readonly extent: number
  readonly position: number
}

/** What a read may still take, and what it has taken. */
export interface ReadBudget {
  leftBytes: number
  readonly upTo: bigint
  readonly views: Buffer[]
}

/**
 * Small frames are copied into blocks of the segment's own, so that they do not keep the request alive that they
 * came in; a large one stays where it is if that keeps no much larger buffer alive. Nothing is allocated for a
 * segment that is empty, and everything of one is garbage as soon as the segment is.
 */
export class MemorySegment implements Segment {
  readonly baseOffset: bigint
  readonly #use: MemoryUse | null
  /** What it has of the store's use. */
  #keptBytes = 0
  /** Frames that stay where they are; blocks are in what it has. */
  #keptFrames: Frame[] = []
  readonly #extents: Extent[] = []
  readonly #baseHigh: number
  readonly #baseLow: number
  #endOffset: bigint
  #sizeBytes = 0
  /** The block that small frames go to, and how much of it is taken. */
  #block: Buffer | null = null
  #usedBytes = 0
  /** Null while the segment is empty. */
  #times: TimeIndex | null = null
  #bytesSinceMarked = 0

  /** @param use where its memory is counted. */
  constructor(baseOffset: bigint, use: MemoryUse | null = null) {
    this.baseOffset = baseOffset
    this.#use = use
    this.#baseHigh = Number(baseOffset >> 32n)
    this.#baseLow = Number(baseOffset & 0xffffffffn)
    this.#endOffset = baseOffset
  }

  get endOffset(): bigint {
    return this.#endOffset
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  get firstTimestamp(): bigint {
    return this.#times?.firstTimestamp ?? NO_TIMESTAMP
  }

  get maxTimestamp(): bigint {
    return this.#times?.maxTimestamp ?? NO_TIMESTAMP
  }

  get maxTimestampOffset(): bigint {
    return this.#times?.maxTimestampOffset ?? this.baseOffset
  }

  append(frame: Frame): void {
    const delta = this.#delta(frame, 0)
    const staysInPlace =
      frame.length >= LARGE_FRAME_BYTES && frame.length * MAX_RETAINED_PER_BYTE >= frame.buffer.byteLength
    if (!staysInPlace && frame.length <= MAX_COPIED_BYTES) {
      this.#copyToBlock(frame, delta)
    } else {
      if (staysInPlace) keep(frame)
      const kept = staysInPlace ? frame : this.#exactCopy(frame)
      this.#extents.push({ block: kept, start: 0, bytes: kept.length, baseDelta: delta, index: null })
      if (this.#use !== null) {
        this.#use.keep(kept)
        this.#keptFrames.push(kept)
      }
    }
    this.#sizeBytes += frame.length
    this.#endOffset = this.baseOffset + BigInt(delta + lastOffsetDelta(frame) + 1)
    if (this.#times === null) {
      this.#times = new TimeIndex(this.baseOffset)
      this.#times.firstTimestamp = maxTimestamp(frame)
    }
    this.#addTime(this.#times, frame, 0)
  }

  /** Nothing more is appended for now: what the last block has to spare is given back. */
  seal(): void {
    const block = this.#block
    this.#block = null
    if (block === null || this.#usedBytes === block.length) return
    const exact = this.#exactCopy(block.subarray(0, this.#usedBytes))
    for (let at = this.#extents.length - 1; at >= 0; at--) {
      const extent = this.#extents[at] as Extent
      if (extent.block === block) this.#extents[at] = { ...extent, block: exact }
      // A block's extents lie together, but for large frames between them.
      else if (extent.bytes < LARGE_FRAME_BYTES) break
    }
    this.#keep(exact.length - block.length)
  }

  /** Its memory counts no more: it has been dropped. */
  release(): void {
    this.#keep(-this.#keptBytes)
    for (const frame of this.#keptFrames.splice(0)) this.#use?.letGo(frame)
  }

  #keep(bytes: number): void {
    this.#keptBytes += bytes
    this.#use?.changed(bytes)
  }

  /** An offset from which to look for the first batch with `timestamp` or a later one. */
  seekTimestamp(timestamp: bigint): bigint {
    return this.#times?.seek(timestamp) ?? this.baseOffset
  }

  /**
   * Reads on from the frame that holds `from`, or the first above it.
   * @returns false when the budget is used up or its `upTo` is reached, so that no further segment is to be read.
   */
  read(from: bigint, budget: ReadBudget): boolean {
    const start = from <= this.baseOffset ? { extent: 0, position: 0 } : this.#locate(from)
    const whole = budget.upTo >= this.#endOffset
    const stop = whole ? { extent: this.#extents.length, position: 0 } : this.#locate(budget.upTo)
    let position = start.position
    for (let at = start.extent; at <= stop.extent && at < this.#extents.length; at++) {
      const extent = this.#extents[at] as Extent
      const end = at === stop.extent ? stop.position : extent.bytes
      if (position < end && !take(extent, position, end, budget)) return false
      position = 0
    }
    return whole
  }

  /**
   * Removes the frames that hold `endOffset` or a higher offset. Readers may still hold views of them, so their place
   * in the block is not written to again.
   */
  truncate(endOffset: bigint): void {
    if (endOffset >= this.#endOffset) return
    const cut = this.#locate(endOffset)
    const extent = this.#extents[cut.extent]
    if (extent !== undefined) {
      extent.bytes = cut.position
      extent.index = extent.index?.slice(0, 2 * indexEntriesBefore(extent.index, cut.position)) ?? null
      this.#extents.length = cut.position === 0 ? cut.extent : cut.extent + 1
    }
    this.#sizeBytes = this.#extents.reduce((sum, { bytes }) => sum + bytes, 0)
    this.#endOffset = endOffset > this.baseOffset ? endOffset : this.baseOffset
    this.#truncateTimes(endOffset)
  }

  #truncateTimes(endOffset: bigint): void {
    if (this.#sizeBytes === 0) this.#times = null
    if (this.#times === null) return
    const views: Buffer[] = []
    const from = this.#times.truncate(endOffset)
    this.read(from, { leftBytes: this.#sizeBytes, upTo: this.#endOffset, views })
    this.#bytesSinceMarked = 0
    for (const view of views) {
      for (let at = 0; at < view.length; at += frameBytes(view, at)) this.#addTime(this.#times, view, at)
    }
  }

  #addTime(times: TimeIndex, view: Buffer, position: number): void {
    if (this.#bytesSinceMarked >= INDEX_INTERVAL_BYTES) {
      times.mark()
      this.#bytesSinceMarked = 0
    }
    times.add(maxTimestamp(view, position), lastOffset(view, position))
    this.#bytesSinceMarked += frameBytes(view, position)
  }

  #copyToBlock(frame: Frame, delta: number): void {
    if (this.#block === null || this.#block.length - this.#usedBytes < frame.length) {
      this.#block = this.#allocate(this.#blockBytes(frame.length))
      this.#usedBytes = 0
      this.#keep(this.#block.length)
    }
    frame.copy(this.#block, this.#usedBytes)
    const last = this.#extents.at(-1)
    if (last?.block === this.#block && last.start + last.bytes === this.#usedBytes) {
      indexFrame(last, delta)
      last.bytes += frame.length
    } else {
      const { length } = frame
      this.#extents.push({
        block: this.#block,
        start: this.#usedBytes,
        bytes: length,
        baseDelta: delta,
        index: null,
      })
    }
    this.#usedBytes += frame.length
  }

  #exactCopy(frame: Frame): Buffer {
    const copy = this.#allocate(frame.length)
    frame.copy(copy)
    return copy
  }

  /** Not from Node's pool, which would stay alive for it. */
  #allocate(bytes: number): Buffer {
    return this.#use?.allocate(bytes) ?? Buffer.allocUnsafeSlow(bytes)
  }

  /** Blocks grow with the segment, so that a log with a few records takes little. */
  #blockBytes(atLeast: number): number {
    let bytes = MIN_BLOCK_BYTES
    while (bytes < MAX_BLOCK_BYTES && (bytes < this.#sizeBytes || bytes < atLeast)) bytes *= 2
    return bytes
  }

  /** The first frame that holds `offset` or a higher one; behind the last extent when there is none. */
  #locate(offset: bigint): Place {
    const delta = Number(offset - this.baseOffset)
    let low = 0
    let high = this.#extents.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#extents[middle] as Extent).baseDelta <= delta) low = middle + 1
      else high = middle
    }
    const extent = this.#extents[low - 1]
    if (extent === undefined) return { extent: 0, position: 0 }
    let position = indexLookup(extent.index, delta)
    while (position < extent.bytes) {
      const at = extent.start + position
      if (this.#delta(extent.block, at) + lastOffsetDelta(extent.block, at) >= delta) {
        return { extent: low - 1, position }
      }
      position += frameBytes(extent.block, at)
    }
    return { extent: low, position: 0 }
  }

  /** The base offset of the frame at `position`, counted from the segment's: exact, and without a bigint. */
  #delta(block: Buffer, position: number): number {
    const at = position + BatchField.BASE_OFFSET
    const high = block.readInt32BE(at) - this.#baseHigh
    return high * 2 ** 32 + block.readUInt32BE(at + 4) - this.#baseLow
  }
}

/**
 * Takes bytes of an extent from `position` on, where a frame begins, at most up to `end`: as many as the budget allows,
 * and a whole frame in any case while nothing has been taken.
 * @returns whether all of them were taken.
 */
function take(extent: Extent, position: number, end: number, budget: ReadBudget): boolean {
  const { block, start } = extent
  let stop = Math.min(end, position + budget.leftBytes)
  if (budget.views.length === 0) stop = Math.max(stop, position + frameBytes(block, start + position))
  if (stop > position) budget.views.push(block.subarray(start + position, start + stop))
  budget.leftBytes = Math.max(0, budget.leftBytes - (stop - position))
  return stop === end && budget.leftBytes > 0
}

/** Notes where the frame that is about to be added stands, if it is far enough behind the last one noted. */
function indexFrame(extent: Extent, delta: number): void {
  const lastPosition = extent.index?.at(-1) ?? 0
  if (extent.bytes - lastPosition < INDEX_INTERVAL_BYTES) return
  extent.index ??= []
  extent.index.push(delta, extent.bytes)
}

/** The position of the last indexed frame whose base offset is at most `delta`. */
function indexLookup(index: readonly number[] | null, delta: number): number {
  if (index === null) return 0
  let low = 0
  let high = index.length / 2
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((index[2 * middle] as number) <= delta) low = middle + 1
    else high = middle
  }
  return low === 0 ? 0 : (index[2 * low - 1] as number)
}

/** How many indexed frames stand before `position`. */
function indexEntriesBefore(index: readonly number[] | null, position: number): number {
  if (index === null) return 0
  let low = 0
  let high = index.length / 2
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((index[2 * middle + 1] as number) < position) low = middle + 1
    else high = middle
  }
  return low
}

function frameBytes(block: Buffer, position: number): number {
  return LOG_OVERHEAD_BYTES + block.readInt32BE(position + BatchField.BATCH_LENGTH)
}
