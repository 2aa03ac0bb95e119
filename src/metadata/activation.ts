/** What the controller commits when the broker starts, before anybody hears of what the metadata log held. */
import type { Random } from '../clock.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { DataDirError } from '../storage/data-dir.ts'
import { pinMinInSyncReplicas } from './config-control.ts'
import { initialFeatures } from './feature-control.ts'
import { ELR_VERSION, features, METADATA_VERSION } from './features.ts'
import type { Broker, Metadata, MetadataRecord } from './metadata.ts'
import { type PartitionState, partitionLeadership } from './partition-registration.ts'
import { randomUuid } from './random-uuid.ts'

export interface ActivationContext {
  readonly brokerId: number
  readonly random: Random
  readonly config: BrokerConfig
  /** The id of the directory that the logs are in; null where there is none, and any will do. */
  readonly directoryId: string | null
  /** What a new cluster begins with, if somebody has said so. */
  readonly bootstrap: readonly MetadataRecord[] | null
  /** Whether logs may have lost what they held: readers are to notice by a new leader epoch (KIP-320). */
  readonly mayHaveLost: boolean
}

/**
 * A new cluster gets its features. The broker registers itself, and leads every partition that it has in sync; brokers
 * that were there before are not any more.
 * @throws DataDirError when the metadata are of a level that is not known here.
 */
export function activationRecords(context: ActivationContext, state: Metadata): readonly MetadataRecord[] {
  const { brokerId, config, bootstrap } = context
  const isNew = state.endOffset === 0n
  const before = isNew ? (bootstrap ?? initialFeatures()) : []
  checkMetadataVersion(state, before)
  const registered = registration(context, state, state.endOffset + BigInt(before.length))
  const hasElr = isNew ? featureIn(before, ELR_VERSION) > 0 : state.featureLevel(ELR_VERSION) > 0
  return [
    ...before,
    registered,
    ...(hasElr ? pinMinInSyncReplicas({ metadata: state, config }) : []),
    ...[...state.brokers()].filter(({ id }) => id !== brokerId).flatMap(fencing),
    ...leaderships(context, state),
  ]
}

function checkMetadataVersion(state: Metadata, before: readonly MetadataRecord[]): void {
  const supported = features.find(({ name }) => name === METADATA_VERSION)
  const level = before.length > 0 ? featureIn(before, METADATA_VERSION) : state.featureLevel(METADATA_VERSION)
  if (supported === undefined || level === 0) return
  const { minSupported, maxSupported } = supported
  if (level >= minSupported && level <= maxSupported) return
  throw new DataDirError(
    `the metadata are of ${METADATA_VERSION} ${level}, and only ${minSupported} to ${maxSupported} are known here`,
  )
}

function featureIn(records: readonly MetadataRecord[], feature: string): number {
  let level = 0
  for (const { name, value } of records) {
    if (name === 'FeatureLevelRecord' && value.name === feature) level = value.featureLevel
  }
  return level
}

/** How the broker makes itself known to its own metadata; the record's offset tells this life of it from others. */
function registration(
  { brokerId, random, config, directoryId }: ActivationContext,
  state: Metadata,
  brokerEpoch: bigint,
): MetadataRecord {
  const incarnationId = randomUuid(random)
  const own = directoryId === null ? state.broker(brokerId)?.logDirs : [directoryId]
  return {
    name: 'RegisterBrokerRecord',
    value: {
      brokerId,
      isMigratingZkBroker: false,
      incarnationId,
      brokerEpoch,
      endPoints: [],
      features: [],
      rack: config.get('broker.rack'),
      fenced: false,
      inControlledShutdown: false,
      logDirs: own ?? [randomUuid(random)],
      cordonedLogDirs: null,
    },
  }
}

/** Nobody finds the other brokers of a cluster whose directory is opened here. */
function fencing({ id: brokerId, epoch: brokerEpoch, registration: { fenced } }: Broker): MetadataRecord[] {
  if (fenced) return []
  const change = { fenced: 1, inControlledShutdown: 0, logDirs: [], cordonedLogDirs: null }
  return [{ name: 'BrokerRegistrationChangeRecord', value: { brokerId, brokerEpoch, ...change } }]
}

function leaderships({ brokerId, mayHaveLost }: ActivationContext, state: Metadata): MetadataRecord[] {
  const records: MetadataRecord[] = []
  for (const { id, partitions } of state.topics()) {
    for (const partition of partitions) {
      const leader = hasAll(partition, brokerId) ? brokerId : -1
      if (leader === partition.leader && !mayHaveLost) continue
      records.push({ name: 'PartitionChangeRecord', value: partitionLeadership(id, partition, leader) })
    }
  }
  return records
}

/** Whether the broker has all that is committed of the partition. */
function hasAll({ isr, eligibleLeaderReplicas, lastKnownElr }: PartitionState, brokerId: number): boolean {
  return [isr, eligibleLeaderReplicas, lastKnownElr].some((ids) => ids.includes(brokerId))
}
