/** Which segments of a log retention lets go: retention.ms, retention.bytes, and what lies below the log's start. */
import type { LogConfig } from './log-config.ts'

/** What retention has to know of a segment. */
export interface RetainedSegment {
  readonly baseOffset: bigint
  readonly sizeBytes: number
  /** The latest timestamp in it; where no batch has one, when it was last written to. */
  readonly largestTimestamp: number
}

export interface RetainedLog {
  readonly startOffset: bigint
  readonly endOffset: bigint
  /** In the order of their offsets; the last one is active. */
  readonly segments: readonly RetainedSegment[]
}

/** Why segments go, in words for the log. */
export type DeletionReason = 'log start offset' | 'retention.bytes' | 'retention.ms'

export const DELETION_REASONS: readonly DeletionReason[] = [
  'log start offset',
  'retention.bytes',
  'retention.ms',
]

/**
 * How many of the oldest segments are to go for one of the reasons, which are asked for one after the other. Only
 * whole segments below the high watermark go. It may be all of them: an active segment whose records have all expired
 * is rolled first, as in Kafka; an empty one stays.
 */
export function countDeletable(
  log: RetainedLog,
  reason: DeletionReason,
  config: LogConfig,
  highWatermark: bigint,
  nowMs: number,
): number {
  const breaches = breachOf(log, reason, config, nowMs)
  if (breaches === null) return 0
  const { segments, endOffset } = log
  const kept = segments.findIndex((segment, index) => {
    const next = segments[index + 1]
    if (next === undefined && segment.sizeBytes === 0) return true
    return highWatermark < (next?.baseOffset ?? endOffset) || !breaches(segment, next)
  })
  return kept === -1 ? segments.length : kept
}

type Breach = (segment: RetainedSegment, next: RetainedSegment | undefined) => boolean

/** Without delete in cleanup.policy only what was deleted by DeleteRecords goes. */
function breachOf(log: RetainedLog, reason: DeletionReason, config: LogConfig, nowMs: number): Breach | null {
  if (reason === 'log start offset') {
    return (_segment, next) => next !== undefined && next.baseOffset <= log.startOffset
  }
  if (!config.deleted) return null
  if (reason === 'retention.bytes') return sizeBreach(log, config.retentionBytes)
  const { retentionMs } = config
  return retentionMs < 0 ? null : ({ largestTimestamp }) => nowMs - largestTimestamp > retentionMs
}

/** As many segments go as leave at least the bytes that are to be retained. */
function sizeBreach({ segments }: RetainedLog, retentionBytes: number): Breach | null {
  const sizeBytes = segments.reduce((sum, segment) => sum + segment.sizeBytes, 0)
  if (retentionBytes < 0 || sizeBytes < retentionBytes) return null
  let excessBytes = sizeBytes - retentionBytes
  return (segment) => {
    if (excessBytes < segment.sizeBytes) return false
    excessBytes -= segment.sizeBytes
    return true
  }
}
