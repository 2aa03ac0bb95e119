/** The library: a Kafka cluster in this process. */
export {
  type AdvanceOptions,
  type Clock,
  type Duration,
  ManualClock,
  type Random,
  seededRandom,
  type Timer,
} from './clock.ts'
export { type Cluster, startCluster } from './cluster.ts'
export type { ClusterOptions, TopicOptions } from './cluster-options.ts'
export { ConfigError } from './config/config-error.ts'
export type { CommittedOffset, GroupHandle, GroupMember, TopicPartition } from './library/group-handle.ts'
export { KafkaRecord, type RecordHeader } from './library/kafka-record.ts'
export type { Bytes, ProducedRecord, ProducedTo } from './library/produce.ts'
export type { PartitionHandle, TopicHandle } from './library/topic-handle.ts'
export type { ReadOptions } from './library/topic-reader.ts'
export type { TransactionInfo } from './library/transactions.ts'
export { type WaitOptions, WaitTimeoutError } from './library/wait.ts'
export { ListenError } from './server/bind.ts'
export type { RequestRecord } from './server/dispatch.ts'
export { DataDirError } from './storage/data-dir.ts'
export { KafkaError } from './wire/kafka-error.ts'
