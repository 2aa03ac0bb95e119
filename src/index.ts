/** The library: a Kafka cluster in this process. */
export { type Clock, ManualClock, type Random, seededRandom, type Timer } from './clock.ts'
export { type Cluster, type ClusterOptions, startCluster, type TopicOptions } from './cluster.ts'
export { ConfigError } from './config/config-error.ts'
export { ListenError } from './server/bind.ts'
export type { RequestRecord } from './server/dispatch.ts'
export { DataDirError } from './storage/data-dir.ts'
