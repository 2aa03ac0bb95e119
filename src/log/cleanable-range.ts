/** Which part of a compacted log may be cleaned, and whether that is worth while. */
import type { LogConfig } from './log-config.ts'
import type { RetainedSegment } from './retention.ts'

export interface DirtySegment extends RetainedSegment {
  /** The latest timestamp of its first batch, or -1. */
  readonly firstTimestamp: number
}

export interface DirtyLog {
  readonly startOffset: bigint
  readonly endOffset: bigint
  readonly lastStableOffset: bigint
  /** In the order of their offsets; the last one is active. */
  readonly segments: readonly DirtySegment[]
  /** Where the last cleaning got to; null when there was none. */
  readonly cleanedUpTo: bigint | null
}

export interface CleanableRange {
  /** Everything below has been cleaned before. */
  readonly firstDirtyOffset: bigint
  /** Where the first segment begins that is not to be cleaned. */
  readonly firstUncleanableOffset: bigint
  /** How much of what a cleaning would go through is dirty, 0 to 1. */
  readonly dirtyRatio: number
  /** Whether it is time to clean: dirty enough, or waiting since max.compaction.lag.ms. */
  readonly due: boolean
}

/**
 * What a cleaning at `nowMs` may go through: nothing of the active segment, nothing at or above the last stable
 * offset, nothing from the first segment on that has a record younger than min.compaction.lag.ms.
 * @returns null when there is nothing to go through.
 */
export function cleanableRange(log: DirtyLog, config: LogConfig, nowMs: number): CleanableRange | null {
  const firstDirtyOffset = firstDirty(log)
  const dirtyFrom = segmentIndexOf(log, firstDirtyOffset)
  const end = firstUncleanableIndex(log, dirtyFrom, config, nowMs)
  const firstUncleanableOffset = log.segments[end]?.baseOffset ?? log.endOffset
  // The segment in which the last cleaning ended counts as clean and as dirty, as in Kafka.
  const cleanBytes = sizeOf(log.segments.filter(({ baseOffset }) => baseOffset < firstDirtyOffset))
  const dirtyBytes = sizeOf(log.segments.slice(dirtyFrom, end))
  if (dirtyBytes === 0) return null
  const dirtyRatio = dirtyBytes / (cleanBytes + dirtyBytes)
  const overdue = isOverdue(log.segments.slice(dirtyFrom, -1), config, nowMs)
  return {
    firstDirtyOffset,
    firstUncleanableOffset,
    dirtyRatio,
    due: overdue || dirtyRatio > config.minCleanableDirtyRatio,
  }
}

/** A place that the log does not reach any more, or begins above, is none. */
function firstDirty({ startOffset, endOffset, cleanedUpTo }: DirtyLog): bigint {
  const known = cleanedUpTo !== null && cleanedUpTo >= startOffset && cleanedUpTo <= endOffset
  return known ? cleanedUpTo : startOffset
}

function firstUncleanableIndex(
  { segments, lastStableOffset }: DirtyLog,
  dirtyFrom: number,
  { minCompactionLagMs }: LogConfig,
  nowMs: number,
): number {
  const active = segments.length - 1
  for (let index = dirtyFrom; index < active; index++) {
    const segment = segments[index]
    const end = segments[index + 1]?.baseOffset
    if (segment === undefined || end === undefined || end > lastStableOffset) return index
    if (minCompactionLagMs > 0 && segment.largestTimestamp > nowMs - minCompactionLagMs) return index
  }
  return active
}

/** Whether a closed segment has a first batch older than max.compaction.lag.ms. */
function isOverdue(
  dirty: readonly DirtySegment[],
  { maxCompactionLagMs }: LogConfig,
  nowMs: number,
): boolean {
  return dirty.some(
    ({ firstTimestamp }) => firstTimestamp > 0 && firstTimestamp < nowMs - Math.max(maxCompactionLagMs, 0),
  )
}

/** The segment that holds `offset`. */
function segmentIndexOf({ segments }: DirtyLog, offset: bigint): number {
  return Math.max(
    0,
    segments.findLastIndex(({ baseOffset }) => baseOffset <= offset),
  )
}

function sizeOf(segments: readonly DirtySegment[]): number {
  return segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}
