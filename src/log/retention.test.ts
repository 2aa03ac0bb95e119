import { describe, expect, it } from 'vitest'
import { append, type MadeStore, stores } from './cleaning.suite.ts'
import type { Log } from './log.ts'
import type { LogConfig } from './log-config.ts'
import { openTestLog, type TestLog } from './test-log.suite.ts'

const HOUR_MS = 3_600_000

/** A log in which each batch has a segment of its own, unless `segmentMs` says otherwise. */
async function smallSegments(store: MadeStore, config: Partial<LogConfig> = {}): Promise<TestLog> {
  return openTestLog({ segmentMs: 0, retentionMs: HOUR_MS, ...config }, await store)
}

/** One record now, and a moment later. */
async function appendNow({ log, clock }: TestLog, timestamp = BigInt(clock.now())): Promise<void> {
  await append(log, [{ timestamp, value: 'x'.repeat(100) }])
  await clock.advance(1)
}

/** The bases that go, by reason. */
function deleted(log: Log, highWatermark: bigint = log.endOffset): Record<string, readonly bigint[]> {
  const deletions = log.cleaning.deleteOldSegments(highWatermark)
  return Object.fromEntries(deletions.map(({ reason, baseOffsets }) => [reason, baseOffsets]))
}

describe.each(stores)('retention %s', (_name, makeStore) => {
  it('deletes segments whose latest record is older than retention.ms', async () => {
    const test = await smallSegments(makeStore())
    const { log, clock } = test
    for (let count = 0; count < 4; count++) await appendNow(test)
    await clock.advance(HOUR_MS - 4)
    expect(deleted(log)).toEqual({})
    await clock.advance(2)
    expect(deleted(log)).toEqual({ 'retention.ms': [0n, 1n] })
    expect([log.startOffset, log.endOffset]).toEqual([2n, 4n])
    expect(() => log.read(1n, 1000, 4n)).toThrow('offset 1')
    await clock.advance(0)
    expect(await test.reopen()).toMatchObject({ startOffset: 2n, endOffset: 4n, sizeBytes: log.sizeBytes })
  })

  it('rolls and deletes the active segment, too, when all that it holds has expired', async () => {
    const test = await smallSegments(makeStore())
    const { log, clock } = test
    await appendNow(test)
    await appendNow(test)
    await clock.advance(HOUR_MS)
    expect(deleted(log)).toEqual({ 'retention.ms': [0n, 1n] })
    expect([log.startOffset, log.endOffset, log.sizeBytes]).toEqual([2n, 2n, 0])
    expect(deleted(log)).toEqual({})
    await appendNow(test)
    expect(await test.reopen()).toMatchObject({ startOffset: 2n, endOffset: 3n })
  })

  it('never goes past the high watermark', async () => {
    const test = await smallSegments(makeStore())
    const { log, clock } = test
    for (let count = 0; count < 3; count++) await appendNow(test)
    await clock.advance(2 * HOUR_MS)
    expect(deleted(log, 1n)).toEqual({ 'retention.ms': [0n] })
    expect(deleted(log, 2n)).toEqual({ 'retention.ms': [1n] })
    expect(deleted(log, 2n)).toEqual({})
  })

  it('keeps a segment with a timestamp from the future, and all behind it', async () => {
    const test = await smallSegments(makeStore())
    const { log, clock } = test
    await appendNow(test, BigInt(clock.now() + HOUR_MS / 2))
    await appendNow(test, BigInt(clock.now() + HOUR_MS))
    await clock.advance(HOUR_MS * 1.4)
    expect(deleted(log)).toEqual({})
  })

  it('goes by when a segment was written where it has no timestamps', async () => {
    const test = await smallSegments(makeStore(), { segmentMs: HOUR_MS / 4 })
    const { log, clock } = test
    await appendNow(test, -1n)
    await clock.advance(HOUR_MS / 4 - 1)
    await appendNow(test, -1n)
    await clock.advance(HOUR_MS - 1)
    expect(deleted(log)).toEqual({})
    await clock.advance(1)
    expect(deleted(log)).toEqual({ 'retention.ms': [0n] })
  })

  it('deletes as many segments as leave retention.bytes', async () => {
    const test = await smallSegments(makeStore(), { retentionMs: -1 })
    const { log } = test
    for (let count = 0; count < 5; count++) await appendNow(test)
    const each = log.sizeBytes / 5
    test.config = { ...test.config, retentionBytes: 2 * each + 1 }
    expect(deleted(log)).toEqual({ 'retention.bytes': [0n, 1n] })
    test.config = { ...test.config, retentionBytes: 3 * each }
    expect(deleted(log)).toEqual({})
    test.config = { ...test.config, retentionBytes: 2 * each }
    expect(deleted(log)).toEqual({ 'retention.bytes': [2n] })
    test.config = { ...test.config, retentionBytes: 0 }
    expect(deleted(log)).toEqual({ 'retention.bytes': [3n, 4n] })
    expect([log.startOffset, log.endOffset, log.sizeBytes]).toEqual([5n, 5n, 0])
  })

  it('deletes nothing that cleanup.policy does not say, but for what lies below the log start', async () => {
    const test = await smallSegments(makeStore(), { deleted: false, compacted: true })
    const { log, clock } = test
    for (let count = 0; count < 3; count++) await appendNow(test)
    await clock.advance(9 * HOUR_MS)
    expect(deleted(log)).toEqual({})
    await log.deleteRecordsBefore(1n)
    expect(log.startOffset).toBe(1n)
    expect((await test.reopen()).startOffset).toBe(1n)
  })

  it('forgets what it knew of what is gone', async () => {
    const test = await smallSegments(makeStore())
    const { log, clock } = test
    await append(log, [{ timestamp: 1n }])
    const marker = { producerId: 1n, producerEpoch: 0, coordinatorEpoch: 0, commit: false }
    const transaction = { producerId: 1n, producerEpoch: 0, baseSequence: 0, isTransactional: true }
    await append(log, [{ timestamp: 10n }], transaction)
    await log.appendMarker({ ...marker, transactionVersion: 0 }, 0).durable
    expect(log.abortedTransactions(0n, await log.read(0n, 1000, 3n))).toHaveLength(1)
    await clock.advance(2 * HOUR_MS)
    deleted(log)
    await appendNow(test)
    expect(log.abortedTransactions(3n, await log.read(3n, 1000, 4n))).toEqual([])
    expect(log.endOffsetForEpoch(0)).toEqual({ epoch: 0, endOffset: 4n })
  })
})
