import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { MemoryStore } from './memory-store.ts'
import { describeLogStore, frame } from './store.suite.ts'

describeLogStore('memory store', () => new MemoryStore())

describe('memory store, its memory', () => {
  const id = { topic: 't', topicId: 'AAAAAAAAAAAAAAAAAAAAAg', partition: 0 }

  function countingStore() {
    const store = new MemoryStore()
    return { use: store.use, open: () => store.open(id, 0), remove: () => store.remove(id) }
  }

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

  it('counts a request for as long as a frame of it is kept, whichever that is', () => {
    const store = new MemoryStore()
    const logs = ['first', 'second'].map((topic) => ({ ...id, topic, topicId: topic }))
    const request = Buffer.concat([frame(0n, 1, 60_000), frame(0n, 1, 40_000)])
    const frames = [request.subarray(0, 60_000), request.subarray(60_000)]
    for (const [at, log] of logs.entries()) store.open(log, 0).append(frames.slice(at, at + 1))
    const left = [store.use.bytes]
    for (const log of logs) {
      store.remove(log)
      left.push(store.use.bytes)
    }
    expect(left).toEqual([100_000 + 2 * 256, 100_000 + 256, 0])
  })

  it('counts what it keeps alive, and nothing once it is gone', () => {
    const { use, ...store } = countingStore()
    const log = store.open()
    log.append([frame(0n, 1, 100)])
    expect(use.bytes).toBe(1024)
    const request = Buffer.concat([frame(1n, 1, 20_000), frame(2n, 1, 20_000), Buffer.alloc(60_000)])
    log.append([request.subarray(0, 20_000), request.subarray(20_000, 40_000)])
    // The rest of the request is kept alive with its frames.
    expect(use.bytes).toBe(1024 + 100_000 + 2 * 256)
    log.roll(3n)
    log.append([frame(3n, 1, 20_000)])
    void log.segmentSidecar('producers', 3n).replace(Buffer.alloc(44))
    expect(use.bytes).toBe(100 + 120_000 + 3 * 256 + 300)
    expect(log.read(0n, 200, 1n)).toEqual([frame(0n, 1, 100)])
    log.drop([0n])
    expect(use.bytes).toBe(20_000 + 256 + 300)
    log.truncate(1n)
    log.append([frame(1n, 1, 100)])
    store.remove()
    expect(use.bytes).toBe(0)
  })

  it('tells each time that so much has been appended', () => {
    const { use, open } = countingStore()
    const log = open()
    let told = 0
    use.watch(1000, () => told++)
    for (let offset = 0n; offset < 35n; offset++) log.append([frame(offset, 1, 100)])
    expect(told).toBe(3)
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
