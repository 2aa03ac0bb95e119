/** What is left of a log when the power went away at any point, and what has to be. */
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../clock.ts'
import { baseOffset, lastOffset, wholeBatches } from '../wire/batch.ts'
import { openTestStore } from './file-store.suite.ts'
import { type Frame, type LogId, type StoredLog, StoreError } from './log-store.ts'
import { SimulatedDisk } from './simulated-disk.suite.ts'
import { frame } from './store.suite.ts'

const ID: LogId = { topic: 'orders', topicId: 'dGhpcyBpcyBhbiBpZCAxMQ', partition: 7 }
const RUNS = Number(process.env['OTTLA_RUNS'] ?? 120)
const SEED = Number(process.env['OTTLA_SEED'] ?? 4711)

/** What may be found, and what must be. */
class Expected {
  /** Each is a list of frames of which what is found is a beginning. */
  histories: Frame[][] = [[]]
  safeEnd = 0n
  /** What has been dropped, or is about to be: below it anything may be missing. */
  start = 0n
  /** The contents that a sidecar had, since the one that is safe. */
  epochs: (string | null)[] = [null]

  get frames(): Frame[] {
    return this.histories.at(-1) as Frame[]
  }

  get end(): bigint {
    const last = this.frames.at(-1)
    return last === undefined ? 0n : lastOffset(last) + 1n
  }
}

describe(`power loss (OTTLA_SEED=${SEED})`, () => {
  it(`leaves what was flushed, and a beginning of what was not, ${RUNS} times`, async () => {
    for (let run = 0; run < RUNS; run++) await lose(SEED + run)
  }, 60_000)

  it('takes no log away that was flushed, however many were made and flushed before', async () => {
    const disk = new SimulatedDisk()
    const { store } = await openTestStore(disk)
    for (const partition of [0, 1, 2]) {
      const log = await store.open({ ...ID, partition }, 0)
      await log.append([frame(0n, 1, 100)])
      await log.flush()
    }
    disk.crash('nothing')
    const { store: found } = await openTestStore(disk)
    for (const partition of [0, 1, 2]) expect((await found.open({ ...ID, partition }, 0)).endOffset).toBe(1n)
  })

  it('gives no topic what another one of its name has left', async () => {
    const disk = new SimulatedDisk()
    const { store } = await openTestStore(disk)
    await (await store.open(ID, 0)).append([frame(0n, 1, 100)])
    // As when neither the id nor the removal has reached the device, but the batches have.
    const batches = disk.peek(`/data/orders-7/00000000000000000000.log`) as Buffer
    disk.crash('nothing')
    disk.makeDirectory('/data/orders-7')
    disk.plant(`/data/orders-7/00000000000000000000.log`, batches)
    const { store: found, told } = await openTestStore(disk)
    const successor = await found.open({ ...ID, topicId: 'dGhpcyBpcyBhbiBpZCAyMg' }, 0)
    expect(successor.endOffset).toBe(0n)
    expect(told.warn).toEqual([
      expect.stringMatching(/^orders-7 belonged to topic id unknown, .* set aside as /),
    ])
  })

  it('leaves no index that is wrong after a clean stop', async () => {
    for (let seed = 0; seed < 30; seed++) {
      const disk = new SimulatedDisk()
      const { store } = await openTestStore(disk)
      const log = await store.open(ID, 0)
      for (let offset = 0n; offset < 3n; offset++) await log.append([frame(offset, 1, 5_000)])
      await store.close()
      const names = disk.peekNames('/data/orders-7').filter((name) => name.endsWith('index'))
      const contents = names.map((name) => disk.peek(`/data/orders-7/${name}`))
      disk.crash(seededRandom(seed))
      for (const [at, name] of names.entries()) {
        const found = disk.peek(`/data/orders-7/${name}`)
        // One that is not there is made anew.
        if (found !== null) expect(found).toEqual(contents[at])
      }
    }
  })
})

async function lose(seed: number): Promise<void> {
  const random = seededRandom(seed)
  const below = (limit: number): number => random.bytes(4).readUInt32BE() % limit
  const disk = new SimulatedDisk()
  const expected = new Expected()
  let rounds = 0
  try {
    for (; rounds < 3; rounds++) {
      const { store } = await openTestStore(disk)
      const log = await store.open(ID, 0)
      await check(log, expected, seed)
      disk.powerOffAfter = below(60)
      await work(log, expected, below)
      if (below(3) === 0) {
        await store.close()
        // A clean shutdown is as good as a flush.
        if (disk.powerOffAfter > 0) {
          expected.safeEnd = expected.end
          expected.histories = [expected.frames]
          expected.epochs = expected.epochs.slice(-1)
        }
      }
      disk.crash(random)
    }
  } catch (error) {
    throw new Error(`seed ${seed}, round ${rounds}: ${error}`, { cause: error })
  }
}

async function work(log: StoredLog, expected: Expected, below: (limit: number) => number): Promise<void> {
  try {
    for (let step = 0; step < 40; step++) {
      const kind = below(14)
      if (kind < 6) await append(log, expected, below)
      else if (kind < 8) await flush(log, expected)
      else if (kind < 9) await log.roll(expected.end)
      else if (kind < 10) await truncate(log, expected, below)
      else if (kind < 11) await drop(log, expected, below)
      else if (kind < 12) await replace(log, expected, below)
      else {
        const text = `epochs ${below(1_000_000)}`
        expected.epochs.push(text)
        await log.sidecar('leader-epochs').replace(Buffer.from(text))
      }
    }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
  }
}

async function append(log: StoredLog, expected: Expected, below: (limit: number) => number): Promise<void> {
  const made: Frame[] = []
  let end = log.endOffset
  for (let count = below(4) + 1; count > 0; count--) {
    const next = frame(end, below(3) + 1, 61 + below(below(2) === 0 ? 300 : 6000))
    end = lastOffset(next) + 1n
    made.push(next)
  }
  // Even where it fails some of them may be there.
  expected.frames.push(...made)
  await log.append(made)
}

async function flush(log: StoredLog, expected: Expected): Promise<void> {
  const { end, frames } = expected
  const epochs = expected.epochs.at(-1) as string | null
  await log.flush()
  expected.safeEnd = end
  expected.histories = [frames]
  expected.epochs = [epochs]
}

async function truncate(log: StoredLog, expected: Expected, below: (limit: number) => number): Promise<void> {
  const { frames } = expected
  const kept = frames.slice(0, Math.max(0, frames.length - below(6)))
  const last = kept.at(-1)
  const end = last === undefined ? 0n : lastOffset(last) + 1n
  if (end < expected.safeEnd) expected.safeEnd = end
  expected.histories.push(kept)
  await log.truncate(end)
  expected.histories = [kept]
}

async function drop(log: StoredLog, expected: Expected, below: (limit: number) => number): Promise<void> {
  const bases = log.segments.slice(0, -1).map((segment) => segment.baseOffset)
  const dropped = bases.slice(0, below(bases.length + 1))
  if (dropped.length === 0) return
  expected.start = log.segments[dropped.length]?.baseOffset ?? expected.start
  await log.drop(dropped)
}

/** With the same frames: whatever becomes of it, nothing is missing, and nothing there twice. */
async function replace(log: StoredLog, expected: Expected, below: (limit: number) => number): Promise<void> {
  const sealed = log.segments.slice(0, -1)
  const first = below(sealed.length + 1)
  const replaced = sealed.slice(first, first + 1 + below(3))
  const from = replaced[0]?.baseOffset
  if (from === undefined) return
  const to = (log.segments[first + replaced.length] as { baseOffset: bigint }).baseOffset
  const within = expected.frames.filter((made) => baseOffset(made) >= from && baseOffset(made) < to)
  await log.replace(
    replaced.map((segment) => segment.baseOffset),
    within,
  )
}

async function check(log: StoredLog, expected: Expected, seed: number): Promise<void> {
  const found: Buffer[] = []
  let next = log.startOffset
  expect(next).toBeLessThanOrEqual(expected.start)
  for (;;) {
    const views = await log.read(next, 1 << 24, log.endOffset)
    if (views.length === 0) break
    for (const view of views) {
      for (const at of wholeBatches(view)) {
        expect(baseOffset(view, at)).toBe(next)
        next = lastOffset(view, at) + 1n
      }
      found.push(view)
    }
  }
  expect(next).toBe(log.endOffset)
  expect(log.endOffset).toBeGreaterThanOrEqual(expected.safeEnd)
  const bytes = Buffer.concat(found)
  const matching = expected.histories.find((frames) => {
    const history = Buffer.concat(frames.filter((made) => baseOffset(made) >= log.startOffset))
    return history.length >= bytes.length && history.subarray(0, bytes.length).equals(bytes)
  })
  expect(matching, `seed ${seed}: what was found is no beginning of any history`).toBeDefined()
  const epochs = (await log.sidecar('leader-epochs').read())?.toString() ?? null
  expect(expected.epochs).toContain(epochs)
  // What was found may go with the next loss of power again, but for what was safe.
  expected.histories = [(matching ?? []).filter((made) => lastOffset(made) < log.endOffset)]
  expected.epochs = [epochs]
}
