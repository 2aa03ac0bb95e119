/** Java's String.hashCode and what Kafka builds on it: which partition of an internal topic a name belongs to. */

/** `String.hashCode()` of Java: over UTF-16 units, in 32 bits, signed. */
export function javaHashCode(text: string): number {
  let hash = 0
  for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0
  return hash
}

/**
 * The partition of `__consumer_offsets` whose leader coordinates the group `groupId`: by the absolute value of its
 * hash code, 0 for the one that has none in 32 bits. (Partitioners of producers clear the sign bit instead.)
 */
export function partitionFor(groupId: string, partitionCount: number): number {
  const hash = javaHashCode(groupId)
  return (hash === -(2 ** 31) ? 0 : Math.abs(hash)) % partitionCount
}

/**
 * `keys`, each once, in the order in which a Java HashMap with these hash codes gives them back that they were `put`
 * into one after the other. Kafka's answers show that order in places: which protocol wins a tied vote, how
 * described groups are arranged.
 */
export function javaHashMapOrder<K>(keys: Iterable<K>, hashCode: (key: K) => number): K[] {
  const distinct = [...new Set(keys)]
  let buckets = 16
  while (distinct.length > buckets * 0.75) buckets *= 2
  const bucket = (key: K): number => {
    const hash = hashCode(key)
    return (hash ^ (hash >>> 16)) & (buckets - 1)
  }
  return distinct.sort((left, right) => bucket(left) - bucket(right))
}

/** `TopicPartition.hashCode()` of Kafka's clients. */
export function topicPartitionHashCode(topic: string, partition: number): number {
  return (Math.imul(31, 31 + partition) + javaHashCode(topic)) | 0
}
