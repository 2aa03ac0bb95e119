/** The partitions that one broker holds. Follows the metadata: what is created is opened, what is deleted goes. */
import type { Logger } from 'pino'
import type { Clock, Random } from '../clock.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { TopicConfig } from '../config/topic-config.ts'
import type { Log } from '../log/log.ts'
import type { LogConfig } from '../log/log-config.ts'
import { openLog } from '../log/open-log.ts'
import { storageError } from '../log/store-queue.ts'
import type { Metadata, MetadataRecord, Topic } from '../metadata/metadata.ts'
import { type LogStore, StoreError, type Volume } from '../storage/log-store.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import type { FetchTarget } from './fetch-selection.ts'
import { logConfigOf } from './log-config.ts'
import { Partition } from './partition.ts'
import { Retry } from './retry.ts'

export interface ReplicaManagerOptions {
  readonly clock: Clock
  readonly config: BrokerConfig
  readonly metadata: Metadata
  readonly store: LogStore
  readonly logger: Pick<Logger, 'info' | 'error'>
  readonly random?: Random
}

/** Who fails again so soon has not recovered: that is the same outage, and told once. */
const OUTAGE_MS = 60_000

/** Of one partition. */
interface Outage {
  failure: KafkaError
  lastMs: number
  /** Opens it anew; null while it is open. */
  retry: Retry | null
}

/** What this broker holds of one topic. */
class TopicReplicas {
  /** By partition index. One that is not open yet leaves a hole. */
  readonly partitions: (Partition | undefined)[] = []
  /** What is known of partitions that the store has failed, by their index. */
  readonly outages = new Map<number, Outage>()
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
  /** Logs that a slow store is opening. */
  readonly #opening = new Set<Promise<boolean>>()
  #closed = false
  #onReopened: (partition: Partition) => void = () => {}
  #onCleanable: () => void = () => {}

  constructor(options: ReplicaManagerOptions) {
    this.#options = options
  }

  /** Has `act` called when a partition has come back whose store had failed: what was not written is forgotten. */
  onReopened(act: (partition: Partition) => void): void {
    this.#onReopened = act
  }

  /** Has `act` called when a compacted log has appeared, or has changed so that there may be something to clean. */
  onCleanable(act: () => void): void {
    this.#onCleanable = act
  }

  /** The partition, or undefined when it does not exist or is not open yet. */
  find(topicId: string, index: number): Partition | undefined {
    const replicas = this.#topics.get(topicId)
    const found = replicas?.partitions[index]
    if (found !== undefined || replicas?.outages.size === 0) return found
    replicas?.outages.get(index)?.retry?.ask()
    return replicas?.partitions[index]
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

  /** Lets go of every log, also of those that are being opened. */
  async close(): Promise<void> {
    this.#closed = true
    const topics = [...this.#topics.values()]
    const partitions = topics.flatMap((topic) => topic.partitions)
    for (const topic of topics) stopRetries(topic)
    this.#topics.clear()
    await Promise.all(
      partitions.map((partition) =>
        partition === undefined
          ? undefined
          : this.#attempt(`${partition} could not be closed`, () => partition.close()),
      ),
    )
    await Promise.all(this.#opening)
  }

  #follow(record: MetadataRecord): void | Promise<void> {
    switch (record.name) {
      case 'PartitionRecord':
        return this.#open(record.value.topicId, record.value.partitionId)
      case 'RemoveTopicRecord':
        return this.#remove(record.value.topicId)
      case 'ConfigRecord': {
        const topic = this.#options.metadata.topic(record.value.resourceName)
        const replicas = topic === undefined ? undefined : this.#topics.get(topic.id)
        if (topic === undefined || replicas === undefined) return
        replicas.reconfigure(topic.configs)
        this.#noteCleanable(replicas)
      }
    }
  }

  #open(topicId: string, index: number): void | Promise<void> {
    const { config, metadata } = this.#options
    const topic = metadata.topicById(topicId)
    if (topic?.partitions[index] === undefined) return
    const replicas = this.#topics.get(topicId) ?? new TopicReplicas(config, topic.configs)
    this.#topics.set(topicId, replicas)
    const opened = this.#openLog(topic, index, replicas)
    if (opened instanceof Promise) return opened.then(() => undefined)
  }

  /** Opens the log of a partition, for the first time or anew. Says whether it could. */
  #openLog(topic: Topic, index: number, replicas: TopicReplicas): boolean | Promise<boolean> {
    const { store, clock, random } = this.#options
    const registration = this.#options.metadata.topicById(topic.id)?.partitions[index]
    if (registration === undefined || this.#topics.get(topic.id) !== replicas) return true
    const id = { topic: topic.name, topicId: topic.id, partition: index }
    const fail = (error: unknown): false => {
      this.#failed(topic, index, replicas, storageError(error))
      return false
    }
    const add = (log: Log): boolean | Promise<boolean> => {
      // The broker may have been closed, or the topic deleted, while a slow store opened the log.
      if (this.#closed) {
        return after(
          this.#attempt(`${topic.name}-${index} could not be closed`, () => log.close()),
          () => true,
        )
      }
      const isWanted = this.#topics.get(topic.id) === replicas
      const before = isWanted ? replicas.partitions[index] : undefined
      if (before === undefined) {
        const onMissed = () => replicas.outages.get(index)?.retry?.ask()
        const partition = new Partition(topic, registration, log, onMissed)
        if (!isWanted) return after(this.#discard(partition), () => true)
        replicas.partitions[index] = partition
      } else {
        before.reopen(log)
      }
      this.#noteCleanable(replicas)
      this.#succeeded(topic, index, replicas)
      return true
    }
    try {
      const log = openLog({
        store,
        id,
        epoch: registration.leaderEpoch,
        clock,
        config: () => replicas.logConfig,
        ...(random === undefined ? {} : { random }),
        onOffline: (failure) => this.#failed(topic, index, replicas, failure),
        onRoll: () => this.#noteCleanable(replicas),
      })
      if (!(log instanceof Promise)) return add(log)
      const opening = log.then(add).catch(fail)
      this.#opening.add(opening)
      return opening.finally(() => this.#opening.delete(opening))
    } catch (error) {
      return fail(error)
    }
  }

  #noteCleanable({ logConfig }: TopicReplicas): void {
    if (logConfig.compacted) this.#onCleanable()
  }

  /** A log is offline, or could not be opened: it is tried again until it can be. */
  #failed(topic: Topic, index: number, replicas: TopicReplicas, failure: KafkaError): void {
    if (this.#topics.get(topic.id) !== replicas) return
    const { clock, logger } = this.#options
    const nowMs = clock.now()
    const known = replicas.outages.get(index)
    if (known === undefined || (known.retry === null && nowMs - known.lastMs >= OUTAGE_MS)) {
      const what = replicas.partitions[index] === undefined ? 'could not be opened' : 'is offline'
      logger.error({ err: failure }, `${topic.name}-${index} ${what}`)
    }
    const outage: Outage = known ?? { failure, lastMs: nowMs, retry: null }
    outage.failure = failure
    outage.lastMs = nowMs
    replicas.outages.set(index, outage)
    // Another broker has the log now: it is not to be taken back.
    if (failure.cause instanceof StoreError && failure.cause.failure !== 'failed') return
    outage.retry ??= new Retry(clock, () => {
      const released = this.#attempt(`${topic.name}-${index} could not be let go`, () =>
        replicas.partitions[index]?.release(),
      )
      return after(released, () => this.#openLog(topic, index, replicas))
    })
  }

  #succeeded(topic: Topic, index: number, replicas: TopicReplicas): void {
    const outage = replicas.outages.get(index)
    const partition = replicas.partitions[index]
    if (outage === undefined || partition === undefined) return
    outage.lastMs = this.#options.clock.now()
    outage.retry = null
    this.#options.logger.info(
      `${topic.name}-${index} has been opened anew, up to offset ${partition.logEndOffset}`,
    )
    this.#onReopened(partition)
  }

  /** Nobody finds the partitions from here on, however long the store takes to forget them. */
  #remove(topicId: string): void | Promise<void> {
    const replicas = this.#topics.get(topicId)
    if (replicas === undefined) return
    this.#topics.delete(topicId)
    stopRetries(replicas)
    const waits: Promise<void>[] = []
    for (const partition of replicas.partitions) {
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
    return this.#topics.get(topic.id)?.outages.get(index)?.failure ?? notOpenYet(topic, index)
  }
}

function stopRetries({ outages }: TopicReplicas): void {
  for (const { retry } of outages.values()) retry?.stop()
}

/** Goes on at once where there is nothing to wait for. */
function after<T>(done: void | Promise<void>, act: () => T | Promise<T>): T | Promise<T> {
  return done instanceof Promise ? done.then(act) : act()
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
