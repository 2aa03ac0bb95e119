import { describe, expect, it } from 'vitest'
import * as batch from '../wire/batch.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { readRecords } from '../wire/records.ts'
import { append, batchesOf, compact, contentOf, type MadeStore, recordsOf, stores } from './cleaning.suite.ts'
import type { Log } from './log.ts'
import type { LogConfig } from './log-config.ts'
import { openTestLog, type TestLog, type TestRecord } from './test-log.suite.ts'
import type { AbortedTransaction } from './transaction-marker.ts'

const DAY_MS = 86_400_000

/** A log in which each batch but empty ones has a segment of its own. */
async function compactedLog(store: MadeStore, config: Partial<LogConfig> = {}): Promise<TestLog> {
  return openTestLog(
    { compacted: true, deleted: false, segmentMs: 0, messageTimestampAfterMaxMs: 2 ** 63, ...config },
    await store,
  )
}

/** Each batch has a timestamp of its own, so that it begins a new segment. */
let time = BigInt(Date.UTC(2026, 0, 1))
function appendAll(log: Log, ...contents: readonly string[]): Promise<bigint> {
  time += 10n
  return append(
    log,
    contents.map((content) => record(content, time)),
  )
}

/** `key=value`, `key=` for a tombstone. */
function record(content: string, timestamp: bigint): TestRecord {
  const [key = '', value = ''] = content.split('=')
  return { key, value: value === '' ? null : value, timestamp }
}

async function appendMarker(log: Log, producerId: bigint, commit: boolean): Promise<void> {
  time += 10n
  const marker = { producerId, producerEpoch: 0, coordinatorEpoch: 0, commit, transactionVersion: 0 }
  await log.appendMarker(marker, 0).durable
  log.highWatermarkMoved(log.endOffset)
}

async function appendTransactional(
  log: Log,
  producerId: bigint,
  baseSequence: number,
  ...contents: readonly string[]
): Promise<bigint> {
  time += 10n
  return append(
    log,
    contents.map((content) => record(content, time)),
    { producerId, producerEpoch: 0, baseSequence, isTransactional: true },
  )
}

async function abortedOf(log: Log): Promise<readonly AbortedTransaction[]> {
  return log.abortedTransactions(0n, await log.read(log.startOffset, 1 << 20, log.endOffset))
}

/** Of the batches that have one: the base offset and the delete horizon. */
async function horizons(log: Log): Promise<(readonly [bigint, bigint | null])[]> {
  const all = (await batchesOf(log)).map(({ base, frame }) => [base, batch.deleteHorizonMs(frame)] as const)
  return all.filter(([, horizon]) => horizon !== null)
}

describe.each(stores)('compaction %s', (_name, makeStore) => {
  it('keeps the latest record of each key, with its offset', async () => {
    const { log, reopen } = await compactedLog(makeStore())
    await appendAll(log, 'a=1', 'b=1')
    await appendAll(log, 'a=2', 'c=1')
    await appendAll(log, 'b=2')
    await appendAll(log, 'a=3')
    const sizeBefore = log.sizeBytes
    expect(await compact(log)).toMatchObject({ endOffset: 5n })
    expect(await contentOf(log)).toEqual(['2 a=2', '3 c=1', '4 b=2', '5 a=3'])
    expect(log.startOffset).toBe(0n)
    expect(log.endOffset).toBe(6n)
    expect(log.sizeBytes).toBeLessThan(sizeBefore)
    const again = await reopen()
    expect(await contentOf(again)).toEqual(['2 a=2', '3 c=1', '4 b=2', '5 a=3'])
    expect(again.sizeBytes).toBe(log.sizeBytes)
    expect(again.endOffset).toBe(6n)
  })

  it('never touches the active segment, nor anything at or above the last stable offset', async () => {
    const { log } = await compactedLog(makeStore())
    await appendAll(log, 'a=1')
    await appendAll(log, 'a=2')
    await appendAll(log, 'a=3')
    await appendAll(log, 'a=4', 'a=5')
    expect(await compact(log, {}, 0n)).toBeNull()
    expect(await compact(log, {}, 2n)).toMatchObject({ endOffset: 2n })
    expect(await contentOf(log)).toEqual(['1 a=2', '2 a=3', '3 a=4', '4 a=5'])
    await compact(log)
    expect(await contentOf(log)).toEqual(['2 a=3', '3 a=4', '4 a=5'])
    expect(await compact(log)).toBeNull()
  })

  it('keeps a batch byte for byte when all of its records stay', async () => {
    const { log } = await compactedLog(makeStore())
    await appendAll(log, 'a=1', 'b=1')
    await appendAll(log, 'c=1')
    await appendAll(log, 'd=1')
    const before = await batchesOf(log)
    await compact(log)
    expect(await batchesOf(log)).toEqual(before)
  })

  it.each([0, 1, 2, 3, 4] as const)('builds a batch of codec %i anew with the same codec', async (codec) => {
    const { log } = await compactedLog(makeStore())
    const headers = [{ key: 'h', value: Buffer.from('x') }]
    await append(
      log,
      [
        { key: 'a', value: '1', timestamp: 100n },
        { key: 'b', value: 'kept', timestamp: 50n, headers },
        { key: 'c', value: 'too', timestamp: 70n },
        { key: 'a', value: '2', timestamp: 200n },
      ],
      { codec, producerId: 7n, producerEpoch: 3, baseSequence: 40 },
    )
    await append(log, [{ key: 'a', value: '3', timestamp: 300n }])
    await append(log, [{ key: 'z', value: '1', timestamp: 400n }])
    await compact(log)
    const [{ base, last, frame } = { base: 0n, last: 0n, frame: Buffer.alloc(61) }] = await batchesOf(log)
    expect([base, last]).toEqual([0n, 3n])
    expect(batch.isCrcValid(frame)).toBe(true)
    expect(batch.compressionCodec(frame)).toBe(codec)
    expect(batch.baseTimestamp(frame)).toBe(50n)
    expect(batch.maxTimestamp(frame)).toBe(70n)
    expect(batch.recordsCount(frame)).toBe(2)
    expect([batch.producerId(frame), batch.producerEpoch(frame), batch.baseSequence(frame)]).toEqual([
      7n,
      3,
      40,
    ])
    expect(await readRecords(frame)).toEqual([
      { offset: 1n, timestamp: 50n, key: Buffer.from('b'), value: Buffer.from('kept'), headers },
      { offset: 2n, timestamp: 70n, key: Buffer.from('c'), value: Buffer.from('too'), headers: [] },
    ])
  })

  it("keeps the broker's timestamp of a batch", async () => {
    const test = await compactedLog(makeStore(), { messageTimestampType: 1 })
    const { log, clock } = test
    await append(log, [{ key: 'a' }, { key: 'b' }])
    const written = BigInt(clock.now())
    await clock.advance(5)
    await append(log, [{ key: 'a' }])
    await clock.advance(5)
    await append(log, [{ key: 'c' }])
    await compact(log)
    expect((await recordsOf(log)).map(({ offset, timestamp }) => [offset, timestamp])).toEqual([
      [1n, written],
      [2n, written + 5n],
      [3n, written + 10n],
    ])
  })

  it('keeps tombstones for delete.retention.ms from the first compaction on', async () => {
    const test = await compactedLog(makeStore())
    const { log, clock } = test
    await appendAll(log, 'a=1', 'b=1')
    await appendAll(log, 'a=', 'c=1')
    await appendAll(log, 'd=1')
    await compact(log)
    expect(await contentOf(log)).toEqual(['1 b=1', '2 a=null', '3 c=1', '4 d=1'])
    const withTombstone = (await batchesOf(log))[1]
    const horizon = BigInt(clock.now() + DAY_MS)
    expect(batch.deleteHorizonMs(withTombstone?.frame ?? Buffer.alloc(61))).toBe(horizon)
    const timestamps = (await recordsOf(log)).map(({ timestamp }) => timestamp)
    expect(timestamps.slice(1, 3)).toEqual([timestamps[1], timestamps[1]])
    await clock.advance(DAY_MS - 1)
    await appendAll(log, 'e=1')
    await compact(log)
    expect(await contentOf(log)).toContain('2 a=null')
    await clock.advance(1)
    await appendAll(log, 'f=1')
    await compact(log)
    expect(await contentOf(log)).toEqual(['1 b=1', '3 c=1', '4 d=1', '5 e=1', '6 f=1'])
    const rebuilt = (await batchesOf(log))[1]
    expect(batch.deleteHorizonMs(rebuilt?.frame ?? Buffer.alloc(61))).toBe(horizon)
  })

  it('drops records without a key, from before the topic was compacted', async () => {
    const test = await compactedLog(makeStore(), { compacted: false })
    const { log } = test
    await append(log, [{ key: null, timestamp: 1n }, { key: 'a' }])
    await append(log, [{ key: null, timestamp: 5n }])
    await append(log, [{ key: null, timestamp: 9n }])
    expect(await test.log.cleaning.compacted).toBe(false)
    test.config = { ...test.config, compacted: true }
    await compact(log)
    expect(await contentOf(log)).toEqual(['1 a=value', '3 null=value'])
  })

  it('leaves an empty batch where the cleaned part ends', async () => {
    const test = await compactedLog(makeStore(), { compacted: false })
    const { log } = test
    await append(log, [{ key: null, timestamp: 1n }])
    await append(log, [{ key: null, timestamp: 20n }, { key: null }])
    await append(log, [{ key: 'a', timestamp: 40n }])
    test.config = { ...test.config, compacted: true }
    await compact(log)
    const found = await batchesOf(log)
    expect(found.map(({ base, last, frame }) => [base, last, batch.recordsCount(frame)])).toEqual([
      [1n, 2n, 0],
      [3n, 3n, 1],
    ])
  })

  it('goes on where the last compaction ended, also after a new start', async () => {
    const { log, reopen } = await compactedLog(makeStore())
    await appendAll(log, 'a=1')
    await appendAll(log, 'b=1')
    await compact(log)
    await appendAll(log, 'b=2')
    await appendAll(log, 'c=1')
    const range = { firstDirtyOffset: 1n, firstUncleanableOffset: 3n, dirtyRatio: 2 / 3, due: true }
    expect(await log.cleaning.cleanable(4n)).toEqual(range)
    const again = await reopen()
    expect(await again.cleaning.cleanable(4n)).toEqual(range)
    await compact(again)
    expect(await contentOf(again)).toEqual(['0 a=1', '2 b=2', '3 c=1'])
    expect(await again.cleaning.cleanable(4n)).toBeNull()
  })

  it('keeps the last batch of each producer that is known, though empty', async () => {
    const { log, reopen } = await compactedLog(makeStore())
    const producer = { producerId: 5n, producerEpoch: 2 }
    await append(log, [{ key: 'a', timestamp: 1n }], { ...producer, baseSequence: 0 })
    await append(log, [{ key: 'a', timestamp: 20n }, { key: 'b' }], { ...producer, baseSequence: 1 })
    await append(log, [{ key: 'a', timestamp: 40n }, { key: 'b' }])
    await append(log, [{ key: 'z', timestamp: 60n }])
    await compact(log)
    const found = await batchesOf(log)
    expect(found.map(({ base, last, frame }) => [base, last, batch.recordsCount(frame)])).toEqual([
      [1n, 2n, 0],
      [3n, 4n, 2],
      [5n, 5n, 1],
    ])
    const empty = found[0]?.frame ?? Buffer.alloc(0)
    expect(empty.length).toBe(batch.BATCH_HEADER_BYTES)
    expect(batch.isCrcValid(empty)).toBe(true)
    expect(batch.baseTimestamp(empty)).toBe(-1n)
    expect([batch.baseSequence(empty), batch.lastSequence(empty)]).toEqual([1, 2])
    for (const opened of [log, await reopen()]) {
      expect(opened.activeProducers()).toMatchObject([{ producerId: 5n, producerEpoch: 2, lastSequence: 2 }])
      await expect(
        append(opened, [{ key: 'a', timestamp: 80n }], { ...producer, baseSequence: 4 }),
      ).rejects.toMatchObject({ code: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER })
    }
  })

  it('drops the batch of a producer that has been forgotten', async () => {
    const { log, clock } = await compactedLog(makeStore())
    await append(log, [{ key: 'a', timestamp: 1n }], { producerId: 5n, producerEpoch: 0, baseSequence: 0 })
    await append(log, [{ key: 'a', timestamp: 20n }])
    await append(log, [{ key: 'z', timestamp: 40n }])
    await clock.advance(2 * DAY_MS)
    log.expireProducers()
    await compact(log)
    expect((await batchesOf(log)).map(({ base }) => base)).toEqual([1n, 2n])
  })
})

describe.each(stores)('compaction of transactions %s', (_name, makeStore) => {
  it('drops aborted records at once, and the markers delete.retention.ms after the records', async () => {
    const test = await compactedLog(makeStore(), { segmentMs: 5, producerIdExpirationMs: 9 * DAY_MS })
    const { log, clock } = test
    await appendTransactional(log, 1n, 0, 'a=aborted')
    await appendMarker(log, 1n, false)
    await appendTransactional(log, 1n, 1, 'a=committed')
    await appendMarker(log, 1n, true)
    await appendAll(log, 'b=1')
    await appendAll(log, 'c=1')
    await compact(log)
    expect(await contentOf(log)).toEqual(['2 a=committed', '4 b=1', '5 c=1'])
    // A reader may have been within the transaction: it is on the list until the next compaction.
    expect(await abortedOf(log)).toMatchObject([{ firstOffset: 0n, lastOffset: 1n }])
    expect(await horizons(log)).toEqual([])
    await appendAll(log, 'd=1')
    await compact(log)
    expect(await abortedOf(log)).toEqual([])
    expect(await horizons(log)).toEqual([[1n, BigInt(clock.now() + DAY_MS)]])
    await clock.advance(DAY_MS - 1)
    await appendAll(log, 'e=1')
    await compact(log)
    expect(await horizons(log)).toEqual([[1n, BigInt(clock.now() + 1)]])
    await clock.advance(1)
    await appendAll(log, 'f=1')
    await compact(log)
    // The committed record is there, so its marker is too.
    expect((await batchesOf(log)).map(({ base }) => base)).toEqual([2n, 3n, 4n, 5n, 6n, 7n, 8n])
    const again = await test.reopen()
    again.highWatermarkMoved(again.endOffset)
    expect(again.firstUnstableOffset).toBeNull()
    expect(again.activeProducers()).toEqual(log.activeProducers())
  })

  it('keeps an aborted transaction on the list as long as a batch of it is there', async () => {
    const { log } = await compactedLog(makeStore(), { segmentMs: 5 })
    await appendTransactional(log, 1n, 0, 'a=1')
    await appendTransactional(log, 1n, 1, 'a=2')
    await appendMarker(log, 1n, false)
    await appendAll(log, 'b=1')
    await appendAll(log, 'c=1')
    const list = await abortedOf(log)
    expect(list).toMatchObject([{ producerId: 1n, firstOffset: 0n, lastOffset: 2n }])
    await compact(log)
    // The producer's last batch stays, empty.
    expect(await contentOf(log)).toEqual(['3 b=1', '4 c=1'])
    expect((await batchesOf(log)).map(({ base }) => base)).toEqual([1n, 2n, 3n, 4n])
    expect(await abortedOf(log)).toEqual(list)
  })

  it('counts no aborted record as the latest of its key', async () => {
    const { log } = await compactedLog(makeStore(), { segmentMs: 5 })
    await appendAll(log, 'a=good')
    await appendTransactional(log, 1n, 0, 'a=bad')
    await appendMarker(log, 1n, false)
    await appendAll(log, 'z=1')
    await compact(log)
    expect(await contentOf(log)).toEqual(['0 a=good', '3 z=1'])
  })

  it('leaves open transactions alone, and all that came after they began', async () => {
    const { log } = await compactedLog(makeStore(), { segmentMs: 5 })
    await appendAll(log, 'a=1')
    await appendAll(log, 'a=2')
    await appendTransactional(log, 1n, 0, 'a=open')
    await appendAll(log, 'a=3')
    await appendAll(log, 'a=4')
    await appendAll(log, 'a=5')
    expect(log.firstUnstableOffset).toBe(2n)
    await compact(log)
    expect(await contentOf(log)).toEqual(['1 a=2', '2 a=open', '3 a=3', '4 a=4', '5 a=5'])
  })
})
