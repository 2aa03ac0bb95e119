/** Finds records by their timestamps (KIP-79, KIP-734). */
import type { StoredLog } from '../storage/log-store.ts'
import * as batch from '../wire/batch.ts'
import { walkBatch } from '../wire/records.ts'
import type { LogSegment } from './log-segment.ts'
import type { LogState } from './log-state.ts'

/** A record found by its timestamp. */
export interface TimestampAndOffset {
  readonly timestamp: bigint
  readonly offset: bigint
  /** Of the batch that holds the record; -1 where it has none. */
  readonly leaderEpoch: number
}

/** How much is read at a time. */
const READ_BYTES = 128 * 1024

/** The first record at or above the log's start whose timestamp is `timestamp` or later. */
export async function findTimestamp(
  stored: StoredLog,
  state: LogState,
  timestamp: bigint,
): Promise<TimestampAndOffset | null> {
  // The log may roll or drop segments while the store reads.
  const segments = [...state.segments]
  const { startOffset, endOffset } = state
  for (const [index, segment] of segments.entries()) {
    if (segment.sizeBytes === 0 || segment.maxTimestamp < timestamp) continue
    const end = segments[index + 1]?.baseOffset ?? endOffset
    let from = segment.baseOffset
    // Compaction may have made it part of another one meanwhile.
    if (stored.segments.some(({ baseOffset }) => baseOffset === segment.baseOffset)) {
      from = await stored.seekTimestamp(from, timestamp)
    }
    if (from < startOffset) from = startOffset
    const found = await searchBatches(stored, from, end, startOffset, timestamp)
    if (found !== null) return found
  }
  return null
}

/** The first record that has the log's greatest timestamp; of equal ones in several batches that in the first. */
export async function findMaxTimestamp(
  stored: StoredLog,
  state: LogState,
): Promise<TimestampAndOffset | null> {
  let latest: LogSegment | null = null
  for (const segment of state.segments) {
    if (latest === null || segment.maxTimestamp > latest.maxTimestamp) latest = segment
  }
  if (latest === null || state.sizeBytes === 0) return null
  const from = latest.maxTimestampOffset
  const [view] = await stored.read(from, 0, state.endOffset)
  if (view === undefined) return null
  return firstAtOrAfter(view, 0, latest.maxTimestamp, 0n)
}

async function searchBatches(
  stored: StoredLog,
  from: bigint,
  end: bigint,
  startOffset: bigint,
  timestamp: bigint,
): Promise<TimestampAndOffset | null> {
  let next = from
  while (next < end) {
    const views = await stored.read(next, READ_BYTES, end)
    if (views.length === 0) return null
    for (const view of views) {
      for (const position of batch.wholeBatches(view)) {
        next = batch.lastOffset(view, position) + 1n
        if (batch.maxTimestamp(view, position) < timestamp) continue
        const found = await firstAtOrAfter(view, position, timestamp, startOffset)
        if (found !== null) return found
      }
    }
  }
  return null
}

/** Looks into one batch, compressed or not, without keeping its records. */
async function firstAtOrAfter(
  view: Buffer,
  position: number,
  timestamp: bigint,
  startOffset: bigint,
): Promise<TimestampAndOffset | null> {
  const baseOffset = batch.baseOffset(view, position)
  const baseTimestamp = batch.baseTimestamp(view, position)
  const byBroker = batch.timestampType(view, position) === batch.TimestampType.LOG_APPEND_TIME
  const common = byBroker ? batch.maxTimestamp(view, position) : null
  let found: TimestampAndOffset | null = null
  await walkBatch(view, position, (record) => {
    if (found !== null) return
    const own = common ?? BigInt.asIntN(64, baseTimestamp + record.exactTimestampDelta())
    const offset = baseOffset + BigInt(record.offsetDelta)
    if (own < timestamp || offset < startOffset) return
    found = { timestamp: own, offset, leaderEpoch: batch.leaderEpoch(view, position) }
  })
  return found
}
