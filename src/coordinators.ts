/** The coordinators of a broker: built, and handed the partitions of their topics as the metadata come and go. */
import type { Logger } from 'pino'
import type { Clock, Random } from './clock.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import type { CoordinatorLog } from './coordinator/coordinator-log.ts'
import { partitionLog } from './coordinator/partition-log.ts'
import { GroupCoordinator } from './group/group-coordinator.ts'
import type { GroupConfig, TopicsView } from './group/group-services.ts'
import { TRANSACTION_VERSION } from './metadata/features.ts'
import type { Metadata, MetadataRecord, Topic } from './metadata/metadata.ts'
import { CONSUMER_OFFSETS_TOPIC, TRANSACTION_STATE_TOPIC } from './metadata/topic-name.ts'
import type { ReplicaManager } from './replica/replica-manager.ts'
import { MarkerWriter } from './txn/marker-writer.ts'
import { TransactionCoordinator } from './txn/transaction-coordinator.ts'
import type { ProducerIdSource, TxnConfig, WriteMarkers } from './txn/txn-services.ts'
import * as batch from './wire/batch.ts'
import { type Compressor, loadCompressor } from './wire/compression.ts'
import { ErrorCode } from './wire/error-codes.ts'
import { KafkaError } from './wire/kafka-error.ts'

export interface CoordinatorsOptions {
  readonly clock: Clock
  readonly clientClock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly config: BrokerConfig
  readonly metadata: Metadata
  readonly replicas: ReplicaManager
  readonly producerIds: ProducerIdSource
}

export interface Coordinators {
  readonly groups: GroupCoordinator
  readonly transactions: TransactionCoordinator
  readonly writeMarkers: WriteMarkers
  /** At once: a topic may be made anew, and its partitions loaded, before its old logs are gone. */
  unload(deleted: readonly Topic[]): void
  /** Once the replicas have acted on the same records. */
  follow(records: readonly MetadataRecord[], deleted: readonly Topic[]): Promise<void>
}

/** A coordinator, as the topic that it keeps its state in. */
interface Coordinator {
  load(partition: number, log: CoordinatorLog, leaderEpoch: number): void | Promise<void>
  unload(partition: number): void
}

/** A coordinator, and how it writes. */
interface Coordinated {
  readonly coordinator: Coordinator
  readonly baseSequence: number
  readonly codec: number
  /** Loaded once, where one is needed. */
  compressor?: Compressor
}

export function buildCoordinators(options: CoordinatorsOptions): Coordinators {
  const { clock, clientClock, random, logger, config, metadata, replicas, producerIds } = options
  const groups = new GroupCoordinator({
    clock,
    clientClock,
    random,
    logger,
    config: groupConfig(
      config,
      partitionCount(metadata, CONSUMER_OFFSETS_TOPIC, () => config.get('offsets.topic.num.partitions')),
    ),
    topics: topicsView(metadata),
  })
  const writeMarkers = new MarkerWriter(markedPartitions(metadata, replicas), groups)
  const transactions = new TransactionCoordinator({
    clock,
    logger,
    config: txnConfig(config, metadata),
    producerIds,
    writeMarkers,
    topics: topicsView(metadata),
    groupPartitionFor: (groupId) => groups.partitionFor(groupId),
  })
  // Coordinators leave sequences out of account. Kafka's write these in their place.
  const byTopic = new Map<string, Coordinated>([
    [
      CONSUMER_OFFSETS_TOPIC,
      { coordinator: groups, baseSequence: 0, codec: config.get('offsets.topic.compression.codec') },
    ],
    [
      TRANSACTION_STATE_TOPIC,
      { coordinator: transactions, baseSequence: batch.NO_SEQUENCE, codec: batch.Codec.NONE },
    ],
  ])
  const load = async (topic: Topic, index: number): Promise<void> => {
    const coordinated = byTopic.get(topic.name)
    if (coordinated === undefined) return
    const { coordinator, baseSequence, codec } = coordinated
    try {
      // Nobody waits once it is there: of a log that is opened anew nobody may go on with what was known of it.
      if (codec !== batch.Codec.NONE) coordinated.compressor ??= await loadCompressor(codec as batch.Codec)
      const { compressor } = coordinated
      const partition = replicas.find(topic.id, index)
      if (partition === undefined) return
      const log = partitionLog(partition, clock, { baseSequence, compressor })
      await coordinator.load(index, log, partition.leaderEpoch)
    } catch (error) {
      logger.error({ err: error }, `what ${topic.name}-${index} coordinates could not be loaded`)
    }
  }
  // What was not written is forgotten: the coordinator is what the log says it is.
  replicas.onReopened(({ topic, index }) => {
    const known = metadata.topic(topic)
    if (known !== undefined) void load(known, index)
  })
  return {
    groups,
    transactions,
    writeMarkers,
    unload(deleted) {
      for (const { name, partitions } of deleted) {
        for (const { index } of partitions) byTopic.get(name)?.coordinator.unload(index)
      }
    },
    async follow(records, deleted) {
      // Groups come first: transactions that are completed when they are loaded may have offsets there.
      for (const name of byTopic.keys()) {
        const topic = metadata.topic(name)
        for (const record of records) {
          if (record.name !== 'PartitionRecord' || record.value.topicId !== topic?.id) continue
          await load(topic, record.value.partitionId)
        }
      }
      if (deleted.length > 0) await groups.topicsDeleted(deleted)
    },
  }
}

/** What the group coordinator sees of the topics. */
function topicsView(metadata: Metadata): TopicsView {
  return {
    topicId: (name) => metadata.topic(name)?.id,
    topicName: (id) => metadata.topicById(id)?.name,
    partitionCount: (name) => metadata.topic(name)?.partitions.length ?? 0,
  }
}

function markedPartitions(
  metadata: Metadata,
  replicas: ReplicaManager,
): ConstructorParameters<typeof MarkerWriter>[0] {
  return (name, index) => {
    const topic = metadata.topic(name)
    if (topic === undefined) {
      throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `there is no topic ${name}`)
    }
    return replicas.get(topic, index)
  }
}

/**
 * How many partitions what is coordinated is spread over: what the topic had when it was first seen. More that are
 * added later would move groups and transactional ids away from what is recorded of them.
 */
function partitionCount(metadata: Metadata, name: string, configured: () => number): () => number {
  let seen: { readonly id: string; readonly count: number } | undefined
  return () => {
    const topic = metadata.topic(name)
    if (topic === undefined) return configured()
    if (seen?.id !== topic.id) seen = { id: topic.id, count: topic.partitions.length }
    return seen.count
  }
}

/** The group coordinator's configs, by Kafka's names; asked for anew each time. */
function groupConfig(config: BrokerConfig, partitions: () => number): GroupConfig {
  return {
    get initialRebalanceDelayMs() {
      return config.get('group.initial.rebalance.delay.ms')
    },
    get realistic() {
      return config.get('ottla.realistic')
    },
    get minSessionTimeoutMs() {
      return config.get('group.min.session.timeout.ms')
    },
    get maxSessionTimeoutMs() {
      return config.get('group.max.session.timeout.ms')
    },
    get maxSize() {
      return config.get('group.max.size')
    },
    get offsetsRetentionMs() {
      return config.get('offsets.retention.minutes') * 60_000
    },
    get offsetsRetentionCheckIntervalMs() {
      return config.get('offsets.retention.check.interval.ms')
    },
    get offsetMetadataMaxBytes() {
      return config.get('offset.metadata.max.bytes')
    },
    get offsetsCommitTimeoutMs() {
      return config.get('offsets.commit.timeout.ms')
    },
    get partitionCount() {
      return partitions()
    },
  }
}

/** The transaction coordinator's configs, likewise. */
function txnConfig(config: BrokerConfig, metadata: Metadata): TxnConfig {
  const partitions = partitionCount(metadata, TRANSACTION_STATE_TOPIC, () =>
    config.get('transaction.state.log.num.partitions'),
  )
  return {
    get partitionCount() {
      return partitions()
    },
    get maxTimeoutMs() {
      return config.get('transaction.max.timeout.ms')
    },
    get expirationMs() {
      return config.get('transactional.id.expiration.ms')
    },
    get abortTimedOutIntervalMs() {
      return config.get('transaction.abort.timed.out.transaction.cleanup.interval.ms')
    },
    get removeExpiredIntervalMs() {
      return config.get('transaction.remove.expired.transaction.cleanup.interval.ms')
    },
    get twoPhaseCommit() {
      return config.get('transaction.two.phase.commit.enable')
    },
    get transactionVersion() {
      return metadata.featureLevel(TRANSACTION_VERSION)
    },
    get realistic() {
      return config.get('ottla.realistic')
    },
  }
}
