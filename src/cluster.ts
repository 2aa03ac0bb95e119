/** The composition root: builds what a cluster is made of, starts it, stops it. */
import { type Logger, pino } from 'pino'
import {
  type BrokerStorage,
  dataDirOf,
  memoryStorage,
  nodeIdOf,
  openStorage,
  setStrayLogsAside,
} from './broker-storage.ts'
import { type Clock, type Random, systemClock, systemRandom } from './clock.ts'
import { BrokerConfig } from './config/broker-config.ts'
import { ConfigError } from './config/config-error.ts'
import { type ListenerConfig, listenersOf } from './config/listeners.ts'
import { buildCoordinators } from './coordinators.ts'
import { handlers } from './handlers/index.ts'
import type { Services } from './handlers/services.ts'
import { UnsentAnswers } from './handlers/unsent-answers.ts'
import { type GroupHandle, groupHandle } from './library/group-handle.ts'
import { resetCluster } from './library/reset.ts'
import { type TopicHandle, topicHandle } from './library/topic-handle.ts'
import { type TransactionInfo, transactionsOf } from './library/transactions.ts'
import { activationRecords } from './metadata/activation.ts'
import { followBrokerConfigs } from './metadata/broker-configs.ts'
import { ClientMetrics } from './metadata/client-metrics.ts'
import { Controller } from './metadata/controller.ts'
import { Metadata, type MetadataRecord, type Topic } from './metadata/metadata.ts'
import { ProducerIds } from './metadata/producer-ids.ts'
import { EVICT_AFTER_MS, FetchSessions } from './replica/fetch-sessions.ts'
import { LogCleaner } from './replica/log-cleaner.ts'
import { AMPLE_ROOM, boundMemory } from './replica/memory-bound.ts'
import { ReplicaManager } from './replica/replica-manager.ts'
import { hostAndPort } from './server/addresses.ts'
import { ConnectionQuotas } from './server/connection-quotas.ts'
import { Dispatcher, type RequestRecord } from './server/dispatch.ts'
import { Listener } from './server/listener.ts'
import { RequestMemory } from './server/request-memory.ts'
import { resolveHost } from './server/resolve-host.ts'
import type { LogStore } from './storage/log-store.ts'
import { MemoryStore } from './storage/memory-store.ts'
import { KafkaError } from './wire/kafka-error.ts'

/** A topic to have from the start. */
export interface TopicOptions {
  readonly name: string
  /** 1 when left out. */
  readonly partitions?: number | undefined
  /** Kafka's topic configs, each as text: `{ 'cleanup.policy': 'compact' }`. */
  readonly config?: Readonly<Record<string, string>> | undefined
}

export interface ClusterOptions {
  /** The port to listen on; 0, the default, for any free one. Not together with the config `listeners`. */
  readonly port?: number | undefined
  /** The address to listen on; `localhost`, which is 127.0.0.1 and ::1, when left out. `*` for all. */
  readonly host?: string | undefined
  /** Topics to create before anybody can connect: a name stands for a topic of one partition. */
  readonly topics?: readonly (string | TopicOptions)[] | undefined
  /** Kafka's broker configs, each as text: `{ 'auto.create.topics.enable': 'false' }`. */
  readonly config?: Readonly<Record<string, string>> | undefined
  /**
   * What time it is, and when timers fire; the machine's clock when left out. With a `ManualClock` time stands still
   * until a test moves it; what clients do by time, long polls included, goes by the machine's clock all the same.
   */
  readonly clock?: Clock | undefined
  /**
   * The directory to keep everything in, in Kafka's own format; made where there is none. In memory when left out, unless
   * the config log.dirs names one.
   */
  readonly dataDir?: string | undefined
  /** The cluster that the data directory has to belong to; what a new one gets. 16 bytes as base64url. */
  readonly clusterId?: string | undefined
  /** Where ids come from; the machine's randomness when left out. */
  readonly random?: Random | undefined
  /** What is logged to the standard error output, as JSON: `error` and worse when left out. Not together with a logger. */
  readonly logLevel?: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent' | undefined
  /** Where the log goes in place of the standard error output: a pino logger. */
  readonly logger?: Logger | undefined
  /** Whether the cluster keeps the process alive. A test runner never waits for one that was not stopped. */
  readonly keepAlive?: boolean | undefined
  /** Called for each request before it is answered: who asks for what. */
  readonly onRequest?: ((request: RequestRecord) => void) | undefined
}

/** What a cluster is made of beside its options: for tests that have to see inside. */
export interface BrokerOptions extends ClusterOptions {
  /** Where the logs are kept; where the other options say when left out. Whoever gives it closes it. */
  readonly store?: LogStore | undefined
  /** What clients live by; the broker's clock when left out. */
  readonly clientClock?: Clock | undefined
}

/** A running cluster. `await using` stops it at the end of the block. */
export interface Cluster extends AsyncDisposable {
  /** What to give to a client: `host:port`, of the first listener. */
  readonly bootstrapServers: string
  /** The same for each listener, by its name. */
  readonly listeners: ReadonlyMap<string, string>
  readonly clusterId: string
  /** A topic, by its name: to read it, to write to it, to wait for a record. It need not be there yet. */
  topic(name: string): TopicHandle
  /** A group of consumers, by its id. It need not be there yet. */
  group(groupId: string): GroupHandle
  /** The last transaction of each transactional id, open or not. */
  transactions(): readonly TransactionInfo[]
  /**
   * Deletes all topics, groups and transactions. Connections stay, and clients recover by themselves, as they do when
   * an administrator deletes what they use. Configs, quotas and credentials stay.
   * @param options topics to make then.
   */
  reset(options?: Pick<ClusterOptions, 'topics'>): Promise<void>
  /** Answers what is in flight, closes every connection and port. Calling it again waits for the same stop. */
  stop(): Promise<void>
}

/** What the broker is, in Kafka's words, unless it is told otherwise: its id also by its older name. */
function defaultConfigs(config: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return {
    'node.id': config['broker.id'] ?? '1',
    'process.roles': 'broker,controller',
    'controller.listener.names': 'CONTROLLER',
  }
}

/**
 * Starts a cluster of one broker and resolves when clients can connect.
 * @throws ConfigError when a config is wrong, ListenError when a port cannot be had, DataDirError when the data
 * directory cannot be used.
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const broker = await startBroker({ ...options, clientClock: systemClock })
  const context = { services: broker.services, isStopped: () => broker.stopping }
  return {
    topic: (name) => topicHandle(context, name),
    group: (groupId) => groupHandle(context, groupId),
    transactions: () => transactionsOf(context),
    async reset({ topics = [] } = {}) {
      await resetCluster(context)
      await createTopics(broker.services.controller, asTopicOptions(topics))
    },
    bootstrapServers: broker.bootstrapServers,
    listeners: broker.addresses,
    clusterId: broker.services.metadata.clusterId,
    stop: () => broker.stop(),
    [Symbol.asyncDispose]: () => broker.stop(),
  }
}

/** What `startCluster` does, for those who have to see inside: tests of the server. */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { logLevel = 'error' } = options
  if (options.logger !== undefined && options.logLevel !== undefined) {
    throw new ConfigError('both a logger and a logLevel are given: a logger has its own')
  }
  const logger = options.logger ?? pino({ level: logLevel }, pino.destination(2))
  const config = new BrokerConfig({
    overrides: await ownNodeId(brokerConfigs(options), options),
    warn: (message) => logger.warn(message),
  })
  // Before anything is opened, so that a mistake there shows at once.
  listenersOf(config)
  const { clock = systemClock, random = systemRandom, clusterId, store } = options
  const storage =
    store === undefined
      ? await openStorage({ clock, random, logger, config, clusterId })
      : memoryStorage({ random, clusterId }, store)
  const broker = new Broker(options, { config, logger, storage, ownsStore: store === undefined })
  try {
    await broker.start(options.topics ?? [])
  } catch (error) {
    await broker.stop()
    throw error
  }
  return broker
}

interface BrokerParts {
  readonly config: BrokerConfig
  readonly logger: Logger
  readonly storage: BrokerStorage
  /** Whether the store is closed with the broker. */
  readonly ownsStore: boolean
}

export class Broker {
  readonly services: Services
  readonly dispatcher: Dispatcher
  /** By name, those that are open or about to be. */
  readonly #listeners = new Map<string, Listener>()
  readonly #hosts = new Map<string, string>()
  readonly #quotas: ConnectionQuotas
  readonly #requestMemory: RequestMemory
  readonly #keepAlive: boolean | undefined
  readonly #cleaner: LogCleaner
  readonly #storage: BrokerStorage
  readonly #ownsStore: boolean
  #stopped: Promise<void> | undefined

  constructor(options: BrokerOptions, { config, logger, storage, ownsStore }: BrokerParts) {
    this.services = buildServices(options, config, logger, storage)
    this.#storage = storage
    this.#ownsStore = ownsStore
    const { services } = this
    this.dispatcher = new Dispatcher({ handlers, services, onRequest: options.onRequest })
    this.#quotas = new ConnectionQuotas(config)
    this.#requestMemory = new RequestMemory({
      maxBytes: config.get('queued.max.request.bytes'),
      allocate: (bytes) => services.logRoom.allocate(bytes),
    })
    this.#keepAlive = options.keepAlive
    this.#cleaner = new LogCleaner(services)
  }

  /** By listener, where this machine reaches it. */
  get addresses(): ReadonlyMap<string, string> {
    return new Map(
      Array.from(this.#listeners.values(), ({ name, port }) => [
        name,
        hostAndPort(this.#hosts.get(name) ?? 'localhost', port),
      ]),
    )
  }

  get bootstrapServers(): string {
    return this.addresses.values().next().value ?? ''
  }

  /** The ports open last: who can connect finds everything there. */
  async start(topics: NonNullable<ClusterOptions['topics']>): Promise<void> {
    await startServices(this.services, topics)
    this.#cleaner.start()
    await this.#openListeners()
    this.services.config.watch(() => this.#changeListeners())
  }

  /** Whether it has stopped, or is about to. */
  get stopping(): boolean {
    return this.#stopped !== undefined
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  /** First nobody asks for anything any more, then nobody has anything to write, and then all of it is safe. */
  async #stop(): Promise<void> {
    const listening = Array.from(this.#listeners.values(), (listener) => listener.stop())
    // The end of a transaction may wait for markers that cannot be written now: what is decided the next start does.
    this.services.transactions.stop()
    await Promise.all(listening)
    this.services.groups.stop()
    this.#cleaner.stop()
    try {
      await this.services.replicas.close()
      await this.services.controller.close()
    } finally {
      if (this.#ownsStore) await this.#storage.store.close()
    }
  }

  /** Opens what the config names and is not there yet. */
  async #openListeners(): Promise<void> {
    for (const wanted of listenersOf(this.services.config)) {
      const { name, host } = wanted
      if (this.#listeners.has(name) || this.#stopped !== undefined) continue
      const listener = this.#newListener(wanted)
      this.#listeners.set(name, listener)
      this.#hosts.set(name, host ?? 'localhost')
      try {
        await listener.listen()
      } catch (error) {
        this.#listeners.delete(name)
        throw error
      }
    }
  }

  #newListener({ name, host, port, advertised }: ListenerConfig): Listener {
    const { clock, config, logger, unsent } = this.services
    return new Listener({
      name,
      host: host ?? undefined,
      port,
      advertised,
      dispatcher: this.dispatcher,
      clock,
      logger,
      maxRequestBytes: config.get('socket.request.max.bytes'),
      maxIdleMs: config.get('connections.max.idle.ms'),
      quotas: this.#quotas,
      requestMemory: this.#requestMemory,
      unsent,
      keepAlive: this.#keepAlive,
    })
  }

  /** Listeners that are new in the config open, those that it no longer names close; the others stay as they are. */
  #changeListeners(): void {
    const { config, logger } = this.services
    const failed = (error: unknown): void =>
      logger.error({ err: error }, 'the listeners could not be changed as the config listeners says')
    try {
      const wanted = new Set(listenersOf(config).map(({ name }) => name))
      for (const [name, listener] of this.#listeners) {
        if (wanted.has(name)) continue
        this.#listeners.delete(name)
        listener.stop().catch(failed)
      }
      this.#openListeners().catch(failed)
    } catch (error) {
      failed(error)
    }
  }
}

/** What a broker consists of, but for its dispatcher and its listeners. */
export function buildServices(
  options: BrokerOptions,
  config: BrokerConfig,
  logger: Logger,
  storage?: BrokerStorage,
): Services {
  const clock = options.clock ?? systemClock
  const clientClock = options.clientClock ?? clock
  const random = options.random ?? systemRandom
  const { store, clusterId, use, ...origin } = storage ?? memoryStorage({ random }, options.store)
  const metadata = new Metadata(clusterId)
  use(metadata)
  const common = { clock, random, logger, config, metadata }
  const replicas = new ReplicaManager({ ...common, store })
  const brokerId = config.get('node.id') ?? 1
  const clientMetrics = new ClientMetrics({
    clock,
    random,
    metadata,
    maxBytes: config.get('telemetry.max.bytes'),
  })
  let swept = false
  const onCommit = async (records: readonly MetadataRecord[], deleted: readonly Topic[]): Promise<void> => {
    if (!swept) {
      swept = true
      await setStrayLogsAside(store, metadata, logger)
    }
    followBrokerConfigs(config, brokerId, metadata, records)
    clientMetrics.follow(records)
    coordinators.unload(deleted)
    await replicas.apply(records)
    await coordinators.follow(records, deleted)
  }
  const controller = new Controller({
    metadata,
    random,
    config,
    activate: (state) => activationRecords({ ...origin, brokerId, random, config }, state),
    onCommit,
    store,
    clock,
    logger,
    segments: {
      segmentBytes:
        config.get('internal.metadata.log.segment.bytes') ?? config.get('metadata.log.segment.bytes'),
      segmentMs: config.get('metadata.log.segment.ms'),
    },
    nodeId: brokerId,
    snapshots: {
      maxBytesBetween: config.get('metadata.log.max.record.bytes.between.snapshots'),
      maxIntervalMs: config.get('metadata.log.max.snapshot.interval.ms'),
      retentionBytes: config.get('metadata.max.retention.bytes'),
      retentionMs: config.get('metadata.max.retention.ms'),
    },
  })
  const producerIds = new ProducerIds(controller, brokerId)
  const coordinators = buildCoordinators({ ...common, clientClock, replicas, producerIds })
  return {
    ...common,
    brokerId,
    clientClock,
    replicas,
    logRoom: store instanceof MemoryStore ? boundMemory(store, { config, logger, replicas }) : AMPLE_ROOM,
    groups: coordinators.groups,
    transactions: coordinators.transactions,
    writeMarkers: coordinators.writeMarkers,
    clientMetrics,
    unsent: new UnsentAnswers(),
    controller,
    fetchSessions: new FetchSessions({
      clock,
      random,
      maxSessions: config.get('max.incremental.fetch.session.cache.slots'),
      evictAfterMs: EVICT_AFTER_MS,
    }),
    producerIds,
    resolveHost,
    apiVersions: handlers.flatMap(({ api }) =>
      api.advertised === null
        ? []
        : [{ apiKey: api.key, minVersion: api.advertised[0], maxVersion: api.advertised[1] }],
    ),
  }
}

/**
 * What happens before anybody can connect: the metadata are read back, the broker registers itself, and the topics to
 * start with are made where they are not there from before.
 */
export async function startServices(
  services: Services,
  topics: NonNullable<ClusterOptions['topics']>,
): Promise<void> {
  const { controller, metadata } = services
  await controller.open()
  const wanted = asTopicOptions(topics)
  await createTopics(
    controller,
    wanted.filter(({ name }) => metadata.topic(name) === undefined),
  )
}

/** Who has not said which node they are is the one that the data directory belongs to. */
async function ownNodeId(
  config: Readonly<Record<string, string>>,
  options: ClusterOptions,
): Promise<Readonly<Record<string, string>>> {
  const isSaid = options.config?.['node.id'] !== undefined || options.config?.['broker.id'] !== undefined
  const dataDir = isSaid ? null : dataDirOf({ givenText: (name) => config[name] })
  const nodeId = dataDir === null ? undefined : await nodeIdOf(dataDir)
  return nodeId === undefined ? config : { ...config, 'node.id': nodeId }
}

/** The configs to start with: those that are given, and a listener for the port and host of the options. */
function brokerConfigs(options: ClusterOptions): Readonly<Record<string, string>> {
  const { port, host } = options
  const config = withDataDir(options)
  if (config['listeners'] === undefined) {
    const address = host === '*' ? '' : (host ?? 'localhost')
    return {
      ...defaultConfigs(config),
      listeners: `PLAINTEXT://${hostAndPort(address, port ?? 0)}`,
      ...config,
    }
  }
  if (port !== undefined || host !== undefined) {
    throw new ConfigError(
      'both the config listeners and a port or host are given: listeners names its own ports',
    )
  }
  return { ...defaultConfigs(config), ...config }
}

function withDataDir({ dataDir, config = {} }: ClusterOptions): Readonly<Record<string, string>> {
  if (dataDir === undefined) return config
  for (const name of ['log.dirs', 'log.dir']) {
    if (config[name] === undefined) continue
    throw new ConfigError(
      `both the data directory ${dataDir} and the config ${name} are given: leave one out`,
    )
  }
  return { ...config, 'log.dirs': dataDir }
}

function asTopicOptions(topics: NonNullable<ClusterOptions['topics']>): readonly TopicOptions[] {
  return topics.map((topic) => (typeof topic === 'string' ? { name: topic } : topic))
}

async function createTopics(controller: Controller, topics: readonly TopicOptions[]): Promise<void> {
  for (const { name, partitions = 1, config = {} } of topics) {
    const configs = Object.entries(config).map(([key, value]) => ({ name: key, value }))
    const spec = { name, numPartitions: partitions, replicationFactor: -1, assignments: [], configs }
    const refuse = (error: KafkaError): never => {
      throw new ConfigError(`topic ${name} cannot be created: ${error.message}`)
    }
    try {
      const [outcome] = await controller.createTopics([spec], false)
      if (outcome !== undefined && 'error' in outcome) refuse(outcome.error)
    } catch (error) {
      if (error instanceof KafkaError) refuse(error)
      throw error
    }
  }
}
