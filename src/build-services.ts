/** What a broker consists of, but for its dispatcher and its listeners: built, and made ready for clients. */
import type { Logger } from 'pino'
import { type BrokerStorage, memoryStorage, setStrayLogsAside } from './broker-storage.ts'
import { systemClock, systemRandom } from './clock.ts'
import type { BrokerOptions, ClusterOptions } from './cluster-options.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import { buildCoordinators } from './coordinators.ts'
import { handlers } from './handlers/index.ts'
import type { Services } from './handlers/services.ts'
import { UnsentAnswers } from './handlers/unsent-answers.ts'
import { activationRecords } from './metadata/activation.ts'
import { followBrokerConfigs } from './metadata/broker-configs.ts'
import { ClientMetrics } from './metadata/client-metrics.ts'
import { Controller, type ControllerOptions } from './metadata/controller.ts'
import { Metadata, type MetadataRecord, type Topic } from './metadata/metadata.ts'
import { ProducerIds } from './metadata/producer-ids.ts'
import { EVICT_AFTER_MS, FetchSessions } from './replica/fetch-sessions.ts'
import { AMPLE_ROOM, boundMemory } from './replica/memory-bound.ts'
import { ReplicaManager } from './replica/replica-manager.ts'
import { resolveHost } from './server/resolve-host.ts'
import { asTopicOptions, createTopics } from './start-topics.ts'
import { MemoryStore } from './storage/memory-store.ts'

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
    nodeId: brokerId,
    ...metadataLogLimits(config),
  })
  const producerIds = new ProducerIds(controller, brokerId)
  const coordinators = buildCoordinators({ ...common, clientClock, replicas, producerIds })
  return {
    ...common,
    brokerId,
    clientClock,
    replicas,
    logRoom:
      store instanceof MemoryStore
        ? boundMemory(store, { clock: clientClock, config, logger, replicas })
        : AMPLE_ROOM,
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

/** When a segment of the metadata log ends, and when a snapshot is made of it. */
function metadataLogLimits(config: BrokerConfig): Pick<ControllerOptions, 'segments' | 'snapshots'> {
  return {
    segments: {
      segmentBytes:
        config.get('internal.metadata.log.segment.bytes') ?? config.get('metadata.log.segment.bytes'),
      segmentMs: config.get('metadata.log.segment.ms'),
    },
    snapshots: {
      maxBytesBetween: config.get('metadata.log.max.record.bytes.between.snapshots'),
      maxIntervalMs: config.get('metadata.log.max.snapshot.interval.ms'),
      retentionBytes: config.get('metadata.max.retention.bytes'),
      retentionMs: config.get('metadata.max.retention.ms'),
    },
  }
}
