/** What Kafka builds on Java's String.hashCode: which partition of an internal topic a name belongs to. */
import { javaHashCode } from '../metadata/java-hash-order.ts'

/**
 * The partition of `__consumer_offsets` whose leader coordinates the group `groupId`: by the absolute value of its
 * hash code, 0 for the one that has none in 32 bits. (Partitioners of producers clear the sign bit instead.)
 */
export function partitionFor(groupId: string, partitionCount: number): number {
  const hash = javaHashCode(groupId)
  return (hash === -(2 ** 31) ? 0 : Math.abs(hash)) % partitionCount
}

/** `TopicPartition.hashCode()` of Kafka's clients. */
export function topicPartitionHashCode(topic: string, partition: number): number {
  return (Math.imul(31, 31 + partition) + javaHashCode(topic)) | 0
}
