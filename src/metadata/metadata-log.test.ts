import { describe, expect, it } from 'vitest'
import { ManualClock } from '../clock.ts'
import type { LogId, Sidecar } from '../storage/log-store.ts'
import { MemoryStore } from '../storage/memory-store.ts'
import { SlowStore } from '../storage/slow-store.suite.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { buildBatch } from '../wire/records.ts'
import { checkpointName, encodeCheckpoint } from './checkpoint.ts'
import { Committer } from './committer.ts'
import { Metadata, type MetadataRecord } from './metadata.ts'
import { imageRecords } from './metadata-image.ts'
import { METADATA_LOG_ID } from './metadata-log.ts'
import { encodeMetadataRecords, type MetadataLogRecord } from './record-codec.ts'
import { defaultSnapshotConfig, listCheckpoints, type SnapshotConfig } from './snapshots.ts'

const clock = new ManualClock()

function setUp(
  store: MemoryStore | SlowStore,
  snapshots: Partial<SnapshotConfig> = {},
  segmentBytes = 1 << 30,
) {
  const metadata = new Metadata('cluster')
  const warnings: unknown[] = []
  const committer = new Committer({
    metadata,
    store,
    clock,
    nodeId: 1,
    segments: { segmentBytes, segmentMs: 2 ** 40 },
    snapshots: { ...defaultSnapshotConfig, ...snapshots },
    logger: { warn: (...args: unknown[]) => warnings.push(args.at(-1)) },
    onCommit: () => {},
  })
  return { committer, metadata, warnings }
}

function config(name: string, value: string | null): MetadataRecord {
  return { name: 'ConfigRecord', value: { resourceType: 4, resourceName: '', name, value } }
}

const configsOf = (metadata: Metadata) => Object.fromEntries(metadata.configs(4, ''))

/** Appends what another controller has written. */
async function append(store: MemoryStore, records: readonly MetadataLogRecord[]): Promise<void> {
  const log = store.open(METADATA_LOG_ID, 1)
  const values = encodeMetadataRecords(records).map((value) => ({ value }))
  log.append([buildBatch(values, { baseOffset: log.endOffset, leaderEpoch: 1 })])
  log.close()
}

/** Has no room for checkpoints. */
class FullStore extends MemoryStore {
  isFull = true

  override file(id: LogId, name: string): Sidecar {
    const file = super.file(id, name)
    const replace = (bytes: Buffer): void | Promise<void> => {
      if (this.isFull && name.endsWith('.checkpoint')) throw new Error('full')
      return file.replace(bytes)
    }
    return { ...file, replace }
  }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await null
}

describe('a transaction of metadata', () => {
  const begin: MetadataLogRecord = { name: 'BeginTransactionRecord', value: { name: 'some' } }

  it('counts when it has ended', async () => {
    const store = new MemoryStore()
    await append(store, [begin, config('a', '1')])
    await append(store, [config('b', '2'), { name: 'EndTransactionRecord', value: {} }])
    await append(store, [
      begin,
      config('a', '3'),
      { name: 'AbortTransactionRecord', value: { reason: null } },
    ])
    await append(store, [{ name: 'NoOpRecord', value: {} }, config('c', '4')])
    const { committer, metadata } = setUp(store)
    await committer.ready()
    expect(configsOf(metadata)).toEqual({ a: '1', b: '2', c: '4' })
    expect(metadata.endOffset).toBe(9n)
    expect(committer.state.endOffset).toBe(9n)
  })

  it('is aborted when its controller has died', async () => {
    const store = new MemoryStore()
    await append(store, [config('a', '1')])
    await append(store, [begin, config('a', '2')])
    const first = setUp(store)
    await first.committer.ready()
    await first.committer.commit([config('b', '1')])
    expect(configsOf(first.metadata)).toEqual({ a: '1', b: '1' })
    const second = setUp(store)
    await second.committer.ready()
    expect(configsOf(second.metadata)).toEqual({ a: '1', b: '1' })
    expect(second.metadata.endOffset).toBe(first.metadata.endOffset)
  })
})

describe('a snapshot', () => {
  it.each([
    ['at once', (store: MemoryStore) => store],
    ['late', (store: MemoryStore) => new SlowStore(store)],
  ])('keeps the log from growing for ever, in a store that answers %s', async (_, through) => {
    const store = new MemoryStore()
    const limits = { maxBytesBetween: 2000, retentionBytes: 5000 }
    const before = setUp(through(store), limits, 1000)
    await before.committer.ready()
    for (let at = 0; at < 500; at++) {
      await before.committer.commit([config('a', String(at)), config(`n${at % 7}`, String(at))])
      await turns()
    }
    await before.committer.close()
    expect(before.warnings).toEqual([])
    expect((await listCheckpoints(store, METADATA_LOG_ID)).length).toBeLessThan(4)

    const after = setUp(store, limits, 1000)
    await after.committer.ready()
    expect(configsOf(after.metadata)).toEqual(configsOf(before.metadata))
    expect(after.metadata.endOffset).toBe(1000n)
    await after.committer.close()
    const log = store.open(METADATA_LOG_ID, 2)
    expect(log.startOffset).toBeGreaterThan(800n)
    expect(log.segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBeLessThan(6000)
  })

  it('and the records behind it are where a start begins', async () => {
    const store = new MemoryStore()
    const before = setUp(store, { maxBytesBetween: 500 })
    await before.committer.ready()
    for (let at = 0; at < 20; at++) {
      await before.committer.commit([config('a', String(at))])
      await turns()
    }
    const checkpoints = await listCheckpoints(store, METADATA_LOG_ID)
    expect(checkpoints.length).toBeGreaterThan(1)
    expect(checkpoints.at(-1)?.endOffset).toBeLessThan(20n)
    await before.committer.close()
    // What is below it is not looked at.
    const log = store.open(METADATA_LOG_ID, 1)
    for (const buffer of log.read(0n, 1 << 20, checkpoints.at(-1)?.endOffset ?? 0n)) buffer.fill(255, 61)
    const after = setUp(store)
    await after.committer.ready()
    expect(configsOf(after.metadata)).toEqual({ a: '19' })
    expect(after.metadata.endOffset).toBe(20n)
    expect(after.committer.epoch).toBe(before.committer.epoch + 1)
  })

  it('that is torn is ignored', async () => {
    const store = new MemoryStore()
    const before = setUp(store, { maxBytesBetween: 500 })
    await before.committer.ready()
    for (let at = 0; at < 20; at++) {
      await before.committer.commit([config('a', String(at))])
      await turns()
    }
    const newest = (await listCheckpoints(store, METADATA_LOG_ID)).at(-1)
    if (newest === undefined) throw new Error('there is none')
    const file = store.file(METADATA_LOG_ID, checkpointName(newest))
    await file.replace(((await file.read()) as Buffer).subarray(0, -1))
    const after = setUp(store)
    await after.committer.ready()
    expect(configsOf(after.metadata)).toEqual({ a: '19' })
    expect(after.warnings).toEqual([
      `the snapshot of the metadata ${checkpointName(newest)} is not whole, and is ignored`,
    ])
  })

  it('comes from time to time, when there is something new', async () => {
    const store = new MemoryStore()
    const { committer } = setUp(store, { maxIntervalMs: 1000 })
    await committer.ready()
    await committer.commit([config('a', '1')])
    expect(await listCheckpoints(store, METADATA_LOG_ID)).toEqual([])
    await clock.advance(1000)
    await committer.commit([config('a', '2')])
    await turns()
    expect(await listCheckpoints(store, METADATA_LOG_ID)).toEqual([{ endOffset: 2n, epoch: 1 }])
    await committer.commit([config('a', '3')])
    await turns()
    expect(await listCheckpoints(store, METADATA_LOG_ID)).toHaveLength(1)
  })

  it('that is too old goes, once there is another', async () => {
    const store = new MemoryStore()
    const { committer } = setUp(store, { maxIntervalMs: 1000, retentionMs: 1500 })
    await committer.ready()
    for (let at = 0; at < 5; at++) {
      await clock.advance(1000)
      await committer.commit([config('a', String(at))])
      await turns()
    }
    expect((await listCheckpoints(store, METADATA_LOG_ID)).map(({ endOffset }) => endOffset)).toEqual([
      4n,
      5n,
    ])
  })

  it('which cannot be written is a line in the log, and comes again', async () => {
    const store = new FullStore()
    const { committer, metadata, warnings } = setUp(store, { maxBytesBetween: 300 })
    await committer.ready()
    for (let at = 0; warnings.length === 0 && at < 10; at++) {
      await committer.commit([config('a', String(at))])
      await turns()
    }
    expect(warnings).toEqual([
      `the snapshot of the metadata ${checkpointName({ endOffset: metadata.endOffset, epoch: 1 })} could not be written`,
    ])
    store.isFull = false
    for (let at = 0; at < 10; at++) {
      await committer.commit([config('a', String(at))])
      await turns()
    }
    expect((await listCheckpoints(store, METADATA_LOG_ID)).length).toBeGreaterThan(0)
  })

  it('that ends above a log which lost its tail is where the log goes on', async () => {
    const store = new MemoryStore()
    await append(store, [config('a', '1')])
    const id = { endOffset: 7n, epoch: 4 }
    await store.file(METADATA_LOG_ID, checkpointName(id)).replace(encodeCheckpoint([config('a', '5')], 4, 1n))
    const first = setUp(store)
    await first.committer.ready()
    expect(configsOf(first.metadata)).toEqual({ a: '5' })
    expect([first.metadata.endOffset, first.committer.epoch]).toEqual([7n, 5])
    await first.committer.commit([config('b', '1')])
    const second = setUp(store)
    await second.committer.ready()
    expect(configsOf(second.metadata)).toEqual({ a: '5', b: '1' })
    expect([second.metadata.endOffset, second.committer.epoch, second.warnings]).toEqual([8n, 6, []])
  })
})

it('a log that begins in the middle, without a snapshot, is refused', async () => {
  const store = new MemoryStore()
  await append(store, [config('a', '1')])
  const log = store.open(METADATA_LOG_ID, 1)
  log.roll(1n)
  log.drop([0n])
  log.close()
  const { committer } = setUp(store)
  await expect(Promise.resolve(committer.ready())).rejects.toMatchObject({
    code: ErrorCode.KAFKA_STORAGE_ERROR,
    message: expect.stringContaining('begins at offset 1, and there is no whole snapshot'),
  })
})

it('a file of elections that cannot be read is no reason to stop', async () => {
  const store = new MemoryStore()
  const before = setUp(store)
  await before.committer.ready()
  await before.committer.commit([config('a', '1')])
  await store.file(METADATA_LOG_ID, 'quorum-state').replace(Buffer.from('{"leaderEpoch":'))
  // Nobody has opened the store's log in a higher epoch.
  const after = setUp(store)
  await after.committer.ready()
  expect(after.committer.epoch).toBe(before.committer.epoch + 1)
  expect(after.warnings).toHaveLength(1)
})

it('an image replays to the same image', () => {
  const id = 'VtDlZLWiTPWgTKjjhBrkVg'
  const partition = {
    partitionId: 0,
    topicId: id,
    replicas: [1, 2],
    isr: [1, 2],
    removingReplicas: [],
    addingReplicas: [],
    leader: 1,
    leaderRecoveryState: 0,
    leaderEpoch: 0,
    partitionEpoch: 0,
    directories: [id, id],
    eligibleLeaderReplicas: null,
    lastKnownElr: null,
  }
  const change = {
    partitionId: 0,
    topicId: id,
    replicas: null,
    removingReplicas: null,
    addingReplicas: null,
    leaderRecoveryState: -1,
    directories: null,
    eligibleLeaderReplicas: [2],
    lastKnownElr: null,
    isr: [1],
    leader: -1,
  }
  const broker = {
    brokerId: 2,
    isMigratingZkBroker: false,
    incarnationId: id,
    brokerEpoch: 9n,
    endPoints: [{ name: 'PLAINTEXT', host: 'h', port: 1, securityProtocol: 0 }],
    features: [],
    rack: 'r',
    fenced: true,
    inControlledShutdown: false,
    logDirs: [id],
    cordonedLogDirs: null,
  }
  const acl = {
    resourceType: 2,
    resourceName: 'a',
    patternType: 3,
    principal: 'User:a',
    host: '*',
    operation: 2,
  }
  const records: readonly MetadataRecord[] = [
    { name: 'FeatureLevelRecord', value: { name: 'metadata.version', featureLevel: 30 } },
    { name: 'RegisterBrokerRecord', value: broker },
    {
      name: 'BrokerRegistrationChangeRecord',
      value: {
        brokerId: 2,
        brokerEpoch: 9n,
        fenced: -1,
        inControlledShutdown: 1,
        logDirs: [],
        cordonedLogDirs: [],
      },
    },
    { name: 'RegisterBrokerRecord', value: { ...broker, brokerId: 3 } },
    { name: 'UnregisterBrokerRecord', value: { brokerId: 3, brokerEpoch: 9n } },
    { name: 'TopicRecord', value: { name: 'a', topicId: id } },
    { name: 'PartitionRecord', value: partition },
    { name: 'PartitionChangeRecord', value: change },
    { name: 'ConfigRecord', value: { resourceType: 2, resourceName: 'a', name: 'x', value: 'y' } },
    config('z', '1'),
    config('gone', '1'),
    config('gone', null),
    { name: 'ConfigRecord', value: { resourceType: 32, resourceName: 'g', name: 'x', value: 'y' } },
    {
      name: 'ClientQuotaRecord',
      value: { entity: [{ entityType: 'user', entityName: null }], key: 'k', value: 2, remove: false },
    },
    { name: 'ProducerIdsRecord', value: { brokerId: 2, brokerEpoch: 9n, nextProducerId: 3000n } },
    { name: 'AccessControlEntryRecord', value: { id, ...acl, permissionType: 3 } },
    { name: 'AccessControlEntryRecord', value: { id: ZERO, ...acl, permissionType: 3 } },
    { name: 'RemoveAccessControlEntryRecord', value: { id: ZERO } },
    {
      name: 'UserScramCredentialRecord',
      value: {
        name: 'u',
        mechanism: 1,
        salt: Buffer.from('s'),
        storedKey: Buffer.from('k'),
        serverKey: Buffer.from('x'),
        iterations: 4096,
      },
    },
  ]
  const one = new Metadata('cluster')
  for (const record of records) one.apply(record)
  const image = [...imageRecords(one)]
  expect(image.map(({ name }) => name)).toEqual([
    'FeatureLevelRecord',
    'RegisterBrokerRecord',
    'TopicRecord',
    'PartitionRecord',
    'ConfigRecord',
    'ConfigRecord',
    'ConfigRecord',
    'ClientQuotaRecord',
    'ProducerIdsRecord',
    'UserScramCredentialRecord',
    'AccessControlEntryRecord',
  ])
  expect(image[1]?.value).toMatchObject({ fenced: false, inControlledShutdown: true, cordonedLogDirs: [] })
  expect(image[3]?.value).toMatchObject({
    leader: -1,
    isr: [1],
    leaderEpoch: 1,
    partitionEpoch: 1,
    eligibleLeaderReplicas: [2],
  })
  const two = new Metadata('cluster')
  for (const record of image) two.apply(record)
  expect([...imageRecords(two)]).toEqual(image)
})

const ZERO = 'AAAAAAAAAAAAAAAAAAAAAA'
