import { describe, expect, it } from 'vitest'
import { ManualClock } from '../clock.ts'
import type { Frame, LogId } from '../storage/log-store.ts'
import { MemoryStore } from '../storage/memory-store.ts'
import { SlowStore } from '../storage/slow-store.suite.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { Committer, type CommitterOptions } from './committer.ts'
import { Metadata, type MetadataRecord } from './metadata.ts'
import { defaultSnapshotConfig } from './snapshots.ts'

const ids = ['AAAAAAAAAAAAAAAAAAAAAg', 'AAAAAAAAAAAAAAAAAAAAAw', 'AAAAAAAAAAAAAAAAAAAABA']

function topic(name: string, id = ids[0] ?? ''): MetadataRecord {
  return { name: 'TopicRecord', value: { name, topicId: id } }
}

function setUp(store: CommitterOptions['store'], metadata = new Metadata('cluster')) {
  const told: string[] = []
  const warnings: unknown[] = []
  const committer = new Committer({
    metadata,
    store,
    clock: new ManualClock(),
    nodeId: 1,
    segments: { segmentBytes: 1 << 30, segmentMs: 1 << 30 },
    snapshots: defaultSnapshotConfig,
    logger: { warn: (...args: unknown[]) => warnings.push(args.at(-1)) },
    onCommit: (records, deleted) => {
      told.push(`${records.map(({ name }) => name)} -${deleted.map(({ name }) => name)}`)
    },
  })
  return { committer, metadata, told, warnings }
}

function names(metadata: Metadata): readonly string[] {
  return Array.from(metadata.topics(), ({ name }) => name)
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await null
}

describe('over a store that answers at once', () => {
  it('is ready, and commits, in the same turn', () => {
    const { committer, metadata, told } = setUp(new MemoryStore())
    expect(committer.ready()).toBeUndefined()
    expect(committer.commit([topic('a')])).toBeUndefined()
    expect(names(metadata)).toEqual(['a'])
    expect(names(committer.state)).toEqual(['a'])
    expect(told).toEqual(['TopicRecord -'])
    expect(committer.commit([])).toBeUndefined()
  })

  it('finds what was committed before, in the next epoch', async () => {
    const store = new MemoryStore()
    const before = setUp(store)
    await before.committer.ready()
    await before.committer.commit([topic('a'), topic('b', ids[1])])
    await before.committer.commit([{ name: 'RemoveTopicRecord', value: { topicId: ids[0] ?? '' } }])
    expect(before.told).toEqual(['TopicRecord,TopicRecord -', 'RemoveTopicRecord -a'])

    const after = setUp(store)
    await after.committer.ready()
    expect(names(after.metadata)).toEqual(['b'])
    expect(after.metadata.endOffset).toBe(3n)
    expect([before.committer.epoch, after.committer.epoch]).toEqual([1, 2])
    // Who follows hears of what there is; a was deleted long ago.
    expect(after.told).toEqual(['TopicRecord -'])
    expect(() => before.committer.commit([topic('c', ids[2])])).toThrow('failed')
  })

  it('commits nothing before it is open', () => {
    const { committer } = setUp(new MemoryStore())
    expect(() => committer.commit([topic('a')])).toThrow('not open')
  })
})

describe('over a store that takes its time', () => {
  it('decides on what is appended, and shows what is durable', async () => {
    const store = new SlowStore(new MemoryStore())
    const { committer, metadata, told } = setUp(store)
    await committer.ready()
    store.held = true
    const done: string[] = []
    const first = Promise.resolve(committer.commit([topic('a')])).then(() => done.push('a'))
    const second = Promise.resolve(committer.commit([topic('b', ids[1])])).then(() => done.push('b'))
    const none = Promise.resolve(committer.commit([])).then(() => done.push('none'))
    await turns()
    expect(names(committer.state)).toEqual(['a', 'b'])
    expect([names(metadata), told, done]).toEqual([[], [], []])
    store.held = false
    while (store.waiting.length > 0) await store.release()
    await Promise.all([first, second, none])
    expect(names(metadata)).toEqual(['a', 'b'])
    expect(told).toEqual(['TopicRecord -', 'TopicRecord -'])
    expect(done).toContain('none')
    expect(metadata.endOffset).toBe(2n)
  })

  it('forgets what could not be appended, and goes on from there', async () => {
    const store = new SlowStore(new MemoryStore())
    const { committer, metadata, told, warnings } = setUp(store)
    await committer.ready()
    await committer.commit([topic('a')])
    store.held = true
    const lost = [committer.commit([topic('b', ids[1])]), committer.commit([topic('c', ids[2])])]
    store.failNext = new Error('disk full')
    store.held = false
    const settled = Promise.allSettled(lost)
    while (store.waiting.length > 0) await store.release()
    for (const one of await settled) {
      expect(one).toMatchObject({ status: 'rejected', reason: { code: ErrorCode.KAFKA_STORAGE_ERROR } })
    }
    expect(() => committer.commit([topic('d', ids[2])])).toThrow('disk full')
    expect(names(metadata)).toEqual(['a'])
    await Promise.all([committer.ready(), committer.ready()])
    expect(names(committer.state)).toEqual(['a'])
    await committer.commit([topic('e', ids[1])])
    expect(names(metadata)).toEqual(['a', 'e'])
    expect(metadata.endOffset).toBe(2n)
    expect(told).toHaveLength(2)
    expect(warnings).toHaveLength(1)
  })

  it('commits what the store has although it failed', async () => {
    const store = new Treacherous()
    const { committer, metadata, told } = setUp(store)
    await committer.ready()
    await committer.commit([topic('a')])
    store.fails = true
    expect(() => committer.commit([topic('b', ids[1])])).toThrow('after all')
    expect(names(metadata)).toEqual(['a'])
    store.fails = false
    await committer.ready()
    expect(names(metadata)).toEqual(['a', 'b'])
    expect(names(committer.state)).toEqual(['a', 'b'])
    expect(told).toEqual(['TopicRecord -', 'TopicRecord -'])
  })

  it('does not go on with a log that has lost what was committed', async () => {
    const { committer } = setUp(new MemoryStore(), withTopics('a', 'b'))
    expect(() => committer.ready()).toThrow('lost records')
    expect(() => committer.ready()).toThrow('lost records')
  })

  it('tries again to open what could not be opened', async () => {
    const store = new Unwilling()
    const { committer } = setUp(store)
    expect(() => committer.ready()).toThrow('no such disk')
    store.willing = true
    expect(committer.ready()).toBeUndefined()
  })
})

it('refuses a log that holds what is no record', async () => {
  const store = new MemoryStore()
  const { committer } = setUp(store)
  await committer.ready()
  // A type that nobody knows.
  const wrong = { name: 'TopicRecord', value: { name: '', topicId: ids[0] ?? '' } } as const
  await committer.commit([wrong])
  const log = store.open({ topic: '__cluster_metadata', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partition: 0 }, 1)
  const [bytes] = (await log.read(0n, 1 << 20, log.endOffset)) as readonly Buffer[]
  const at = bytes?.indexOf(Buffer.from([1, 2, 0, 1])) ?? -1
  bytes?.writeUInt8(99, at + 1)
  await expect(Promise.resolve(setUp(store).committer.ready())).rejects.toMatchObject({
    code: ErrorCode.KAFKA_STORAGE_ERROR,
  })
})

function withTopics(...topics: readonly string[]): Metadata {
  const metadata = new Metadata('cluster')
  for (const [at, name] of topics.entries()) metadata.apply(topic(name, ids[at]))
  return metadata
}

/** Has what it is given, and says that it has not. */
class Treacherous extends MemoryStore {
  fails = false

  override open(id: LogId, epoch: number) {
    const log = super.open(id, epoch)
    const append = log.append.bind(log)
    log.append = (frames: readonly Frame[]) => {
      append(frames)
      if (this.fails) throw new Error('failed after all')
    }
    return log
  }
}

class Unwilling extends MemoryStore {
  willing = false

  override open(id: LogId, epoch: number) {
    if (!this.willing) throw new Error('no such disk')
    return super.open(id, epoch)
  }
}
