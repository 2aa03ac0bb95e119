/** What the transaction coordinator needs from outside, beside its logs. */
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { TransactionMarker } from '../log/transaction-marker.ts'

/** The configs of a transaction coordinator, read anew each time one is needed. */
export interface TxnConfig {
  /** `transaction.state.log.num.partitions`: what `__transaction_state` has once it is there. */
  readonly partitionCount: number
  /** `transaction.max.timeout.ms` */
  readonly maxTimeoutMs: number
  /** `transactional.id.expiration.ms` */
  readonly expirationMs: number
  /** `transaction.abort.timed.out.transaction.cleanup.interval.ms` */
  readonly abortTimedOutIntervalMs: number
  /** `transaction.remove.expired.transaction.cleanup.interval.ms` */
  readonly removeExpiredIntervalMs: number
  /** `transaction.two.phase.commit.enable` (KIP-939) */
  readonly twoPhaseCommit: boolean
  /** The finalized level of the feature transaction.version: 0, 1 or 2. */
  readonly transactionVersion: number
  /** `ottla.realistic`: whether answers come as early as Kafka's, before markers are written. */
  readonly realistic: boolean
}

/** Where producer ids come from. */
export interface ProducerIdSource {
  /** A fresh one. Throws or rejects with a KafkaError when none can be had. */
  next(): bigint | Promise<bigint>
}

/** Writes the markers of one partition. */
export interface WriteMarkers {
  /**
   * Writes a marker into a partition; done when it is durable.
   * @throws KafkaError, also as a rejection: UNKNOWN_TOPIC_OR_PARTITION when there is no such partition,
   * NOT_LEADER_OR_FOLLOWER, NOT_COORDINATOR, KAFKA_STORAGE_ERROR when it cannot be written now,
   * INVALID_PRODUCER_EPOCH, TRANSACTION_COORDINATOR_FENCED when it must not be.
   */
  write(topic: string, partition: number, marker: TransactionMarker): void | Promise<void>
}

/** Which topics there are. */
export interface TxnTopics {
  /** How many partitions the topic has; 0 when it does not exist. */
  partitionCount(name: string): number
}

export interface TxnServices {
  readonly clock: Clock
  readonly logger: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>
  readonly config: TxnConfig
  readonly producerIds: ProducerIdSource
  readonly writeMarkers: WriteMarkers
  readonly topics: TxnTopics
  /** The partition of `__consumer_offsets` that a group's offsets are kept in. */
  readonly groupPartitionFor: (groupId: string) => number
}

/** What a coordinator is told of a request beside its body. */
export interface TxnRequestContext {
  /** The version of the API that the request has. */
  readonly version: number
  readonly clientId: string | null
}
