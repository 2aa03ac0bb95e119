/** A broker that is started again on the store of one before it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { ManualClock, seededRandom } from '../clock.ts'
import { openFileStore } from '../storage/file-store.ts'
import type { LogStore } from '../storage/log-store.ts'
import { MemoryStore } from '../storage/memory-store.ts'
import { SlowStore } from '../storage/slow-store.suite.ts'
import { compressionCodec } from '../wire/batch.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import { alterClientQuotasHandler } from './alter-client-quotas.ts'
import { alterConfigsHandler } from './alter-configs.ts'
import { alterUserScramCredentialsHandler } from './alter-user-scram-credentials.ts'
import { createPartitionsHandler } from './create-partitions.ts'
import { createTopicsHandler } from './create-topics.ts'
import { deleteTopicsHandler } from './delete-topics.ts'
import { describeClientQuotasHandler } from './describe-client-quotas.ts'
import { describeConfigsHandler } from './describe-configs.ts'
import { describeUserScramCredentialsHandler } from './describe-user-scram-credentials.ts'
import { fetchHandler } from './fetch.ts'
import { findCoordinatorHandler } from './find-coordinator.ts'
import { batchOf, fetched, fetchRequest, produce, type TestBroker, testBroker } from './harness.suite.ts'
import { initProducerIdHandler } from './init-producer-id.ts'
import { metadataHandler } from './metadata.ts'
import { offsetCommitHandler } from './offset-commit.ts'
import { offsetFetchHandler } from './offset-fetch.ts'
import { updateFeaturesHandler } from './update-features.ts'

/** A store that can be opened again, as often as a broker is started. */
type Reopen = () => LogStore | Promise<LogStore>

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

function inMemory(through: (store: MemoryStore) => LogStore): Reopen {
  const store = new MemoryStore()
  return () => through(store)
}

function inFiles(): Reopen {
  const dataDir = mkdtempSync(join(tmpdir(), 'ottla-restart-'))
  folders.push(dataDir)
  const logger = { info: () => {}, warn: () => {}, error: () => {} }
  return () =>
    openFileStore({ dataDir, nodeId: 1, clock: new ManualClock(), random: seededRandom(1), logger })
}

it.each<[string, () => Reopen]>([
  ['in a store that answers at once', () => inMemory((store) => store)],
  ['in a store that answers late', () => inMemory((store) => new SlowStore(store))],
  ['in files', inFiles],
])('a broker finds all that there was, %s', async (_, make) => {
  const open = make()
  const store = await open()
  const before = await testBroker({ store, topics: ['a', 'gone'] })
  await change(before)
  await produce(before, 'a', batchOf('v'))
  const producerId = await newProducerId(before)
  await commitOffset(before)
  const told = await describe(before)
  expect(told.topics.map(({ name, partitions }) => [name, partitions.length])).toEqual([
    ['a', 2],
    ['b', 3],
    ['__consumer_offsets', 50],
  ])
  await before.services.replicas.close()
  await before.services.controller.close()
  await store.close()

  const reopened = await open()
  const after = await testBroker({ store: reopened, topics: ['a'] })
  expect(await describe(after)).toEqual(told)
  expect(await newProducerId(after)).toBeGreaterThan(producerId)
  const answer = await after.ask(fetchHandler, 12, fetchRequest([{ topic: 'a' }]))
  expect(fetched(answer)).toEqual(['a-0: 1'])
  expect(await committedOffset(after)).toBe(1n)
  expect(after.services.controller.epoch).toBe(before.services.controller.epoch + 1)
  expect(after.services.metadata.endOffset).toBe(after.services.controller.endOffset)
  expect(after.lines).toEqual([])
  await after.services.replicas.close()
  await after.services.controller.close()
  await reopened.close()
})

/** A change of everything that can be changed. */
async function change(broker: TestBroker): Promise<void> {
  const usual = { timeoutMs: 1_000, validateOnly: false }
  await broker.ask(deleteTopicsHandler, 5, { topics: [], topicNames: ['gone'], timeoutMs: 1_000 })
  await broker.ask(createPartitionsHandler, 2, {
    ...usual,
    topics: [{ name: 'a', count: 2, assignments: null }],
  })
  const configs = [{ name: 'retention.ms', value: '5000' }]
  const topic = { name: 'b', numPartitions: 3, replicationFactor: 1, assignments: [], configs }
  await broker.ask(createTopicsHandler, 5, { ...usual, topics: [topic] })
  await broker.ask(alterConfigsHandler, 2, {
    resources: [
      { resourceType: 4, resourceName: '', configs: [{ name: 'log.retention.ms', value: '7000' }] },
    ],
    validateOnly: false,
  })
  await broker.ask(alterClientQuotasHandler, 1, {
    entries: [
      {
        entity: [{ entityType: 'user', entityName: null }],
        ops: [{ key: 'consumer_byte_rate', value: 1e6, remove: false }],
      },
    ],
    validateOnly: false,
  })
  const [salt, saltedPassword] = [Buffer.from('salt'), Buffer.alloc(32, 7)]
  await broker.ask(alterUserScramCredentialsHandler, 0, {
    deletions: [],
    upsertions: [{ name: 'u', mechanism: 1, iterations: 5000, salt, saltedPassword }],
  })
  await broker.ask(updateFeaturesHandler, 1, {
    timeoutMs: 1_000,
    featureUpdates: [{ feature: 'kraft.version', maxVersionLevel: 1, allowDowngrade: false, upgradeType: 1 }],
    validateOnly: false,
  })
}

/** What clients are told of all that. */
async function describe(broker: TestBroker) {
  const metadata = await broker.ask(metadataHandler, 12, {
    topics: null,
    allowAutoTopicCreation: false,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  })
  const configs = await broker.ask(describeConfigsHandler, 4, {
    resources: [
      { resourceType: 2, resourceName: 'b', configurationKeys: null },
      { resourceType: 4, resourceName: '1', configurationKeys: ['log.retention.ms', 'min.insync.replicas'] },
    ],
    includeSynonyms: true,
    includeDocumentation: false,
  })
  const quotas = await broker.ask(describeClientQuotasHandler, 1, { components: [], strict: false })
  const credentials = await broker.ask(describeUserScramCredentialsHandler, 0, { users: null })
  const { scramCredentials } = broker.services.metadata
  return {
    topics: metadata.topics,
    configs,
    quotas,
    credentials,
    secrets: scramCredentials.of('u'),
    features: broker.services.metadata.finalizedFeatures(),
  }
}

async function newProducerId(broker: TestBroker): Promise<bigint> {
  const { producerId = -1n } = await broker.ask(initProducerIdHandler, 2, {
    transactionalId: null,
    transactionTimeoutMs: 0,
    producerId: -1n,
    producerEpoch: -1,
    enable2Pc: false,
    keepPreparedTxn: false,
  })
  return producerId
}

it('a broker finds offsets that it has written with offsets.topic.compression.codec', async () => {
  const [store, config] = [new MemoryStore(), { 'offsets.topic.compression.codec': '4' }]
  const before = await testBroker({ store, config, topics: ['a'] })
  await commitOffset(before)
  const log = before.services.groups.partitionFor('g')
  const request = fetchRequest([{ topic: '__consumer_offsets', partition: log }])
  const [answer] = (await before.ask(fetchHandler, 12, request)).responses
  expect(compressionCodec(answer?.partitions[0]?.records as Buffer)).toBe(4)
  await before.services.replicas.close()
  const after = await testBroker({ store, config })
  expect(await committedOffset(after)).toBe(1n)
})

async function commitOffset(broker: TestBroker): Promise<void> {
  await broker.ask(findCoordinatorHandler, 4, { key: '', keyType: 0, coordinatorKeys: ['g'] })
  const partition = {
    partitionIndex: 0,
    committedOffset: 1n,
    committedLeaderEpoch: -1,
    committedMetadata: null,
  }
  await broker.ask(offsetCommitHandler, 8, {
    groupId: 'g',
    generationIdOrMemberEpoch: -1,
    memberId: '',
    groupInstanceId: null,
    retentionTimeMs: -1n,
    topics: [{ name: 'a', topicId: ZERO_UUID, partitions: [partition] }],
  })
}

async function committedOffset(broker: TestBroker): Promise<bigint | undefined> {
  const topics = [{ name: 'a', topicId: ZERO_UUID, partitionIndexes: [0] }]
  const { groups } = await broker.ask(offsetFetchHandler, 8, {
    groupId: 'g',
    topics: null,
    groups: [{ groupId: 'g', memberId: null, memberEpoch: -1, topics }],
    requireStable: false,
  })
  return groups?.[0]?.topics[0]?.partitions[0]?.committedOffset
}
