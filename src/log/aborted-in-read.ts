/** Which aborted transactions a fetch of committed records is told of (KIP-98). */
import { lastSegmentFrom } from '../storage/segment-search.ts'
import * as batch from '../wire/batch.ts'
import type { LogState } from './log-state.ts'
import type { AbortedTransaction } from './transaction-marker.ts'

const NONE: readonly AbortedTransaction[] = []

/**
 * Those that overlap `views`, which were read from `from` on. There may be more: Kafka knows no better than its offset
 * index where a read ends, and a small segment has none.
 */
export function abortedInRead(
  { aborted, segments, endOffset }: LogState,
  from: bigint,
  views: readonly Buffer[],
  indexIntervalBytes: number,
): readonly AbortedTransaction[] {
  if (views.length === 0 || !aborted.reach(from)) return NONE
  const end = endOfViews(views)
  const at = lastSegmentFrom(segments, from)
  if ((segments[at]?.sizeBytes ?? 0) > indexIntervalBytes) return aborted.between(from, end)
  const segmentEnd = segments[at + 1]?.baseOffset ?? endOffset
  return aborted.between(from, segmentEnd > end ? segmentEnd : end)
}

/** The offset behind the last whole batch; the last view may hold nothing but a cut one. */
function endOfViews(views: readonly Buffer[]): bigint {
  for (const view of views.toReversed()) {
    let last = -1
    for (const position of batch.wholeBatches(view)) last = position
    if (last >= 0) return batch.lastOffset(view, last) + 1n
  }
  return -1n
}
