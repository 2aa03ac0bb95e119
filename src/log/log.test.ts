import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../storage/memory-store.ts'
import { SlowStore } from '../storage/slow-store.suite.ts'
import * as batch from '../wire/batch.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { buildCompressedBatch } from '../wire/records.ts'
import { Log } from './log.ts'
import { defaultLogConfig } from './log-config.ts'
import { openLog } from './open-log.ts'
import {
  encoded,
  openTestLog,
  produce,
  producedBatch,
  readBases,
  records,
  TEST_ID,
} from './test-log.suite.ts'

const failsWith = (code: number) => expect.objectContaining({ code })
const outOfRange = failsWith(ErrorCode.OFFSET_OUT_OF_RANGE)
const offline = failsWith(ErrorCode.KAFKA_STORAGE_ERROR)
const { LOG_APPEND_TIME } = batch.TimestampType

describe('log: append and read', () => {
  it('opens at once, empty, in memory', () => {
    const log = openLog({
      store: new MemoryStore(),
      id: TEST_ID,
      epoch: 0,
      clock: { now: () => 0, schedule: () => ({ cancel: () => {} }) },
      config: () => defaultLogConfig,
    }) as Log
    expect(log).toBeInstanceOf(Log)
    expect([log.startOffset, log.endOffset, log.durableEndOffset, log.sizeBytes]).toEqual([0n, 0n, 0n, 0])
    expect(log.latestEpoch).toBe(-1)
    expect(log.offline).toBe(false)
  })

  it('assigns offsets and the leader epoch, and tells them', async () => {
    const { log } = await openTestLog()
    expect(await produce(log, producedBatch(records(3)), 5)).toEqual({
      baseOffset: 0n,
      lastOffset: 2n,
      logAppendTimeMs: -1n,
      duplicate: false,
      logStartOffset: 0n,
      durable: undefined,
    })
    expect(await produce(log, producedBatch(records(2)), 6)).toMatchObject({ baseOffset: 3n, lastOffset: 4n })
    expect(log.endOffset).toBe(5n)
    const [view] = await log.read(3n, 1000, 5n)
    const position = [...batch.wholeBatches(view as Buffer)][0] as number
    expect(batch.baseOffset(view as Buffer, position)).toBe(3n)
    expect(batch.leaderEpoch(view as Buffer, position)).toBe(6)
    expect(batch.isCrcValid(view as Buffer, position)).toBe(true)
  })

  it('reads whole batches, from the one that holds the offset, up to an offset', async () => {
    const { log } = await openTestLog()
    for (const count of [2, 2, 2]) await produce(log, producedBatch(records(count)))
    expect(await readBases(log, 0n)).toEqual([0n, 2n, 4n])
    expect(await readBases(log, 3n)).toEqual([2n, 4n])
    expect(await readBases(log, 3n, 0)).toEqual([2n])
    expect(await readBases(log, 0n, 1 << 20, 4n)).toEqual([0n, 2n])
    expect(await readBases(log, 4n, 1 << 20, 4n)).toEqual([])
    expect(await readBases(log, 5n, 1 << 20, 4n)).toEqual([])
    expect(await readBases(log, 6n)).toEqual([])
    expect(() => log.read(7n, 1000, 6n)).toThrow(outOfRange)
    expect(() => log.read(-1n, 1000, 6n)).toThrow(outOfRange)
  })

  it('answers views of what is stored, not copies', async () => {
    const { log } = await openTestLog()
    await produce(log, producedBatch(records(2)))
    const [first] = await log.read(0n, 1000, 2n)
    const [second] = await log.read(0n, 1000, 2n)
    expect(first?.buffer).toBe(second?.buffer)
  })

  it('answers the time of append on a LogAppendTime topic', async () => {
    const { log, clock } = await openTestLog({ messageTimestampType: LOG_APPEND_TIME })
    const result = await produce(log, producedBatch(records(1)))
    expect(result.logAppendTimeMs).toBe(BigInt(clock.now()))
  })

  it('refuses a batch that is larger than a segment', async () => {
    const { log } = await openTestLog({ segmentBytes: 1000, maxMessageBytes: 10_000 })
    const frame = producedBatch([{ timestamp: 1n, value: 'x'.repeat(1000) }])
    await expect(produce(log, frame)).rejects.toThrow(failsWith(ErrorCode.RECORD_LIST_TOO_LARGE))
    expect(log.endOffset).toBe(0n)
  })

  it("appends the broker's own batches unchecked", async () => {
    const { log } = await openTestLog({ compacted: true, maxMessageBytes: 10 })
    const frame = producedBatch([{ timestamp: 99_000_000_000_000n, key: null }], { isControl: true })
    expect(log.appendOwn(frame, 4)).toMatchObject({ baseOffset: 0n, logAppendTimeMs: -1n })
    expect(log.latestEpoch).toBe(4)
    expect(await readBases(log, 0n)).toEqual([0n])
  })

  it('lets a changed config take effect at once', async () => {
    const test = await openTestLog()
    const frame = (): Buffer => producedBatch([{ timestamp: 1n, key: null }])
    await produce(test.log, frame())
    test.config = { ...test.config, compacted: true }
    await expect(produce(test.log, frame())).rejects.toThrow(failsWith(ErrorCode.INVALID_RECORD))
  })

  it('rolls segments and reads across them', async () => {
    const store = new MemoryStore()
    const { log } = await openTestLog({ segmentBytes: 200 }, store)
    for (let index = 0; index < 10; index++) await produce(log, producedBatch(records(1)))
    expect(await readBases(log, 0n)).toEqual([0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n])
    const bases = store.open(TEST_ID, 0).segments.map(({ baseOffset }) => baseOffset)
    expect(bases).toEqual([0n, 2n, 4n, 6n, 8n])
    for (const [from, found] of [
      [0n, [0n, 1n]],
      [3n, [3n]],
      [8n, [8n, 9n]],
      [10n, []],
    ] as const) {
      const views = await log.readSegment(from, 1000, 10n)
      expect(
        views.flatMap((view) => [...batch.wholeBatches(view)].map((at) => batch.baseOffset(view, at))),
      ).toEqual(found)
    }
  })
})

describe('log: idempotent producers', () => {
  const numbered = (baseSequence: number, count = 1, producerEpoch = 0, timestamp = 5n): Buffer =>
    producedBatch(records(count, timestamp), { producerId: 9n, producerEpoch, baseSequence })

  it('answers a repeated batch with its offsets and its timestamp', async () => {
    const { log } = await openTestLog()
    await produce(log, numbered(0, 2))
    await produce(log, producedBatch(records(3)))
    await log.deleteRecordsBefore(1n)
    expect(await produce(log, numbered(0, 2, 0, 999n))).toEqual({
      baseOffset: 0n,
      lastOffset: 1n,
      logAppendTimeMs: 5n,
      duplicate: true,
      logStartOffset: 1n,
      durable: undefined,
    })
    expect(log.endOffset).toBe(5n)
    await expect(produce(log, numbered(7))).rejects.toThrow(failsWith(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER))
    await expect(produce(log, numbered(0, 1, -1))).rejects.toThrow(
      failsWith(ErrorCode.INVALID_PRODUCER_EPOCH),
    )
    expect(log.endOffset).toBe(5n)
  })

  it('counts appends that are still in flight, and lets a repeated one wait for the first', async () => {
    const store = new SlowStore(new MemoryStore())
    const { log } = await openTestLog({}, store)
    store.held = true
    const append = (frame: Buffer) => {
      const validated = log.prepare(frame)
      if (validated instanceof Promise) throw new Error('unexpected')
      return log.append(validated, -1)
    }
    const first = append(numbered(0, 2))
    const second = append(numbered(2))
    const again = append(numbered(2))
    expect(again).toMatchObject({ baseOffset: 2n, duplicate: true })
    expect([log.endOffset, log.durableEndOffset]).toEqual([3n, 0n])
    let settled = 0
    for (const { durable } of [first, second, again]) void durable?.then(() => settled++)
    await store.release()
    expect([settled, log.durableEndOffset]).toEqual([1, 2n])
    await store.release()
    expect([settled, log.durableEndOffset]).toEqual([3, 3n])
    expect(append(numbered(2)).durable).toBe(undefined)
  })

  it('forgets idle producers when the periodic check would have', async () => {
    const config = { producerIdExpirationMs: 1000, producerIdExpirationCheckIntervalMs: 600 }
    const { log, clock } = await openTestLog(config)
    const at = (): bigint => BigInt(clock.now())
    await produce(log, numbered(0, 1, 0, at()))
    await clock.advance(1199)
    // The check at 600 ms came too early, the one at 1200 ms has not been yet.
    await expect(produce(log, numbered(7, 1, 0, at()))).rejects.toThrow(
      failsWith(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER),
    )
    await clock.advance(1)
    expect(await produce(log, numbered(7, 1, 0, at()))).toMatchObject({ baseOffset: 1n })
    await clock.advance(999)
    log.expireProducers()
    expect(log.producerCount).toBe(1)
    await clock.advance(1)
    log.expireProducers()
    expect(log.producerCount).toBe(0)
  })

  it('remembers producers over a new start', async () => {
    const test = await openTestLog()
    await produce(test.log, numbered(0, 2))
    await produce(test.log, numbered(2))
    const log = await test.reopen()
    expect(await produce(log, numbered(0, 2))).toMatchObject({ baseOffset: 0n, duplicate: true })
    await expect(produce(log, numbered(4))).rejects.toThrow(failsWith(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER))
    expect(await produce(log, numbered(3))).toMatchObject({ baseOffset: 3n })
  })
})

describe('log: timestamps', () => {
  it('finds the first record at or after a timestamp, inside compressed batches too', async () => {
    const { log } = await openTestLog()
    const of = (timestamps: readonly bigint[]) => timestamps.map((timestamp) => encoded({ timestamp }))
    await produce(log, producedBatch([{ timestamp: 1000n }, { timestamp: 1050n }, { timestamp: 1020n }]), 2)
    const gzip = await buildCompressedBatch(of([900n, 1100n, 1100n]), batch.Codec.GZIP)
    await produce(log, gzip, 3)
    await produce(log, producedBatch([{ timestamp: 1100n }]), 3)
    const found = async (timestamp: bigint) => (await log.offsetForTimestamp(timestamp))?.offset ?? null
    expect(await log.offsetForTimestamp(1001n)).toEqual({ timestamp: 1050n, offset: 1n, leaderEpoch: 2 })
    expect(await log.offsetForTimestamp(1051n)).toEqual({ timestamp: 1100n, offset: 4n, leaderEpoch: 3 })
    expect(await Promise.all([0n, 1000n, 1050n, 1100n, 1101n].map(found))).toEqual([0n, 0n, 1n, 4n, null])
    expect(await log.maxTimestampOffset()).toEqual({ timestamp: 1100n, offset: 4n, leaderEpoch: 3 })
    await log.deleteRecordsBefore(5n)
    expect(await Promise.all([0n, 1000n, 1100n, 1101n].map(found))).toEqual([5n, 5n, 5n, null])
    // Kafka looks for the greatest timestamp in all that is stored, below the log's start too.
    expect((await log.maxTimestampOffset())?.offset).toBe(4n)
    await log.deleteRecordsBefore(7n)
    expect(await found(0n)).toBe(null)
  })

  it('answers the first record of a batch for the time of append', async () => {
    const { log, clock } = await openTestLog({ messageTimestampType: LOG_APPEND_TIME })
    const firstMs = BigInt(clock.now())
    await produce(log, producedBatch(records(3)))
    await clock.advance(10)
    await produce(log, producedBatch(records(3)))
    expect((await log.offsetForTimestamp(firstMs))?.offset).toBe(0n)
    expect((await log.offsetForTimestamp(firstMs + 1n))?.offset).toBe(3n)
    expect(await log.maxTimestampOffset()).toEqual({ timestamp: firstMs + 10n, offset: 3n, leaderEpoch: 0 })
  })

  it('copes with an empty log, and with records without a timestamp', async () => {
    const { log } = await openTestLog()
    expect(await log.offsetForTimestamp(0n)).toBe(null)
    expect(await log.maxTimestampOffset()).toBe(null)
    await produce(log, producedBatch([{}, {}]))
    expect(await log.offsetForTimestamp(0n)).toBe(null)
    expect(await log.maxTimestampOffset()).toEqual({ timestamp: -1n, offset: 0n, leaderEpoch: 0 })
    const negative = await openTestLog()
    await produce(negative.log, producedBatch(records(1, -5n)))
    expect(await negative.log.maxTimestampOffset()).toBe(null)
  })

  it('looks in the segment that has it', async () => {
    const { log } = await openTestLog({ segmentBytes: 200, indexIntervalBytes: 0 })
    const timestamps = [5n, 9n, 3n, 12n, 12n, 4n, 20n, 1n, 20n, 2n]
    for (const timestamp of timestamps) await produce(log, producedBatch(records(1, timestamp)))
    for (let timestamp = 0n; timestamp < 22n; timestamp++) {
      const expected = timestamps.findIndex((own) => own >= timestamp)
      const found = await log.offsetForTimestamp(timestamp)
      expect(found?.offset ?? -1n).toBe(BigInt(expected))
    }
    expect((await log.maxTimestampOffset())?.offset).toBe(6n)
  })
})

describe('log: start, truncation, epochs', () => {
  it('deletes records up to the middle of a batch, and the segments below', async () => {
    const store = new MemoryStore()
    const test = await openTestLog({ segmentBytes: 250 }, store)
    const { log } = test
    for (let index = 0; index < 6; index++) await produce(log, producedBatch(records(2)), index)
    const whole = log.sizeBytes
    await log.deleteRecordsBefore(7n)
    expect(log.startOffset).toBe(7n)
    expect(log.sizeBytes).toBeLessThan(whole)
    expect(await readBases(log, 7n)).toEqual([6n, 8n, 10n])
    expect(() => log.read(6n, 1000, 12n)).toThrow(outOfRange)
    expect(() => log.deleteRecordsBefore(13n)).toThrow(outOfRange)
    expect(log.deleteRecordsBefore(3n)).toBe(undefined)
    expect(log.startOffset).toBe(7n)
    expect(log.endOffsetForEpoch(1)).toEqual({ epoch: 1, endOffset: 7n })
    expect((await produce(log, producedBatch(records(1)), 6)).logStartOffset).toBe(7n)

    const reopened = await test.reopen()
    expect([reopened.startOffset, reopened.endOffset]).toEqual([7n, 13n])
    expect(reopened.sizeBytes).toBe(log.sizeBytes)
    expect(reopened.endOffsetForEpoch(4)).toEqual({ epoch: 4, endOffset: 10n })
    await reopened.deleteRecordsBefore(13n)
    expect(await readBases(reopened, 13n)).toEqual([])
    expect(store.open(TEST_ID, 0).segments).toHaveLength(1)
  })

  it('knows its segments again after a new start', async () => {
    const test = await openTestLog({ segmentBytes: 200 })
    for (let index = 0; index < 6; index++)
      await produce(test.log, producedBatch(records(1, BigInt(10 * index))))
    const log = await test.reopen()
    expect((await log.offsetForTimestamp(31n))?.offset).toBe(4n)
    expect((await log.maxTimestampOffset())?.offset).toBe(5n)
    await log.deleteRecordsBefore(4n)
    expect(log.sizeBytes).toBe(test.log.sizeBytes / 3)
  })

  it('cuts off its end, with producers and epochs', async () => {
    const { log } = await openTestLog({ segmentBytes: 250 })
    for (let index = 0; index < 6; index++) {
      const frame = producedBatch(records(2), { producerId: 9n, producerEpoch: 0, baseSequence: 2 * index })
      await produce(log, frame, index)
    }
    await log.truncateTo(12n)
    expect(log.endOffset).toBe(12n)
    await log.truncateTo(7n)
    expect(log.endOffset).toBe(7n)
    expect(await readBases(log, 0n)).toEqual([0n, 2n, 4n])
    expect(log.latestEpoch).toBe(3)
    expect(log.endOffsetForEpoch(3)).toEqual({ epoch: 3, endOffset: 7n })
    const next = producedBatch(records(2), { producerId: 9n, producerEpoch: 0, baseSequence: 6 })
    expect(await produce(log, next, 9)).toMatchObject({ baseOffset: 7n, duplicate: false })
    expect(await readBases(log, 5n)).toEqual([4n, 7n])
    await log.truncateTo(0n)
    expect([log.startOffset, log.endOffset, log.sizeBytes, log.latestEpoch]).toEqual([0n, 0n, 0, -1])
  })

  it('starts over below its start', async () => {
    const test = await openTestLog({ segmentBytes: 200 })
    const { log } = test
    for (let index = 0; index < 6; index++) await produce(log, producedBatch(records(2)))
    await log.deleteRecordsBefore(8n)
    await log.truncateTo(5n)
    expect([log.startOffset, log.endOffset]).toEqual([5n, 5n])
    await produce(log, producedBatch(records(1)))
    expect((await test.reopen()).startOffset).toBe(5n)
  })

  it('takes no append while it is being truncated', async () => {
    const { log } = await openTestLog()
    await produce(log, producedBatch(records(2)))
    const validated = await log.prepare(producedBatch(records(1)))
    const truncating = log.truncateTo(0n)
    expect(() => log.append(validated, 0)).toThrow(offline)
    await truncating
    expect(log.append(validated, 0)).toMatchObject({ baseOffset: 0n })
  })

  it('notes epochs that have no records yet', async () => {
    const test = await openTestLog()
    const { log } = test
    log.assignEpoch(3)
    expect(log.endOffsetForEpoch(3)).toEqual({ epoch: 3, endOffset: 0n })
    await produce(log, producedBatch(records(2)), 3)
    log.assignEpoch(5)
    expect(log.epochForOffset(1n)).toBe(3)
    expect(log.endOffsetForEpoch(3)).toEqual({ epoch: 3, endOffset: 2n })
    expect(log.endOffsetForEpoch(4)).toEqual({ epoch: 3, endOffset: 2n })
    expect(log.endOffsetForEpoch(6)).toEqual({ epoch: -1, endOffset: -1n })
    await log.truncateTo(9n)
    expect(log.latestEpoch).toBe(3)
    log.assignEpoch(5)
    // Kafka too forgets it when it starts: the next leader notes its own.
    expect((await test.reopen()).latestEpoch).toBe(3)
  })
})

describe('log: a store that fails', () => {
  it('is offline for everybody from a failed append on, and starts from what is stored', async () => {
    const store = new SlowStore(new MemoryStore())
    const test = await openTestLog({}, store)
    const { log } = test
    await produce(log, producedBatch(records(2)))
    store.held = true
    const sent = [3, 4].map((count) => log.append(log.prepare(producedBatch(records(count))) as never, 0))
    expect(log.endOffset).toBe(9n)
    store.failNext = new Error('no space')
    await store.release()
    for (const { durable } of sent) await expect(durable).rejects.toThrow(offline)
    expect(log.offline).toBe(true)
    expect(() => log.append(log.prepare(producedBatch(records(1))) as never, 0)).toThrow(offline)
    expect(() => log.appendOwn(producedBatch(records(1)), 0)).toThrow(offline)
    expect(() => log.read(0n, 1000, 2n)).toThrow(offline)
    expect(() => log.deleteRecordsBefore(1n)).toThrow(offline)
    store.held = false
    const reopened = await test.reopen()
    expect(reopened.endOffset).toBe(2n)
    expect(await produce(reopened, producedBatch(records(1)))).toMatchObject({ baseOffset: 2n })
  })

  it('is offline when another owner has opened it', async () => {
    const test = await openTestLog()
    await test.reopen()
    await expect(produce(test.log, producedBatch(records(1)))).rejects.toThrow(offline)
    expect(test.log.offline).toBe(true)
  })

  it('cannot be opened in a lower epoch', () => {
    const store = new MemoryStore()
    store.open(TEST_ID, 5)
    const options = { store, id: TEST_ID, epoch: 4, config: () => defaultLogConfig }
    const clock = { now: () => 0, schedule: () => ({ cancel: () => {} }) }
    expect(() => openLog({ ...options, clock })).toThrow(offline)
  })

  it('closes when what is in flight is done', async () => {
    const store = new SlowStore(new MemoryStore())
    const { log } = await openTestLog({}, store)
    store.held = true
    const { durable } = log.append((await log.prepare(producedBatch(records(1)))) as never, -1)
    const closing = log.close()
    store.held = false
    await store.release()
    await durable
    await closing
    expect(log.durableEndOffset).toBe(1n)
    expect(store.calls).toEqual(['append 1', 'producers 1'])
  })
})
