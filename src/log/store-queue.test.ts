import { describe, expect, it } from 'vitest'
import type { StoredLog } from '../storage/log-store.ts'
import { MemoryStore } from '../storage/memory-store.ts'
import { SlowStore } from '../storage/slow-store.suite.ts'
import { frame } from '../storage/store.suite.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { isLent, lend } from '../wire/lent-memory.ts'
import { StoreQueue } from './store-queue.ts'
import { TEST_ID } from './test-log.suite.ts'

const offline = expect.objectContaining({ code: ErrorCode.KAFKA_STORAGE_ERROR })

async function slow(): Promise<{ store: SlowStore; stored: StoredLog; queue: StoreQueue }> {
  const store = new SlowStore(new MemoryStore())
  const stored = await store.open(TEST_ID, 0)
  store.held = true
  return { store, stored, queue: new StoreQueue(stored) }
}

describe('store queue', () => {
  it('is done at once where the store is', () => {
    const stored = new MemoryStore().open(TEST_ID, 0)
    const queue = new StoreQueue(stored)
    expect(queue.append(frame(0n, 1, 100))).toBe(undefined)
    expect(queue.run(() => stored.roll(1n))).toBe(undefined)
    expect(queue.idle).toBe(undefined)
    expect(stored.segments).toHaveLength(2)
  })

  it('keeps one call in flight, and puts frames that wait into one append', async () => {
    const { store, stored, queue } = await slow()
    const durable = [0n, 1n, 2n].map((offset) => queue.append(frame(offset, 1, 100)))
    queue.post(() => stored.roll(3n))
    durable.push(queue.append(frame(3n, 1, 100)), queue.append(frame(4n, 1, 100)))
    expect(store.waiting).toEqual(['append 1'])
    expect(durable[1]).toBe(durable[2])
    expect(durable[3]).not.toBe(durable[2])
    expect(queue.idle).toBe(durable[4])
    for (const expected of ['append 2', 'roll 3', 'append 2']) {
      await store.release()
      expect(store.waiting).toEqual([expected])
    }
    expect(stored.endOffset).toBe(3n)
    await store.release()
    await Promise.all(durable)
    expect(queue.idle).toBe(undefined)
    expect(stored.endOffset).toBe(5n)
    expect(store.calls).toEqual(['append 1', 'append 2', 'roll 3', 'append 2'])
  })

  it('keeps the memory of frames that wait, and of no others', async () => {
    const lent = (): Buffer => {
      const memory = lend(50_000).subarray(0, 200)
      frame(0n, 1, 200).copy(memory)
      return memory
    }
    const { store, queue } = await slow()
    const waiting = [lent(), lent(), lent()]
    const durable = waiting.map((each) => queue.append(each))
    expect(waiting.map(isLent)).toEqual([false, false, false])
    store.held = false
    await store.release()
    await Promise.all(durable)
    const direct = lent()
    expect(new StoreQueue(new MemoryStore().open(TEST_ID, 0)).append(direct)).toBe(undefined)
    expect(isLent(direct)).toBe(true)
  })

  it('goes through any number of calls that waited for one', async () => {
    const store = new MemoryStore()
    const stored = store.open(TEST_ID, 0)
    const queue = new StoreQueue(stored)
    let finish: () => void = () => {}
    queue.post(() => new Promise<void>((done) => (finish = done)))
    let calls = 0
    for (let index = 0; index < 20_000; index++) queue.post(() => void calls++)
    const { idle } = queue
    finish()
    await idle
    expect(calls).toBe(20_000)
    expect(queue.failure).toBe(null)
  })

  it('fails everything that waits with what is in flight, and stays so', async () => {
    const { store, stored, queue } = await slow()
    const first = queue.append(frame(0n, 1, 100))
    const second = queue.append(frame(1n, 1, 100))
    queue.post(() => stored.roll(2n))
    store.failNext = new Error('disk full')
    await store.release()
    await expect(first).rejects.toThrow('disk full')
    await expect(second).rejects.toEqual(offline)
    expect(queue.failure).toEqual(offline)
    expect(() => queue.append(frame(2n, 1, 100))).toThrow(offline)
    expect(() => queue.run(() => {})).toThrow(offline)
    expect(store.waiting).toEqual([])
    expect(stored.endOffset).toBe(0n)
  })

  it('throws where the store does, and fails from then on', () => {
    const store = new MemoryStore()
    const queue = new StoreQueue(store.open(TEST_ID, 0))
    store.open(TEST_ID, 1)
    expect(() => queue.append(frame(0n, 1, 100))).toThrow(offline)
    expect(() => queue.post(() => {})).toThrow(offline)
  })

  it('fails what follows a call that throws in the queue', async () => {
    const { store, queue } = await slow()
    const first = queue.append(frame(0n, 1, 100))
    const second = queue.run(() => {
      throw new Error('no')
    })
    const third = queue.append(frame(1n, 1, 100))
    await store.release()
    await first
    await expect(second).rejects.toEqual(offline)
    await expect(third).rejects.toEqual(offline)
  })
})
