import { scheduler } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../storage/memory-store.ts'
import { SlowStore } from '../storage/slow-store.suite.ts'
import * as batch from '../wire/batch.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { buildBatch } from '../wire/records.ts'
import { append, compact, contentOf, limits } from './cleaning.suite.ts'
import type { Log } from './log.ts'
import type { LogConfig } from './log-config.ts'
import { encoded, openTestLog, type TestLog } from './test-log.suite.ts'

const config: Partial<LogConfig> = { compacted: true, deleted: false, segmentMs: 0 }

/** Four segments of `a` and a last one that is active; `1 a=1`, and so on. */
async function dirtyLog(store = new SlowStore(new MemoryStore())): Promise<TestLog & { store: SlowStore }> {
  const test = await openTestLog(config, store)
  for (let time = 1; time <= 5; time++) await appendAt(test.log, time)
  return Object.assign(test, { store })
}

function appendAt(log: Log, time: number, key = 'a'): Promise<bigint> {
  return append(log, [{ key, value: String(time), timestamp: BigInt(time * 10) }])
}

/** Starts a compaction, and stops it where it first lets others have their turn. */
async function startCompaction(log: Log): Promise<{ go: () => void; done: Promise<unknown> }> {
  const range = await log.cleaning.cleanable(log.endOffset)
  if (range === null) throw new Error('there is nothing to compact')
  let go: () => void = () => {}
  const gate = new Promise<void>((resolve) => {
    go = resolve
  })
  const done = log.cleaning.compact(range, { ...limits, pause: () => gate })
  done.catch(() => {})
  await scheduler.yield()
  return { go, done }
}

const all = ['0 a=1', '1 a=2', '2 a=3', '3 a=4', '4 a=5']
const latest = ['3 a=4', '4 a=5']

describe('a compaction that is going on', () => {
  it('lets others append and read', async () => {
    const { log } = await dirtyLog()
    const { go, done } = await startCompaction(log)
    await appendAt(log, 6)
    expect(await contentOf(log)).toEqual([...all, '5 a=6'])
    go()
    await done
    expect(await contentOf(log)).toEqual([...latest, '5 a=6'])
  })

  it('ends before the log is cut, and leaves what it has not replaced', async () => {
    const { log, reopen } = await dirtyLog()
    await compact(log, {}, 2n)
    const { go, done } = await startCompaction(log)
    const truncating = log.truncateTo(1n)
    go()
    await expect(done).rejects.toMatchObject({ name: 'CompactionAborted' })
    await truncating
    expect(log.endOffset).toBe(1n)
    await append(log, [{ key: 'b', value: '1', timestamp: 100n }])
    await append(log, [{ key: 'b', value: '2', timestamp: 200n }])
    // What was clean is not, from where the log was cut.
    expect(await log.cleaning.cleanable(3n)).toMatchObject({ firstDirtyOffset: 1n })
    expect(await (await reopen()).cleaning.cleanable(3n)).toMatchObject({ firstDirtyOffset: 1n })
  })

  it('ends before the log is closed', async () => {
    const { log, reopen } = await dirtyLog()
    const { go, done } = await startCompaction(log)
    const closing = log.close()
    go()
    await expect(done).rejects.toMatchObject({ name: 'CompactionAborted' })
    await closing
    expect(await contentOf(await reopen())).toEqual(all)
  })

  it('ends when the topic is compacted no more', async () => {
    const test = await dirtyLog()
    const { go, done } = await startCompaction(test.log)
    test.config = { ...test.config, compacted: false, deleted: true }
    go()
    await expect(done).rejects.toMatchObject({ name: 'CompactionAborted' })
    expect(await contentOf(test.log)).toEqual(all)
  })

  it('keeps segments that records are deleted from, until it is done', async () => {
    const { log, store, reopen } = await dirtyLog()
    const { go, done } = await startCompaction(log)
    store.calls.length = 0
    await log.deleteRecordsBefore(4n)
    expect(log.startOffset).toBe(4n)
    expect(log.cleaning.deleteOldSegments(log.endOffset)).toEqual([])
    expect(store.calls).not.toContain('drop')
    go()
    await done
    expect(await contentOf(log)).toEqual(['4 a=5'])
    expect(log.cleaning.deleteOldSegments(log.endOffset)).toMatchObject([{ reason: 'log start offset' }])
    expect(await contentOf(await reopen())).toEqual(['4 a=5'])
  })

  it('waits for segments that are on their way out', async () => {
    const { log, store } = await dirtyLog()
    store.held = true
    const deleting = log.deleteRecordsBefore(1n)
    const range = await log.cleaning.cleanable(log.endOffset)
    const compacting = log.cleaning.compact(range ?? fail(), limits)
    await scheduler.yield()
    expect(store.waiting).not.toContain('replace')
    store.held = false
    while (store.waiting.length > 0) await store.release()
    await deleting
    await compacting
    expect(await contentOf(log)).toEqual(latest)
  })

  it('is the only one of its log', async () => {
    const { log } = await dirtyLog()
    const range = await log.cleaning.cleanable(log.endOffset)
    const { go, done } = await startCompaction(log)
    expect(await log.cleaning.cleanable(log.endOffset)).toBeNull()
    await expect(log.cleaning.compact(range ?? fail(), limits)).rejects.toThrow('already')
    go()
    await done
  })
})

describe('a compaction that fails', () => {
  it('leaves the log as it was when the store does', async () => {
    const { log, store } = await dirtyLog()
    store.failNext = new Error('the disk is full')
    await expect(compact(log)).rejects.toThrow('the disk is full')
    expect(log.offline).toBe(false)
    expect(await contentOf(log)).toEqual(all)
    await appendAt(log, 6)
    await compact(log)
    expect(await contentOf(log)).toEqual(['4 a=5', '5 a=6'])
  })

  it('leaves the log as it was when a batch is broken', async () => {
    const test = await openTestLog(config)
    const { log } = test
    await appendAt(log, 1)
    await appendAt(log, 2)
    const broken = buildBatch([encoded({ key: 'a' }), encoded({ key: 'b' })], { maxTimestamp: 30n })
    broken[batch.BatchField.RECORDS] = 1
    await log.appendOwn(broken, 0).durable
    await appendAt(log, 4)
    const sizeBytes = log.sizeBytes
    await expect(compact(log)).rejects.toMatchObject({ code: ErrorCode.INVALID_RECORD })
    expect(log.sizeBytes).toBe(sizeBytes)
    await appendAt(log, 5)
  })

  it('gives up when the log is offline', async () => {
    const { log, store } = await dirtyLog()
    const { go, done } = await startCompaction(log)
    store.failNext = new Error('the disk is gone')
    await expect(appendAt(log, 6)).rejects.toThrow('the disk is gone')
    go()
    await expect(done).rejects.toThrow('the disk is gone')
    expect(await log.cleaning.cleanable(log.endOffset)).toBeNull()
  })
})

describe('the bounds of a compaction', () => {
  it('takes several rounds when its map cannot hold all keys', async () => {
    const { log } = await openTestLog(config)
    for (let time = 1; time <= 40; time++) await appendAt(log, time, `key ${time % 20}`)
    await appendAt(log, 41, 'active')
    const ends: bigint[] = []
    for (;;) {
      const result = await compact(log, { mapBytes: 24 * 10 })
      if (result === null) break
      ends.push(result.endOffset)
    }
    expect(ends).toEqual([9n, 18n, 27n, 36n, 40n])
    expect((await contentOf(log)).map((line) => line.split(' ')[0])).toEqual(
      Array.from({ length: 21 }, (_, index) => String(index + 20)),
    )
  })

  it('says so when its map cannot even hold the keys of one batch', async () => {
    const { log } = await openTestLog(config)
    await append(
      log,
      Array.from({ length: 30 }, (_, index) => ({ key: String(index), timestamp: 1n })),
    )
    await appendAt(log, 9)
    await expect(compact(log, { mapBytes: 24 * 10 })).rejects.toThrow('log.cleaner.dedupe.buffer.size')
  })

  it('lets others have their turn within a large batch', async () => {
    const { log } = await openTestLog({ ...config, maxMessageBytes: 2 ** 30 })
    const value = 'x'.repeat(1000)
    await append(
      log,
      Array.from({ length: 3000 }, (_, index) => ({ key: String(index % 100), value, timestamp: 1n })),
      { codec: batch.Codec.GZIP },
    )
    await appendAt(log, 9)
    const paused: number[] = []
    await compact(log, {
      pause: (bytes) => {
        paused.push(bytes)
      },
    })
    expect(paused.length).toBeGreaterThan(20)
    expect(await contentOf(log)).toHaveLength(101)
  })
})

function fail(): never {
  throw new Error('there is nothing to compact')
}
