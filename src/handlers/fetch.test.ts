import { describe, expect, it } from 'vitest'
import type { ClusterOptions } from '../cluster-options.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import type { FetchRequest, FetchResponse } from '../wire/messages/fetch.ts'
import { deleteRecordsHandler } from './delete-records.ts'
import { fetchHandler } from './fetch.ts'
import type { Call } from './handler.ts'
import {
  batchOf,
  fetched,
  fetchRequest,
  isSettled,
  produce,
  type TestBroker,
  testBroker,
  type Wanted,
} from './harness.suite.ts'

const BATCH_BYTES = batchOf('v').length

/** Topics a, b and c, of one partition each. */
async function setUp(options: ClusterOptions = {}) {
  const broker = await testBroker({ topics: ['a', 'b', 'c'], ...options })
  const { services } = broker
  const id = (topic: string): string => services.metadata.topic(topic)?.id ?? ''
  const watchers = (topic: string): number => services.replicas.find(id(topic), 0)?.watcherCount ?? 0
  return {
    ...broker,
    broker,
    id,
    watchers,
    fetch: (
      wanted: readonly Wanted[],
      more: Partial<FetchRequest> = {},
      version = 12,
      call?: Partial<Call>,
    ) => broker.ask(fetchHandler, version, fetchRequest(wanted, more), call),
    create: (name: string) =>
      services.controller.createTopics(
        [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
        false,
      ),
    remove: (name: string) => services.controller.deleteTopics([id(name)]),
    deleteRecords: (name: string, offset: bigint) =>
      broker.ask(deleteRecordsHandler, 2, {
        topics: [{ name, partitions: [{ partitionIndex: 0, offset }] }],
        timeoutMs: 0,
      }),
  }
}

/** A consumer with a session: it remembers where it stands, and sends what changed. */
class Consumer {
  id = 0
  epoch = 0
  readonly #broker: TestBroker
  readonly #version: number

  constructor(broker: TestBroker, version = 12) {
    this.#broker = broker
    this.#version = version
  }

  async fetch(wanted: readonly Wanted[], more: Partial<FetchRequest> = {}): Promise<FetchResponse> {
    const session = { sessionId: this.id, sessionEpoch: this.epoch }
    const request = fetchRequest(wanted, { ...session, ...more })
    this.epoch++
    const response = await this.#broker.ask(fetchHandler, this.#version, request)
    if (response.errorCode === ErrorCode.NONE) this.id = response.sessionId ?? 0
    return response
  }
}

describe('a fetch', () => {
  it('reads each partition in the order of the request, those that do not exist last', async () => {
    const { broker, fetch } = await setUp()
    await produce(broker, 'a', batchOf('1'))
    await produce(broker, 'b', batchOf('1', '2'))
    await produce(broker, 'b', batchOf('3'))
    const response = await fetch([
      { topic: 'b' },
      { topic: 'x' },
      { topic: 'a' },
      { topic: 'c', partition: 3 },
    ])
    expect(fetched(response)).toEqual([
      'b-0: 2',
      'a-0: 1',
      'x-0: UNKNOWN_TOPIC_OR_PARTITION',
      'c-3: UNKNOWN_TOPIC_OR_PARTITION',
    ])
    expect(response.sessionId).toBe(0)
  })

  it('answers the first batch above all limits, and no other (KIP-74)', async () => {
    const { broker, fetch } = await setUp()
    for (const topic of ['a', 'b', 'c']) {
      await produce(broker, topic, batchOf('v'))
      await produce(broker, topic, batchOf('v'))
    }
    const all = (maxBytes?: number) => [
      { topic: 'a', ...(maxBytes === undefined ? {} : { maxBytes }) },
      { topic: 'b' },
      { topic: 'c' },
    ]
    expect(fetched(await fetch(all(), { maxBytes: 1 }))).toEqual(['a-0: 1', 'b-0: 0', 'c-0: 0'])
    expect(fetched(await fetch(all(), { maxBytes: 3 * BATCH_BYTES }))).toEqual(['a-0: 2', 'b-0: 1', 'c-0: 0'])
    expect(fetched(await fetch(all(BATCH_BYTES)))).toEqual(['a-0: 1', 'b-0: 2', 'c-0: 2'])
    const small = all(1).map((wanted) => ({ ...wanted, maxBytes: 1 }))
    expect(fetched(await fetch(small))).toEqual(['a-0: 1', 'b-0: 0', 'c-0: 0'])
  })

  it('of a partition that is named twice counts the last', async () => {
    const { broker, fetch } = await setUp()
    await produce(broker, 'a', batchOf('1'))
    const response = await fetch([{ topic: 'a' }, { topic: 'a', offset: 1n }], { minBytes: 0 })
    expect(fetched(response)).toEqual(['a-0: 0'])
  })
})

describe('a long poll', () => {
  it('waits for enough bytes over all partitions', async () => {
    const { broker, fetch, watchers } = await setUp()
    await produce(broker, 'a', batchOf('v'))
    const poll = fetch([{ topic: 'a' }, { topic: 'b' }], { maxWaitMs: 500, minBytes: 3 * BATCH_BYTES })
    expect(await isSettled(poll)).toBe(false)
    await produce(broker, 'b', batchOf('v'))
    expect(await isSettled(poll)).toBe(false)
    await produce(broker, 'a', batchOf('v'))
    expect(fetched(await poll)).toEqual(['a-0: 2', 'b-0: 1'])
    expect([watchers('a'), watchers('b')]).toEqual([0, 0])
  })

  it('counts no more of a partition than may be answered of it', async () => {
    const { broker, clock, fetch } = await setUp()
    const poll = fetch([{ topic: 'a', maxBytes: BATCH_BYTES }, { topic: 'b' }], {
      maxWaitMs: 500,
      minBytes: 2 * BATCH_BYTES,
    })
    for (let count = 0; count < 5; count++) await produce(broker, 'a', batchOf('v'))
    expect(await isSettled(poll)).toBe(false)
    await clock.advance(499)
    expect(await isSettled(poll)).toBe(false)
    await clock.advance(1)
    expect(fetched(await poll)).toEqual(['a-0: 1', 'b-0: 0'])
  })

  it('answers what there is when time is up, and leaves nothing behind', async () => {
    const { clock, fetch, watchers, services } = await setUp()
    const { pending } = clock
    const poll = fetch([{ topic: 'a' }], { maxWaitMs: 500 })
    expect(watchers('a')).toBe(1)
    await clock.advance(500)
    expect(fetched(await poll)).toEqual(['a-0: 0'])
    expect(watchers('a')).toBe(0)
    expect(clock.pending).toBe(pending)
    expect(services.fetchSessions.size).toBe(0)
  })

  it('is over when nobody waits any more', async () => {
    const { clock, fetch, watchers } = await setUp()
    const { pending } = clock
    const client = new AbortController()
    const poll = fetch([{ topic: 'a' }], { maxWaitMs: 500 }, 12, { signal: client.signal })
    expect(await isSettled(poll)).toBe(false)
    client.abort()
    expect(await isSettled(poll)).toBe(true)
    expect(await isSettled(fetch([{ topic: 'a' }], { maxWaitMs: 500 }, 12, { signal: client.signal }))).toBe(
      true,
    )
    expect(watchers('a')).toBe(0)
    expect(clock.pending).toBe(pending)
  })

  it('is woken when records are deleted', async () => {
    const { broker, deleteRecords, fetch } = await setUp()
    await produce(broker, 'a', batchOf('1'))
    const poll = fetch([{ topic: 'a', offset: 1n }], { maxWaitMs: 500 })
    expect(await isSettled(poll)).toBe(false)
    await deleteRecords('a', -1n)
    expect((await poll).responses[0]?.partitions[0]).toMatchObject({ errorCode: 0, logStartOffset: 1n })
  })

  it('is woken when the topic is deleted, whichever way it was named', async () => {
    const { fetch, id, remove } = await setUp()
    const polls = [
      fetch([{ topic: 'a' }], { maxWaitMs: 500 }),
      fetch([{ topicId: id('a') }], { maxWaitMs: 500 }, 13),
    ]
    expect(await isSettled(Promise.race(polls))).toBe(false)
    await remove('a')
    for (const poll of polls) {
      expect((await poll).responses[0]?.partitions[0]?.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    }
  })

  it('does not wait where no partition exists, and does where one does', async () => {
    const { fetch } = await setUp()
    expect(await isSettled(fetch([{ topic: 'x' }], { maxWaitMs: 500 }))).toBe(true)
    expect(await isSettled(fetch([], { maxWaitMs: 500 }))).toBe(true)
    expect(await isSettled(fetch([{ topic: 'x' }, { topic: 'a' }], { maxWaitMs: 500 }))).toBe(false)
    expect(await isSettled(fetch([{ topic: 'a', offset: 9n }, { topic: 'b' }], { maxWaitMs: 500 }))).toBe(
      true,
    )
  })
})

describe('a session', () => {
  it('tells only what changed', async () => {
    const { broker, deleteRecords } = await setUp()
    const consumer = new Consumer(broker)
    expect(fetched(await consumer.fetch([{ topic: 'a' }, { topic: 'b' }]))).toEqual(['a-0: 0', 'b-0: 0'])
    expect(consumer.id).toBeGreaterThan(0)
    expect(fetched(await consumer.fetch([]))).toEqual([])
    await produce(broker, 'b', batchOf('1'))
    expect(fetched(await consumer.fetch([]))).toEqual(['b-0: 1'])
    // The consumer did not move on: it gets the same once more.
    expect(fetched(await consumer.fetch([]))).toEqual(['b-0: 1'])
    expect(fetched(await consumer.fetch([{ topic: 'b', offset: 1n }]))).toEqual([])
    await deleteRecords('b', 1n)
    expect(fetched(await consumer.fetch([]))).toEqual(['b-0: 0'])
    expect(fetched(await consumer.fetch([]))).toEqual([])
  })

  it('takes partitions in and forgets them', async () => {
    const { broker, watchers } = await setUp()
    const consumer = new Consumer(broker)
    await consumer.fetch([{ topic: 'a' }])
    expect(fetched(await consumer.fetch([{ topic: 'b' }]))).toEqual(['b-0: 0'])
    const forgotten = [{ topic: 'a', topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partitions: [0, 7] }]
    expect(fetched(await consumer.fetch([], { forgottenTopicsData: forgotten }))).toEqual([])
    expect([watchers('a'), watchers('b')]).toEqual([0, 1])
    await produce(broker, 'a', batchOf('1'))
    expect(fetched(await consumer.fetch([]))).toEqual([])
  })

  it('ends when it holds nothing any more', async () => {
    const { broker, services, watchers } = await setUp()
    const consumer = new Consumer(broker)
    await consumer.fetch([{ topic: 'a' }])
    const forgottenTopicsData = [{ topic: 'a', topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partitions: [0] }]
    const response = await consumer.fetch([], { forgottenTopicsData })
    expect(response).toMatchObject({ errorCode: 0, sessionId: 0, responses: [] })
    expect(services.fetchSessions.size).toBe(0)
    expect(watchers('a')).toBe(0)
  })

  it.each([
    ['a session that is not there', 1, 1, ErrorCode.FETCH_SESSION_ID_NOT_FOUND],
    ['no session', 0, 1, ErrorCode.FETCH_SESSION_ID_NOT_FOUND],
    ['an epoch below -1', 0, -2, ErrorCode.FETCH_SESSION_ID_NOT_FOUND],
  ])('cannot be continued with %s', async (_what, sessionId, sessionEpoch, errorCode) => {
    const { fetch } = await setUp()
    const response = await fetch([{ topic: 'a' }], { sessionId, sessionEpoch })
    expect(response).toMatchObject({ errorCode, sessionId: 0, responses: [] })
  })

  it('lives on after a wrong epoch, and after a request of the other way to name topics', async () => {
    const { broker, fetch } = await setUp()
    const consumer = new Consumer(broker)
    await consumer.fetch([{ topic: 'a' }])
    const sessionId = consumer.id
    for (const sessionEpoch of [2, -2]) {
      const wrong = await fetch([], { sessionId, sessionEpoch })
      expect(wrong).toMatchObject({ errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH, sessionId: 0 })
    }
    const byId = await fetch([], { sessionId, sessionEpoch: 1 }, 13)
    expect(byId.errorCode).toBe(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
    expect((await consumer.fetch([])).errorCode).toBe(ErrorCode.NONE)
  })

  it.each([[0], [-1]])('is closed by a full fetch with epoch %i', async (sessionEpoch) => {
    const { broker, fetch, services, watchers } = await setUp()
    const consumer = new Consumer(broker)
    await consumer.fetch([{ topic: 'a' }])
    const response = await fetch([{ topic: 'b' }], { sessionId: consumer.id, sessionEpoch })
    expect(response.sessionId === 0).toBe(sessionEpoch === -1)
    expect((await consumer.fetch([])).errorCode).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
    expect(services.fetchSessions.size).toBe(sessionEpoch === -1 ? 0 : 1)
    expect([watchers('a'), watchers('b')]).toEqual([0, sessionEpoch === -1 ? 0 : 1])
  })

  it('may hold nothing at first', async () => {
    const { broker } = await setUp()
    const consumer = new Consumer(broker)
    expect((await consumer.fetch([])).responses).toEqual([])
    expect(consumer.id).toBeGreaterThan(0)
    expect(fetched(await consumer.fetch([{ topic: 'a' }]))).toEqual(['a-0: 0'])
  })

  it('gets no place where the cache is full or has none', async () => {
    const { broker, fetch, watchers } = await setUp({
      config: { 'max.incremental.fetch.session.cache.slots': '1' },
    })
    const consumer = new Consumer(broker)
    await consumer.fetch([{ topic: 'a' }])
    const second = await fetch([{ topic: 'b' }], { sessionEpoch: 0 })
    expect(second).toMatchObject({ errorCode: 0, sessionId: 0 })
    expect(fetched(second)).toEqual(['b-0: 0'])
    expect(watchers('b')).toBe(0)
  })

  it('lets partitions that gave something wait until the others had their turn', async () => {
    const { broker } = await setUp()
    for (const topic of ['a', 'b', 'c']) {
      for (let count = 0; count < 3; count++) await produce(broker, topic, batchOf('v'))
    }
    const consumer = new Consumer(broker)
    const one = { maxBytes: BATCH_BYTES }
    // As in Kafka, the answer that opens the session moves nothing.
    expect(fetched(await consumer.fetch([{ topic: 'a' }, { topic: 'b' }, { topic: 'c' }], one))).toEqual([
      'a-0: 1',
      'b-0: 0',
      'c-0: 0',
    ])
    expect(fetched(await consumer.fetch([{ topic: 'a', offset: 1n }], one))).toEqual(['a-0: 1'])
    expect(fetched(await consumer.fetch([{ topic: 'a', offset: 2n }], one))).toEqual(['b-0: 1'])
    expect(fetched(await consumer.fetch([{ topic: 'b', offset: 1n }], one))).toEqual(['c-0: 1'])
    expect(fetched(await consumer.fetch([{ topic: 'c', offset: 1n }], one))).toEqual(['a-0: 1'])
  })

  it('waits beside a partition that does not exist, tells of it again, and finds it when it is made', async () => {
    const { broker, clock, create } = await setUp()
    const consumer = new Consumer(broker)
    await consumer.fetch([{ topic: 'a' }, { topic: 'new' }])
    const poll = consumer.fetch([], { maxWaitMs: 500 })
    expect(await isSettled(poll)).toBe(false)
    await clock.advance(500)
    expect(fetched(await poll)).toEqual(['new-0: UNKNOWN_TOPIC_OR_PARTITION'])
    const during = consumer.fetch([], { maxWaitMs: 500 })
    await create('new')
    await clock.advance(500)
    expect(fetched(await during)).toEqual(['new-0: 0'])
    const woken = consumer.fetch([], { maxWaitMs: 500 })
    expect(await isSettled(woken)).toBe(false)
    await produce(broker, 'new', batchOf('1'))
    expect(fetched(await woken)).toEqual(['new-0: 1'])
  })

  it('with nothing but a partition that does not exist never waits', async () => {
    const { broker } = await setUp()
    const consumer = new Consumer(broker)
    await consumer.fetch([{ topic: 'new' }])
    expect(await isSettled(consumer.fetch([], { maxWaitMs: 500 }))).toBe(true)
  })

  it('follows a topic by name when it is deleted and made anew, while it waits or not', async () => {
    const { broker, create, remove, watchers } = await setUp()
    const consumer = new Consumer(broker)
    await consumer.fetch([{ topic: 'a' }, { topic: 'b' }])
    await remove('a')
    expect(fetched(await consumer.fetch([]))).toEqual(['a-0: UNKNOWN_TOPIC_OR_PARTITION'])
    await create('a')
    expect(watchers('a')).toBe(0)
    expect(fetched(await consumer.fetch([]))).toEqual(['a-0: 0'])
    expect(watchers('a')).toBe(1)
    const poll = consumer.fetch([], { maxWaitMs: 500 })
    await remove('a')
    expect(fetched(await poll)).toEqual(['a-0: UNKNOWN_TOPIC_OR_PARTITION'])
    // Both between two fetches: the session must not listen to the partition that is gone.
    await create('a')
    await consumer.fetch([])
    await remove('a')
    await create('a')
    expect(fetched(await consumer.fetch([]))).toEqual([])
    const woken = consumer.fetch([], { maxWaitMs: 500 })
    await produce(broker, 'a', batchOf('1'))
    expect(fetched(await woken)).toEqual(['a-0: 1'])
  })

  it('by id says so when the topic has another id now', async () => {
    const { broker, create, id, remove } = await setUp()
    const consumer = new Consumer(broker, 13)
    await consumer.fetch([{ topicId: id('a') }])
    await remove('a')
    const code = async () => (await consumer.fetch([])).responses[0]?.partitions[0]?.errorCode
    expect(await code()).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    await create('a')
    expect(await code()).toBe(ErrorCode.INCONSISTENT_TOPIC_ID)
  })

  it('goes on hearing of changes when it is closed while a fetch waits in it', async () => {
    const { broker, fetch, watchers } = await setUp()
    const consumer = new Consumer(broker)
    await consumer.fetch([{ topic: 'a' }])
    const poll = consumer.fetch([], { maxWaitMs: 500 })
    await fetch([], { sessionId: consumer.id, sessionEpoch: -1 })
    await produce(broker, 'a', batchOf('1'))
    expect(fetched(await poll)).toEqual(['a-0: 1'])
    expect(watchers('a')).toBe(0)
  })

  it('answers only the last of two fetches that carry its epochs at once', async () => {
    const { broker, clock } = await setUp()
    const consumer = new Consumer(broker)
    await consumer.fetch([{ topic: 'a' }])
    const first = consumer.fetch([], { maxWaitMs: 500 })
    const second = consumer.fetch([], { maxWaitMs: 1_000 })
    await clock.advance(500)
    expect((await first).errorCode).toBe(ErrorCode.INVALID_FETCH_SESSION_EPOCH)
    await produce(broker, 'a', batchOf('1'))
    expect(fetched(await second)).toEqual(['a-0: 1'])
  })

  it('does not keep the log of a deleted topic', async () => {
    const { broker, id, remove, services } = await setUp()
    const consumer = new Consumer(broker)
    await consumer.fetch([{ topic: 'a' }, { topic: 'b' }])
    const partition = services.replicas.find(id('a'), 0)
    await remove('a')
    expect(partition?.deleted).toBe(true)
    expect(partition?.watcherCount).toBe(0)
  })
})
