import { topicPartitionHashCode } from '../coordinator/partitioner.ts'
import { javaHashMapOrder } from '../metadata/java-hash-order.ts'
import type { TopicPartition } from './add-partitions.ts'
import type { Partitions } from './transaction.ts'

/** Partitions as Kafka's hash tables arrange them, and its answers with them. */
export function inHashOrder(partitions: Partitions): TopicPartition[] {
  const all = Array.from(partitions, ([topic, indexes]) =>
    Array.from(indexes, (partition) => ({ topic, partition })),
  ).flat()
  return javaHashMapOrder(all, ({ topic, partition }) => topicPartitionHashCode(topic, partition))
}
