/** The composition root: builds what a cluster is made of, starts it, stops it. */
import { type Logger, pino } from 'pino'
import { type BrokerStorage, memoryStorage, openStorage } from './broker-storage.ts'
import { buildServices, startServices } from './build-services.ts'
import { systemClock, systemRandom } from './clock.ts'
import type { BrokerOptions, ClusterOptions } from './cluster-options.ts'
import { BrokerConfig } from './config/broker-config.ts'
import { ConfigError } from './config/config-error.ts'
import { type ListenerConfig, listenersOf } from './config/listeners.ts'
import { handlers } from './handlers/index.ts'
import type { Services } from './handlers/services.ts'
import { type GroupHandle, groupHandle } from './library/group-handle.ts'
import { resetCluster } from './library/reset.ts'
import { type TopicHandle, topicHandle } from './library/topic-handle.ts'
import { type TransactionInfo, transactionsOf } from './library/transactions.ts'
import { LogCleaner } from './replica/log-cleaner.ts'
import { hostAndPort } from './server/addresses.ts'
import { ConnectionQuotas } from './server/connection-quotas.ts'
import { Dispatcher } from './server/dispatch.ts'
import { Listener } from './server/listener.ts'
import { RequestMemory } from './server/request-memory.ts'
import { brokerConfigs } from './start-configs.ts'
import { asTopicOptions, createTopics } from './start-topics.ts'

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
    overrides: await brokerConfigs(options),
    warn: (message) => logger.warn(message),
  })
  // Before anything is opened, so that a mistake there shows at once.
  listenersOf(config)
  const { clock = systemClock, random = systemRandom, clusterId, store } = options
  const storage =
    store === undefined
      ? await openStorage({ clock, random, logger, config, clusterId })
      : memoryStorage({ random, clusterId }, store)
  let broker: Broker | undefined
  try {
    broker = new Broker(options, { config, logger, storage, ownsStore: store === undefined })
    await broker.start(options.topics ?? [])
    return broker
  } catch (error) {
    if (broker !== undefined) await broker.stop()
    else if (store === undefined) await storage.store.close()
    throw error
  }
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
