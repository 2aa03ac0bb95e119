/** Turns a topic's configs into what its logs need to know. */
import type { BrokerConfig } from '../config/broker-config.ts'
import type { TopicConfig } from '../config/topic-config.ts'
import type { CompressionType, LogConfig } from '../log/log-config.ts'
import { TimestampType } from '../wire/batch.ts'

export function logConfigOf(topic: TopicConfig, broker: BrokerConfig): LogConfig {
  const compacted = topic.get('cleanup.policy').includes('compact')
  const maxCompactionLagMs = topic.get('max.compaction.lag.ms')
  return {
    maxMessageBytes: topic.get('max.message.bytes'),
    segmentBytes: topic.get('segment.bytes'),
    // What is to be compacted in time has to leave the active segment in time.
    segmentMs: compacted ? Math.min(topic.get('segment.ms'), maxCompactionLagMs) : topic.get('segment.ms'),
    segmentJitterMs: topic.get('segment.jitter.ms'),
    segmentIndexBytes: topic.get('segment.index.bytes'),
    indexIntervalBytes: topic.get('index.interval.bytes'),
    messageTimestampType:
      topic.get('message.timestamp.type') === 'LogAppendTime'
        ? TimestampType.LOG_APPEND_TIME
        : TimestampType.CREATE_TIME,
    messageTimestampBeforeMaxMs: topic.get('message.timestamp.before.max.ms'),
    messageTimestampAfterMaxMs: topic.get('message.timestamp.after.max.ms'),
    compressionType: topic.get('compression.type') as CompressionType,
    compressionGzipLevel: topic.get('compression.gzip.level'),
    compressionLz4Level: topic.get('compression.lz4.level'),
    compressionZstdLevel: topic.get('compression.zstd.level'),
    compacted,
    deleted: topic.get('cleanup.policy').includes('delete'),
    retentionMs: topic.get('retention.ms'),
    retentionBytes: topic.get('retention.bytes'),
    minCleanableDirtyRatio: topic.get('min.cleanable.dirty.ratio'),
    minCompactionLagMs: topic.get('min.compaction.lag.ms'),
    maxCompactionLagMs,
    deleteRetentionMs: topic.get('delete.retention.ms'),
    flushMessages: topic.get('flush.messages'),
    flushMs: topic.get('flush.ms'),
    producerIdExpirationMs: broker.get('producer.id.expiration.ms'),
    producerIdExpirationCheckIntervalMs: broker.get('producer.id.expiration.check.interval.ms'),
  }
}
