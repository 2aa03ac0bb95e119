/** Retention and compaction of one log. When it is time for either is for the caller to say. */
import type { Clock, Random } from '../clock.ts'
import type { StoredLog } from '../storage/log-store.ts'
import * as batch from '../wire/batch.ts'
import type { Pause } from './batch-payload.ts'
import { type CleanableRange, cleanableRange } from './cleanable-range.ts'
import { readCleanerOffset, writeCleanerOffset } from './cleaner-offset.ts'
import { Compaction, type CompactionSource, type Stretch } from './compaction.ts'
import type { LogConfig } from './log-config.ts'
import { type BatchFacts, LogSegment } from './log-segment.ts'
import type { LogState } from './log-state.ts'
import { OffsetMap } from './offset-map.ts'
import { countDeletable, DELETION_REASONS, type DeletionReason } from './retention.ts'
import { groupSegments } from './segment-groups.ts'
import { type StoreQueue, storageError } from './store-queue.ts'
import type { AbortedTransaction } from './transaction-marker.ts'

/** What of a log is cleaned. */
export interface CleanedLog {
  readonly stored: StoredLog
  readonly queue: StoreQueue
  readonly clock: Clock
  readonly config: () => LogConfig
  readonly state: () => LogState
  /** Begins a new active segment at the log's end. */
  readonly roll: () => void
  /** Moves the log's start, as DeleteRecords does. */
  readonly moveStart: (offset: bigint) => undefined | Promise<void>
  /** Notes beside a segment which aborted transactions have their markers in it. */
  readonly saveAborted: (baseOffset: bigint, aborted: readonly AbortedTransaction[]) => void | Promise<void>
}

/** Segments that retention has let go. */
export interface Deletion {
  readonly reason: DeletionReason
  readonly baseOffsets: readonly bigint[]
}

export interface CompactionLimits {
  /** What the map of keys may take. */
  readonly mapBytes: number
  /** How full the map may be: 0 to 1. */
  readonly mapLoadFactor: number
  /** How much is read at a time. */
  readonly readBytes: number
  readonly random: Random
  /** Called now and then with the bytes that have been gone through since. */
  readonly pause: Pause
}

/** What a compaction has done. */
export interface CompactionResult {
  readonly bytesBefore: number
  readonly bytesAfter: number
  /** Everything below is clean. */
  readonly endOffset: bigint
}

/** The log is truncated or closed: its compaction ends, and what it has not replaced yet stays as it was. */
export class CompactionAborted extends Error {
  override readonly name: string = 'CompactionAborted'
}

type Views = readonly Buffer[]

interface Running {
  aborted: boolean
  readonly done: Promise<void>
}

export class LogCleaning {
  readonly #log: CleanedLog
  #running: Running | null = null
  /** Where the last compaction got to; undefined while it has not been read. */
  #cleanedUpTo: bigint | null | undefined

  constructor(log: CleanedLog) {
    this.#log = log
  }

  /** Whether cleanup.policy contains compact. */
  get compacted(): boolean {
    return this.#log.config().compacted
  }

  /**
   * Drops the segments that have to go by retention.ms, retention.bytes and the log's start. The log's start goes up
   * to what is left at once; the store may take longer to forget. Nothing goes while the log is compacted or offline.
   * @throws KafkaError KAFKA_STORAGE_ERROR
   */
  deleteOldSegments(highWatermark: bigint): readonly Deletion[] {
    if (this.#running !== null || this.#log.queue.failure !== null) return []
    const { state, config, clock } = this.#log
    // Most of ten thousand logs may be empty, and a test's week is two thousand checks of each.
    if (state().sizeBytes === 0 && state().segments.length === 1) return []
    const deletions: Deletion[] = []
    for (const reason of DELETION_REASONS) {
      const count = countDeletable(state(), reason, config(), highWatermark, clock.now())
      if (count === 0) continue
      const baseOffsets = state()
        .segments.slice(0, count)
        .map(({ baseOffset }) => baseOffset)
      this.#dropOldest(count)
      deletions.push({ reason, baseOffsets })
    }
    return deletions
  }

  /** Whether a compacted log stays as it is until it begins another segment, however much time passes. */
  get settled(): boolean {
    return this.#log.state().segments.length < 2 && !this.#log.config().deleted
  }

  /** Whether cleanup.policy contains delete. */
  get deletes(): boolean {
    return this.#log.config().deleted
  }

  /** When the oldest segment that holds anything was last written to, in ms; null where there is none. */
  get oldestMs(): number | null {
    const [oldest] = this.#log.state().segments
    return oldest === undefined || oldest.sizeBytes === 0 ? null : oldest.largestTimestamp
  }

  /** Ends the active segment where it holds at least so many bytes, so that they can go without those to come. */
  endLargeSegment(minBytes: number): void {
    const { state, queue, roll } = this.#log
    const active = state().segments.at(-1)
    if (active === undefined || active.sizeBytes < minBytes || queue.failure !== null) return
    if (this.#running === null) roll()
  }

  /**
   * Drops the oldest segment, whatever retention says.
   * @returns its bytes; 0 where it may not go: not all of it is below the high watermark, or the log is being compacted.
   */
  dropOldestSegment(highWatermark: bigint): number {
    if (this.#running !== null || this.#log.queue.failure !== null) return 0
    const { segments, endOffset } = this.#log.state()
    const [oldest, next] = segments
    if (oldest === undefined || oldest.sizeBytes === 0 || highWatermark < (next?.baseOffset ?? endOffset))
      return 0
    const { sizeBytes } = oldest
    this.#dropOldest(1)
    return sizeBytes
  }

  /** Drops what lies below the log's start. Returns as `StoreQueue.run` does. */
  dropBelowStart(): undefined | Promise<void> {
    const { queue, stored, state } = this.#log
    const { segments, startOffset, aborted } = state()
    const kept = segments.findLastIndex(({ baseOffset }) => baseOffset <= startOffset)
    if (kept <= 0 || this.#running !== null) return undefined
    const dropped = segments.splice(0, kept)
    for (const { sizeBytes } of dropped) state().sizeBytes -= sizeBytes
    aborted.dropBefore((segments[0] as LogSegment).baseOffset)
    return queue.run(() => stored.drop(dropped.map(({ baseOffset }) => baseOffset)))
  }

  /**
   * What there is to compact, or null.
   * @throws KafkaError KAFKA_STORAGE_ERROR, or whatever the store throws.
   */
  cleanable(lastStableOffset: bigint): CleanableRange | null | Promise<CleanableRange | null> {
    const { stored, state, queue } = this.#log
    if (this.#running !== null || state().segments.length < 2 || queue.failure !== null) return null
    if (this.#cleanedUpTo !== undefined) return this.#range(lastStableOffset, this.#cleanedUpTo)
    const note = (offset: bigint | null): CleanableRange | null => {
      this.#cleanedUpTo ??= offset
      return this.#range(lastStableOffset, this.#cleanedUpTo)
    }
    const known = readCleanerOffset(stored)
    return known instanceof Promise ? known.then(note) : note(known)
  }

  #range(lastStableOffset: bigint, cleanedUpTo: bigint | null): CleanableRange | null {
    const { state, config, clock } = this.#log
    const { startOffset, endOffset, segments } = state()
    const dirty = segments.map((segment) => ({
      baseOffset: segment.baseOffset,
      sizeBytes: segment.sizeBytes,
      largestTimestamp: segment.largestTimestamp,
      firstTimestamp: Number(segment.firstTimestamp),
    }))
    return cleanableRange(
      { startOffset, endOffset, lastStableOffset, segments: dirty, cleanedUpTo },
      config(),
      clock.now(),
    )
  }

  /**
   * Compacts the log. Appends and reads go on meanwhile; when it fails, what has been replaced stays so, and the rest
   * is as it was.
   * @param range what `cleanable` has just returned.
   * @throws CompactionAborted; KafkaError KAFKA_STORAGE_ERROR when the store failed; anything else when the log cannot
   * be compacted as it is.
   */
  async compact(range: CleanableRange, limits: CompactionLimits): Promise<CompactionResult> {
    if (this.#running !== null) throw new CompactionAborted('the log is being compacted already')
    let done: () => void = () => {}
    const running: Running = {
      aborted: false,
      done: new Promise((resolve) => {
        done = resolve
      }),
    }
    this.#running = running
    try {
      return await this.#compact(range, limits, running)
    } finally {
      this.#running = null
      done()
    }
  }

  /**
   * Ends a compaction that is going on. Whoever is about to cut the log waits for that.
   * @param endOffset where the log is going to be cut: it is not clean from there on.
   */
  abort(endOffset?: bigint): undefined | Promise<void> {
    if (this.#running !== null) this.#running.aborted = true
    if (endOffset !== undefined && this.#cleanedUpTo != null && this.#cleanedUpTo > endOffset) {
      this.#noteCleanedUpTo(endOffset)
    }
    return this.#running?.done
  }

  #dropOldest(count: number): void {
    const { state, roll, moveStart } = this.#log
    if (count === state().segments.length) roll()
    const next = state().segments[count] as LogSegment
    const dropping =
      next.baseOffset > state().startOffset ? moveStart(next.baseOffset) : this.dropBelowStart()
    // Whoever uses the log next hears of a store that failed.
    dropping?.catch(() => {})
  }

  async #compact(
    range: CleanableRange,
    limits: CompactionLimits,
    running: Running,
  ): Promise<CompactionResult> {
    const { config, clock, queue } = this.#log
    // Segments that are on their way out have to be gone.
    await queue.idle
    const { firstDirtyOffset, firstUncleanableOffset } = range
    const maxKeys = Number(firstUncleanableOffset - firstDirtyOffset)
    const compaction = new Compaction({
      source: this.#source(),
      map: new OffsetMap({
        maxBytes: limits.mapBytes,
        loadFactor: limits.mapLoadFactor,
        maxKeys,
        random: limits.random,
      }),
      firstDirtyOffset,
      firstUncleanableOffset,
      nowMs: clock.now(),
      deleteRetentionMs: config().deleteRetentionMs,
      readBytes: limits.readBytes,
      pause: this.#pausing(limits.pause, running),
    })
    await compaction.mapKeys(
      this.#stretches(firstUncleanableOffset).filter(({ endOffset }) => endOffset > firstDirtyOffset),
    )
    const { endOffset } = compaction
    if (endOffset === firstDirtyOffset) {
      throw new RangeError(
        `the keys of one batch do not fit into ${limits.mapBytes} bytes of log.cleaner.dedupe.buffer.size`,
      )
    }
    const segments = this.#segmentsBelow(endOffset)
    const bytesBefore = sizeOf(segments)
    let bytesAfter = 0
    for (const group of groupSegments(segments, config(), firstUncleanableOffset)) {
      bytesAfter += await this.#replace(group, compaction)
    }
    this.#noteCleanedUpTo(endOffset)
    return { bytesBefore, bytesAfter, endOffset }
  }

  /** Returns the size of what took the place of the group. */
  async #replace(group: readonly LogSegment[], compaction: Compaction): Promise<number> {
    const { stored, state, config } = this.#log
    const first = group[0] as LogSegment
    const last = group.at(-1) as LogSegment
    const bases = group.map(({ baseOffset }) => baseOffset)
    const stretches = this.#stretches(last.baseOffset + 1n).filter(({ baseOffset }) =>
      bases.includes(baseOffset),
    )
    const endOffset = (stretches.at(-1) as Stretch).endOffset
    const abortedBefore = state().aborted.endedBetween(first.baseOffset, endOffset)
    if (abortedBefore.length > 0 && group.length > 1)
      await this.#writeAborted(first.baseOffset, abortedBefore)
    const merged = new LogSegment(first.baseOffset, first.createdMs)
    merged.modifiedMs = last.modifiedMs
    const kept = new KeptBatches(compaction.clean(stretches), merged, config().indexIntervalBytes)
    try {
      await stored.replace(bases, kept)
    } catch (error) {
      throw kept.failure ?? storageError(error)
    }
    const { segments, aborted } = state()
    const at = segments.findIndex(({ baseOffset }) => baseOffset === first.baseOffset)
    segments.splice(at, group.length, merged)
    state().sizeBytes += merged.sizeBytes - sizeOf(group)
    const abortedAfter = compaction.takeAborted()
    aborted.replaceBetween(first.baseOffset, endOffset, abortedAfter)
    if (abortedAfter.length < abortedBefore.length) await this.#writeAborted(first.baseOffset, abortedAfter)
    return merged.sizeBytes
  }

  #writeAborted(baseOffset: bigint, aborted: readonly AbortedTransaction[]): undefined | Promise<void> {
    const { queue, saveAborted } = this.#log
    return queue.run(() => saveAborted(baseOffset, aborted))
  }

  /** When it cannot be written the log is offline, and whoever uses it next hears of that. */
  #noteCleanedUpTo(offset: bigint): void {
    const { queue, stored } = this.#log
    this.#cleanedUpTo = offset
    if (queue.failure === null) queue.post(() => writeCleanerOffset(stored, offset))
  }

  #source(): CompactionSource {
    const { stored, state } = this.#log
    return {
      read: (from, maxBytes, upTo) => read(stored, from, maxBytes, upTo),
      abortedBetween: (from, end) => state().aborted.between(from, end),
      lastRecords: () => state().producers.lastRecords(),
    }
  }

  /** Gives up as soon as it is asked to, or the store has failed. */
  #pausing(pause: Pause, running: Running): Pause {
    const check = (): void => {
      if (running.aborted) throw new CompactionAborted('the log is about to be cut')
      if (!this.compacted) throw new CompactionAborted('cleanup.policy does not contain compact any more')
      if (this.#log.queue.failure !== null) throw this.#log.queue.failure
    }
    return (bytes) => {
      check()
      const pausing = pause(bytes)
      return pausing instanceof Promise ? pausing.then(check) : undefined
    }
  }

  /** The closed segments that begin below `offset`, and where each of them ends. */
  #stretches(offset: bigint): readonly Stretch[] {
    const { segments } = this.#log.state()
    return this.#segmentsBelow(offset).map(({ baseOffset }, index) => ({
      baseOffset,
      endOffset: (segments[index + 1] as LogSegment).baseOffset,
    }))
  }

  #segmentsBelow(offset: bigint): readonly LogSegment[] {
    return this.#log
      .state()
      .segments.slice(0, -1)
      .filter(({ baseOffset }) => baseOffset < offset)
  }
}

/** Whatever a store throws when it is read becomes KAFKA_STORAGE_ERROR. */
function read(stored: StoredLog, from: bigint, maxBytes: number, upTo: bigint): Views | Promise<Views> {
  const fail = (error: unknown): never => {
    throw storageError(error)
  }
  try {
    const views = stored.read(from, maxBytes, upTo)
    return views instanceof Promise ? views.catch(fail) : views
  } catch (error) {
    return fail(error)
  }
}

/** Passes batches on to the store, and notes what the segment is that they make. */
class KeptBatches implements AsyncIterable<Buffer> {
  /** Why there are no more of them; null when it is the store that failed. */
  failure: unknown = null
  readonly #batches: AsyncIterable<Buffer>
  readonly #segment: LogSegment
  readonly #indexIntervalBytes: number

  constructor(batches: AsyncIterable<Buffer>, segment: LogSegment, indexIntervalBytes: number) {
    this.#batches = batches
    this.#segment = segment
    this.#indexIntervalBytes = indexIntervalBytes
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    try {
      for await (const frame of this.#batches) {
        this.#segment.add(factsOf(frame), this.#indexIntervalBytes)
        yield frame
      }
    } catch (error) {
      this.failure = error
      throw error
    }
  }
}

function factsOf(frame: Buffer): BatchFacts {
  return {
    baseOffset: batch.baseOffset(frame),
    lastOffset: batch.lastOffset(frame),
    bytes: frame.length,
    maxTimestamp: batch.maxTimestamp(frame),
  }
}

function sizeOf(segments: readonly LogSegment[]): number {
  return segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}
