import { describe, expect, it } from 'vitest'
import { javaHashCode, javaHashMapOrder } from '../metadata/java-hash-order.ts'
import { partitionFor, topicPartitionHashCode } from './partitioner.ts'

describe('what Kafka builds on Java’s hash codes', () => {
  it.each([
    ['', 0],
    ['a', 97],
    ['range', 108280125],
    ['polygenelubricants', -2147483648],
    ['my-group', -1906497762],
    ['日本', 835047],
  ])('hashes %j as Java does', (text, hash) => {
    expect(javaHashCode(text)).toBe(hash)
  })

  it.each([
    ['', 0],
    ['a', 47],
    ['polygenelubricants', 0],
    ['my-group', 12],
  ])('finds the partition of group %j by the absolute value of its hash code', (groupId, partition) => {
    expect(partitionFor(groupId, 50)).toBe(partition)
  })

  it('arranges keys as a HashMap does', () => {
    const hashCode = (partition: number): number => topicPartitionHashCode('__consumer_offsets', partition)
    expect(javaHashMapOrder([0, 11, 22, 45, 12, 44, 46], hashCode)).toEqual([0, 45, 46, 11, 12, 44, 22])
  })
})
