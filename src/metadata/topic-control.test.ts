import { describe, expect, it } from 'vitest'
import { ManualClock, seededRandom } from '../clock.ts'
import { BrokerConfig } from '../config/broker-config.ts'
import { MemoryStore } from '../storage/memory-store.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import { Controller } from './controller.ts'
import { Metadata, type MetadataRecord, type Topic } from './metadata.ts'
import { defaultSnapshotConfig } from './snapshots.ts'
import type { TopicSpec } from './topic-control.ts'

function setUp(brokers = 1, config: Record<string, string> = {}) {
  const metadata = new Metadata('cluster')
  const committed: MetadataRecord[] = []
  const deletedTopics: Topic[] = []
  const controller = new Controller({
    metadata,
    random: seededRandom(1),
    config: new BrokerConfig({ overrides: config }),
    store: new MemoryStore(),
    clock: new ManualClock(),
    logger: { warn: () => {} },
    nodeId: 1,
    snapshots: defaultSnapshotConfig,
    segments: { segmentBytes: 1 << 30, segmentMs: 1 << 30 },
    onCommit: (records, deleted) => {
      committed.push(...records)
      deletedTopics.push(...deleted)
    },
  })
  for (let brokerId = 1; brokerId <= brokers; brokerId++) {
    void controller.commit([
      {
        name: 'RegisterBrokerRecord',
        value: {
          brokerId,
          isMigratingZkBroker: false,
          incarnationId: ZERO_UUID,
          brokerEpoch: 0n,
          endPoints: [],
          features: [],
          rack: null,
          fenced: false,
          inControlledShutdown: false,
          logDirs: [],
          cordonedLogDirs: null,
        },
      },
    ])
  }
  committed.length = 0
  const create = async (spec: Partial<TopicSpec>) => {
    const [outcome] = await controller.createTopics([{ ...plain('t'), ...spec }], false)
    if (outcome === undefined) throw new Error('no outcome')
    return outcome
  }
  return { metadata, controller, committed, deletedTopics, create }
}

function plain(name: string): TopicSpec {
  return { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
}

function errorOf(outcome: object): ErrorCode | undefined {
  return 'error' in outcome && outcome.error instanceof KafkaError ? outcome.error.code : undefined
}

describe('creating topics', () => {
  it('gives a topic an id, its partitions and its configs', async () => {
    const { metadata, create } = setUp(3)
    const outcome = await create({
      numPartitions: 4,
      replicationFactor: 2,
      configs: [{ name: 'cleanup.policy', value: 'compact' }],
    })
    expect(errorOf(outcome)).toBeUndefined()
    const topic = metadata.topic('t')
    expect(topic?.id).toMatch(/^[\w-]{22}$/)
    expect(metadata.topicById(topic?.id ?? '')).toBe(topic)
    expect(topic?.configs).toEqual(new Map([['cleanup.policy', 'compact']]))
    expect(topic?.partitions.map(({ index, leader, replicas }) => ({ index, leader, replicas }))).toEqual([
      { index: 0, leader: 1, replicas: [1, 2] },
      { index: 1, leader: 2, replicas: [2, 3] },
      { index: 2, leader: 3, replicas: [3, 1] },
      { index: 3, leader: 1, replicas: [1, 2] },
    ])
  })

  it('takes the defaults of the broker for -1', async () => {
    const { metadata, create } = setUp(2, { 'num.partitions': '3', 'default.replication.factor': '2' })
    await create({ numPartitions: -1, replicationFactor: -1 })
    expect(metadata.topic('t')?.partitions.map(({ replicas }) => replicas.length)).toEqual([2, 2, 2])
  })

  it.each([
    ['an empty name', { name: '' }, ErrorCode.INVALID_TOPIC_EXCEPTION],
    ['a single dot', { name: '.' }, ErrorCode.INVALID_TOPIC_EXCEPTION],
    ['two dots', { name: '..' }, ErrorCode.INVALID_TOPIC_EXCEPTION],
    ['250 characters', { name: 'x'.repeat(250) }, ErrorCode.INVALID_TOPIC_EXCEPTION],
    ['a space', { name: 'a b' }, ErrorCode.INVALID_TOPIC_EXCEPTION],
    ['no partitions', { numPartitions: 0 }, ErrorCode.INVALID_PARTITIONS],
    ['-2 partitions', { numPartitions: -2 }, ErrorCode.INVALID_PARTITIONS],
    ['no replicas', { replicationFactor: 0 }, ErrorCode.INVALID_REPLICATION_FACTOR],
    ['more replicas than brokers', { replicationFactor: 2 }, ErrorCode.INVALID_REPLICATION_FACTOR],
    ['an unknown config', { configs: [{ name: 'no.such', value: '1' }] }, ErrorCode.INVALID_CONFIG],
    [
      'a config without a value',
      { configs: [{ name: 'retention.ms', value: null }] },
      ErrorCode.INVALID_CONFIG,
    ],
    [
      'a config of the wrong type',
      { configs: [{ name: 'retention.ms', value: 'x' }] },
      ErrorCode.INVALID_CONFIG,
    ],
  ])('refuses %s', async (_what, spec, code) => {
    const { create, committed } = setUp()
    expect(errorOf(await create(spec))).toBe(code)
    expect(committed).toEqual([])
  })

  it('refuses a name that is taken, or that differs from one only in . and _', async () => {
    const { create } = setUp()
    await create({ name: 'a.b_c' })
    expect(errorOf(await create({ name: 'a.b_c' }))).toBe(ErrorCode.TOPIC_ALREADY_EXISTS)
    expect(errorOf(await create({ name: 'a_b.c' }))).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION)
    expect(errorOf(await create({ name: 'abc' }))).toBeUndefined()
  })

  it('frees the name, and those that collide with it, when the topic is deleted', async () => {
    const { create, controller, metadata, deletedTopics } = setUp()
    await create({ name: 'a.b' })
    const before = metadata.topic('a.b')
    await controller.deleteTopics([before?.id ?? ''])
    expect(deletedTopics).toEqual([before])
    expect(metadata.topic('a.b')).toBeUndefined()
    expect(errorOf(await create({ name: 'a_b' }))).toBeUndefined()
    expect(metadata.topic('a_b')?.id).not.toBe(before?.id)
  })

  it.each([
    ['a count beside them', { numPartitions: 1 }, [[1]], ErrorCode.INVALID_REQUEST],
    ['a replication factor beside them', { replicationFactor: 1 }, [[1]], ErrorCode.INVALID_REQUEST],
    ['an empty list', {}, [[]], ErrorCode.INVALID_REPLICA_ASSIGNMENT],
    ['a broker that is not there', {}, [[9]], ErrorCode.INVALID_REPLICA_ASSIGNMENT],
    ['a broker twice', {}, [[1, 1]], ErrorCode.INVALID_REPLICA_ASSIGNMENT],
    ['lists of different lengths', {}, [[1], [1, 2]], ErrorCode.INVALID_REPLICA_ASSIGNMENT],
  ])('refuses assignments with %s', async (_what, spec, lists, code) => {
    const { create } = setUp(2)
    const assignments = lists.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds }))
    const outcome = await create({ numPartitions: -1, replicationFactor: -1, ...spec, assignments })
    expect(errorOf(outcome)).toBe(code)
  })

  it('refuses assignments with a gap or a repeated partition', async () => {
    const { create } = setUp()
    const at = (...indexes: number[]) => ({
      numPartitions: -1,
      replicationFactor: -1,
      assignments: indexes.map((partitionIndex) => ({ partitionIndex, brokerIds: [1] })),
    })
    expect(errorOf(await create(at(0, 2)))).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT)
    expect(errorOf(await create(at(0, 0)))).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT)
    expect(errorOf(await create(at(1, 0)))).toBeUndefined()
  })

  it('changes nothing when it only validates', async () => {
    const { controller, metadata } = setUp()
    const [outcome] = await controller.createTopics([plain('t')], true)
    expect(outcome).toMatchObject({ value: { name: 't', numPartitions: 1 } })
    expect(metadata.topic('t')).toBeUndefined()
  })

  it('commits no more than 10,000 records for one request', async () => {
    const { controller } = setUp()
    await expect(
      controller.createTopics([{ ...plain('t'), numPartitions: 10_000 }], false),
    ).rejects.toMatchObject({
      code: ErrorCode.POLICY_VIOLATION,
    })
  })
})

describe('creating far too much', () => {
  it.each([[2 ** 31 - 1], [10_001]])(
    '%i partitions are refused before they are made',
    async (numPartitions) => {
      const { controller } = setUp()
      for (const validateOnly of [false, true]) {
        // What is asked for in vain does not make up for it.
        const topics = [
          { ...plain('a'), numPartitions: -(2 ** 31) },
          { ...plain('t'), numPartitions },
        ]
        await expect(controller.createTopics(topics, validateOnly)).rejects.toMatchObject({
          code: ErrorCode.POLICY_VIOLATION,
          message: 'Excessively large number of partitions per request.',
        })
      }
    },
  )

  it('so are two thousand million more partitions', async () => {
    const { create, controller } = setUp()
    await create({ numPartitions: 1 })
    const [outcome] = await controller.createPartitions(
      [{ name: 't', count: 2 ** 31 - 1, assignments: null }],
      true,
    )
    expect(outcome).toMatchObject({ error: { code: ErrorCode.UNKNOWN_SERVER_ERROR } })
  })
})

it('what one request adds to all its topics is bounded too', async () => {
  const { create, controller, metadata } = setUp()
  const names = ['a', 'b', 'c']
  for (const name of names) await create({ name })
  const specs = [6_000, 6_000, 4_001].map((count, at) => ({
    name: names[at] ?? '',
    count,
    assignments: null,
  }))
  const outcomes = await controller.createPartitions(specs, false)
  expect(outcomes.map(errorOf)).toEqual([undefined, ErrorCode.UNKNOWN_SERVER_ERROR, undefined])
  expect(names.map((name) => metadata.topic(name)?.partitions.length)).toEqual([6_000, 1, 4_001])
})

describe('creating partitions', () => {
  it('adds to those that are there', async () => {
    const { create, controller, metadata } = setUp(2)
    await create({ numPartitions: 1 })
    await controller.createPartitions(
      [{ name: 't', count: 3, assignments: [{ brokerIds: [2] }, { brokerIds: [1] }] }],
      false,
    )
    expect(metadata.topic('t')?.partitions.map(({ leader }) => leader)).toEqual([1, 2, 1])
  })

  it.each([
    ['the same number', { count: 2 }, ErrorCode.INVALID_PARTITIONS],
    ['a smaller number', { count: 1 }, ErrorCode.INVALID_PARTITIONS],
    [
      'too few assignments',
      { count: 4, assignments: [{ brokerIds: [1] }] },
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    ],
    [
      'another replication factor',
      { count: 3, assignments: [{ brokerIds: [1, 2] }] },
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    ],
    ['an unknown topic', { name: 'other', count: 3 }, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
  ])('refuses %s', async (_what, spec, code) => {
    const { create, controller } = setUp(2)
    await create({ numPartitions: 2 })
    const [outcome] = await controller.createPartitions([{ name: 't', assignments: null, ...spec }], false)
    expect(errorOf(outcome ?? {})).toBe(code)
  })
})

it('deletes no topic that it does not know', async () => {
  const [outcome] = await setUp().controller.deleteTopics(['no-such-id'])
  expect(errorOf(outcome ?? {})).toBe(ErrorCode.UNKNOWN_TOPIC_ID)
})

it('comes to the same state when the records are applied again', async () => {
  const { create, controller, committed, metadata } = setUp()
  await create({ name: 'kept', numPartitions: 2, configs: [{ name: 'retention.ms', value: '1000' }] })
  await create({ name: 'gone' })
  await controller.deleteTopics([metadata.topic('gone')?.id ?? ''])
  const replayed = new Metadata('cluster')
  for (const record of committed) replayed.apply(record)
  expect([...replayed.topics()]).toEqual([...metadata.topics()])
})
