import { describe, expect, it } from 'vitest'
import { WireError } from '../wire/wire-error.ts'
import type { MetadataRecord } from './metadata.ts'
import { decodeMetadataRecord, encodeMetadataRecords } from './record-codec.ts'

const topicId = 'VtDlZLWiTPWgTKjjhBrkVg'

const records: readonly MetadataRecord[] = [
  { name: 'FeatureLevelRecord', value: { name: 'metadata.version', featureLevel: 30 } },
  {
    name: 'RegisterBrokerRecord',
    value: {
      brokerId: 1,
      isMigratingZkBroker: false,
      incarnationId: topicId,
      brokerEpoch: 11n,
      endPoints: [{ name: 'PLAINTEXT', host: 'localhost', port: 9092, securityProtocol: 0 }],
      features: [{ name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: 30 }],
      rack: 'r',
      fenced: false,
      inControlledShutdown: false,
      logDirs: [topicId],
      cordonedLogDirs: null,
    },
  },
  { name: 'TopicRecord', value: { name: 't', topicId } },
  {
    name: 'PartitionRecord',
    value: {
      partitionId: 3,
      topicId,
      replicas: [1, 2],
      isr: [2],
      removingReplicas: [],
      addingReplicas: [],
      leader: 2,
      leaderRecoveryState: 0,
      leaderEpoch: 4,
      partitionEpoch: 5,
      directories: [topicId, topicId],
      eligibleLeaderReplicas: [1],
      lastKnownElr: null,
    },
  },
  {
    name: 'ConfigRecord',
    value: { resourceType: 2, resourceName: 't', name: 'retention.ms', value: null },
  },
  { name: 'RemoveTopicRecord', value: { topicId } },
  { name: 'ProducerIdsRecord', value: { brokerId: 1, brokerEpoch: 11n, nextProducerId: 2000n } },
  {
    name: 'ClientQuotaRecord',
    value: {
      entity: [{ entityType: 'user', entityName: null }],
      key: 'producer_byte_rate',
      value: 1e9,
      remove: false,
    },
  },
  {
    name: 'UserScramCredentialRecord',
    value: {
      name: 'u',
      mechanism: 1,
      salt: Buffer.from('salt'),
      storedKey: Buffer.alloc(32, 1),
      serverKey: Buffer.alloc(32, 2),
      iterations: 4096,
    },
  },
  { name: 'RemoveUserScramCredentialRecord', value: { name: 'u', mechanism: 2 } },
]

it.each(records.map((record) => [record.name, record] as const))(
  'reads the %s that it wrote',
  (_, record) => {
    const [bytes = Buffer.alloc(0)] = encodeMetadataRecords([record])
    const read = decodeMetadataRecord(bytes)
    expect(read.name).toBe(record.name)
    expect(read.value).toMatchObject(record.value)
  },
)

it("writes Kafka's frame: version of the frame, type and version of the record", () => {
  const [bytes] = encodeMetadataRecords([{ name: 'TopicRecord', value: { name: 'foo', topicId } }])
  // As Apache Kafka's controller writes it.
  expect(bytes?.toString('hex')).toBe('01020004666f6f56d0e564b5a24cf5a04ca8e3841ae45600')
})

it('writes each type in the version of metadata.version 30', () => {
  const versions = encodeMetadataRecords(records).map((bytes) => [bytes[1], bytes[2]])
  expect(Object.fromEntries(versions)).toEqual({
    12: 0,
    0: 4,
    2: 0,
    3: 2,
    4: 0,
    9: 0,
    15: 0,
    14: 0,
    11: 0,
    22: 0,
  })
})

describe('refuses', () => {
  const [whole = Buffer.alloc(0)] = encodeMetadataRecords([{ name: 'RemoveTopicRecord', value: { topicId } }])

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['another frame version', Buffer.from([0, ...whole.subarray(1)])],
    ['an unknown type', Buffer.from([1, 99, ...whole.subarray(2)])],
    ['an unknown version', Buffer.from([1, 9, 1, ...whole.subarray(3)])],
    ['a record that is cut', whole.subarray(0, -1)],
    ['bytes behind a record', Buffer.from([...whole, 0])],
  ])('%s', (_, bytes) => {
    expect(() => decodeMetadataRecord(bytes)).toThrow(WireError)
  })
})
