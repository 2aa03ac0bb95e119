/** What the group coordinator needs from outside, beside its logs: a view of the topics, its configs. */
import type { Logger } from 'pino'
import type { Clock, Random } from '../clock.ts'

/** Which topics there are. */
export interface TopicsView {
  /** The id of the topic, or undefined when there is none of that name. */
  topicId(name: string): string | undefined
  /** The name of the topic, or undefined when there is none with that id. */
  topicName(id: string): string | undefined
  /** How many partitions the topic has; 0 when it does not exist. */
  partitionCount(name: string): number
}

/** The configs of a group coordinator, read anew each time one is needed. */
export interface GroupConfig {
  /** `group.initial.rebalance.delay.ms`: how long the first rebalance of an empty group waits for more members. */
  readonly initialRebalanceDelayMs: number
  /** `ottla.realistic`: whether a first rebalance without a delay passes over members that are about to join, as Kafka's. */
  readonly realistic: boolean
  /** `group.min.session.timeout.ms` */
  readonly minSessionTimeoutMs: number
  /** `group.max.session.timeout.ms` */
  readonly maxSessionTimeoutMs: number
  /** `group.max.size`: members in one group. */
  readonly maxSize: number
  /** `offsets.retention.minutes`, in milliseconds. */
  readonly offsetsRetentionMs: number
  /** `offsets.retention.check.interval.ms` */
  readonly offsetsRetentionCheckIntervalMs: number
  /** `offset.metadata.max.bytes`: which Kafka compares with UTF-16 units. */
  readonly offsetMetadataMaxBytes: number
  /** `offsets.commit.timeout.ms`: how long an answer waits for its records to be committed. */
  readonly offsetsCommitTimeoutMs: number
  /** `offsets.topic.num.partitions` */
  readonly partitionCount: number
}

export interface GroupServices {
  readonly clock: Clock
  /** What clients live by, who are on their way whether or not a test lets time pass. */
  readonly clientClock: Clock
  readonly random: Random
  readonly logger: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>
  readonly topics: TopicsView
  readonly config: GroupConfig
}

/** What a coordinator is told of a request beside its body. */
export interface GroupRequestContext {
  /** The version of the API that the request has. */
  readonly version: number
  readonly clientId: string | null
  /** The client's address, as Kafka prints it: `/127.0.0.1`. */
  readonly clientHost: string
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}
