import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { MemoryStore } from './memory-store.ts'
import { describeLogStore, frame } from './store.suite.ts'

describeLogStore('memory store', () => new MemoryStore())

describe('memory store, its memory', () => {
  const id = { topic: 't', topicId: 'AAAAAAAAAAAAAAAAAAAAAg', partition: 0 }

  it('answers small frames that lie side by side as one view', () => {
    const log = new MemoryStore().open(id, 0)
    for (let offset = 0n; offset < 1000n; offset++) log.append([frame(offset, 1, 100)])
    const views = log.read(500n, 40_000, 1000n)
    expect(views.length).toBeLessThanOrEqual(3)
    expect(views.reduce((bytes, { length }) => bytes + length, 0)).toBe(40_000)
  })

  it('answers as many bytes as asked for, wherever that ends', () => {
    const log = new MemoryStore().open(id, 0)
    for (let offset = 0n; offset < 300n; offset++) log.append([frame(offset, 1, 100)])
    for (const from of [0n, 7n, 150n]) {
      for (let maxBytes = 50; maxBytes < 16_000; maxBytes += 50) {
        const [view] = log.read(from, maxBytes, 300n)
        const fits = Math.max(100, maxBytes)
        const left = (300 - Number(from)) * 100
        const read = log.read(from, maxBytes, 300n).reduce((bytes, { length }) => bytes + length, 0)
        expect(read).toBe(Math.min(fits, left))
        expect(view?.readBigInt64BE(0)).toBe(from)
      }
    }
  })

  it('keeps a large frame where it is, unless that would keep far more memory alive', () => {
    const log = new MemoryStore().open(id, 0)
    const own = frame(0n, 1, 100_000)
    const eighth = Buffer.concat([frame(1n, 1, 100_000), Buffer.alloc(700_000)]).subarray(0, 100_000)
    const less = Buffer.concat([frame(2n, 1, 100_000), Buffer.alloc(700_001)]).subarray(0, 100_000)
    log.append([own, eighth, less])
    const [first, second, third] = log.read(0n, 1_000_000, 3n)
    expect(first?.buffer).toBe(own.buffer)
    expect(second?.buffer).toBe(eighth.buffer)
    expect(third?.buffer).not.toBe(less.buffer)
    expect(third?.buffer.byteLength).toBe(100_000)
  })

  it('copies small frames out of their buffers into blocks of its own', () => {
    const log = new MemoryStore().open(id, 0)
    const small = [frame(0n, 1, 100), frame(1n, 1, 16_383)]
    log.append(small)
    const views = log.read(0n, 1_000_000, 2n)
    for (const view of views) for (const { buffer } of small) expect(view.buffer).not.toBe(buffer)
  })

  it('costs little for an empty log', () => {
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('gc') as () => void
    const store = new MemoryStore()
    gc()
    const before = process.memoryUsage().heapUsed
    for (let partition = 0; partition < 10_000; partition++) store.open({ ...id, partition }, 0)
    gc()
    expect((process.memoryUsage().heapUsed - before) / 10_000).toBeLessThan(700)
  })
})
