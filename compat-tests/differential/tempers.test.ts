/** Each difference between the two tempers, seen by a client of both. */
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../src/clock.ts'
import { startBroker } from '../../src/cluster.ts'
import { ErrorCode, errorName } from '../../src/wire/error-codes.ts'
import { addPartitionsToTxnApi } from '../../src/wire/messages/add-partitions-to-txn.ts'
import { createTopicsApi } from '../../src/wire/messages/create-topics.ts'
import { describeGroupsApi } from '../../src/wire/messages/describe-groups.ts'
import { endTxnApi } from '../../src/wire/messages/end-txn.ts'
import { fetchApi } from '../../src/wire/messages/fetch.ts'
import { findCoordinatorApi } from '../../src/wire/messages/find-coordinator.ts'
import { initProducerIdApi } from '../../src/wire/messages/init-producer-id.ts'
import { type JoinGroupResponse, joinGroupApi } from '../../src/wire/messages/join-group.ts'
import { metadataApi } from '../../src/wire/messages/metadata.ts'
import { produceApi } from '../../src/wire/messages/produce.ts'
import { BASE_TIMESTAMP } from './batch.ts'
import { type Identity, transactionalBatch } from './cases/transactional-producer.ts'
import { Connection } from './client.ts'
import { type TemperName, tempers } from './tempers.ts'

interface Shown {
  readonly client: Connection
  readonly clock: ManualClock
  /** Another client of the same broker. */
  readonly connect: () => Promise<Connection>
}

/** What a client is answered in the situation that the name tells of, in the words of the list. */
type Show = (shown: Shown) => Promise<string>

/** What a situation has that neither temper has by itself. */
const NAMED_CONFIGS: Partial<Record<TemperName, Readonly<Record<string, string>>>> = {
  'JoinGroup: two members that come at once, group.initial.rebalance.delay.ms is 0': {
    'group.initial.rebalance.delay.ms': '0',
  },
}

const GROUP = 0
const TRANSACTION = 1

const shows: Readonly<Record<TemperName, Show>> = {
  'Metadata: a topic that is only made because it is asked for': async ({ client }) => {
    const request = { topics: [{ name: 'a' }], allowAutoTopicCreation: true }
    const { topics } = await client.send(metadataApi, 12, request)
    if (topics[0]?.errorCode !== ErrorCode.NONE) return nameOf(topics[0]?.errorCode)
    expect(topics[0].partitions.map(({ errorCode, leaderId }) => [errorCode, leaderId])).toEqual([[0, 1]])
    return 'the topic, each partition with its leader'
  },

  'FindCoordinator: the first group of the cluster': async ({ client }) => {
    const errorCode = await find(client, GROUP)
    if (errorCode !== ErrorCode.NONE) return `${nameOf(errorCode)}, while __consumer_offsets is made`
    const { groups } = await client.send(describeGroupsApi, 5, { groups: ['g'] })
    expect(groups[0]?.errorCode).toBe(ErrorCode.NONE)
    return 'the coordinator, at work'
  },

  'FindCoordinator: the first transactional id of the cluster': async ({ client }) => {
    const errorCode = await find(client, TRANSACTION)
    return errorCode === ErrorCode.NONE
      ? 'the coordinator'
      : `${nameOf(errorCode)}, while __transaction_state is made`
  },

  'JoinGroup: the first member of an empty group': async ({ client, clock, connect }) => {
    const other = await connect()
    while ((await find(other, GROUP)) !== ErrorCode.NONE);
    const joined = join(client, '', 3)
    let state: string | undefined
    while (state !== 'PreparingRebalance' && state !== 'CompletingRebalance')
      state = await stateOf(other, 'g')
    let delayMs = 0
    if (state === 'PreparingRebalance') {
      await clock.advance(2999)
      expect(await stateOf(other, 'g')).toBe('PreparingRebalance')
      await clock.advance(1)
      delayMs = 3000
    }
    expect((await joined).errorCode).toBe(ErrorCode.NONE)
    const when = delayMs === 0 ? 'at once' : `after ${delayMs / 1000} s`
    return `${when}: group.initial.rebalance.delay.ms is ${delayMs}`
  },

  'JoinGroup: two members that come at once, group.initial.rebalance.delay.ms is 0': async ({
    client,
    connect,
  }) => {
    const other = await connect()
    while ((await find(other, GROUP)) !== ErrorCode.NONE);
    const [first, second] = [await join(client, ''), await join(other, '')]
    const joined = join(client, first.memberId)
    let state: string | undefined
    while (state !== 'PreparingRebalance' && state !== 'CompletingRebalance')
      state = await stateOf(other, 'g')
    if (state === 'PreparingRebalance') await join(other, second.memberId)
    return (await joined).members.length === 1 ? 'a generation of the first alone' : 'a generation of both'
  },

  'InitProducerId: a transactional id whose transaction is open': async ({ client }) => {
    const producer = await producerOf(client)
    expect(await add(client, producer)).toBe('NONE')
    const { errorCode, producerId } = await client.send(initProducerIdApi, 5, transactional)
    if (errorCode !== ErrorCode.NONE) return `${nameOf(errorCode)}, while it is aborted`
    expect(producerId).toBe(producer.producerId)
    return 'the producer id, when it has been aborted'
  },

  'AddPartitionsToTxn: right after a transaction was ended': async ({ client }) => {
    const producer = await producerOf(client)
    expect(await add(client, producer)).toBe('NONE')
    await commit(client, producer)
    const error = await add(client, producer)
    return error === 'NONE' ? 'the partition is added' : `${error}, while its markers are written`
  },

  'Fetch: committed records right after a transaction was ended': async ({ client }) => {
    const producer = await producerOf(client)
    const records = transactionalBatch(producer, 0, { baseTimestamp: BASE_TIMESTAMP })
    const topicData = [{ name: 'a', partitionData: [{ index: 0, records }] }]
    await client.send(produceApi, 12, { transactionalId: 'txn', acks: -1, timeoutMs: 1000, topicData })
    await commit(client, producer)
    const { responses } = await client.send(fetchApi, 12, {
      isolationLevel: 1,
      maxBytes: 1000,
      topics: [{ topic: 'a', partitions: [{ partition: 0, partitionMaxBytes: 1000 }] }],
    })
    const found = responses[0]?.partitions[0]?.records
    return found?.length === 0 ? 'nothing, while its markers are written' : 'its records'
  },
}

type Producer = Pick<Identity, 'producerId' | 'producerEpoch'>

const transactional = { transactionalId: 'txn', transactionTimeoutMs: 60_000 }

/** A producer that has been initialized, and a topic to write to. */
async function producerOf(client: Connection): Promise<Producer> {
  const topics = [{ name: 'a', numPartitions: 1, replicationFactor: 1 }]
  await client.send(createTopicsApi, 5, { topics, timeoutMs: 1000 })
  while ((await find(client, TRANSACTION)) !== ErrorCode.NONE);
  for (;;) {
    const { errorCode, producerId, producerEpoch } = await client.send(initProducerIdApi, 5, transactional)
    if (errorCode === ErrorCode.NONE) return { producerId, producerEpoch }
  }
}

async function add(client: Connection, { producerId, producerEpoch }: Producer): Promise<string> {
  const { resultsByTopicV3AndBelow } = await client.send(addPartitionsToTxnApi, 3, {
    v3AndBelowTransactionalId: 'txn',
    v3AndBelowProducerId: producerId,
    v3AndBelowProducerEpoch: producerEpoch,
    v3AndBelowTopics: [{ name: 'a', partitions: [0] }],
  })
  return nameOf(resultsByTopicV3AndBelow[0]?.resultsByPartition[0]?.partitionErrorCode)
}

async function commit(client: Connection, producer: Producer): Promise<void> {
  const { errorCode } = await client.send(endTxnApi, 4, {
    transactionalId: 'txn',
    ...producer,
    committed: true,
  })
  expect(nameOf(errorCode)).toBe('NONE')
}

async function join(client: Connection, memberId: string, version = 5): Promise<JoinGroupResponse> {
  return client.send(joinGroupApi, version, {
    groupId: 'g',
    memberId,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from([0, 0, 0, 0, 0, 0, 255, 255, 255, 255]) }],
  })
}

async function find(client: Connection, keyType: number): Promise<number | undefined> {
  const { coordinators } = await client.send(findCoordinatorApi, 4, { coordinatorKeys: ['g'], keyType })
  return coordinators[0]?.errorCode
}

async function stateOf(client: Connection, group: string): Promise<string | undefined> {
  const { groups } = await client.send(describeGroupsApi, 5, { groups: [group] })
  return groups[0]?.groupState
}

function nameOf(errorCode: number | undefined): string {
  return errorName(errorCode as ErrorCode)
}

describe.each([
  ['ottla.realistic=true', true],
  ['the default temper', false],
])('%s', (_, realistic) => {
  it.each(tempers.map((temper) => [temper.name, temper] as const))('%s', async (name, temper) => {
    const clock = new ManualClock()
    const config = { 'ottla.realistic': String(realistic), ...NAMED_CONFIGS[name] }
    const broker = await startBroker({ clock, config })
    const clients: Connection[] = []
    const connect = async (): Promise<Connection> => {
      const client = await Connection.open('127.0.0.1', Number(broker.bootstrapServers.split(':').at(-1)))
      clients.push(client)
      return client
    }
    try {
      const answer = await shows[name]({ client: await connect(), clock, connect })
      expect(answer).toBe(realistic ? temper.realistic : temper.impatient)
    } finally {
      for (const client of clients) client.close()
      await broker.stop()
    }
  })
})

it('shows each entry of the list, and nothing else', () => {
  expect(Object.keys(shows)).toEqual(tempers.map(({ name }) => name))
})
