/** Retention and compaction of a broker's logs, at the times that its configs say. */
import { afterEach, describe, expect, it } from 'vitest'
import type { BrokerOptions } from '../cluster-options.ts'
import { LogCleaner } from '../replica/log-cleaner.ts'
import type { Partition } from '../replica/partition.ts'
import { MemoryStore } from '../storage/memory-store.ts'
import * as batch from '../wire/batch.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import { buildBatch, readRecords } from '../wire/records.ts'
import { createTopicsHandler } from './create-topics.ts'
import { deleteTopicsHandler } from './delete-topics.ts'
import { fetchHandler } from './fetch.ts'
import { findCoordinatorHandler } from './find-coordinator.ts'
import { fetched, fetchRequest, produce, type TestBroker, testBroker } from './harness.suite.ts'
import { incrementalAlterConfigsHandler } from './incremental-alter-configs.ts'
import { offsetCommitHandler } from './offset-commit.ts'
import { offsetFetchHandler } from './offset-fetch.ts'
import { TransactionalProducer } from './transactional-producer.suite.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** A segment for each batch of this file. */
const SMALL = { 'internal.segment.bytes': '100' }

const cleaners: LogCleaner[] = []
afterEach(() => {
  for (const cleaner of cleaners.splice(0)) cleaner.stop()
})

/** A broker whose logs are cleaned. */
async function cleanedBroker(options: BrokerOptions = {}): Promise<TestBroker & { said: string[] }> {
  const broker = await testBroker(options)
  const said: string[] = []
  const say = (what: unknown, message?: unknown): void => {
    said.push(String(message ?? what))
  }
  const cleaner = new LogCleaner({
    ...broker.services,
    logger: { info: say, warn: say, error: say } as never,
  })
  cleaners.push(cleaner)
  cleaner.start()
  await broker.clock.advance(0)
  return { ...broker, said }
}

async function createTopic(
  broker: TestBroker,
  configs: Record<string, string>,
  name = 't',
): Promise<Partition> {
  const entries = Object.entries({ ...SMALL, ...configs }).map(([key, value]) => ({ name: key, value }))
  const { topics } = await broker.ask(createTopicsHandler, 7, {
    topics: [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: entries }],
    timeoutMs: 1_000,
    validateOnly: false,
  })
  expect(topics[0]?.errorMessage ?? null).toBeNull()
  return partitionOf(broker, name)
}

function partitionOf(broker: TestBroker, name: string, index = 0): Partition {
  const topic = broker.services.metadata.topic(name)
  if (topic === undefined) throw new Error(`there is no topic ${name}`)
  return broker.services.replicas.get(topic, index)
}

async function alter(broker: TestBroker, changes: Record<string, string>, name = 't'): Promise<void> {
  const configs = Object.entries(changes).map(([key, value]) => ({ name: key, configOperation: 0, value }))
  const resources = [{ resourceType: 2, resourceName: name, configs }]
  const { responses } = await broker.ask(incrementalAlterConfigsHandler, 1, {
    resources,
    validateOnly: false,
  })
  expect(responses[0]?.errorCode).toBe(0)
}

/** `key=value`, with the time of now. */
function put(broker: TestBroker, content: string, name = 't'): Promise<bigint> {
  const [key = '', value = ''] = content.split('=')
  const timestamp = BigInt(broker.clock.now())
  const record = { key: Buffer.from(key), value: Buffer.from(value), timestamp }
  return produce(broker, name, buildBatch([record]))
}

async function contentOf(partition: Partition): Promise<string[]> {
  const content: string[] = []
  for (let offset = partition.logStartOffset; offset < partition.highWatermark; ) {
    const position = { offset, maxBytes: 1 << 20, currentLeaderEpoch: -1, lastFetchedEpoch: -1 }
    const { records } = await partition.read(position, 1 << 20, 0, true)
    if (records.length === 0) break
    for (const view of records) {
      for (const at of batch.wholeBatches(view)) {
        offset = batch.lastOffset(view, at) + 1n
        for (const { key, value } of await readRecords(view, at)) content.push(`${key}=${value}`)
      }
    }
  }
  return content
}

describe('retention', () => {
  it('deletes what is older than retention.ms, first after log.initial.task.delay.ms', async () => {
    const broker = await cleanedBroker()
    const partition = await createTopic(broker, { 'retention.ms': '1000' })
    await put(broker, 'a=1')
    await broker.clock.advance(29_999)
    expect(partition.logStartOffset).toBe(0n)
    await put(broker, 'a=2')
    await broker.clock.advance(1)
    expect(partition.logStartOffset).toBe(1n)
    expect(broker.said).toEqual(['segments 0 of t-0 are deleted: retention.ms; the log starts at 1'])
    await broker.clock.advance(5 * MINUTE_MS - 1)
    expect(partition.logStartOffset).toBe(1n)
    await broker.clock.advance(1)
    expect([partition.logStartOffset, partition.logEndOffset, partition.sizeBytes]).toEqual([2n, 2n, 0])
  })

  it('is told to whoever waits for records', async () => {
    const broker = await cleanedBroker()
    const partition = await createTopic(broker, { 'retention.ms': '1000' })
    await put(broker, 'a=1')
    const poll = broker.ask(
      fetchHandler,
      12,
      fetchRequest([{ topic: 't', offset: 1n }], { maxWaitMs: HOUR_MS }),
    )
    let changes = 0
    partition.watch({ partitionChanged: () => changes++ })
    await broker.clock.advance(MINUTE_MS)
    expect(changes).toBe(1)
    expect(fetched(await poll)).toEqual(['t-0: 0'])
  })

  it("goes by the broker's configs where the topic has none, as they are now", async () => {
    const config = { 'log.retention.minutes': '90', 'log.retention.check.interval.ms': String(MINUTE_MS) }
    const broker = await cleanedBroker({ config })
    const partition = await createTopic(broker, {})
    await put(broker, 'a=1')
    await broker.clock.advance(91 * MINUTE_MS)
    expect(partition.logStartOffset).toBe(1n)
    await put(broker, 'a=1')
    await broker.clock.advance(80 * MINUTE_MS)
    expect(partition.logStartOffset).toBe(1n)
    await alter(broker, { 'retention.ms': String(10 * MINUTE_MS) })
    await broker.clock.advance(MINUTE_MS)
    expect(partition.logStartOffset).toBe(2n)
  })

  it('passes a week in no time', async () => {
    const broker = await cleanedBroker()
    const partition = await createTopic(broker, {})
    await put(broker, 'a=1')
    await broker.clock.advance(7 * 24 * HOUR_MS)
    expect(partition.logStartOffset).toBe(0n)
    await broker.clock.advance(5 * MINUTE_MS)
    expect(partition.logStartOffset).toBe(1n)
  })
})

describe('compaction', () => {
  it('looks for what is dirty every log.cleaner.backoff.ms', async () => {
    const broker = await cleanedBroker()
    const partition = await createTopic(broker, { 'cleanup.policy': 'compact' })
    for (const value of [1, 2, 3, 4]) await put(broker, `a=${value}`)
    const sizeBytes = partition.sizeBytes
    await broker.clock.advance(14_999)
    expect(partition.sizeBytes).toBe(sizeBytes)
    await broker.clock.advance(1)
    expect(await contentOf(partition)).toEqual(['a=3', 'a=4'])
    expect(broker.said).toEqual([
      `t-0 is compacted up to 3: ${(sizeBytes / 4) * 3} bytes became ${sizeBytes / 4}`,
    ])
    expect(partition.logStartOffset).toBe(0n)
  })

  it('sleeps while no compacted log has more than one segment, and then looks when it would have', async () => {
    const broker = await cleanedBroker()
    const asleep = broker.clock.pending
    const partition = await createTopic(broker, {
      'cleanup.policy': 'compact',
      'min.cleanable.dirty.ratio': '0',
    })
    await put(broker, 'a=1')
    await broker.clock.advance(20_000)
    expect(broker.clock.pending).toBe(asleep)
    await put(broker, 'a=2')
    await put(broker, 'a=3')
    expect(broker.clock.pending).toBe(asleep + 1)
    await broker.clock.advance(9_999)
    expect(await contentOf(partition)).toEqual(['a=1', 'a=2', 'a=3'])
    await broker.clock.advance(1)
    expect(await contentOf(partition)).toEqual(['a=2', 'a=3'])
  })

  it('wakes when a log of several segments becomes a compacted one', async () => {
    const broker = await cleanedBroker()
    await createTopic(broker, {})
    for (const content of ['a=1', 'a=2', 'a=3']) await put(broker, content)
    await broker.clock.advance(20_000)
    const asleep = broker.clock.pending
    await alter(broker, { 'cleanup.policy': 'compact' })
    expect(broker.clock.pending).toBe(asleep + 1)
  })

  it('waits until enough is dirty, or max.compaction.lag.ms is over', async () => {
    const broker = await cleanedBroker()
    const partition = await createTopic(broker, {
      'cleanup.policy': 'compact',
      'min.cleanable.dirty.ratio': '0.6',
    })
    for (const key of ['a', 'b', 'c', 'd', 'e']) await put(broker, `${key}=1`)
    await broker.clock.advance(15_000)
    await put(broker, 'a=2')
    await put(broker, 'b=2')
    await broker.clock.advance(HOUR_MS)
    expect(await contentOf(partition)).toHaveLength(7)
    await alter(broker, { 'max.compaction.lag.ms': String(HOUR_MS) })
    await broker.clock.advance(15_000)
    expect(await contentOf(partition)).toEqual(['b=1', 'c=1', 'd=1', 'e=1', 'a=2', 'b=2'])
  })

  it('ends segments after max.compaction.lag.ms, since the active one is not compacted', async () => {
    const broker = await cleanedBroker()
    const partition = await createTopic(broker, {
      'cleanup.policy': 'compact',
      'internal.segment.bytes': '100000',
      'max.compaction.lag.ms': '1000',
    })
    await put(broker, 'a=1')
    await put(broker, 'a=2')
    await broker.clock.advance(1001)
    await put(broker, 'a=3')
    await broker.clock.advance(15_000)
    expect(await contentOf(partition)).toEqual(['a=2', 'a=3'])
  })

  it('can be switched off; then compacted logs are not deleted from either', async () => {
    const broker = await cleanedBroker({ config: { 'log.cleaner.enable': 'false' } })
    const partition = await createTopic(broker, {
      'cleanup.policy': 'compact,delete',
      'retention.ms': '1000',
    })
    for (const value of [1, 2, 3]) await put(broker, `a=${value}`)
    await broker.clock.advance(HOUR_MS)
    expect(await contentOf(partition)).toHaveLength(3)
  })

  it('goes together with retention', async () => {
    const broker = await cleanedBroker()
    const partition = await createTopic(broker, {
      'cleanup.policy': 'compact,delete',
      'retention.ms': String(HOUR_MS),
    })
    for (const content of ['a=1', 'b=1', 'a=2', 'c=1']) await put(broker, content)
    await broker.clock.advance(MINUTE_MS)
    expect(await contentOf(partition)).toEqual(['b=1', 'a=2', 'c=1'])
    await broker.clock.advance(HOUR_MS - MINUTE_MS)
    expect(partition.logStartOffset).toBe(0n)
    await put(broker, 'd=1')
    await broker.clock.advance(15_000)
    expect([partition.logStartOffset, await contentOf(partition)]).toEqual([4n, ['d=1']])
  })

  it("begins and ends with the topic's policy", async () => {
    const broker = await cleanedBroker()
    const partition = await createTopic(broker, { 'retention.ms': String(HOUR_MS) })
    for (const value of [1, 2, 3]) await put(broker, `a=${value}`)
    await broker.clock.advance(MINUTE_MS)
    expect(await contentOf(partition)).toHaveLength(3)
    await alter(broker, { 'cleanup.policy': 'compact' })
    await broker.clock.advance(2 * HOUR_MS)
    expect(await contentOf(partition)).toEqual(['a=2', 'a=3'])
    await alter(broker, { 'cleanup.policy': 'delete' })
    await broker.clock.advance(5 * MINUTE_MS)
    expect([partition.logStartOffset, partition.logEndOffset]).toEqual([3n, 3n])
  })

  it('leaves a log alone that it cannot read, says so once, and goes on with the others', async () => {
    const broker = await cleanedBroker()
    const broken = await createTopic(broker, { 'cleanup.policy': 'compact' })
    const other = await createTopic(broker, { 'cleanup.policy': 'compact' }, 'other')
    const bytes = buildBatch([{ key: Buffer.from('k'), value: Buffer.alloc(90) }])
    bytes[batch.BatchField.RECORDS] = 3
    broken.appendOwn(bytes)
    for (const value of [1, 2, 3]) {
      await put(broker, `a=${value}`)
      await put(broker, `a=${value}`, 'other')
    }
    await broker.clock.advance(HOUR_MS)
    expect(await contentOf(other)).toEqual(['a=2', 'a=3'])
    expect(broker.said.filter((line) => line.startsWith('t-0'))).toEqual([
      't-0 cannot be compacted, and is left as it is',
    ])
  })

  it('hinders nobody from deleting the topic', async () => {
    const broker = await cleanedBroker({ config: { 'log.cleaner.io.max.bytes.per.second': '10' } })
    const partition = await createTopic(broker, { 'cleanup.policy': 'compact' })
    for (const value of [1, 2, 3]) await put(broker, `a=${value}`)
    await broker.clock.advance(15_000)
    expect(await partition.cleanable()).toBeNull()
    const deleting = broker.ask(deleteTopicsHandler, 5, { topics: [], topicNames: ['t'], timeoutMs: 1_000 })
    await broker.clock.advance(HOUR_MS)
    expect((await deleting).responses[0]?.errorCode).toBe(0)
    expect(broker.said).toEqual([])
    expect(broker.lines).toEqual([])
  })

  it('takes its time where log.cleaner.io.max.bytes.per.second says so', async () => {
    const broker = await cleanedBroker({ config: { 'log.cleaner.io.max.bytes.per.second': '10' } })
    const partition = await createTopic(broker, { 'cleanup.policy': 'compact' })
    for (const value of [1, 2, 3]) await put(broker, `a=${value}`)
    // Both closed segments are gone through for their keys, then the first one is replaced.
    const readBytes = partition.sizeBytes
    await broker.clock.advance(15_000 + readBytes * 100 - 100)
    expect(await contentOf(partition)).toHaveLength(3)
    await broker.clock.advance(200)
    expect(await contentOf(partition)).toEqual(['a=2', 'a=3'])
  })
})

describe("the coordinators' topics", () => {
  it('are compacted, and tell the same after a new start', async () => {
    const store = new MemoryStore()
    const config = {
      'offsets.topic.num.partitions': '1',
      'transaction.state.log.num.partitions': '1',
      'offsets.topic.segment.bytes': '1048576',
      'transaction.state.log.segment.bytes': '1048576',
    }
    const broker = await cleanedBroker({ store, config, topics: ['data'] })
    const producer = new TransactionalProducer(broker, 'V2')
    expect(await producer.init()).toBe('NONE')
    for (const offset of [1n, 2n]) await commit(broker, 'first', offset)
    for (const name of ['__consumer_offsets', '__transaction_state']) await alter(broker, SMALL, name)
    for (let round = 3n; round < 20n; round++) {
      await commit(broker, 'g', round)
      expect(await producer.write('data', ['x'])).toBe('NONE')
      expect(await producer.commitOffset('txn group', 'data', round)).toBe('NONE')
      expect(await producer.end(round % 2n === 0n)).toBe('NONE')
    }
    const logs = ['__consumer_offsets', '__transaction_state'].map((name) => partitionOf(broker, name))
    const sizes = logs.map(({ sizeBytes }) => sizeBytes)
    await broker.clock.advance(MINUTE_MS)
    logs.forEach(({ sizeBytes }, index) => {
      expect(sizeBytes).toBeLessThan((sizes[index] ?? 0) / 2)
    })
    const told = await Promise.all(['first', 'g', 'txn group'].map((group) => committed(broker, group)))
    expect(told).toEqual([2n, 19n, 18n])
    const transactions = broker.services.transactions.list({
      stateFilters: [],
      producerIdFilters: [],
      durationFilter: -1n,
      transactionalIdPattern: null,
    })
    await broker.services.replicas.close()
    await broker.services.controller.close()

    const again = await testBroker({ store, config, clock: broker.clock })
    expect(await Promise.all(['first', 'g', 'txn group'].map((group) => committed(again, group)))).toEqual(
      told,
    )
    expect(
      again.services.transactions.list({
        stateFilters: [],
        producerIdFilters: [],
        durationFilter: -1n,
        transactionalIdPattern: null,
      }),
    ).toEqual(transactions)
    producer.broker = again
    expect(await producer.write('data', ['y'])).toBe('NONE')
    expect(await producer.end(true)).toBe('NONE')
  })
})

async function commit(broker: TestBroker, groupId: string, committedOffset: bigint): Promise<void> {
  await broker.ask(findCoordinatorHandler, 4, { key: '', keyType: 0, coordinatorKeys: [groupId] })
  const partition = { partitionIndex: 0, committedOffset, committedLeaderEpoch: -1, committedMetadata: null }
  const { topics } = await broker.ask(offsetCommitHandler, 8, {
    groupId,
    generationIdOrMemberEpoch: -1,
    memberId: '',
    groupInstanceId: null,
    retentionTimeMs: -1n,
    topics: [{ name: 'data', topicId: ZERO_UUID, partitions: [partition] }],
  })
  expect(topics[0]?.partitions[0]?.errorCode).toBe(0)
}

async function committed(broker: TestBroker, groupId: string): Promise<bigint | undefined> {
  const topics = [{ name: 'data', topicId: ZERO_UUID, partitionIndexes: [0] }]
  const { groups } = await broker.ask(offsetFetchHandler, 8, {
    groupId: '',
    topics: null,
    groups: [{ groupId, memberId: null, memberEpoch: -1, topics }],
    requireStable: false,
  })
  return groups?.[0]?.topics[0]?.partitions[0]?.committedOffset
}
