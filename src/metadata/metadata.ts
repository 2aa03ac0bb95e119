/**
 * What the cluster knows of itself: brokers, topics, partitions, configs. It changes only by applying records of
 * Kafka's own metadata log, so that replaying the records gives the same state.
 */
import type { BrokerRegistrationChangeRecord } from '../wire/metadata-records/broker-registration-change-record.ts'
import type { ClearElrRecord } from '../wire/metadata-records/clear-elr-record.ts'
import type { ClientQuotaRecord } from '../wire/metadata-records/client-quota-record.ts'
import type { ConfigRecord } from '../wire/metadata-records/config-record.ts'
import type { FeatureLevelRecord } from '../wire/metadata-records/feature-level-record.ts'
import type { FenceBrokerRecord } from '../wire/metadata-records/fence-broker-record.ts'
import type { PartitionChangeRecord } from '../wire/metadata-records/partition-change-record.ts'
import type { PartitionRecord } from '../wire/metadata-records/partition-record.ts'
import type { ProducerIdsRecord } from '../wire/metadata-records/producer-ids-record.ts'
import type { RegisterBrokerRecord } from '../wire/metadata-records/register-broker-record.ts'
import type { RemoveTopicRecord } from '../wire/metadata-records/remove-topic-record.ts'
import type { RemoveUserScramCredentialRecord } from '../wire/metadata-records/remove-user-scram-credential-record.ts'
import type { TopicRecord } from '../wire/metadata-records/topic-record.ts'
import type { UnfenceBrokerRecord } from '../wire/metadata-records/unfence-broker-record.ts'
import type { UnregisterBrokerRecord } from '../wire/metadata-records/unregister-broker-record.ts'
import type { UserScramCredentialRecord } from '../wire/metadata-records/user-scram-credential-record.ts'
import { changedBroker } from './broker-registration.ts'
import { ClientQuotas } from './client-quotas.ts'
import { type KeptRecord, KeptRecords } from './kept-records.ts'

export type { PartitionRegistration } from './partition-registration.ts'

import { changedPartition, type PartitionState, partitionState } from './partition-registration.ts'
import { ScramCredentials } from './scram-credentials.ts'
import { hasCollisionChars, isInternalTopic, unifyCollisionChars } from './topic-name.ts'

/** A record of the metadata log, by the name of Kafka's definition. */
export type MetadataRecord =
  | { readonly name: 'FeatureLevelRecord'; readonly value: FeatureLevelRecord }
  | { readonly name: 'RegisterBrokerRecord'; readonly value: RegisterBrokerRecord }
  | { readonly name: 'UnregisterBrokerRecord'; readonly value: UnregisterBrokerRecord }
  | { readonly name: 'BrokerRegistrationChangeRecord'; readonly value: BrokerRegistrationChangeRecord }
  | { readonly name: 'FenceBrokerRecord'; readonly value: FenceBrokerRecord }
  | { readonly name: 'UnfenceBrokerRecord'; readonly value: UnfenceBrokerRecord }
  | { readonly name: 'TopicRecord'; readonly value: TopicRecord }
  | { readonly name: 'PartitionRecord'; readonly value: PartitionRecord }
  | { readonly name: 'PartitionChangeRecord'; readonly value: PartitionChangeRecord }
  | { readonly name: 'ClearElrRecord'; readonly value: ClearElrRecord }
  | { readonly name: 'ConfigRecord'; readonly value: ConfigRecord }
  | { readonly name: 'RemoveTopicRecord'; readonly value: RemoveTopicRecord }
  | { readonly name: 'ProducerIdsRecord'; readonly value: ProducerIdsRecord }
  | { readonly name: 'ClientQuotaRecord'; readonly value: ClientQuotaRecord }
  | { readonly name: 'UserScramCredentialRecord'; readonly value: UserScramCredentialRecord }
  | { readonly name: 'RemoveUserScramCredentialRecord'; readonly value: RemoveUserScramCredentialRecord }
  | KeptRecord

/** `resourceType` of a ConfigRecord and of DescribeConfigs. */
export const ConfigResourceType = {
  TOPIC: 2,
  BROKER: 4,
  BROKER_LOGGER: 8,
  CLIENT_METRICS: 16,
  GROUP: 32,
} as const

export interface Broker {
  readonly id: number
  /** The offset of its registration in the metadata log: another one each time that it starts. */
  readonly epoch: bigint
  readonly rack: string | null
  /** The ids of the directories that it keeps logs in. */
  readonly logDirs: readonly string[]
  /** All that it has told of itself, as it stands now. */
  readonly registration: RegisterBrokerRecord
}

export interface Topic {
  readonly name: string
  readonly id: string
  /** Whether only the broker itself writes to it. */
  readonly internal: boolean
  /** By partition index, without gaps. */
  readonly partitions: readonly PartitionState[]
  /** What was set for this topic alone, as it was set. */
  readonly configs: ReadonlyMap<string, string>
}

interface MutableTopic extends Topic {
  readonly partitions: PartitionState[]
  readonly configs: Map<string, string>
}

export class Metadata {
  /** 22 characters of base64url, as Kafka's own. Stable for the life of the cluster. */
  readonly clusterId: string
  readonly clientQuotas: ClientQuotas = new ClientQuotas()
  readonly scramCredentials: ScramCredentials = new ScramCredentials()
  /** What nothing here acts on. */
  readonly kept: KeptRecords = new KeptRecords()
  #endOffset = 0n
  #producerIds: ProducerIdsRecord | undefined
  /** The level in force of each feature that has one. */
  readonly #features = new Map<string, number>()
  readonly #brokers = new Map<number, Broker>()
  readonly #topicsByName = new Map<string, MutableTopic>()
  readonly #topicsById = new Map<string, MutableTopic>()
  /** Topics whose names hold `.` or `_`, by the name that they would share. */
  readonly #namesByUnified = new Map<string, Set<string>>()
  /** Configs of everything but topics, by resource type and name. */
  readonly #configs = new Map<number, Map<string, Map<string, string>>>()

  constructor(clusterId: string) {
    this.clusterId = clusterId
  }

  /** The offset in the metadata log that is behind all that has been applied. */
  get endOffset(): bigint {
    return this.#endOffset
  }

  /** The first producer id that no broker has taken yet. */
  get nextProducerId(): bigint {
    return this.#producerIds?.nextProducerId ?? 0n
  }

  /** Who took producer ids last, and up to where; undefined when nobody has. */
  get producerIds(): ProducerIdsRecord | undefined {
    return this.#producerIds
  }

  /** The features in force (KIP-584), each with its level. */
  finalizedFeatures(): ReadonlyMap<string, number> {
    return this.#features
  }

  /** The level of a feature that is in force; 0 when it is not. */
  featureLevel(name: string): number {
    return this.#features.get(name) ?? 0
  }

  brokers(): IterableIterator<Broker> {
    return this.#brokers.values()
  }

  broker(id: number): Broker | undefined {
    return this.#brokers.get(id)
  }

  hasBroker(id: number): boolean {
    return this.#brokers.has(id)
  }

  topic(name: string): Topic | undefined {
    return this.#topicsByName.get(name)
  }

  topicById(id: string): Topic | undefined {
    return this.#topicsById.get(id)
  }

  topics(): IterableIterator<Topic> {
    return this.#topicsByName.values()
  }

  /** The topic that has a name like this one but for `.` and `_`. */
  collidingTopic(name: string): string | undefined {
    if (!hasCollisionChars(name)) return undefined
    return this.#namesByUnified.get(unifyCollisionChars(name))?.values().next().value
  }

  /**
   * What was set for a resource, as it was set.
   * @param resourceType one of `ConfigResourceType`.
   * @param name a broker's id, or empty for the configs that all brokers share.
   */
  configs(resourceType: number, name: string): ReadonlyMap<string, string> {
    const configs =
      resourceType === ConfigResourceType.TOPIC
        ? this.#topicsByName.get(name)?.configs
        : this.#configs.get(resourceType)?.get(name)
    return configs ?? NO_CONFIGS
  }

  /** The names of the resources of a type, other than topics, for which something is set. */
  configuredResources(resourceType: number): Iterable<string> {
    return this.#configs.get(resourceType)?.keys() ?? []
  }

  /** Passes over offsets of the log that hold nothing to apply. */
  advanceTo(endOffset: bigint): void {
    this.#endOffset = endOffset
  }

  /** Applies the record at `endOffset`. */
  apply(record: MetadataRecord): void {
    this.#endOffset++
    switch (record.name) {
      case 'FeatureLevelRecord':
        if (record.value.featureLevel === 0) this.#features.delete(record.value.name)
        else this.#features.set(record.value.name, record.value.featureLevel)
        break
      case 'RegisterBrokerRecord':
        this.#setBroker(record.value)
        break
      case 'UnregisterBrokerRecord':
        this.#brokers.delete(record.value.brokerId)
        break
      case 'BrokerRegistrationChangeRecord':
      case 'FenceBrokerRecord':
      case 'UnfenceBrokerRecord': {
        const id = 'id' in record.value ? record.value.id : record.value.brokerId
        const before = this.#brokers.get(id)?.registration
        if (before !== undefined) this.#setBroker(changedBroker(before, record))
        break
      }
      case 'ProducerIdsRecord':
        this.#producerIds = record.value
        break
      case 'ConfigRecord':
        this.#setConfig(record.value)
        break
      case 'ClientQuotaRecord':
        this.clientQuotas.apply(record.value)
        break
      case 'UserScramCredentialRecord':
        this.scramCredentials.apply(record.value)
        break
      case 'RemoveUserScramCredentialRecord':
        this.scramCredentials.applyRemoval(record.value)
        break
      case 'TopicRecord':
      case 'PartitionRecord':
      case 'PartitionChangeRecord':
      case 'ClearElrRecord':
      case 'RemoveTopicRecord':
        this.#applyToTopics(record)
        break
      default:
        this.kept.apply(record)
    }
  }

  #applyToTopics(record: TopicsRecord): void {
    switch (record.name) {
      case 'TopicRecord':
        this.#addTopic(record.value)
        break
      case 'PartitionRecord':
        this.#known(record.value.topicId).partitions[record.value.partitionId] = partitionState(record.value)
        break
      case 'PartitionChangeRecord': {
        const { topicId, partitionId } = record.value
        const { name, partitions } = this.#known(topicId)
        const before = partitions[partitionId]
        if (before === undefined) {
          throw new Error(`a metadata record changes ${name}-${partitionId}, which no record made`)
        }
        partitions[partitionId] = changedPartition(before, record.value)
        break
      }
      case 'ClearElrRecord':
        this.#clearElr(record.value.topicName)
        break
      case 'RemoveTopicRecord':
        this.#removeTopic(record.value.topicId)
    }
  }

  #setBroker(registration: RegisterBrokerRecord): void {
    const { brokerId: id, brokerEpoch: epoch, rack, logDirs } = registration
    this.#brokers.set(id, { id, epoch, rack, logDirs, registration })
  }

  /** @param name empty for all topics. */
  #clearElr(name: string): void {
    const named = this.#topicsByName.get(name)
    const topics = name === '' ? this.#topicsByName.values() : named === undefined ? [] : [named]
    for (const { partitions } of topics) {
      for (const [at, partition] of partitions.entries()) {
        partitions[at] = { ...partition, eligibleLeaderReplicas: [], lastKnownElr: [] }
      }
    }
  }

  #addTopic({ name, topicId }: TopicRecord): void {
    const topic = { name, id: topicId, internal: isInternalTopic(name), partitions: [], configs: new Map() }
    this.#topicsByName.set(name, topic)
    this.#topicsById.set(topicId, topic)
    if (!hasCollisionChars(name)) return
    const unified = unifyCollisionChars(name)
    const names = this.#namesByUnified.get(unified)
    if (names === undefined) this.#namesByUnified.set(unified, new Set([name]))
    else names.add(name)
  }

  #removeTopic(id: string): void {
    const { name } = this.#known(id)
    this.#topicsByName.delete(name)
    this.#topicsById.delete(id)
    const unified = unifyCollisionChars(name)
    const names = this.#namesByUnified.get(unified)
    names?.delete(name)
    if (names?.size === 0) this.#namesByUnified.delete(unified)
  }

  #setConfig({ resourceType, resourceName, name, value }: ConfigRecord): void {
    if (resourceType === ConfigResourceType.TOPIC) {
      const configs = this.#topicsByName.get(resourceName)?.configs
      if (value === null) configs?.delete(name)
      else configs?.set(name, value)
      return
    }
    const resources = this.#configs.get(resourceType) ?? new Map<string, Map<string, string>>()
    const configs = resources.get(resourceName) ?? new Map<string, string>()
    if (value === null) configs.delete(name)
    else configs.set(name, value)
    if (configs.size === 0) resources.delete(resourceName)
    else this.#configs.set(resourceType, resources.set(resourceName, configs))
  }

  #known(topicId: string): MutableTopic {
    const topic = this.#topicsById.get(topicId)
    if (topic === undefined)
      throw new Error(`a metadata record names topic id ${topicId}, which no record made`)
    return topic
  }
}

const NO_CONFIGS: ReadonlyMap<string, string> = new Map()

type TopicsRecord = Extract<
  MetadataRecord,
  {
    readonly name:
      | 'TopicRecord'
      | 'PartitionRecord'
      | 'PartitionChangeRecord'
      | 'ClearElrRecord'
      | 'RemoveTopicRecord'
  }
>
