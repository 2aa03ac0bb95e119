/** A cluster with a bit of everything in it, made through the protocol, and what clients are told of it. */

import { isControlBatch, wholeBatches } from '../../src/wire/batch.ts'
import { ErrorCode, errorName } from '../../src/wire/error-codes.ts'
import type { Api } from '../../src/wire/message.ts'
import { addPartitionsToTxnApi } from '../../src/wire/messages/add-partitions-to-txn.ts'
import { alterClientQuotasApi } from '../../src/wire/messages/alter-client-quotas.ts'
import { alterUserScramCredentialsApi } from '../../src/wire/messages/alter-user-scram-credentials.ts'
import { apiVersionsApi } from '../../src/wire/messages/api-versions.ts'
import { createTopicsApi } from '../../src/wire/messages/create-topics.ts'
import { deleteTopicsApi } from '../../src/wire/messages/delete-topics.ts'
import { describeClientQuotasApi } from '../../src/wire/messages/describe-client-quotas.ts'
import { describeClusterApi } from '../../src/wire/messages/describe-cluster.ts'
import { describeConfigsApi } from '../../src/wire/messages/describe-configs.ts'
import { describeUserScramCredentialsApi } from '../../src/wire/messages/describe-user-scram-credentials.ts'
import { endTxnApi } from '../../src/wire/messages/end-txn.ts'
import { fetchApi } from '../../src/wire/messages/fetch.ts'
import { findCoordinatorApi } from '../../src/wire/messages/find-coordinator.ts'
import { incrementalAlterConfigsApi } from '../../src/wire/messages/incremental-alter-configs.ts'
import { initProducerIdApi } from '../../src/wire/messages/init-producer-id.ts'
import { listOffsetsApi } from '../../src/wire/messages/list-offsets.ts'
import { metadataApi } from '../../src/wire/messages/metadata.ts'
import { offsetCommitApi } from '../../src/wire/messages/offset-commit.ts'
import { offsetFetchApi } from '../../src/wire/messages/offset-fetch.ts'
import { produceApi } from '../../src/wire/messages/produce.ts'
import { buildBatch, readRecords } from '../../src/wire/records.ts'
import { pause, type Target } from '../differential/case.ts'
import { type Complete, Connection, type Partially } from '../differential/client.ts'

const READ_COMMITTED = 1
const TOPIC = 2
const BROKER = 4

/** Makes the state. A transaction stays open, one is committed, and one aborted. */
export async function populate(target: Target): Promise<void> {
  const client = await Client.open(target)
  await client.createTopics(
    ['orders', 3, { 'retention.ms': '123456789' }],
    ['state', 1, { 'cleanup.policy': 'compact' }],
    ['txn', 1, {}],
    ['gone', 2, {}],
  )
  await client.ask(deleteTopicsApi, 5, { topicNames: ['gone'], timeoutMs: 10_000 })
  await client.set(BROKER, '', 'log.retention.ms', '-1')
  await client.set(BROKER, '1', 'log.cleaner.threads', '2')
  await client.set(TOPIC, 'state', 'min.cleanable.dirty.ratio', '0.1')
  await client.ask(alterClientQuotasApi, 1, {
    entries: [
      {
        entity: [{ entityType: 'user', entityName: 'somebody' }],
        ops: [{ key: 'producer_byte_rate', value: 123_456, remove: false }],
      },
    ],
  })
  await client.ask(alterUserScramCredentialsApi, 0, {
    upsertions: [
      {
        name: 'u',
        mechanism: 1,
        iterations: 5000,
        salt: Buffer.from('salt'),
        saltedPassword: Buffer.alloc(32, 7),
      },
    ],
  })
  for (const partition of [0, 1, 2]) {
    for (const value of ['one', 'two', 'three'])
      await client.produce('orders', partition, [`${value} ${partition}`])
  }
  const { producerId } = await client.ask(initProducerIdApi, 4, {
    transactionalId: null,
    transactionTimeoutMs: 0,
  })
  await client.produce('orders', 0, ['four', 'five'], { producerId, producerEpoch: 0, baseSequence: 0 })
  await client.commit('billing', 'orders', [2n, 3n])
  await client.transaction('t-committed', ['a', 'b'], true)
  await client.transaction('t-aborted', ['never'], false)
  await client.transaction('t-open', ['later'], null)
  client.close()
}

/** All that clients are told of it, as far as it is the same whoever tells. */
export async function describeState(target: Target): Promise<unknown> {
  const client = await Client.open(target)
  const metadata = await client.ask(metadataApi, 12, { topics: null, allowAutoTopicCreation: false })
  const names = metadata.topics.map(({ name }) => name ?? '').sort()
  const cluster = await client.ask(describeClusterApi, 0, {})
  const state = {
    clusterId: cluster.clusterId,
    brokers: metadata.brokers.map(({ nodeId }) => nodeId),
    topics: metadata.topics
      .map(({ name, topicId, isInternal, partitions }) => ({
        name,
        topicId,
        isInternal,
        partitions: partitions
          .map(({ partitionIndex, leaderId, replicaNodes, isrNodes }) => [
            partitionIndex,
            leaderId,
            replicaNodes,
            isrNodes,
          ])
          .sort(([a], [b]) => Number(a) - Number(b)),
      }))
      .sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1)),
    configs: await client.setConfigs(names),
    quotas: (await client.ask(describeClientQuotasApi, 1, { components: [] })).entries,
    credentials: (await client.ask(describeUserScramCredentialsApi, 0, { users: null })).results,
    offsets: await client.committed('billing', 'orders', [0, 1, 2]),
    records: {
      orders: [
        await client.read('orders', 0),
        await client.read('orders', 1),
        await client.read('orders', 2),
      ],
      txn: await client.read('txn', 0),
    },
    ends: await client.ends('txn', 0),
  }
  client.close()
  return state
}

/** The part of it that needs no topics. */
export async function describeCluster(target: Target): Promise<unknown> {
  const client = await Client.open(target)
  const { clusterId } = await client.ask(describeClusterApi, 0, {})
  const { results: credentials } = await client.ask(describeUserScramCredentialsApi, 0, { users: null })
  client.close()
  return { clusterId, credentials }
}

/** The features in force. */
export async function finalizedFeatures(target: Target): Promise<Readonly<Record<string, number>>> {
  const client = await Client.open(target)
  const { finalizedFeatures: found } = await client.ask(apiVersionsApi, 4, {
    clientSoftwareName: 'test',
    clientSoftwareVersion: '1',
  })
  client.close()
  return Object.fromEntries(found.map(({ name, maxVersionLevel }) => [name, maxVersionLevel]))
}

/** Ends the transaction that `populate` left open. */
export async function endOpenTransaction(target: Target): Promise<readonly string[]> {
  const client = await Client.open(target)
  await client.claim('t-open')
  await client.until('the aborted transaction to be over', async () => {
    const [stable, end] = await client.ends('txn', 0)
    return stable === end
  })
  const read = await client.read('txn', 0)
  client.close()
  return read
}

/** One value to a topic. */
export async function produceOne(target: Target, topic: string, value: string): Promise<void> {
  const client = await Client.open(target)
  await client.produce(topic, 0, [value])
  client.close()
}

interface Producer {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence?: number
  readonly transactionalId?: string
}

const POLL_MS = 50
const POLL_LIMIT_MS = 60_000

class Client {
  readonly #connection: Connection

  private constructor(connection: Connection) {
    this.#connection = connection
  }

  static async open({ host, port }: Target): Promise<Client> {
    return new Client(await Connection.open(host, port))
  }

  close(): void {
    this.#connection.close()
  }

  ask<Req, Res>(api: Api<Req, Res>, version: number, request: Partially<Req>): Promise<Complete<Res>> {
    return this.#connection.send(api, version, request)
  }

  async createTopics(
    ...topics: readonly [string, number, Readonly<Record<string, string>>][]
  ): Promise<void> {
    const created = await this.ask(createTopicsApi, 5, {
      timeoutMs: 10_000,
      topics: topics.map(([name, numPartitions, configs]) => ({
        name,
        numPartitions,
        replicationFactor: 1,
        configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
      })),
    })
    for (const { name, errorCode } of created.topics) check(`creating ${name}`, errorCode)
  }

  async set(resourceType: number, resourceName: string, name: string, value: string): Promise<void> {
    const configs = [{ name, configOperation: 0, value }]
    const { responses } = await this.ask(incrementalAlterConfigsApi, 1, {
      resources: [{ resourceType, resourceName, configs }],
    })
    check(`setting ${name}`, responses[0]?.errorCode)
  }

  async produce(topic: string, index: number, values: readonly string[], producer?: Producer): Promise<void> {
    const { transactionalId = null, ...batch } = producer ?? {}
    const records = buildBatch(
      values.map((value) => ({
        key: Buffer.from('k'),
        value: Buffer.from(value),
        timestamp: 1_700_000_000_000n,
      })),
      { ...batch, isTransactional: transactionalId !== null },
    )
    await this.until(`${topic}-${index} to take records`, async () => {
      const { responses } = await this.ask(produceApi, 9, {
        transactionalId,
        acks: -1,
        timeoutMs: 10_000,
        topicData: [{ name: topic, partitionData: [{ index, records }] }],
      })
      return responses[0]?.partitionResponses[0]?.errorCode === ErrorCode.NONE
    })
  }

  async commit(groupId: string, topic: string, offsets: readonly bigint[]): Promise<void> {
    await this.#coordinator(groupId, 0)
    const partitions = offsets.map((committedOffset, partitionIndex) => ({ partitionIndex, committedOffset }))
    await this.until('offsets to be taken', async () => {
      const { topics } = await this.ask(offsetCommitApi, 8, {
        groupId,
        generationIdOrMemberEpoch: -1,
        topics: [{ name: topic, partitions }],
      })
      return topics[0]?.partitions.every(({ errorCode }) => errorCode === ErrorCode.NONE) ?? false
    })
  }

  async committed(groupId: string, name: string, partitionIndexes: readonly number[]): Promise<unknown> {
    await this.#coordinator(groupId, 0)
    let told: unknown
    await this.until('offsets to be told', async () => {
      const { errorCode, topics } = await this.ask(offsetFetchApi, 7, {
        groupId,
        topics: [{ name, partitionIndexes }],
      })
      told = topics
        .flatMap(({ partitions }) =>
          partitions.map((one) => [one.partitionIndex, one.committedOffset] as const),
        )
        .sort(([a], [b]) => a - b)
      return errorCode === ErrorCode.NONE
    })
    return told
  }

  async transaction(id: string, values: readonly string[], committed: boolean | null): Promise<void> {
    const producer = await this.claim(id)
    const { results } = await this.ask(addPartitionsToTxnApi, 3, {
      v3AndBelowTransactionalId: id,
      v3AndBelowProducerId: producer.producerId,
      v3AndBelowProducerEpoch: producer.producerEpoch,
      v3AndBelowTopics: [{ name: 'txn', partitions: [0] }],
    }).then(({ resultsByTopicV3AndBelow }) => ({ results: resultsByTopicV3AndBelow }))
    check(`adding to ${id}`, results[0]?.resultsByPartition[0]?.partitionErrorCode)
    await this.produce('txn', 0, values, { ...producer, baseSequence: 0, transactionalId: id })
    if (committed === null) return
    const ended = await this.ask(endTxnApi, 3, { transactionalId: id, ...producer, committed })
    check(`ending ${id}`, ended.errorCode)
    await this.until(`${id} to be over`, async () => {
      const [stable, end] = await this.ends('txn', 0)
      return stable === end
    })
  }

  /** Takes a transactional id; a transaction that is open is aborted first. */
  async claim(transactionalId: string): Promise<{ producerId: bigint; producerEpoch: number }> {
    await this.#coordinator(transactionalId, 1)
    let claimed = { producerId: -1n, producerEpoch: -1 }
    await this.until(`${transactionalId} to be free`, async () => {
      const { errorCode, producerId, producerEpoch } = await this.ask(initProducerIdApi, 4, {
        transactionalId,
        transactionTimeoutMs: 600_000,
        producerId: -1n,
        producerEpoch: -1,
      })
      claimed = { producerId, producerEpoch }
      return errorCode === ErrorCode.NONE
    })
    return claimed
  }

  /** The last stable offset and the high watermark. */
  async ends(name: string, partitionIndex: number): Promise<readonly [bigint, bigint]> {
    const end = async (isolationLevel: number): Promise<bigint> => {
      const { topics } = await this.ask(listOffsetsApi, 5, {
        replicaId: -1,
        isolationLevel,
        topics: [{ name, partitions: [{ partitionIndex, currentLeaderEpoch: -1, timestamp: -1n }] }],
      })
      check(`the end of ${name}`, topics[0]?.partitions[0]?.errorCode)
      return topics[0]?.partitions[0]?.offset ?? -1n
    }
    return [await end(READ_COMMITTED), await end(0)]
  }

  /** The values that a reader of committed records gets. */
  async read(topic: string, partition: number): Promise<readonly string[]> {
    const { responses } = await this.ask(fetchApi, 11, {
      replicaId: -1,
      maxWaitMs: 100,
      minBytes: 1,
      isolationLevel: READ_COMMITTED,
      sessionEpoch: -1,
      maxBytes: 1 << 20,
      topics: [
        {
          topic,
          partitions: [{ partition, currentLeaderEpoch: -1, fetchOffset: 0n, partitionMaxBytes: 1 << 20 }],
        },
      ],
    })
    const answer = responses[0]?.partitions[0]
    check(`reading ${topic}-${partition}`, answer?.errorCode)
    const aborted = new Map(
      (answer?.abortedTransactions ?? []).map((one) => [one.producerId, one.firstOffset]),
    )
    const values: string[] = []
    const records = (answer?.records ?? Buffer.alloc(0)) as Buffer
    for (const at of wholeBatches(records)) {
      if (isControlBatch(records, at)) continue
      const producerId = records.readBigInt64BE(at + 43)
      if ((aborted.get(producerId) ?? 2n ** 62n) <= records.readBigInt64BE(at)) continue
      for (const { value } of await readRecords(records, at)) values.push(value?.toString() ?? '')
    }
    return values
  }

  /** What was set, beside what every broker has from its start. */
  async setConfigs(topics: readonly string[]): Promise<unknown> {
    const { results } = await this.ask(describeConfigsApi, 4, {
      resources: [
        ...topics.map((resourceName) => ({ resourceType: TOPIC, resourceName, configurationKeys: null })),
        { resourceType: BROKER, resourceName: '1', configurationKeys: null },
        { resourceType: BROKER, resourceName: '', configurationKeys: null },
      ],
    })
    return results.map(({ resourceName, configs }) => [
      resourceName,
      configs
        .filter(({ configSource }) => [1, 2, 3].includes(configSource))
        .map(({ name, value }) => `${name}=${value}`)
        .sort(),
    ])
  }

  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const deadlineMs = Date.now() + POLL_LIMIT_MS
    while (!(await holds())) {
      if (Date.now() > deadlineMs) throw new Error(`waited in vain for ${what}`)
      await pause(POLL_MS)
    }
  }

  async #coordinator(key: string, keyType: number): Promise<void> {
    await this.until(`the coordinator of ${key}`, async () => {
      const { errorCode } = await this.ask(findCoordinatorApi, 1, { key, keyType })
      return errorCode === ErrorCode.NONE
    })
  }
}

function check(what: string, errorCode: number | undefined): void {
  if (errorCode === ErrorCode.NONE) return
  throw new Error(`${what}: ${errorCode === undefined ? 'no answer' : errorName(errorCode as ErrorCode)}`)
}
