/** What a single broker's own directory never holds, and one that Kafka wrote may. */
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../clock.ts'
import { BrokerConfig } from '../config/broker-config.ts'
import { type ActivationContext, activationRecords } from './activation.ts'
import { Metadata, type MetadataRecord } from './metadata.ts'
import type { PartitionState } from './partition-registration.ts'
import { partitionRecord } from './partition-registration.ts'

const ID = 'b3R0bGEtZGlmZmVyZW50aQ'
const DIRECTORY = 'WncgS75CyWpgxYJESr2dAA'

const context: ActivationContext = {
  brokerId: 1,
  random: seededRandom(1),
  config: new BrokerConfig(),
  directoryId: DIRECTORY,
  bootstrap: null,
  mayHaveLost: false,
}

function broker(brokerId: number, fenced: boolean): MetadataRecord {
  const lists = { endPoints: [], features: [], logDirs: [ID], cordonedLogDirs: null }
  const flags = { isMigratingZkBroker: false, inControlledShutdown: false }
  return {
    name: 'RegisterBrokerRecord',
    value: { brokerId, incarnationId: ID, brokerEpoch: 5n, rack: null, fenced, ...flags, ...lists },
  }
}

function metadataWith(...partitions: readonly Partial<PartitionState>[]): Metadata {
  const metadata = new Metadata('cluster')
  for (const record of [broker(1, true), broker(2, false), broker(3, true)]) metadata.apply(record)
  metadata.apply({ name: 'TopicRecord', value: { name: 'a', topicId: ID } })
  for (const [index, partition] of partitions.entries()) {
    const usual = {
      index,
      replicas: [1, 2],
      isr: [1, 2],
      removingReplicas: [],
      addingReplicas: [],
      leader: 1,
      leaderRecoveryState: 0,
      leaderEpoch: 3,
      partitionEpoch: 4,
      directories: [ID, ID],
      eligibleLeaderReplicas: [],
      lastKnownElr: [],
    }
    metadata.apply({ name: 'PartitionRecord', value: partitionRecord(ID, { ...usual, ...partition }) })
  }
  return metadata
}

function activated(metadata: Metadata, more: Partial<ActivationContext> = {}): Metadata {
  for (const record of activationRecords({ ...context, ...more }, metadata)) metadata.apply(record)
  return metadata
}

const ledBy = (metadata: Metadata) =>
  metadata.topic('a')?.partitions.map(({ leader, isr, leaderEpoch }) => [leader, isr, leaderEpoch])

describe('who leads', () => {
  const cases = [
    { leader: 1 },
    { leader: 2 },
    { leader: -1, isr: [], eligibleLeaderReplicas: [1], lastKnownElr: [1] },
    { leader: -1, isr: [], lastKnownElr: [1] },
    { leader: 2, isr: [2] },
    { leader: -1, isr: [2] },
    { leader: 2, isr: [2], replicas: [2] },
  ]

  it('is this broker, of whatever it has in full, and otherwise nobody', () => {
    const metadata = activated(metadataWith(...cases))
    expect(ledBy(metadata)).toEqual([
      [1, [1, 2], 3],
      [1, [1, 2], 4],
      [1, [1], 4],
      [1, [1], 4],
      [-1, [2], 4],
      [-1, [2], 3],
      [-1, [2], 4],
    ])
    expect(metadata.topic('a')?.partitions[2]).toMatchObject({ eligibleLeaderReplicas: [], lastKnownElr: [] })
  })

  it('does so in a new epoch where records may be lost', () => {
    expect(ledBy(activated(metadataWith({ leader: 1 }), { mayHaveLost: true }))).toEqual([[1, [1, 2], 4]])
  })
})

it('other brokers are fenced, and this one is registered anew', () => {
  const metadata = metadataWith()
  const endOffset = metadata.endOffset
  activated(metadata)
  const fenced = Array.from(metadata.brokers(), ({ id, registration }) => [id, registration.fenced])
  expect(fenced).toEqual([
    [1, false],
    [2, true],
    [3, true],
  ])
  expect(metadata.broker(1)).toMatchObject({ epoch: endOffset, logDirs: [DIRECTORY] })
})

it('a new cluster gets its features before anything else', () => {
  const metadata = activated(new Metadata('cluster'))
  expect(Object.fromEntries(metadata.finalizedFeatures())).toEqual({
    'eligible.leader.replicas.version': 1,
    'metadata.version': 30,
    'transaction.version': 2,
  })
  expect(metadata.configs(4, '').get('min.insync.replicas')).toBe('1')
  expect(metadata.broker(1)?.epoch).toBe(3n)
})

it('features that were asked for when the directory was formatted are all that there are', () => {
  const bootstrap: MetadataRecord[] = [
    { name: 'FeatureLevelRecord', value: { name: 'metadata.version', featureLevel: 25 } },
  ]
  const metadata = activated(new Metadata('cluster'), { bootstrap })
  expect(Object.fromEntries(metadata.finalizedFeatures())).toEqual({ 'metadata.version': 25 })
  expect(metadata.configs(4, '').size).toBe(0)
})
