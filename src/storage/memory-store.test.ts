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

  it('keeps a large frame as it is when it is most of its memory, and copies it otherwise', () => {
    const log = new MemoryStore().open(id, 0)
    const own = frame(0n, 1, 100_000)
    const part = Buffer.concat([frame(1n, 1, 100_000), Buffer.alloc(200_000)]).subarray(0, 100_000)
    const small = frame(2n, 1, 100)
    log.append([own, part, small])
    const [first, second, third] = log.read(0n, 1_000_000, 3n)
    expect(first?.buffer).toBe(own.buffer)
    expect(second?.buffer).not.toBe(part.buffer)
    expect(second?.buffer.byteLength).toBe(100_000)
    expect(third?.buffer).not.toBe(small.buffer)
    expect(third?.buffer.byteLength).toBeGreaterThan(100)
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
