/** Topics that come and go, at the same time too. */
import { describe, expect, it } from 'vitest'
import { ErrorCode, errorName } from '../wire/error-codes.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import { createPartitionsHandler } from './create-partitions.ts'
import { createTopicsHandler } from './create-topics.ts'
import { deleteTopicsHandler } from './delete-topics.ts'
import { findCoordinatorHandler } from './find-coordinator.ts'
import { batchOf, produce, type TestBroker, testBroker } from './harness.suite.ts'
import { metadataHandler } from './metadata.ts'
import { offsetCommitHandler } from './offset-commit.ts'
import { offsetFetchHandler } from './offset-fetch.ts'

async function create(broker: TestBroker, ...names: string[]): Promise<string[]> {
  const { topics } = await broker.ask(createTopicsHandler, 7, {
    topics: names.map((name) => ({
      name,
      numPartitions: 2,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    })),
    timeoutMs: 1_000,
    validateOnly: false,
  })
  return topics.map(({ name, errorCode }) => `${name}: ${errorName(errorCode)}`)
}

async function remove(broker: TestBroker, ...names: string[]): Promise<string[]> {
  const { responses } = await broker.ask(deleteTopicsHandler, 6, {
    topics: names.map((name) => ({ name, topicId: ZERO_UUID })),
    topicNames: [],
    timeoutMs: 1_000,
  })
  return responses.map(({ name, errorCode }) => `${name}: ${errorName(errorCode)}`)
}

async function metadata(
  broker: TestBroker,
  names: readonly string[] | null,
  more: { version?: number; auto?: boolean } = {},
) {
  const { topics } = await broker.ask(metadataHandler, more.version ?? 12, {
    topics: names?.map((name) => ({ name, topicId: ZERO_UUID })) ?? null,
    allowAutoTopicCreation: more.auto ?? false,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  })
  return topics.map(({ name, errorCode, partitions }) =>
    errorCode === ErrorCode.NONE ? `${name}: ${partitions.length}` : `${name}: ${errorName(errorCode)}`,
  )
}

describe('at the same time', () => {
  it('one of two creations of a topic makes it', async () => {
    const broker = await testBroker()
    const [first, second] = await Promise.all([create(broker, 'a'), create(broker, 'a')])
    expect([first, second]).toEqual([['a: NONE'], ['a: TOPIC_ALREADY_EXISTS']])
    expect(await produce(broker, 'a', batchOf('v'), 1)).toBe(0n)
  })

  it('what is created and deleted over and over ends as the last one said', async () => {
    const broker = await testBroker()
    const made = Array.from({ length: 10 }, async () => [
      await create(broker, 'a'),
      await remove(broker, 'a'),
    ])
    await Promise.all(made)
    await create(broker, 'a')
    const [deleted, created] = await Promise.all([remove(broker, 'a'), create(broker, 'a')])
    expect([deleted, created]).toEqual([['a: NONE'], ['a: NONE']])
    expect(await metadata(broker, null)).toEqual(['a: 2'])
    expect(await produce(broker, 'a', batchOf('v'))).toBe(0n)
    expect(broker.lines).toEqual([])
  })

  it('partitions are added to a topic that is being deleted', async () => {
    const broker = await testBroker()
    await create(broker, 'a')
    const more = (count: number) =>
      broker.ask(createPartitionsHandler, 3, {
        topics: [{ name: 'a', count, assignments: null }],
        timeoutMs: 1_000,
        validateOnly: false,
      })
    const [, added, deleted] = await Promise.all([more(3), more(4), remove(broker, 'a')])
    expect(added.results[0]?.errorCode).toBe(ErrorCode.NONE)
    expect(deleted).toEqual(['a: NONE'])
    expect((await more(5)).results[0]?.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  })
})

describe('__consumer_offsets', () => {
  async function find(broker: TestBroker, key = 'g', keyType = 0): Promise<string> {
    const { coordinators } = await broker.ask(findCoordinatorHandler, 4, {
      key: '',
      keyType,
      coordinatorKeys: [key],
    })
    return errorName(coordinators[0]?.errorCode as ErrorCode)
  }

  async function commit(broker: TestBroker): Promise<string> {
    const { topics } = await broker.ask(offsetCommitHandler, 8, {
      groupId: 'g',
      generationIdOrMemberEpoch: -1,
      memberId: '',
      groupInstanceId: null,
      retentionTimeMs: -1n,
      topics: [
        {
          name: 'a',
          topicId: ZERO_UUID,
          partitions: [
            { partitionIndex: 0, committedOffset: 5n, committedLeaderEpoch: -1, committedMetadata: '' },
          ],
        },
      ],
    })
    return errorName(topics[0]?.partitions[0]?.errorCode as ErrorCode)
  }

  async function committed(broker: TestBroker): Promise<bigint | undefined> {
    const { topics } = await broker.ask(offsetFetchHandler, 7, {
      groupId: 'g',
      topics: [{ name: 'a', partitionIndexes: [0] }],
      groups: [],
      requireStable: false,
    })
    return topics[0]?.partitions[0]?.committedOffset
  }

  it('is made by the first who looks for a coordinator, once', async () => {
    const broker = await testBroker({ topics: ['a'] })
    expect(await metadata(broker, ['__consumer_offsets'])).toEqual([
      '__consumer_offsets: UNKNOWN_TOPIC_OR_PARTITION',
    ])
    expect(await Promise.all([find(broker), find(broker, 'h')])).toEqual(['NONE', 'NONE'])
    expect(await metadata(broker, ['__consumer_offsets'])).toEqual(['__consumer_offsets: 50'])
    expect(await commit(broker)).toBe('NONE')
    expect(await committed(broker)).toBe(5n)
  })

  it('is not there yet when the first one asks, where that is wanted', async () => {
    const broker = await testBroker({ config: { 'ottla.realistic': 'true' } })
    for (const keyType of [0, 1]) {
      expect(await find(broker, 'g', keyType)).toBe('COORDINATOR_NOT_AVAILABLE')
      expect(await find(broker, 'g', keyType)).toBe('NONE')
    }
  })

  it('is of its own for transactions, configured as Kafka configures it', async () => {
    const config = {
      'transaction.state.log.num.partitions': '7',
      'transaction.state.log.segment.bytes': '2000000',
    }
    const broker = await testBroker({ config })
    expect(await find(broker, 't', 1)).toBe('NONE')
    expect(await metadata(broker, null)).toEqual(['__transaction_state: 7'])
    expect(Object.fromEntries(broker.services.metadata.topic('__transaction_state')?.configs ?? [])).toEqual({
      'cleanup.policy': 'compact',
      'compression.type': 'uncompressed',
      'min.insync.replicas': '1',
      'segment.bytes': '2000000',
      'unclean.leader.election.enable': 'false',
    })
  })

  it('is coordinated again when it is deleted and made anew, even before its logs are gone', async () => {
    const broker = await testBroker({ topics: ['a'] })
    await find(broker)
    expect(await commit(broker)).toBe('NONE')
    const [deleted, found] = await Promise.all([remove(broker, '__consumer_offsets'), find(broker)])
    expect([deleted, found]).toEqual([['__consumer_offsets: NONE'], 'NONE'])
    expect(await committed(broker)).toBe(-1n)
    expect(await commit(broker)).toBe('NONE')
    expect(await committed(broker)).toBe(5n)
    await remove(broker, '__consumer_offsets')
    expect(await commit(broker)).toBe('NOT_COORDINATOR')
  })

  it('cannot be made with more replicas than there are brokers, and the log says why', async () => {
    const broker = await testBroker({ config: { 'offsets.topic.replication.factor': '3' } })
    expect(await find(broker)).toBe('COORDINATOR_NOT_AVAILABLE')
    expect(broker.lines).toEqual(['a topic was not auto-created'])
  })
})

describe('Metadata', () => {
  it('makes what is asked for, if it may', async () => {
    const broker = await testBroker({ config: { 'num.partitions': '3' } })
    expect(await metadata(broker, ['a', 'b c', 'a'], { auto: true })).toEqual([
      'a: 3',
      'b c: INVALID_TOPIC_EXCEPTION',
    ])
    expect(await metadata(broker, ['b'])).toEqual(['b: UNKNOWN_TOPIC_OR_PARTITION'])
    expect(await metadata(broker, null)).toEqual(['a: 3'])
    // Before v4 the client cannot say that it does not want topics to be made.
    await metadata(broker, ['old'], { version: 3 })
    expect(await metadata(broker, ['old'])).toEqual(['old: 3'])
  })

  it('says of what it makes that it is not there yet, where that is wanted', async () => {
    const broker = await testBroker({ config: { 'ottla.realistic': 'true' } })
    expect(await metadata(broker, ['a'], { auto: true })).toEqual(['a: UNKNOWN_TOPIC_OR_PARTITION'])
    expect(await metadata(broker, ['a'])).toEqual(['a: 1'])
  })

  it('makes nothing where that is turned off', async () => {
    const broker = await testBroker({ config: { 'auto.create.topics.enable': 'false' } })
    await metadata(broker, ['a'], { auto: true })
    expect(await metadata(broker, null)).toEqual([])
  })

  it('takes an empty list for all topics in v0, and for none later', async () => {
    const broker = await testBroker({ topics: ['a', 'b'] })
    expect(await metadata(broker, [], { version: 0 })).toEqual(['a: 1', 'b: 1'])
    expect(await metadata(broker, [], { version: 1 })).toEqual([])
    expect(await metadata(broker, null, { version: 1 })).toEqual(['a: 1', 'b: 1'])
  })

  it('finds topics by id', async () => {
    const broker = await testBroker({ topics: ['a'] })
    const topicId = broker.services.metadata.topic('a')?.id ?? ''
    const unknown = 'AAAAAAAAAAAAAAAAAAAAAw'
    const { topics } = await broker.ask(metadataHandler, 12, {
      topics: [
        { name: null, topicId },
        { name: null, topicId: unknown },
      ],
      allowAutoTopicCreation: true,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: true,
    })
    expect(topics).toMatchObject([
      { name: 'a', topicId, errorCode: ErrorCode.NONE },
      { name: null, topicId: unknown, errorCode: ErrorCode.UNKNOWN_TOPIC_ID },
    ])
  })
})

it('each topic of a deletion is answered by itself', async () => {
  const broker = await testBroker({ topics: ['a'] })
  expect(await remove(broker, 'a', 'nope')).toEqual(['nope: UNKNOWN_TOPIC_OR_PARTITION', 'a: NONE'])
})

it('the controller does not begin what has no time', async () => {
  const broker = await testBroker({ topics: ['a'] })
  for (const timeoutMs of [0, -1]) {
    const topic = { name: 'b', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
    const removed = { topics: [{ name: 'a', topicId: ZERO_UUID }], topicNames: [], timeoutMs }
    const more = { topics: [{ name: 'a', count: 2, assignments: null }], timeoutMs, validateOnly: false }
    const late = { code: ErrorCode.REQUEST_TIMED_OUT }
    const created = broker.ask(createTopicsHandler, 7, { topics: [topic], timeoutMs, validateOnly: false })
    await expect(created).rejects.toMatchObject(late)
    await expect(broker.ask(createPartitionsHandler, 3, more)).rejects.toMatchObject(late)
    await expect(broker.ask(deleteTopicsHandler, 6, removed)).rejects.toMatchObject(late)
  }
  expect(await metadata(broker, null)).toEqual(['a: 1'])
})
