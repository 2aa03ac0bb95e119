/** Produce, Fetch and the rest over a store that takes its time, or fails. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import type { ClusterOptions } from '../cluster-options.ts'
import { MemoryStore } from '../storage/memory-store.ts'
import { SlowStore } from '../storage/slow-store.suite.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import type { FetchRequest } from '../wire/messages/fetch.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import { createTopicsHandler } from './create-topics.ts'
import { deleteRecordsHandler } from './delete-records.ts'
import { fetchHandler } from './fetch.ts'
import {
  batchOf,
  fetched,
  fetchRequest,
  isSettled,
  produce,
  produceRequest,
  type TestBroker,
  testBroker,
} from './harness.suite.ts'
import { listOffsetsHandler } from './list-offsets.ts'
import { produceHandler } from './produce.ts'
import { UnsentAnswers } from './unsent-answers.ts'

const BATCH_BYTES = batchOf('v').length

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

async function setUp(topics: ClusterOptions['topics'] = ['a', 'b']) {
  const store = new SlowStore(new MemoryStore())
  const broker = await testBroker({ store, topics })
  const partition = (topic: string) => {
    const found = broker.services.replicas.find(broker.services.metadata.topic(topic)?.id ?? '', 0)
    if (found === undefined) throw new Error(`${topic} is not open`)
    return found
  }
  const send = async (topic: string, acks: number, records = batchOf('v')) => {
    const { responses } = await broker.ask(produceHandler, 9, produceRequest(topic, 0, records, acks))
    return responses[0]?.partitionResponses[0]
  }
  const listOffset = async (timestamp: bigint) => {
    const { topics } = await broker.ask(listOffsetsHandler, 7, {
      replicaId: -1,
      isolationLevel: 0,
      timeoutMs: 0,
      topics: [{ name: 'a', partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp }] }],
    })
    return topics[0]?.partitions[0]
  }
  const poll = (topics: readonly string[], maxWaitMs = 500, minBytes = 1) =>
    broker.ask(
      fetchHandler,
      12,
      fetchRequest(
        topics.map((topic) => ({ topic })),
        { maxWaitMs, minBytes },
      ),
    )
  return { ...broker, broker, store, partition, send, listOffset, poll }
}

async function drain(store: SlowStore): Promise<void> {
  store.held = false
  while (store.waiting.length > 0) await store.release()
}

it('records are read once they are durable, and the answer comes then', async () => {
  const { broker, store, partition, send, listOffset, poll } = await setUp()
  store.held = true
  const produced = send('a', -1)
  expect(await isSettled(produced)).toBe(false)
  expect([partition('a').logEndOffset, partition('a').highWatermark]).toEqual([1n, 0n])
  expect(await listOffset(-1n)).toMatchObject({ offset: 0n })
  const waiting = poll(['a', 'b'])
  expect(await isSettled(waiting)).toBe(false)
  await drain(store)
  expect(await produced).toMatchObject({ errorCode: 0, baseOffset: 0n, logStartOffset: 0n })
  expect(fetched(await waiting)).toEqual(['a-0: 1', 'b-0: 0'])
  expect([partition('a').watcherCount, partition('b').watcherCount]).toEqual([0, 0])
  expect(await listOffset(-1n)).toMatchObject({ offset: 1n })
  expect(await listOffset(0n)).toMatchObject({ offset: 0n, timestamp: 1n })
  expect(await listOffset(-3n)).toMatchObject({ offset: 0n, timestamp: 1n })
  await produce(broker, 'a', batchOf('x'))
  expect(fetched(await poll(['a', 'b']))).toEqual(['a-0: 2', 'b-0: 0'])
})

it('acks=0 waits for nothing', async () => {
  const { call, store } = await setUp()
  store.held = true
  const answer = produceHandler.handle(produceRequest('a', 0, batchOf('v'), 0), call(9))
  expect(answer).toBeNull()
})

it('acks=all gives up in time, and says where the records stand; acks=1 does not', async () => {
  const { clock, store, send } = await setUp()
  store.held = true
  const all = send('a', -1)
  const one = send('a', 1)
  await clock.advance(999)
  expect(await isSettled(all)).toBe(false)
  await clock.advance(1)
  expect(await all).toMatchObject({
    errorCode: ErrorCode.REQUEST_TIMED_OUT,
    baseOffset: 0n,
    logStartOffset: 0n,
  })
  expect(await isSettled(one)).toBe(false)
  await drain(store)
  expect(await one).toMatchObject({ errorCode: 0, baseOffset: 1n })
  expect(clock.pending).toBe(0)
})

it('a failing append fails what waited for it', async () => {
  const { store, send, poll, partition } = await setUp()
  store.held = true
  const produced = [send('a', -1), send('a', 1), send('a', -1)]
  const waiting = poll(['a', 'b'])
  expect(await isSettled(waiting)).toBe(false)
  store.failNext = new Error('disk full')
  await drain(store)
  for (const answer of produced) {
    expect(await answer).toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR, baseOffset: -1n })
  }
  expect(fetched(await waiting)).toEqual(['a-0: KAFKA_STORAGE_ERROR', 'b-0: 0'])
  expect(partition('a').watcherCount).toBe(0)
  expect(await send('b', -1)).toMatchObject({ errorCode: 0 })
})

it('a partition comes back by itself, with what the store has', async () => {
  const { store, send, listOffset, lines } = await setUp()
  expect(await send('a', -1)).toMatchObject({ errorCode: 0, baseOffset: 0n })
  store.failNext = new Error('disk full')
  expect(await send('a', -1)).toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR })
  // Who asks first makes it be opened anew, and is told to try again.
  expect(await listOffset(-1n)).toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR })
  await new Promise((resolve) => setImmediate(resolve))
  expect(await send('a', -1)).toMatchObject({ errorCode: 0, baseOffset: 1n })
  expect(await listOffset(-1n)).toMatchObject({ offset: 2n })
  expect(lines).toEqual(['a-0 is offline'])
})

it('what is appended while a fetch still reads is not missed', async () => {
  const { broker, partition, send } = await setUp(['a', 'b', { name: 'many', partitions: 200 }])
  const many = Array.from({ length: 200 }, (_, index) => ({ topic: 'many', partition: index }))
  const ask = (more: Partial<FetchRequest>) =>
    broker.ask(
      fetchHandler,
      12,
      fetchRequest([{ topic: 'a' }, ...many, { topic: 'b' }], { maxWaitMs: 500, ...more }),
    )
  for (const sessionEpoch of [-1, 0]) {
    // The fetch has asked for a, where nothing new is, and is far from b.
    const waiting = ask({ sessionEpoch, minBytes: sessionEpoch === -1 ? 1 : 2 * BATCH_BYTES })
    expect((await send('a', -1))?.errorCode).toBe(0)
    expect(await isSettled(waiting)).toBe(true)
    expect(fetched(await waiting).filter((told) => !told.endsWith(' 0'))).toEqual([
      `a-0: ${sessionEpoch + 2}`,
    ])
  }
  expect([partition('a').watcherCount, partition('b').watcherCount]).toEqual([1, 1])
})

it('a fetch over a slow store keeps to its deadline', async () => {
  const { clock, poll } = await setUp()
  const waiting = poll(['a', 'b'], 500)
  expect(await isSettled(waiting)).toBe(false)
  await clock.advance(500)
  expect(fetched(await waiting)).toEqual(['a-0: 0', 'b-0: 0'])
})

it('a session hears of what was appended while it read', async () => {
  const { broker, send } = await setUp()
  const ask = (sessionId: number, sessionEpoch: number, topics: readonly string[], offset = 0n) =>
    broker.ask(
      fetchHandler,
      12,
      fetchRequest(
        topics.map((topic) => ({ topic, offset })),
        { maxWaitMs: 500, sessionId, sessionEpoch, minBytes: sessionEpoch === 0 ? 0 : 1 },
      ),
    )
  const { sessionId = 0 } = await ask(0, 0, ['a', 'b'])
  await send('a', 1)
  expect(fetched(await ask(sessionId, 1, []))).toEqual(['a-0: 1'])
  const waiting = ask(sessionId, 2, ['a'], 1n)
  await send('b', 1)
  expect(fetched(await waiting)).toContain('b-0: 1')
})

it('a topic that is deleted while it is still being made leaves nothing in the store', async () => {
  const store = new SlowStore(new MemoryStore())
  const { services } = await testBroker({ store })
  const spec = { name: 'brief', numPartitions: 3, replicationFactor: 1, assignments: [], configs: [] }
  const created = services.controller.createTopics([spec], false)
  // The controller knows of the topic before anybody else does.
  const id = await services.controller.decide((metadata) => ({
    records: [],
    response: metadata.topic('brief')?.id ?? '',
  }))
  const deleted = services.controller.deleteTopics([id])
  await Promise.all([created, deleted])
  await isSettled(created)
  expect((await store.list()).map(({ topic }) => topic)).toEqual(['__cluster_metadata'])
  expect(services.replicas.find(id, 0)).toBeUndefined()
})

it('a partition that cannot be opened says so, and the other ones work', async () => {
  class HalfBroken extends MemoryStore {
    override open(...args: Parameters<MemoryStore['open']>) {
      if (args[0].topic === 'bad') throw new Error('no disk')
      return super.open(...args)
    }
  }
  const broker = await testBroker({ store: new HalfBroken() })
  const spec = { numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
  const { topics } = await broker.ask(createTopicsHandler, 5, {
    topics: [
      { ...spec, name: 'bad' },
      { ...spec, name: 'good' },
    ],
    timeoutMs: 1_000,
    validateOnly: false,
  })
  expect(topics.map(({ errorCode }) => errorCode)).toEqual([0, 0])
  expect(broker.lines).toEqual(['bad-0 could not be opened'])
  await produce(broker, 'good', batchOf('v'))
  await expect(produce(broker, 'bad', batchOf('v'))).rejects.toThrow(String(ErrorCode.KAFKA_STORAGE_ERROR))
  const response = await broker.ask(fetchHandler, 12, fetchRequest([{ topic: 'bad' }, { topic: 'good' }]))
  expect(fetched(response)).toEqual(['bad-0: KAFKA_STORAGE_ERROR', 'good-0: 1'])
})

it('a topic is gone even where the store cannot forget it', async () => {
  const { broker, services, store } = await setUp(['a', 'b'])
  const ids = ['a', 'b'].map((name) => services.metadata.topic(name)?.id ?? '')
  store.held = true
  const deleted = services.controller.deleteTopics(ids)
  // The metadata log: appended, and safe.
  await store.release()
  await store.release()
  store.failNext = new Error('read-only')
  await drain(store)
  expect(await deleted).toEqual([{ value: null }, { value: null }])
  expect(broker.lines).toEqual(['a-0 could not be deleted'])
  expect((await store.list()).map(({ topic }) => topic)).toEqual(['__cluster_metadata', 'a'])
})

it('records are deleted, and the low watermark told, when that is durable', async () => {
  const { broker, store, send } = await setUp()
  await send('a', -1)
  store.held = true
  const deleted = broker.ask(deleteRecordsHandler, 2, {
    topics: [{ name: 'a', partitions: [{ partitionIndex: 0, offset: -1n }] }],
    timeoutMs: 0,
  })
  expect(await isSettled(deleted)).toBe(false)
  await drain(store)
  expect((await deleted).topics[0]?.partitions[0]).toMatchObject({ errorCode: 0, lowWatermark: 1n })
})

it('a compressed batch whose topic is deleted meanwhile is refused', async () => {
  const { services, call } = await testBroker({
    topics: [{ name: 'z', config: { 'compression.type': 'zstd' } }],
  })
  const topic = services.metadata.topic('z')
  const answer = produceHandler.handle(produceRequest('z', 0, batchOf('v'), -1), call(9))
  expect(answer).toBeInstanceOf(Promise)
  await services.controller.deleteTopics([topic?.id ?? ZERO_UUID])
  const response = await answer
  expect(response?.responses[0]?.partitionResponses[0]).toMatchObject({
    errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
    baseOffset: -1n,
  })
})

it('gives a fetch less the more others are reading', async () => {
  const { broker, send } = await setUp()
  for (let count = 0; count < 32; count++) await send('a', -1)
  const unsent = new UnsentAnswers(32 * BATCH_BYTES)
  const read = async (): Promise<readonly string[]> =>
    fetched(await broker.ask(fetchHandler, 12, fetchRequest([{ topic: 'a' }]), { unsent }))
  const atOnce = await Promise.all(Array.from({ length: 6 }, read))
  expect(atOnce.flat()).toEqual(['a-0: 16', 'a-0: 8', 'a-0: 4', 'a-0: 2', 'a-0: 1', 'a-0: 1'])
  expect(await read()).toEqual(['a-0: 16'])
})

it('what a fetch reads counts as no more than it can be', async () => {
  const { broker, send } = await setUp()
  for (let count = 0; count < 32; count++) await send('a', -1)
  const unsent = new UnsentAnswers(32 * BATCH_BYTES)
  const read = async (maxBytes: number, partitionBytes: number): Promise<readonly string[]> => {
    const request = fetchRequest([{ topic: 'a', maxBytes: partitionBytes }], { maxBytes })
    return fetched(await broker.ask(fetchHandler, 12, request, { unsent }))
  }
  const whole = 2 ** 20
  const bySmallParts = await Promise.all([read(whole, BATCH_BYTES), read(whole, whole)])
  expect(bySmallParts.flat()).toEqual(['a-0: 1', 'a-0: 15'])
  const hostile = await Promise.all([read(-whole, whole), read(whole, -whole), read(whole, whole)])
  expect(hostile.at(-1)).toEqual(['a-0: 16'])
  expect(await read(whole, whole)).toEqual(['a-0: 16'])
})

it('a fetch that waits for more keeps nothing of what it has read', async () => {
  const { broker, send, store, poll } = await setUp()
  await send('a', -1)
  const seen: WeakRef<Buffer>[] = []
  store.onRead = (view) => {
    const copy = Buffer.from(view)
    seen.push(new WeakRef(copy))
    return copy
  }
  const waiting = poll(['a'], 500, 2 * BATCH_BYTES)
  expect(await isSettled(waiting)).toBe(false)
  await new Promise(setImmediate)
  collectGarbage()
  expect(seen.map((view) => view.deref())).toEqual([undefined])
  await broker.clock.advance(500)
  expect(fetched(await waiting)).toEqual(['a-0: 1'])
})

it('a topic is there for others, and the answer comes, when that is durable', async () => {
  const { broker, services, store } = await setUp()
  store.held = true
  const created = createTopic(broker, 'late')
  expect(await isSettled(created)).toBe(false)
  expect(services.metadata.topic('late')).toBeUndefined()
  const again = createTopic(broker, 'late')
  expect(await isSettled(again)).toBe(false)
  await drain(store)
  expect(await created).toBe(ErrorCode.NONE)
  expect(await again).toBe(ErrorCode.TOPIC_ALREADY_EXISTS)
  expect(services.metadata.topic('late')?.partitions).toHaveLength(1)
})

it('a topic that could not be committed is not there, and can be made when the store works again', async () => {
  const { broker, services, store } = await setUp()
  store.failNext = new Error('disk full')
  await expect(createTopic(broker, 'late')).rejects.toMatchObject({ code: ErrorCode.KAFKA_STORAGE_ERROR })
  expect(services.metadata.topic('late')).toBeUndefined()
  expect(await createTopic(broker, 'late')).toBe(ErrorCode.NONE)
  await produce(broker, 'late', batchOf('v'))
  expect(services.metadata.endOffset).toBe(services.controller.endOffset)
  expect(broker.lines).toHaveLength(1)
})

async function createTopic(broker: TestBroker, name: string): Promise<number | undefined> {
  const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
  const request = { topics: [topic], timeoutMs: 1_000, validateOnly: false }
  return (await broker.ask(createTopicsHandler, 5, request)).topics[0]?.errorCode
}
