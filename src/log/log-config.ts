/** What a log needs of its topic's and its broker's configs, as plain values. Kafka's own names are in the comments. */
import { Codec, type TimestampType } from '../wire/batch.ts'

export interface LogConfig {
  /** max.message.bytes: the largest batch, as it is stored. */
  readonly maxMessageBytes: number
  /** segment.bytes */
  readonly segmentBytes: number
  /** segment.ms */
  readonly segmentMs: number
  /** segment.jitter.ms: up to how much earlier than segment.ms, at random, a segment ends. */
  readonly segmentJitterMs: number
  /** segment.index.bytes: a segment whose index would grow beyond it is rolled. */
  readonly segmentIndexBytes: number
  /** index.interval.bytes */
  readonly indexIntervalBytes: number
  /** message.timestamp.type */
  readonly messageTimestampType: TimestampType
  /** message.timestamp.before.max.ms; anything from 2^63-1 on means no bound. */
  readonly messageTimestampBeforeMaxMs: number
  /** message.timestamp.after.max.ms */
  readonly messageTimestampAfterMaxMs: number
  /** compression.type */
  readonly compressionType: CompressionType
  /** compression.gzip.level */
  readonly compressionGzipLevel: number
  /** compression.lz4.level */
  readonly compressionLz4Level: number
  /** compression.zstd.level */
  readonly compressionZstdLevel: number
  /** Whether cleanup.policy contains compact: such a topic takes no record without a key. */
  readonly compacted: boolean
  /** Whether cleanup.policy contains delete. */
  readonly deleted: boolean
  /** retention.ms; -1 for no bound. */
  readonly retentionMs: number
  /** retention.bytes; -1 for no bound. */
  readonly retentionBytes: number
  /** min.cleanable.dirty.ratio */
  readonly minCleanableDirtyRatio: number
  /** min.compaction.lag.ms */
  readonly minCompactionLagMs: number
  /** max.compaction.lag.ms */
  readonly maxCompactionLagMs: number
  /** delete.retention.ms */
  readonly deleteRetentionMs: number
  /** flush.messages: after so many records they count as written when the store has been flushed. */
  readonly flushMessages: number
  /** flush.ms: how long after an append the store is flushed; anything above 2^53-1 means never. */
  readonly flushMs: number
  /** producer.id.expiration.ms */
  readonly producerIdExpirationMs: number
  /** producer.id.expiration.check.interval.ms */
  readonly producerIdExpirationCheckIntervalMs: number
}

/** `producer` keeps what the producer chose. */
export type CompressionType = 'producer' | 'uncompressed' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** Kafka's defaults. */
export const defaultLogConfig: LogConfig = {
  maxMessageBytes: 1_048_588,
  segmentBytes: 1_073_741_824,
  segmentMs: 604_800_000,
  segmentJitterMs: 0,
  segmentIndexBytes: 10_485_760,
  indexIntervalBytes: 4096,
  messageTimestampType: 0,
  messageTimestampBeforeMaxMs: 2 ** 63,
  messageTimestampAfterMaxMs: 3_600_000,
  compressionType: 'producer',
  compressionGzipLevel: -1,
  compressionLz4Level: 9,
  compressionZstdLevel: 3,
  compacted: false,
  deleted: true,
  retentionMs: 604_800_000,
  retentionBytes: -1,
  minCleanableDirtyRatio: 0.5,
  minCompactionLagMs: 0,
  maxCompactionLagMs: 2 ** 63,
  deleteRetentionMs: 86_400_000,
  flushMessages: 2 ** 63,
  flushMs: 2 ** 63,
  producerIdExpirationMs: 86_400_000,
  producerIdExpirationCheckIntervalMs: 600_000,
}

/** The codec that a batch is stored with. */
export function targetCodec(type: CompressionType, source: Codec): Codec {
  return type === 'producer' ? source : CODECS[type]
}

const CODECS: Readonly<Record<Exclude<CompressionType, 'producer'>, Codec>> = {
  uncompressed: Codec.NONE,
  gzip: Codec.GZIP,
  snappy: Codec.SNAPPY,
  lz4: Codec.LZ4,
  zstd: Codec.ZSTD,
}
