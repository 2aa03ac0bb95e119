import { describe, expect, it } from 'vitest'
import { ManualClock, seededRandom } from '../clock.ts'
import type { StoredLog } from '../storage/log-store.ts'
import { MemoryStore } from '../storage/memory-store.ts'
import { SlowStore } from '../storage/slow-store.suite.ts'
import type { AppendResult } from './append-result.ts'
import { defaultLogConfig, type LogConfig } from './log-config.ts'
import { openLog } from './open-log.ts'
import { openTestLog, produce, producedBatch, records, TEST_ID } from './test-log.suite.ts'

class OpenedStore extends MemoryStore {
  opened: StoredLog | undefined

  override open(...args: Parameters<MemoryStore['open']>): ReturnType<MemoryStore['open']> {
    const opened = super.open(...args)
    this.opened = opened
    return opened
  }
}

async function setUp(config: Partial<LogConfig>) {
  const store = new SlowStore(new MemoryStore())
  const test = await openTestLog(config, store)
  const append = async (count = 1): Promise<AppendResult> =>
    test.log.append(await test.log.prepare(producedBatch(records(count))), -1)
  return { ...test, store, append }
}

describe('flush.messages', () => {
  it('is never reached by default', async () => {
    const { log, store, clock, append } = await setUp({})
    await (await append(1000)).durable
    await clock.advance(1e9)
    expect(store.calls).toEqual(['append 1'])
    expect(log.durableEndOffset).toBe(1000n)
    expect(clock.pending).toBe(0)
  })

  it('is counted in records; who reaches it waits for the flush', async () => {
    const { log, store, append } = await setUp({ flushMessages: 3 })
    for (const count of [1, 1]) await (await append(count)).durable
    expect(store.calls).toEqual(['append 1', 'append 1'])
    store.held = true
    const { durable } = await append(5)
    await store.release()
    expect([store.calls.at(-1), store.waiting]).toEqual(['append 1', ['flush']])
    // It is with the store, but nobody may see it yet.
    expect(log.durableEndOffset).toBe(2n)
    store.held = false
    await store.release()
    await durable
    expect(log.durableEndOffset).toBe(7n)
    for (const count of [1, 1]) await (await append(count)).durable
    expect(store.calls.filter((call) => call === 'flush')).toHaveLength(1)
    await (await append(1)).durable
    expect(store.calls.filter((call) => call === 'flush')).toHaveLength(2)
  })

  it('at 1 what waits is flushed together', async () => {
    const { log, store, append } = await setUp({ flushMessages: 1 })
    store.held = true
    const results = [await append(), await append(), await append(), await append()]
    await store.release()
    expect(store.waiting).toEqual(['flush'])
    await store.release()
    expect(store.waiting).toEqual(['append 3'])
    expect(log.durableEndOffset).toBe(1n)
    await results[0]?.durable
    await store.release()
    await store.release()
    await Promise.all(results.map(({ durable }) => durable))
    expect(store.calls).toEqual(['append 1', 'flush', 'append 3', 'flush'])
    expect(log.durableEndOffset).toBe(4n)
  })

  it('a flush that fails takes the log offline, and nothing counts as written', async () => {
    const { log, store, append, reopen } = await setUp({ flushMessages: 1 })
    store.held = true
    const { durable } = await append()
    await store.release()
    store.failNext = new Error('I/O error')
    await store.release()
    await expect(durable).rejects.toThrow(/I\/O error/)
    expect([log.offline, log.durableEndOffset]).toEqual([true, 0n])
    store.held = false
    expect((await reopen()).durableEndOffset).toBe(1n)
  })

  it('a batch that is repeated waits for the flush of the first', async () => {
    const { log, store } = await setUp({ flushMessages: 1 })
    const batch = producedBatch(records(1), { producerId: 1n, producerEpoch: 0, baseSequence: 0 })
    store.held = true
    log.append(await log.prepare(Buffer.from(batch)), -1)
    await store.release()
    const again = log.append(await log.prepare(Buffer.from(batch)), -1)
    expect(again).toMatchObject({ duplicate: true, durable: expect.any(Promise) })
    await store.release()
    await again.durable
  })

  it('costs nothing in a store that answers at once', async () => {
    const { log } = await openTestLog({ flushMessages: 1 })
    expect(log.append((await log.prepare(producedBatch(records(1)))) as never, -1).durable).toBeUndefined()
    expect(log.durableEndOffset).toBe(1n)
  })
})

describe('flush.ms', () => {
  it('flushes so long after the first append that was not flushed', async () => {
    const { store, clock, append } = await setUp({ flushMs: 100 })
    await (await append()).durable
    await clock.advance(60)
    await (await append()).durable
    await clock.advance(39)
    expect(store.calls).toEqual(['append 1', 'append 1'])
    await clock.advance(1)
    expect(store.calls).toEqual(['append 1', 'append 1', 'flush'])
    await clock.advance(1000)
    expect(store.calls).toHaveLength(3)
    await (await append()).durable
    await clock.advance(100)
    expect(store.calls.slice(3)).toEqual(['append 1', 'flush'])
  })

  it('does not flush what flush.messages has flushed', async () => {
    const { store, clock, append } = await setUp({ flushMs: 100, flushMessages: 2 })
    await (await append()).durable
    await clock.advance(50)
    await (await append()).durable
    expect(clock.pending).toBe(0)
    expect(store.calls.at(-1)).toBe('flush')
  })

  it('leaves no timer behind when the log is closed', async () => {
    const { log, clock, append } = await setUp({ flushMs: 100 })
    await (await append()).durable
    expect(clock.pending).toBe(1)
    await log.close()
    expect(clock.pending).toBe(0)
  })

  it('leaves a log alone that is offline', async () => {
    const { store, clock, append } = await setUp({ flushMs: 100 })
    await (await append()).durable
    store.failNext = new Error('disk full')
    await expect((await append()).durable).rejects.toThrow(/disk full/)
    await clock.advance(100)
    expect(store.calls).toEqual(['append 1'])
  })
})

describe('segment.jitter.ms', () => {
  it('ends segments at different times, up to so much earlier than segment.ms', async () => {
    const config = { ...defaultLogConfig, segmentMs: 1000, segmentJitterMs: 400 }
    const clock = new ManualClock()
    const ends = new Set<bigint>()
    for (let seed = 0; seed < 20; seed++) {
      const store = new OpenedStore()
      const random = seededRandom(seed)
      const log = await openLog({ store, id: TEST_ID, epoch: 0, clock, config: () => config, random })
      let last = 0n
      for (let timestamp = 1n; store.opened?.segments.length === 1; timestamp += 10n) {
        await produce(log, producedBatch(records(1, timestamp)))
        last = timestamp
      }
      expect(last).toBeGreaterThan(600n)
      expect(last).toBeLessThanOrEqual(1011n)
      ends.add(last)
    }
    expect(ends.size).toBeGreaterThan(10)
  })
})
