/** What clients see of logs whose store fails for a while: KAFKA_STORAGE_ERROR, and then everything as before. */
import { expect, it } from 'vitest'
import type { LogId, StoredLog } from '../storage/log-store.ts'
import { MemoryStore } from '../storage/memory-store.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import { buildBatch } from '../wire/records.ts'
import { deleteTopicsHandler } from './delete-topics.ts'
import { describeProducersHandler } from './describe-producers.ts'
import { fetchHandler } from './fetch.ts'
import { findCoordinatorHandler } from './find-coordinator.ts'
import { batchOf, fetched, fetchRequest, isSettled, produceRequest, testBroker } from './harness.suite.ts'
import { offsetCommitHandler } from './offset-commit.ts'
import { offsetFetchHandler } from './offset-fetch.ts'
import { produceHandler } from './produce.ts'

const { KAFKA_STORAGE_ERROR } = ErrorCode

/** Fails at what it is told to, for one topic. */
class FailingStore extends MemoryStore {
  readonly failing = new Set<'open' | 'append' | 'read' | 'flush'>()
  opened = 0
  readonly #topic: string
  readonly #late: boolean

  constructor(topic: string, late = false) {
    super()
    this.#topic = topic
    this.#late = late
  }

  override open(id: LogId, epoch: number): ReturnType<MemoryStore['open']> {
    if (id.topic !== this.#topic) return super.open(id, epoch)
    this.opened++
    this.#check('open')
    const stored = super.open(id, epoch)
    for (const name of ['append', 'read', 'flush'] as const) this.#guard(stored, name)
    return stored
  }

  #guard(stored: StoredLog, name: 'append' | 'read' | 'flush'): void {
    const call = stored[name].bind(stored) as (...args: unknown[]) => unknown
    const guarded = (...args: unknown[]): unknown => {
      if (!this.#late) {
        this.#check(name)
        return call(...args)
      }
      return Promise.resolve().then(() => {
        this.#check(name)
        return call(...args)
      })
    }
    Object.assign(stored, { [name]: guarded })
  }

  #check(name: 'open' | 'append' | 'read' | 'flush'): void {
    if (this.failing.has(name)) throw new Error(`EIO: ${name}`)
  }
}

async function setUp(store: FailingStore) {
  const broker = await testBroker({ store, topics: ['a', 'b'] })
  const { services } = broker
  const send = async (topic: string, records = batchOf('v')) => {
    const { responses } = await broker.ask(produceHandler, 9, produceRequest(topic, 0, records))
    const { errorCode = -1, baseOffset = -1n } = responses[0]?.partitionResponses[0] ?? {}
    return errorCode === 0 ? baseOffset : errorCode
  }
  const read = async (topic: string, more = {}) =>
    fetched(await broker.ask(fetchHandler, 12, fetchRequest([{ topic }], more)))
  const settled = () => isSettled(Promise.resolve())
  return { ...broker, broker, services, send, read, settled, store }
}

it.each([false, true])(
  'an append that fails fails one log, until the disk is back (late: %s)',
  async (late) => {
    const { send, read, store, lines, settled } = await setUp(new FailingStore('a', late))
    expect(await send('a')).toBe(0n)
    store.failing.add('append')
    for (let index = 0; index < 20; index++) {
      expect(await send('a')).toBe(KAFKA_STORAGE_ERROR)
      await settled()
    }
    expect(await send('b')).toBe(0n)
    expect(lines).toEqual(['a-0 is offline'])
    store.failing.clear()
    await send('a')
    await settled()
    expect(await read('a')).toEqual([expect.stringMatching(/^a-0: [12]$/)])
    expect(await send('a')).toBeGreaterThan(0)
    expect(lines).toEqual(['a-0 is offline'])
  },
)

it.each([false, true])('a read that fails does the same (late: %s)', async (late) => {
  const { send, read, store, lines, settled } = await setUp(new FailingStore('a', late))
  expect(await send('a')).toBe(0n)
  store.failing.add('read')
  expect(await read('a')).toEqual(['a-0: KAFKA_STORAGE_ERROR'])
  expect(lines).toEqual(['a-0 is offline'])
  // It cannot be opened either, since its batches are read then.
  for (let index = 0; index < 3; index++) {
    expect(await send('a')).toBe(KAFKA_STORAGE_ERROR)
    await settled()
  }
  store.failing.clear()
  await read('a')
  await settled()
  expect(await read('a')).toEqual(['a-0: 1'])
  expect(await send('a')).toBe(1n)
  expect(lines).toEqual(['a-0 is offline'])
})

it('comes back without being asked, after pauses that grow', async () => {
  const { send, store, clock, services } = await setUp(new FailingStore('a'))
  store.failing.add('append').add('open')
  expect(await send('a')).toBe(KAFKA_STORAGE_ERROR)
  const { opened } = store
  await clock.advance(100)
  expect(store.opened).toBe(opened + 1)
  await clock.advance(60_000)
  expect(store.opened).toBeLessThan(opened + 15)
  store.failing.clear()
  await clock.advance(10_000)
  const [partition] = [...services.replicas.partitions()].filter(({ topic }) => topic === 'a')
  expect(partition?.offline).toBe(false)
  expect(await send('a')).toBe(0n)
})

it('tells of a later outage again', async () => {
  const { send, store, lines, clock } = await setUp(new FailingStore('a'))
  for (const expected of [1, 2]) {
    store.failing.add('append')
    expect(await send('a')).toBe(KAFKA_STORAGE_ERROR)
    store.failing.clear()
    await clock.advance(61_000)
    expect(await send('a')).toBeTypeOf('bigint')
    expect(lines).toHaveLength(expected)
  }
})

it('what was written is there once, and what producers are owed is known', async () => {
  const { broker, send, read, store, settled } = await setUp(new FailingStore('a', true))
  const of = (baseSequence: number, isTransactional = false) =>
    buildBatch([{ key: null, value: Buffer.from('v'), timestamp: 1n }], {
      producerId: isTransactional ? 6n : 5n,
      producerEpoch: 0,
      baseSequence,
      isTransactional,
    })
  expect(await send('a', of(0))).toBe(0n)
  store.failing.add('append')
  const lost = [send('a', of(1)), send('a', of(2))]
  expect(await Promise.all(lost)).toEqual([KAFKA_STORAGE_ERROR, KAFKA_STORAGE_ERROR])
  store.failing.clear()
  await read('a')
  await settled()
  expect(await send('a', of(0))).toBe(0n)
  expect(await send('a', of(2))).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
  expect(await send('a', of(1))).toBe(1n)
  expect(await send('a', of(2))).toBe(2n)
  const { topics } = await broker.ask(describeProducersHandler, 0, {
    topics: [{ name: 'a', partitionIndexes: [0] }],
  })
  expect(topics[0]?.partitions[0]?.activeProducers).toMatchObject([{ producerId: 5n, lastSequence: 2 }])
})

it('a fetch that waits is answered when the log fails, and one that comes later waits again', async () => {
  const { send, read, store, settled } = await setUp(new FailingStore('a'))
  const waiting = read('a', { maxWaitMs: 1000 })
  store.failing.add('append')
  await send('a')
  store.failing.clear()
  await send('a')
  await settled()
  expect(await waiting).toEqual([expect.stringMatching(/^a-0/)])
  const next = read('a', { maxWaitMs: 1000, minBytes: 1000 })
  expect(await isSettled(next)).toBe(false)
  await send('a', batchOf('x'.repeat(1000)))
  await next
})

it.each([false, true])(
  'committed offsets come back with the log that they are in (late: %s)',
  async (late) => {
    const { broker, store, settled } = await setUp(new FailingStore('__consumer_offsets', late))
    const commit = async (offset: bigint) => {
      const partition = { partitionIndex: 0, committedOffset: offset, committedLeaderEpoch: -1 }
      const { topics } = await broker.ask(offsetCommitHandler, 8, {
        groupId: 'g',
        generationIdOrMemberEpoch: -1,
        memberId: '',
        groupInstanceId: null,
        retentionTimeMs: -1n,
        topics: [{ name: 'a', topicId: ZERO_UUID, partitions: [{ ...partition, committedMetadata: null }] }],
      })
      return topics[0]?.partitions[0]?.errorCode
    }
    const committed = async () => {
      const topics = [{ name: 'a', topicId: ZERO_UUID, partitionIndexes: [0] }]
      const { groups } = await broker.ask(offsetFetchHandler, 8, {
        groupId: '',
        topics: null,
        groups: [{ groupId: 'g', memberId: null, memberEpoch: -1, topics }],
        requireStable: false,
      })
      return groups?.[0]?.errorCode || groups?.[0]?.topics[0]?.partitions[0]?.committedOffset
    }
    await broker.ask(findCoordinatorHandler, 4, { key: '', keyType: 0, coordinatorKeys: ['g'] })
    expect(await commit(5n)).toBe(0)
    store.failing.add('append')
    expect(await commit(6n)).not.toBe(0)
    await settled()
    store.failing.clear()
    await broker.clock.advance(10_000)
    await settled()
    expect(await committed()).toBe(5n)
    expect(await commit(7n)).toBe(0)
    expect(await committed()).toBe(7n)
  },
)

it.each(['0', '1', '4'])(
  'nobody answers from what a log was that is opened anew (codec %s)',
  async (codec) => {
    const config = { 'offsets.topic.num.partitions': '1', 'offsets.topic.compression.codec': codec }
    const store = new FailingStore('__consumer_offsets')
    const broker = await testBroker({ store, config })
    const { groups, metadata, replicas } = broker.services
    await broker.ask(findCoordinatorHandler, 4, { key: '', keyType: 0, coordinatorKeys: ['g'] })
    const partition = replicas.find(metadata.topic('__consumer_offsets')?.id ?? '', 0)
    const append = () => partition?.appendOwn(batchOf('v'))
    const listed = () => groups.listGroups({ statesFilter: [], typesFilter: [] }).errorCode
    store.failing.add('append')
    expect(append).toThrow('EIO')
    expect(listed()).toBe(0)
    store.failing.clear()
    append()
    expect([partition?.offline, listed()]).toEqual([false, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS])
    await isSettled(Promise.resolve())
    expect(listed()).toBe(0)
  },
)

it('a log that could not be opened at first is opened later', async () => {
  const store = new FailingStore('a')
  store.failing.add('open')
  const { send, lines, clock } = await setUp(store)
  expect(await send('a')).toBe(KAFKA_STORAGE_ERROR)
  expect(await send('b')).toBe(0n)
  expect(lines).toEqual(['a-0 could not be opened'])
  store.failing.clear()
  expect(await send('a')).toBe(0n)
  await clock.advance(60_000)
  expect(lines).toHaveLength(1)
})

it('a topic that is deleted is not opened again', async () => {
  const { broker, send, store, clock } = await setUp(new FailingStore('a'))
  store.failing.add('append').add('open')
  expect(await send('a')).toBe(KAFKA_STORAGE_ERROR)
  await broker.ask(deleteTopicsHandler, 5, { topics: [], topicNames: ['a'], timeoutMs: 1000 })
  const { opened } = store
  store.failing.clear()
  await clock.advance(60_000)
  expect(store.opened).toBe(opened)
  expect(await store.list()).toHaveLength(2)
})

it('a log that another broker has taken over is left to it', async () => {
  const { send, store, services, clock } = await setUp(new FailingStore('a'))
  expect(await send('a')).toBe(0n)
  const id = { topic: 'a', topicId: services.metadata.topic('a')?.id ?? '', partition: 0 }
  const stored = store.open(id, 7)
  const { opened } = store
  expect(await send('a')).toBe(KAFKA_STORAGE_ERROR)
  expect(await send('a')).toBe(KAFKA_STORAGE_ERROR)
  await clock.advance(60_000)
  expect(store.opened).toBe(opened)
  await stored.append([])
})
