/** What tests of logs share: logs in memory on a clock that stands still, and batches as clients send them. */
import { ManualClock } from '../clock.ts'
import type { LogId, LogStore } from '../storage/log-store.ts'
import { MemoryStore } from '../storage/memory-store.ts'
import * as batch from '../wire/batch.ts'
import type { BatchOptions, NewRecord } from '../wire/record-builder.ts'
import { buildBatch } from '../wire/records.ts'
import type { AppendResult } from './append-result.ts'
import type { Log } from './log.ts'
import { defaultLogConfig, type LogConfig } from './log-config.ts'
import { openLog } from './open-log.ts'

export const TEST_ID: LogId = { topic: 'orders', topicId: 'dGhpcyBpcyBhbiBpZCAxMQ', partition: 3 }

/** A log, the clock that it lives by, and its config, which a test may change. */
export interface TestLog {
  readonly log: Log
  readonly clock: ManualClock
  readonly store: LogStore
  config: LogConfig
  /** Opens the same log anew. */
  reopen(): Promise<Log>
}

export async function openTestLog(
  config: Partial<LogConfig> = {},
  store: LogStore = new MemoryStore(),
  clock: ManualClock = new ManualClock(Date.UTC(2026, 0, 1)),
): Promise<TestLog> {
  const options = {
    store,
    id: TEST_ID,
    epoch: 0,
    clock,
    config: () => opened.config,
  }
  const opened: { config: LogConfig } = { config: { ...defaultLogConfig, ...config } }
  const log = await openLog(options)
  const test: TestLog = {
    log,
    clock,
    store,
    get config() {
      return opened.config
    },
    set config(changed) {
      opened.config = changed
    },
    reopen: async () => openLog(options),
  }
  return test
}

export interface TestRecord extends Omit<NewRecord, 'key' | 'value'> {
  readonly key?: string | null
  readonly value?: string | null
}

/** A batch as a producer sends it; a record without a key gets one. */
export function producedBatch(records: readonly TestRecord[], options: BatchOptions = {}): Buffer {
  return buildBatch(records.map(encoded), options)
}

export function encoded({ key = 'key', value = 'value', ...rest }: TestRecord): NewRecord {
  return { ...rest, key: bytesOf(key), value: bytesOf(value) }
}

/** `count` records of the same timestamp. */
export function records(count: number, timestamp = 1n): TestRecord[] {
  return Array.from({ length: count }, () => ({ timestamp }))
}

/** Changes the header of a batch, and gives it the checksum that goes with it. */
export function patched(frame: Buffer, change: (frame: Buffer) => void): Buffer {
  change(frame)
  batch.setCrc(frame)
  return frame
}

/** Prepares and appends, as the partition does. */
export async function produce(log: Log, frame: Buffer, leaderEpoch = 0): Promise<AppendResult> {
  const result = log.append(await log.prepare(frame), leaderEpoch)
  await result.durable
  return result
}

/** The base offsets of the batches that a read answers. */
export async function readBases(
  log: Log,
  from: bigint,
  maxBytes: number = 1 << 20,
  upTo: bigint = log.endOffset,
): Promise<bigint[]> {
  const views = await log.read(from, maxBytes, upTo)
  return views.flatMap((view) =>
    [...batch.wholeBatches(view)].map((position) => batch.baseOffset(view, position)),
  )
}

function bytesOf(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text)
}
