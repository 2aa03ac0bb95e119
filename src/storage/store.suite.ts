/** What every store must do. A store's test file calls `describeLogStore` with a way to make one. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  BATCH_HEADER_BYTES,
  BatchField,
  baseOffset,
  LOG_OVERHEAD_BYTES,
  lastOffset,
  setCrc,
  wholeBatches,
} from '../wire/batch.ts'
import type { Frame, LogId, LogStore, StoredLog } from './log-store.ts'

export function describeLogStore(name: string, makeStore: () => LogStore | Promise<LogStore>): void {
  describe(name, () => {
    const open = async (epoch = 0): Promise<StoredLog> => (await makeStore()).open(ID, epoch)

    it('opens an empty log with one empty segment', async () => {
      const log = await open()
      expect(log.startOffset).toBe(0n)
      expect(log.endOffset).toBe(0n)
      expect(log.segments).toMatchObject([{ baseOffset: 0n, endOffset: 0n, sizeBytes: 0 }])
      expect(await log.read(0n, 1000, 0n)).toEqual([])
      await log.flush()
      await log.close()
    })

    it('reads back whole frames: the first whatever its size, then as many as fit', async () => {
      const log = await open()
      const frames = consecutive(0n, [1, 2, 3], 100)
      await log.append(frames)
      expect(log.endOffset).toBe(6n)
      expectFrames(await readFrames(log, 0n, 1000, 6n), frames)
      expectFrames(await readFrames(log, 0n, 0, 6n), frames.slice(0, 1))
      expectFrames(await readFrames(log, 0n, 199, 6n), frames.slice(0, 1))
      expectFrames(await readFrames(log, 0n, 200, 6n), frames.slice(0, 2))
      expectFrames(await readFrames(log, 2n, 1000, 6n), frames.slice(1))
      expectFrames(await readFrames(log, 5n, 1000, 6n), frames.slice(2))
      expectFrames(await readFrames(log, 6n, 1000, 6n), [])
    })

    it('stops before the frame that holds upTo', async () => {
      const log = await open()
      const frames = consecutive(0n, [1, 2, 3], 100)
      await log.append(frames)
      expectFrames(await readFrames(log, 0n, 1000, 0n), [])
      expectFrames(await readFrames(log, 0n, 1000, 1n), frames.slice(0, 1))
      expectFrames(await readFrames(log, 0n, 1000, 2n), frames.slice(0, 1))
      expectFrames(await readFrames(log, 0n, 1000, 3n), frames.slice(0, 2))
      expectFrames(await readFrames(log, 3n, 1000, 3n), [])
      expectFrames(await readFrames(log, 0n, 1000, 2n ** 62n), frames)
    })

    it('skips gaps between frames', async () => {
      const log = await open()
      const frames = [frame(5n, 2, 100), frame(20n, 1, 100)]
      await log.append(frames)
      expectFrames(await readFrames(log, 0n, 1000, 21n), frames)
      expectFrames(await readFrames(log, 7n, 1000, 21n), frames.slice(1))
      expectFrames(await readFrames(log, 0n, 1000, 15n), frames.slice(0, 1))
    })

    it('keeps frames of all sizes, be they whole buffers or views of larger ones', async () => {
      const log = await open()
      const sizes = [61, 5000, 16384, 30000, 400_000, 70, 16383, 524_288]
      const frames = sizes.map((bytes, offset) => frame(BigInt(offset), 1, bytes))
      for (const [index, made] of frames.slice(0, -1).entries()) {
        const chunk = Buffer.alloc(made.length + 100 + (index % 3) * 500_000)
        made.copy(chunk, 100)
        await log.append([chunk.subarray(100, 100 + made.length)])
      }
      await log.append(frames.slice(-1))
      expectFrames(await readFrames(log, 0n, 1 << 21, 8n), frames)
      for (const [index, made] of frames.entries()) {
        expectFrames(await readFrames(log, BigInt(index), 1, 8n), [made])
      }
    })

    it('reads on across segments, and drops them', async () => {
      const log = await open()
      const frames = consecutive(0n, [1, 1, 1, 1], 100)
      for (const made of frames) {
        await log.append([made])
        await log.roll(log.endOffset)
      }
      expect(log.segments.map(({ baseOffset }) => baseOffset)).toEqual([0n, 1n, 2n, 3n, 4n])
      expectFrames(await readFrames(log, 0n, 1000, 4n), frames)
      await log.drop([0n, 1n])
      expect(log.startOffset).toBe(2n)
      expectFrames(await readFrames(log, 0n, 1000, 4n), frames.slice(2))
      await log.roll(10n)
      expect(log.segments.map(({ baseOffset }) => baseOffset)).toEqual([2n, 3n, 10n])
      await log.append([frame(12n, 1, 100)])
      expect(log.endOffset).toBe(13n)
      await log.drop([2n, 3n, 10n])
      expect(log.startOffset).toBe(10n)
    })

    it('truncates to an offset, whole frames at a time', async () => {
      const log = await open()
      const frames = consecutive(0n, [2, 2, 2, 2], 100)
      await log.append(frames.slice(0, 2))
      await log.roll(4n)
      await log.append(frames.slice(2))
      const held = await log.read(4n, 1000, 8n)
      const before = Buffer.concat([...held])
      await log.truncate(8n)
      expect(log.endOffset).toBe(8n)
      await log.truncate(7n)
      expect(log.endOffset).toBe(7n)
      expectFrames(await readFrames(log, 0n, 1000, 7n), frames.slice(0, 3))
      await log.append([frame(7n, 1, 100)])
      expect(Buffer.concat([...held])).toEqual(before)
      await log.truncate(2n)
      expectFrames(await readFrames(log, 0n, 1000, 8n), frames.slice(0, 1))
      expect(log.segments).toMatchObject([{ baseOffset: 0n, sizeBytes: 100 }])
    })

    it('starts over where it is truncated below its start', async () => {
      const log = await open()
      await log.roll(10n)
      await log.append([frame(10n, 1, 100)])
      await log.drop([0n])
      await log.truncate(5n)
      expect(log.startOffset).toBe(5n)
      expect(log.endOffset).toBe(5n)
      expect(log.segments).toMatchObject([{ baseOffset: 5n, sizeBytes: 0 }])
    })

    it('replaces segments by one', async () => {
      const log = await open()
      const frames = consecutive(0n, [2, 2, 2, 2], 100)
      for (const made of frames) {
        await log.append([made])
        await log.roll(log.endOffset)
      }
      const merged = [frame(1n, 1, 90), frame(5n, 1, 90)]
      await log.replace([0n, 2n, 4n], merged)
      expect(log.segments).toMatchObject([
        { baseOffset: 0n, endOffset: 6n, sizeBytes: 180 },
        { baseOffset: 6n },
        { baseOffset: 8n },
      ])
      expectFrames(await readFrames(log, 0n, 1000, 8n), [...merged, ...frames.slice(3)])
      await expect(Promise.resolve().then(() => log.replace([8n], []))).rejects.toMatchObject({
        failure: 'failed',
      })
      expectFrames(await readFrames(log, 0n, 1000, 8n), [...merged, ...frames.slice(3)])
    })

    it('replaces segments by a stream, also by an empty one, while reads and appends go on', async () => {
      const log = await open()
      const frames = consecutive(0n, [2, 2, 2, 2], 100)
      for (const made of frames.slice(0, 3)) {
        await log.append([made])
        await log.roll(log.endOffset)
      }
      const merged = [frame(1n, 1, 90), frame(3n, 1, 40_000)]
      async function* stream(): AsyncGenerator<Frame> {
        for (const made of merged) {
          expectFrames(await readFrames(log, 0n, 150, 6n), frames.slice(0, 1))
          yield made
          await log.flush()
        }
        await log.append(frames.slice(3))
      }
      await log.replace([0n, 2n], stream())
      expectFrames(await readFrames(log, 0n, 100_000, 8n), [...merged, ...frames.slice(2)])
      await log.replace([0n, 4n], nothing())
      expect(log.segments).toMatchObject([
        { baseOffset: 0n, endOffset: 0n, sizeBytes: 0, maxTimestamp: -1n },
        { baseOffset: 6n, endOffset: 8n },
      ])
      expectFrames(await readFrames(log, 0n, 1000, 8n), frames.slice(3))
      expect(log.startOffset).toBe(0n)
    })

    it('leaves segments as they are when the stream that should replace them fails', async () => {
      const log = await open()
      const frames = consecutive(0n, [2, 2], 100)
      await log.append(frames)
      await log.roll(4n)
      async function* failing(): AsyncGenerator<Frame> {
        yield frame(0n, 1, 90)
        await null
        throw new Error('no more')
      }
      await expect(Promise.resolve().then(() => log.replace([0n], failing()))).rejects.toThrow('no more')
      expectFrames(await readFrames(log, 0n, 1000, 4n), frames)
      await log.append([frame(4n, 1, 100)])
      expect(log.endOffset).toBe(5n)
    })

    it('knows the timestamps of its segments, and where to look for one', async () => {
      const log = await open()
      expect(log.segments).toMatchObject([{ firstTimestamp: -1n, maxTimestamp: -1n, maxTimestampOffset: 0n }])
      const timestamps = [5n, 9n, 7n, 9n, 12n, 3n, 20n, 20n, 1n]
      await log.append(timestamps.map((timestamp, index) => stamped(BigInt(2 * index), 5000, timestamp)))
      expect(log.segments).toMatchObject([{ firstTimestamp: 5n, maxTimestamp: 20n, maxTimestampOffset: 13n }])
      await log.roll(18n)
      await log.append([stamped(18n, 100, 7n)])
      expect(log.segments[1]).toMatchObject({ firstTimestamp: 7n, maxTimestamp: 7n, maxTimestampOffset: 19n })
      for (let timestamp = 0n; timestamp < 22n; timestamp++) {
        const from = Number(await log.seekTimestamp(0n, timestamp)) >> 1
        const first = timestamps.findIndex((own) => own >= timestamp)
        expect(from).toBeLessThanOrEqual(first < 0 ? timestamps.length : first)
      }
      expect(await log.seekTimestamp(0n, 20n)).toBeGreaterThan(4n)
      expect([18n, 19n]).toContain(await log.seekTimestamp(18n, 7n))
      await expect(Promise.resolve().then(() => log.seekTimestamp(4n, 7n))).rejects.toMatchObject({
        failure: 'failed',
      })
      await log.truncate(12n)
      expect(log.segments).toMatchObject([{ firstTimestamp: 5n, maxTimestamp: 12n, maxTimestampOffset: 9n }])
      await log.append([stamped(12n, 100, 11n), stamped(14n, 100, 13n)])
      expect(log.segments[0]).toMatchObject({ maxTimestamp: 13n, maxTimestampOffset: 15n })
      expect(await log.seekTimestamp(0n, 13n)).toBeLessThanOrEqual(15n)
      await log.truncate(0n)
      expect(log.segments).toMatchObject([{ firstTimestamp: -1n, maxTimestamp: -1n, maxTimestampOffset: 0n }])
    })

    it('keeps pieces for single offsets as long as those are there', async () => {
      const log = await open()
      for (const made of consecutive(0n, [2, 2, 2, 2, 2], 100)) {
        await log.append([made])
        const { baseOffset: base } = log.segments.at(-1) as { baseOffset: bigint }
        await log.segmentSidecar('aborted-transactions', base).replace(Buffer.from(`aborted ${base}`))
        await log.roll(log.endOffset)
        await log.segmentSidecar('producers', log.endOffset).replace(Buffer.from(`as of ${log.endOffset}`))
      }
      const offsets = async (): Promise<unknown> => [
        await log.segmentSidecars('aborted-transactions'),
        await log.segmentSidecars('producers'),
      ]
      expect(await offsets()).toEqual([
        [0n, 2n, 4n, 6n, 8n],
        [2n, 4n, 6n, 8n, 10n],
      ])
      expect((await log.segmentSidecar('producers', 8n).read())?.toString()).toBe('as of 8')
      expect(await log.segmentSidecar('producers', 9n).read()).toBe(null)
      await log.segmentSidecar('producers', 9n).replace(Buffer.from('other'))
      await log.segmentSidecar('producers', 9n).replace(Buffer.from('as of 9'))
      expect((await log.segmentSidecar('producers', 9n).read())?.toString()).toBe('as of 9')
      await log.segmentSidecar('producers', 9n).remove()
      await log.segmentSidecar('producers', 9n).remove()

      await log.replace([2n, 4n], [frame(2n, 1, 100)])
      expect(await offsets()).toEqual([
        [0n, 2n, 6n, 8n],
        [2n, 6n, 8n, 10n],
      ])
      await log.drop([0n, 2n])
      expect(await offsets()).toEqual([
        [6n, 8n],
        [6n, 8n, 10n],
      ])
      await log.truncate(9n)
      expect(await offsets()).toEqual([
        [6n, 8n],
        [6n, 8n],
      ])
      await log.truncate(7n)
      expect(await offsets()).toEqual([[6n], [6n]])
      expect((await log.segmentSidecar('aborted-transactions', 6n).read())?.toString()).toBe('aborted 6')
    })

    it('may be closed twice', async () => {
      const store = await makeStore()
      const log = await store.open(ID, 0)
      await log.append([frame(0n, 1, 100)])
      await store.close()
      await store.close()
    })

    it('keeps data and sidecars for who opens it next, and shuts out who had it before', async () => {
      const store = await makeStore()
      const first = await store.open(ID, 3)
      await first.append([frame(0n, 1, 100)])
      expect(await first.sidecar('leader-epochs').read()).toBe(null)
      await first.sidecar('leader-epochs').replace(Buffer.from('some'))
      await first.sidecar('leader-epochs').replace(Buffer.from('other'))
      expect((await first.sidecar('leader-epochs').read())?.toString()).toBe('other')
      expect(await first.sidecar('log-start').read()).toBe(null)
      await first.sidecar('leader-epochs').remove()
      await first.sidecar('leader-epochs').remove()
      expect(await first.sidecar('leader-epochs').read()).toBe(null)
      await first.sidecar('leader-epochs').replace(Buffer.from('other'))

      const second = await store.open(ID, 3)
      expect(second.endOffset).toBe(1n)
      expect((await second.sidecar('leader-epochs').read())?.toString()).toBe('other')
      const fenced = { failure: 'fenced' }
      await expect(Promise.resolve().then(() => first.append([frame(1n, 1, 100)]))).rejects.toMatchObject(
        fenced,
      )
      await expect(Promise.resolve().then(() => first.truncate(0n))).rejects.toMatchObject(fenced)
      await expect(Promise.resolve().then(() => store.open(ID, 2))).rejects.toMatchObject(fenced)
      await second.append([frame(1n, 1, 100)])
      await second.close()
      await second.close()
      await expect(Promise.resolve().then(() => second.append([]))).rejects.toMatchObject({
        failure: 'closed',
      })
      const third = await store.open(ID, 4)
      expect(await readFrames(third, 0n, 1000, 2n)).toHaveLength(2)
    })

    it('keeps files beside a log, whoever owns it and whatever becomes of its segments', async () => {
      const store = await makeStore()
      const checkpoint = store.file(ID, '00000000000000000005-0000000001.checkpoint')
      expect(await checkpoint.read()).toBe(null)
      expect(await store.files(ID)).toEqual([])
      const log = await store.open(ID, 0)
      await checkpoint.replace(Buffer.from('some'))
      await store.file(ID, 'quorum-state').replace(Buffer.from('other'))
      await log.append([frame(0n, 1, 100)])
      await log.truncate(0n)
      await log.close()
      expect([...(await store.files(ID))].sort()).toEqual([
        '00000000000000000005-0000000001.checkpoint',
        'quorum-state',
      ])
      await store.open(ID, 1)
      expect((await checkpoint.read())?.toString()).toBe('some')
      await checkpoint.remove()
      await checkpoint.remove()
      expect(await store.files(ID)).toEqual(['quorum-state'])
      expect((await store.file(ID, 'quorum-state').read())?.toString()).toBe('other')
      await store.remove(ID)
      expect(await store.files(ID)).toEqual([])
    })

    it('sets a log aside, and makes a new one by its name', async () => {
      const store = await makeStore()
      const log = await store.open(ID, 0)
      await log.append([frame(0n, 1, 100)])
      await log.close()
      expect(await store.setAside(ID)).not.toBe('')
      expect(await store.list()).toEqual([])
      expect((await store.open(ID, 0)).endOffset).toBe(0n)
    })

    it('lists logs and forgets removed ones', async () => {
      const store = await makeStore()
      const other = { ...ID, partition: 8 }
      const log = await store.open(ID, 0)
      await store.open(other, 0)
      expect(await store.list()).toEqual(expect.arrayContaining([ID, other]))
      await log.append([frame(0n, 1, 100)])
      await store.remove(ID)
      await store.remove(ID)
      expect(await store.list()).toEqual([other])
      await expect(Promise.resolve().then(() => log.append([frame(1n, 1, 100)]))).rejects.toThrow()
      expect((await store.open(ID, 0)).endOffset).toBe(0n)
    })

    it('does what a plain list of frames does', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { maxLength: 60 }), async (operations) => {
          const store = await makeStore()
          const model = new Model()
          let log = await store.open(ID, 0)
          for (const apply of operations) {
            log = await apply(log, model, store)
            expect(log.endOffset).toBe(model.end)
            expect(log.segments.map(({ baseOffset }) => baseOffset)).toEqual(model.bases)
          }
          expectFrames(await readFrames(log, 0n, 1 << 24, model.end), model.frames)
        }),
        { numRuns: 150 },
      )
    })
  })
}

const ID: LogId = { topic: 'orders', topicId: 'dGhpcyBpcyBhbiBpZCAxMQ', partition: 7 }

/** A frame of `bytes` bytes with `count` offsets from `base` on; its records are no real ones. */
export function frame(base: bigint, count: number, bytes: number): Frame {
  const made = Buffer.alloc(Math.max(bytes, BATCH_HEADER_BYTES), Number(base % 251n))
  made.writeBigInt64BE(base, BatchField.BASE_OFFSET)
  made.writeInt32BE(made.length - LOG_OVERHEAD_BYTES, BatchField.BATCH_LENGTH)
  made.writeInt8(2, BatchField.MAGIC)
  made.writeInt32BE(count - 1, BatchField.LAST_OFFSET_DELTA)
  setCrc(made)
  return made
}

/** A frame of two offsets whose latest timestamp is `timestamp`. */
function stamped(base: bigint, bytes: number, timestamp: bigint): Frame {
  const made = frame(base, 2, bytes)
  made.writeBigInt64BE(timestamp, BatchField.MAX_TIMESTAMP)
  setCrc(made)
  return made
}

async function* nothing(): AsyncGenerator<Frame> {}

function consecutive(base: bigint, counts: readonly number[], bytes: number): Frame[] {
  let next = base
  return counts.map((count) => {
    const made = frame(next, count, bytes)
    next += BigInt(count)
    return made
  })
}

/** The whole frames of a read, without the one that may be cut at its end. */
async function readFrames(log: StoredLog, from: bigint, maxBytes: number, upTo: bigint): Promise<Frame[]> {
  return (await log.read(from, maxBytes, upTo)).flatMap(cut)
}

/** Compares bytes with bytes at once, which `toEqual` does one by one. */
function expectFrames(found: readonly Frame[], expected: readonly Frame[]): void {
  expect(found.map((made) => baseOffset(made))).toEqual(expected.map((made) => baseOffset(made)))
  expect(Buffer.concat(found).equals(Buffer.concat(expected))).toBe(true)
}

function cut(view: Buffer): Frame[] {
  return Array.from(wholeBatches(view), (start) =>
    view.subarray(start, start + LOG_OVERHEAD_BYTES + view.readInt32BE(start + BatchField.BATCH_LENGTH)),
  )
}

/** The same as a stored log, without any of its speed. */
class Model {
  frames: Frame[] = []
  bases: bigint[] = [0n]
  end = 0n

  /** The most that may be read: a last frame may be cut. */
  read(from: bigint, maxBytes: number, upTo: bigint): Buffer {
    const readable = this.frames.filter((made) => lastOffset(made) >= from && lastOffset(made) < upTo)
    const atLeast = readable[0]?.length ?? 0
    return Buffer.concat(readable).subarray(0, Math.max(maxBytes, atLeast))
  }

  drop(count: number): bigint[] {
    const dropped = this.bases.splice(0, Math.min(count, this.bases.length - 1))
    const start = this.bases[0] ?? 0n
    this.frames = this.frames.filter((made) => baseOffset(made) >= start)
    return dropped
  }

  truncate(end: bigint): void {
    if (end >= this.end) return
    this.frames = this.frames.filter((made) => lastOffset(made) < end)
    this.bases = this.bases.filter((base) => base <= end)
    if (this.bases.length === 0) this.bases = [end]
    this.end = end
  }
}

type Operation = (log: StoredLog, model: Model, store: LogStore) => Promise<StoredLog>

const append: fc.Arbitrary<Operation> = fc
  .array(
    fc.record({
      gap: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.nat(5)),
      count: fc.integer({ min: 1, max: 4 }),
      bytes: fc.oneof(
        { weight: 8, arbitrary: fc.integer({ min: 61, max: 900 }) },
        fc.integer({ min: 61, max: 40_000 }),
      ),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((specs) => async (log, model) => {
    const frames = specs.map(({ gap, count, bytes }) => {
      const made = frame(model.end + BigInt(gap), count, bytes)
      model.end = lastOffset(made) + 1n
      return made
    })
    model.frames.push(...frames)
    await log.append(frames)
    return log
  })

const roll: fc.Arbitrary<Operation> = fc.nat(3).map((gap) => async (log, model) => {
  const base = model.end + BigInt(gap)
  if (!model.frames.some((made) => baseOffset(made) >= (model.bases.at(-1) ?? 0n))) model.bases.pop()
  model.bases.push(base)
  model.end = base
  await log.roll(base)
  return log
})

const drop: fc.Arbitrary<Operation> = fc.nat(3).map((count) => async (log, model) => {
  await log.drop(model.drop(count))
  return log
})

const truncate: fc.Arbitrary<Operation> = fc.nat(60).map((back) => async (log, model) => {
  const end = model.end > BigInt(back) ? model.end - BigInt(back) : 0n
  model.truncate(end)
  await log.truncate(end)
  return log
})

const read: fc.Arbitrary<Operation> = fc
  .record({
    from: fc.double({ min: 0, max: 1, noNaN: true }),
    upTo: fc.double({ min: 0, max: 1, noNaN: true }),
    maxBytes: fc.oneof(fc.nat(3000), fc.nat(100_000)),
  })
  .map((where) => async (log, model) => {
    const from = BigInt(Math.floor(where.from * Number(model.end)))
    const upTo = where.upTo > 0.7 ? model.end : BigInt(Math.floor(where.upTo * Number(model.end)))
    const found = Buffer.concat([...(await log.read(from, where.maxBytes, upTo))])
    const expected = model.read(from, where.maxBytes, upTo)
    // A store may answer fewer bytes than it is asked for, but never none where there are some.
    expect(found.length > 0).toBe(expected.length > 0)
    expect(cut(found).length > 0).toBe(expected.length > 0)
    expect(expected.subarray(0, found.length).equals(found)).toBe(true)
    return log
  })

const reopen: fc.Arbitrary<Operation> = fc.constant(async (_log, _model, store) => store.open(ID, 0))

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 6, arbitrary: append },
  { weight: 6, arbitrary: read },
  { weight: 2, arbitrary: truncate },
  { weight: 2, arbitrary: roll },
  drop,
  reopen,
)
