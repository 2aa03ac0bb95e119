/**
 * Configs that Kafka knows but lists nowhere: they can be set, and show in a description only where they are.
 * Tests of brokers use them to have small segments and short checks.
 */
import type { ConfigRow } from './config-definition.ts'

export interface InternalBrokerConfigValues {
  readonly 'controller.performance.always.log.threshold.ms': number
  readonly 'controller.performance.sample.period.ms': number
  readonly 'follower.replication.throttled.rate': number | null
  readonly 'group.consumer.regex.refresh.interval.ms': number
  readonly 'group.share.initialize.retry.interval.ms': number
  readonly 'group.share.persister.class.name': string
  readonly 'internal.metadata.delete.delay.millis': number
  readonly 'internal.metadata.log.segment.bytes': number | null
  readonly 'internal.metadata.max.batch.size.in.bytes': number
  readonly 'leader.replication.throttled.rate': number | null
  readonly 'log.initial.task.delay.ms': number
  readonly 'producer.id.expiration.check.interval.ms': number
  readonly 'remote.log.index.file.cache.ttl.ms': number
  readonly 'remote.log.manager.task.retry.backoff.max.ms': number
  readonly 'remote.log.manager.task.retry.backoff.ms': number
  readonly 'remote.log.manager.task.retry.jitter': number
  readonly 'replica.alter.log.dirs.io.max.bytes.per.second': number | null
  readonly 'server.max.startup.time.ms': number
  readonly 'share.coordinator.cold.partition.snapshot.interval.ms': number
  readonly 'share.coordinator.state.topic.prune.interval.ms': number
  readonly 'unclean.leader.election.interval.ms': number
  readonly 'unstable.api.versions.enable': boolean
  readonly 'unstable.feature.versions.enable': boolean
}

export const internalBrokerConfigRows: readonly ConfigRow[] = [
  ['controller.performance.always.log.threshold.ms', 'LONG', '2000', 1, '[0,...]'],
  ['controller.performance.sample.period.ms', 'LONG', '60000', 1, '[100,...]'],
  // The rates of KIP-73 and KIP-113 exist only where somebody has set them.
  ['follower.replication.throttled.rate', 'LONG', null, 0, '[0,...]'],
  ['group.consumer.regex.refresh.interval.ms', 'INT', '600000', 1, '[10000,...]'],
  ['group.share.initialize.retry.interval.ms', 'INT', '30000', 1, '[1,...]'],
  [
    'group.share.persister.class.name',
    'STRING',
    'org.apache.kafka.server.share.persister.DefaultStatePersister',
    1,
  ],
  ['internal.metadata.delete.delay.millis', 'LONG', '60000', 1],
  ['internal.metadata.log.segment.bytes', 'INT', null, 1],
  ['internal.metadata.max.batch.size.in.bytes', 'INT', '8388608', 1],
  ['leader.replication.throttled.rate', 'LONG', null, 0, '[0,...]'],
  ['log.initial.task.delay.ms', 'LONG', '30000', 1, '[0,...]'],
  ['producer.id.expiration.check.interval.ms', 'INT', '600000', 1, '[1,...]'],
  ['remote.log.index.file.cache.ttl.ms', 'LONG', '900000', 1, '[-1,...]'],
  ['remote.log.manager.task.retry.backoff.max.ms', 'LONG', '30000', 1, '[1,...]'],
  ['remote.log.manager.task.retry.backoff.ms', 'LONG', '500', 1, '[1,...]'],
  ['remote.log.manager.task.retry.jitter', 'DOUBLE', '0.2', 1, '[0,...,0.5]'],
  ['replica.alter.log.dirs.io.max.bytes.per.second', 'LONG', null, 0, '[0,...]'],
  ['server.max.startup.time.ms', 'LONG', '9223372036854775807', 1, '[0,...]'],
  ['share.coordinator.cold.partition.snapshot.interval.ms', 'INT', '300000', 1, '[1,...]'],
  ['share.coordinator.state.topic.prune.interval.ms', 'INT', '300000', 1, '[1,...]'],
  ['unclean.leader.election.interval.ms', 'LONG', '300000', 1, '[1,...]'],
  ['unstable.api.versions.enable', 'BOOLEAN', 'false', 1],
  ['unstable.feature.versions.enable', 'BOOLEAN', 'false', 1],
]

export const internalTopicConfigRows: readonly ConfigRow[] = [
  // Takes the place of segment.bytes, whose least value is 1 MiB.
  ['internal.segment.bytes', 'INT', null, 0],
]
