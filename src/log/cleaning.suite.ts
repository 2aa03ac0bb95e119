/** What tests of retention and compaction share: logs with small segments, and what is to be seen in them. */
import { seededRandom } from '../clock.ts'
import { openTestStore } from '../storage/file-store.suite.ts'
import type { LogStore } from '../storage/log-store.ts'
import { MemoryStore } from '../storage/memory-store.ts'
import { SlowStore } from '../storage/slow-store.suite.ts'
import * as batch from '../wire/batch.ts'
import type { BatchOptions } from '../wire/record-builder.ts'
import { buildBatch, buildCompressedBatch, readRecords } from '../wire/records.ts'
import type { Log } from './log.ts'
import type { CompactionLimits, CompactionResult } from './log-cleaning.ts'
import { encoded, produce, type TestRecord } from './test-log.suite.ts'

export type MadeStore = LogStore | Promise<LogStore>

/** What compaction has to do the same on. */
export const stores: readonly (readonly [name: string, make: () => MadeStore])[] = [
  ['in memory', () => new MemoryStore()],
  ['on a store that is slow', () => new SlowStore(new MemoryStore())],
  ['in files', async () => (await openTestStore()).store],
]

export const limits: CompactionLimits = {
  mapBytes: 1024 * 1024,
  mapLoadFactor: 0.9,
  readBytes: 64 * 1024,
  random: seededRandom(1),
  pause: () => {},
}

/** A batch as it is found in a log. */
export interface FoundBatch {
  readonly base: bigint
  readonly last: bigint
  readonly frame: Buffer
}

export interface FoundRecord {
  readonly offset: bigint
  readonly timestamp: bigint
  readonly key: string | null
  readonly value: string | null
}

/** Appends a batch. Returns its base offset. */
export async function append(
  log: Log,
  records: readonly TestRecord[],
  options: BatchOptions & { readonly codec?: batch.Codec } = {},
): Promise<bigint> {
  const { codec = batch.Codec.NONE, ...rest } = options
  const frame =
    codec === batch.Codec.NONE
      ? buildBatch(records.map(encoded), rest)
      : await buildCompressedBatch(records.map(encoded), codec, rest)
  return (await produce(log, frame)).baseOffset
}

/** Compacts what there is to compact, due or not; null when there is nothing. */
export async function compact(
  log: Log,
  changes: Partial<CompactionLimits> = {},
  lastStableOffset: bigint = log.firstUnstableOffset ?? log.endOffset,
): Promise<CompactionResult | null> {
  const range = await log.cleaning.cleanable(lastStableOffset)
  return range === null ? null : log.cleaning.compact(range, { ...limits, ...changes })
}

export async function batchesOf(log: Log, from: bigint = log.startOffset): Promise<FoundBatch[]> {
  const found: FoundBatch[] = []
  let next = from
  while (next < log.endOffset) {
    const views = await log.read(next, 1 << 20, log.endOffset)
    if (views.length === 0) break
    for (const frame of framesOf(views)) {
      const last = batch.lastOffset(frame)
      found.push({ base: batch.baseOffset(frame), last, frame })
      next = last + 1n
    }
  }
  return found
}

/** The batches that a read answers, each by itself. */
export function framesOf(views: readonly Buffer[]): Buffer[] {
  return views.flatMap((view) =>
    Array.from(batch.wholeBatches(view), (position) =>
      view.subarray(position, position + batch.batchBytes(view, position)),
    ),
  )
}

export async function recordsIn(frame: Buffer): Promise<FoundRecord[]> {
  return (await readRecords(frame)).map(({ offset, timestamp, key, value }) => ({
    offset,
    timestamp,
    key: key?.toString() ?? null,
    value: value?.toString() ?? null,
  }))
}

/** The records that are no markers. */
export async function recordsOf(log: Log, from?: bigint): Promise<FoundRecord[]> {
  const found: FoundRecord[] = []
  for (const { frame } of await batchesOf(log, from)) {
    if (!batch.isControlBatch(frame)) found.push(...(await recordsIn(frame)))
  }
  return found
}

/** `offset key=value` of each record. */
export async function contentOf(log: Log, from?: bigint): Promise<string[]> {
  return (await recordsOf(log, from)).map(({ offset, key, value }) => `${offset} ${key}=${value}`)
}
