/**
 * Decisions on topics, each a function of what is known and what is asked to the records that would do it. Nothing
 * changes here: the controller commits the records. Checks, their order and their words follow Kafka's controller.
 */
import type { Random } from '../clock.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { ConfigError } from '../config/config-error.ts'
import { checkTopicConfigs } from '../config/topic-config.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type { PartitionRecord } from '../wire/metadata-records/partition-record.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import { ConfigResourceType, type Metadata, type MetadataRecord, type Topic } from './metadata.ts'
import { placeReplicas, validateAssignment } from './placement.ts'
import { randomUuid } from './random-uuid.ts'
import { validateTopicName } from './topic-name.ts'

/** A topic that somebody wants: the shape of CreateTopics' own. */
export interface TopicSpec {
  readonly name: string
  /** -1: the broker's default, or as many as `assignments` names. */
  readonly numPartitions: number
  /** -1: the broker's default, or as many as `assignments` names. */
  readonly replicationFactor: number
  readonly assignments: readonly { readonly partitionIndex: number; readonly brokerIds: readonly number[] }[]
  readonly configs: readonly { readonly name: string; readonly value: string | null }[]
}

/** More partitions for a topic: the shape of CreatePartitions' own. */
export interface PartitionsSpec {
  readonly name: string
  /** How many the topic shall have in all. */
  readonly count: number
  readonly assignments: readonly { readonly brokerIds: readonly number[] }[] | null
}

/** What the decisions need to know. */
export interface ControlContext {
  readonly metadata: Metadata
  readonly random: Random
  readonly config: BrokerConfig
}

export interface NewTopic {
  readonly name: string
  readonly id: string
  readonly numPartitions: number
  readonly replicationFactor: number
  readonly configs: ReadonlyMap<string, string>
  readonly records: readonly MetadataRecord[]
}

/** @throws KafkaError saying why the topic cannot be. */
export function createTopic(context: ControlContext, spec: TopicSpec): NewTopic {
  const { metadata } = context
  validateNewName(metadata, spec.name)
  const configs = checkedConfigs(spec.configs, context.config)
  const replicas =
    spec.assignments.length > 0 ? assignedReplicas(metadata, spec) : placedReplicas(context, spec)
  const id = newTopicId(context)
  return {
    name: spec.name,
    id,
    numPartitions: replicas.length,
    replicationFactor: replicas[0]?.length ?? 0,
    configs,
    records: [
      { name: 'TopicRecord', value: { name: spec.name, topicId: id } },
      ...Array.from(configs, ([name, value]) => configRecord(spec.name, name, value)),
      ...replicas.map((brokerIds, index) => partitionRecord(metadata, id, index, brokerIds)),
    ],
  }
}

/**
 * @param maxAdditional how many partitions one commit still has room for.
 * @throws KafkaError saying why the partitions cannot be.
 */
export function createPartitions(
  context: ControlContext,
  spec: PartitionsSpec,
  maxAdditional: number,
): readonly MetadataRecord[] {
  const topic = context.metadata.topic(spec.name)
  if (topic === undefined) {
    throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  }
  const have = topic.partitions.length
  const additional = spec.count - have
  if (additional === 0) {
    throw new KafkaError(ErrorCode.INVALID_PARTITIONS, `Topic already has ${have} partition(s).`)
  }
  if (additional < 0) {
    throw new KafkaError(
      ErrorCode.INVALID_PARTITIONS,
      `The topic ${spec.name} currently has ${have} partition(s); ${spec.count} would not be an increase.`,
    )
  }
  if (additional > maxAdditional) {
    // Kafka's controller fails here too, without a word of its own.
    throw new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
  }
  return additionalReplicas(context.metadata, topic, additional, spec.assignments).map((brokerIds, at) =>
    partitionRecord(context.metadata, topic.id, have + at, brokerIds),
  )
}

/** @throws KafkaError UNKNOWN_TOPIC_ID */
export function deleteTopic(metadata: Metadata, topicId: string): readonly MetadataRecord[] {
  if (metadata.topicById(topicId) === undefined) {
    throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_ID, 'This server does not host this topic ID.')
  }
  return [{ name: 'RemoveTopicRecord', value: { topicId } }]
}

function validateNewName(metadata: Metadata, name: string): void {
  validateTopicName(name)
  if (metadata.topic(name) !== undefined) {
    throw new KafkaError(ErrorCode.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`)
  }
  const colliding = metadata.collidingTopic(name)
  if (colliding !== undefined) {
    throw new KafkaError(
      ErrorCode.INVALID_TOPIC_EXCEPTION,
      `Topic '${name}' collides with existing topic: ${colliding}`,
    )
  }
}

function checkedConfigs(configs: TopicSpec['configs'], broker: BrokerConfig): ReadonlyMap<string, string> {
  try {
    return checkTopicConfigs(
      configs.map(({ name, value }) => [name, value] as const),
      broker,
    )
  } catch (error) {
    if (error instanceof ConfigError) throw new KafkaError(ErrorCode.INVALID_CONFIG, error.message)
    throw error
  }
}

function assignedReplicas(metadata: Metadata, spec: TopicSpec): readonly (readonly number[])[] {
  const refuse = (what: string): never => {
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `A manual partition assignment was specified, but ${what} was not set to -1.`,
    )
  }
  if (spec.replicationFactor !== -1) refuse('replication factor')
  if (spec.numPartitions !== -1) refuse('numPartitions')
  const byIndex = new Map<number, readonly number[]>()
  let replicationFactor: number | null = null
  for (const { partitionIndex, brokerIds } of spec.assignments) {
    if (byIndex.has(partitionIndex)) {
      throw new KafkaError(
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        `Found multiple manual partition assignments for partition ${partitionIndex}`,
      )
    }
    validateAssignment(brokerIds, (id) => metadata.hasBroker(id), replicationFactor)
    replicationFactor = brokerIds.length
    byIndex.set(partitionIndex, brokerIds)
  }
  return Array.from({ length: byIndex.size }, (_, index) => {
    const brokerIds = byIndex.get(index)
    if (brokerIds !== undefined) return brokerIds
    throw new KafkaError(
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      'partitions should be a consecutive 0-based integer sequence',
    )
  })
}

function placedReplicas(context: ControlContext, spec: TopicSpec): readonly (readonly number[])[] {
  if (spec.replicationFactor < -1 || spec.replicationFactor === 0) {
    throw new KafkaError(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      'Replication factor must be larger than 0, or -1 to use the default value.',
    )
  }
  if (spec.numPartitions < -1 || spec.numPartitions === 0) {
    throw new KafkaError(
      ErrorCode.INVALID_PARTITIONS,
      'Number of partitions was set to an invalid non-positive value.',
    )
  }
  const partitions = spec.numPartitions === -1 ? context.config.get('num.partitions') : spec.numPartitions
  const replicas =
    spec.replicationFactor === -1 ? context.config.get('default.replication.factor') : spec.replicationFactor
  return placeReplicas(brokerIdsOf(context.metadata), 0, partitions, replicas)
}

function additionalReplicas(
  metadata: Metadata,
  topic: Topic,
  additional: number,
  assignments: PartitionsSpec['assignments'],
): readonly (readonly number[])[] {
  const replicationFactor = topic.partitions[0]?.replicas.length ?? 0
  if (assignments === null) {
    return placeReplicas(brokerIdsOf(metadata), topic.partitions.length, additional, replicationFactor)
  }
  if (assignments.length !== additional) {
    throw new KafkaError(
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      `Attempted to add ${additional} additional partition(s), but only ${assignments.length} assignment(s) were specified.`,
    )
  }
  for (const { brokerIds } of assignments) {
    validateAssignment(brokerIds, (id) => metadata.hasBroker(id), replicationFactor)
  }
  return assignments.map(({ brokerIds }) => brokerIds)
}

function brokerIdsOf(metadata: Metadata): readonly number[] {
  return Array.from(metadata.brokers(), ({ id }) => id)
}

function newTopicId({ random, metadata }: ControlContext): string {
  for (;;) {
    const id = randomUuid(random)
    if (metadata.topicById(id) === undefined) return id
  }
}

function configRecord(topic: string, name: string, value: string): MetadataRecord {
  const change = { resourceType: ConfigResourceType.TOPIC, resourceName: topic, name, value }
  return { name: 'ConfigRecord', value: change }
}

function partitionRecord(
  metadata: Metadata,
  topicId: string,
  partitionId: number,
  replicas: readonly number[],
): MetadataRecord & { readonly value: PartitionRecord } {
  return {
    name: 'PartitionRecord',
    value: {
      partitionId,
      topicId,
      replicas,
      isr: replicas,
      removingReplicas: [],
      addingReplicas: [],
      leader: replicas[0] ?? -1,
      leaderRecoveryState: 0,
      leaderEpoch: 0,
      partitionEpoch: 0,
      // Each broker keeps its logs in one place (KIP-858).
      directories: replicas.map((id) => metadata.broker(id)?.logDirs[0] ?? ZERO_UUID),
      eligibleLeaderReplicas: null,
      lastKnownElr: null,
    },
  }
}
