/** Writes the markers of transactions: into data partitions, and through the group coordinator for its offsets. */
import type { AppendResult } from '../log/append-result.ts'
import type { TransactionMarker } from '../log/transaction-marker.ts'
import { CONSUMER_OFFSETS_TOPIC } from '../metadata/topic-name.ts'
import type { WriteMarkers } from './txn-services.ts'

/** A partition that a marker can be written into. */
export interface MarkedPartition {
  appendMarker(marker: TransactionMarker): AppendResult
}

/** Who keeps the offsets that transactions commit. */
export interface OffsetsOfTransactions {
  /** Writes the marker into that partition of `__consumer_offsets`, and makes its offsets visible or drops them. */
  completeTransaction(partition: number, marker: TransactionMarker): void | Promise<void>
}

export class MarkerWriter implements WriteMarkers {
  readonly #partitionOf: (topic: string, index: number) => MarkedPartition
  readonly #groups: OffsetsOfTransactions

  /**
   * @param partitionOf throws KafkaError UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER, KAFKA_STORAGE_ERROR.
   */
  constructor(partitionOf: (topic: string, index: number) => MarkedPartition, groups: OffsetsOfTransactions) {
    this.#partitionOf = partitionOf
    this.#groups = groups
  }

  write(topic: string, partition: number, marker: TransactionMarker): void | Promise<void> {
    if (topic !== CONSUMER_OFFSETS_TOPIC)
      return this.#partitionOf(topic, partition).appendMarker(marker).durable
    this.#partitionOf(topic, partition)
    return this.#groups.completeTransaction(partition, marker)
  }
}
