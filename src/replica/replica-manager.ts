/** The partitions that one broker holds. Follows the metadata: what is created is opened, what is deleted goes. */
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { TopicConfig } from '../config/topic-config.ts'
import type { Log } from '../log/log.ts'
import type { LogConfig } from '../log/log-config.ts'
import { openLog } from '../log/open-log.ts'
import { storageError } from '../log/store-queue.ts'
import type { Metadata, MetadataRecord, Topic } from '../metadata/metadata.ts'
import type { LogStore, Volume } from '../storage/log-store.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import type { FetchTarget } from './fetch-selection.ts'
import { logConfigOf } from './log-config.ts'
import { Partition } from './partition.ts'

export interface ReplicaManagerOptions {
  readonly clock: Clock
  readonly config: BrokerConfig
  readonly metadata: Metadata
  readonly store: LogStore
  readonly logger: Pick<Logger, 'error'>
}

/** What this broker holds of one topic. */
class TopicReplicas {
  /** By partition index. One that is not open yet leaves a hole. */
  readonly partitions: (Partition | undefined)[] = []
  /** Why a partition cannot be opened, by its index. */
  readonly failures = new Map<number, KafkaError>()
  readonly #broker: BrokerConfig
  #config: TopicConfig
  #logConfig: LogConfig | undefined
  #revision = -1

  constructor(broker: BrokerConfig, configs: ReadonlyMap<string, string>) {
    this.#broker = broker
    this.#config = broker.topicConfig(configs)
  }

  get config(): TopicConfig {
    return this.#config
  }

  /** Worked out once, and again when the topic's or the broker's configs have changed. */
  get logConfig(): LogConfig {
    if (this.#logConfig === undefined || this.#revision !== this.#broker.revision) {
      this.#revision = this.#broker.revision
      this.#logConfig = logConfigOf(this.#config, this.#broker)
    }
    return this.#logConfig
  }

  reconfigure(configs: ReadonlyMap<string, string>): void {
    this.#config = this.#broker.topicConfig(configs)
    this.#logConfig = undefined
  }
}

export class ReplicaManager {
  readonly #options: ReplicaManagerOptions
  /** By topic id. */
  readonly #topics = new Map<string, TopicReplicas>()

  constructor(options: ReplicaManagerOptions) {
    this.#options = options
  }

  /** The partition, or undefined when it does not exist or is not open yet. */
  find(topicId: string, index: number): Partition | undefined {
    return this.#topics.get(topicId)?.partitions[index]
  }

  /**
   * The partition of a topic, for a request that must have it.
   * @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION when the topic has no such partition, NOT_LEADER_OR_FOLLOWER when
   * this broker has not opened it yet, KAFKA_STORAGE_ERROR when it cannot.
   */
  get(topic: Topic, index: number): Partition {
    const partition = this.find(topic.id, index)
    if (partition !== undefined) return partition
    throw this.#missing(topic, index)
  }

  /** Those that are open. */
  *partitions(): Generator<Partition> {
    for (const { partitions } of this.#topics.values()) {
      for (const partition of partitions) if (partition !== undefined) yield partition
    }
  }

  /** The partition that a fetch is about, or the error that the fetch is to answer for it. */
  locate({ topic, topicId, index }: FetchTarget): Partition | KafkaError {
    const { metadata } = this.#options
    const found = topic === null ? metadata.topicById(topicId) : metadata.topic(topic)
    if (found === undefined) {
      return topic === null
        ? new KafkaError(ErrorCode.UNKNOWN_TOPIC_ID, `there is no topic with id ${topicId}`)
        : new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `there is no topic ${topic}`)
    }
    if (topicId !== ZERO_UUID && topicId !== found.id) {
      return new KafkaError(
        ErrorCode.INCONSISTENT_TOPIC_ID,
        `topic ${topic} has id ${found.id} now, not ${topicId}`,
      )
    }
    return this.find(found.id, index) ?? this.#missing(found, index)
  }

  /** Where the logs are kept. */
  volume(): Volume | Promise<Volume> {
    return this.#options.store.volume()
  }

  /** The configs that are in force for a topic. */
  topicConfig(topic: Topic): TopicConfig {
    return this.#topics.get(topic.id)?.config ?? this.#options.config.topicConfig(topic.configs)
  }

  /**
   * Acts on records that the metadata holds already; done when every new partition is open. A store that fails makes
   * its partition unusable, and nothing else.
   */
  apply(records: readonly MetadataRecord[]): void | Promise<void> {
    const waits: Promise<void>[] = []
    for (const record of records) {
      const wait = this.#follow(record)
      if (wait instanceof Promise) waits.push(wait)
    }
    if (waits.length > 0) return Promise.all(waits).then(() => undefined)
  }

  /** Lets go of every log. */
  async close(): Promise<void> {
    const partitions = [...this.#topics.values()].flatMap((topic) => topic.partitions)
    this.#topics.clear()
    await Promise.all(
      partitions.map((partition) =>
        partition === undefined
          ? undefined
          : this.#attempt(`${partition} could not be closed`, () => partition.delete()),
      ),
    )
  }

  #follow(record: MetadataRecord): void | Promise<void> {
    switch (record.name) {
      case 'PartitionRecord':
        return this.#open(record.value.topicId, record.value.partitionId)
      case 'RemoveTopicRecord':
        return this.#remove(record.value.topicId)
      case 'ConfigRecord': {
        const topic = this.#options.metadata.topic(record.value.resourceName)
        if (topic !== undefined) this.#topics.get(topic.id)?.reconfigure(topic.configs)
      }
    }
  }

  #open(topicId: string, index: number): void | Promise<void> {
    const { config, metadata, store, clock, logger } = this.#options
    const topic = metadata.topicById(topicId)
    const registration = topic?.partitions[index]
    if (topic === undefined || registration === undefined) return
    const replicas = this.#topics.get(topicId) ?? new TopicReplicas(config, topic.configs)
    this.#topics.set(topicId, replicas)
    const id = { topic: topic.name, topicId, partition: index }
    const add = (log: Log): void | Promise<void> => {
      const partition = new Partition(topic, registration, log)
      // The topic may have been deleted while a slow store opened the log.
      if (this.#topics.get(topicId) !== replicas) return this.#discard(partition)
      replicas.partitions[index] = partition
    }
    const fail = (error: unknown): void => {
      logger.error({ err: error }, `${topic.name}-${index} could not be opened`)
      replicas.failures.set(index, storageError(error))
    }
    try {
      const log = openLog({
        store,
        id,
        epoch: registration.leaderEpoch,
        clock,
        config: () => replicas.logConfig,
      })
      return log instanceof Promise ? log.then(add).catch(fail) : add(log)
    } catch (error) {
      fail(error)
    }
  }

  /** Nobody finds the partitions from here on, however long the store takes to forget them. */
  #remove(topicId: string): void | Promise<void> {
    const partitions = this.#topics.get(topicId)?.partitions ?? []
    this.#topics.delete(topicId)
    const waits: Promise<void>[] = []
    for (const partition of partitions) {
      const wait = partition === undefined ? undefined : this.#discard(partition)
      if (wait instanceof Promise) waits.push(wait)
    }
    if (waits.length > 0) return Promise.all(waits).then(() => undefined)
  }

  #discard(partition: Partition): void | Promise<void> {
    const { topic, topicId, index } = partition
    const remove = () => this.#options.store.remove({ topic, topicId, partition: index })
    return this.#attempt(`${partition} could not be deleted`, () => {
      const closed = partition.delete()
      return closed instanceof Promise ? closed.then(remove) : remove()
    })
  }

  /** What a store fails at when a log is given up is worth a line, and changes nothing. */
  #attempt(failure: string, act: () => void | Promise<void>): void | Promise<void> {
    const tell = (error: unknown): void => this.#options.logger.error({ err: error }, failure)
    try {
      const done = act()
      if (done instanceof Promise) return done.catch(tell)
    } catch (error) {
      tell(error)
    }
  }

  #missing(topic: Topic, index: number): KafkaError {
    if (topic.partitions[index] === undefined) return noSuchPartition(topic, index)
    return this.#topics.get(topic.id)?.failures.get(index) ?? notOpenYet(topic, index)
  }
}

function noSuchPartition(topic: Topic, index: number): KafkaError {
  return new KafkaError(
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    `topic ${topic.name} has ${topic.partitions.length} partition(s), and none with index ${index}`,
  )
}

function notOpenYet(topic: Topic, index: number): KafkaError {
  return new KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER, `${topic.name}-${index} is not open yet`)
}
