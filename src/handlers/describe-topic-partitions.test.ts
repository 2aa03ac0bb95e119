/** Limits and pages over all topics, which the differential suite cannot see on a broker that all cases share. */
import { describe, expect, it } from 'vitest'
import type { DescribeTopicPartitionsRequest } from '../wire/messages/describe-topic-partitions.ts'
import { describeTopicPartitionsHandler } from './describe-topic-partitions.ts'
import { type TestBroker, testBroker } from './harness.suite.ts'

const topics = [
  { name: 'b', partitions: 3 },
  { name: 'B', partitions: 2 },
  { name: 'a.z', partitions: 1 },
  { name: 'a', partitions: 4 },
]

/** A page in short: `a: 0 1`, and where the next one begins. */
async function page(
  broker: TestBroker,
  responsePartitionLimit: number,
  cursor: DescribeTopicPartitionsRequest['cursor'] = null,
) {
  const answer = await broker.ask(describeTopicPartitionsHandler, 0, {
    topics: [],
    responsePartitionLimit,
    cursor,
  })
  const lines = answer.topics.map(
    ({ name, partitions }) => `${name}: ${partitions.map(({ partitionIndex }) => partitionIndex).join(' ')}`,
  )
  return { lines, next: answer.nextCursor ?? null }
}

describe('all topics', () => {
  it('come in the order of their names, page by page', async () => {
    const broker = await testBroker({ topics })
    const pages: string[][] = []
    let cursor: DescribeTopicPartitionsRequest['cursor'] = null
    do {
      const { lines, next } = await page(broker, 3, cursor)
      pages.push(lines)
      cursor = next
    } while (cursor !== null)
    expect(pages).toEqual([['B: 0 1', 'a: 0'], ['a: 1 2 3'], ['a.z: 0', 'b: 0 1'], ['b: 2']])
  })

  it('are no more than max.request.partition.size.limit at a time', async () => {
    const broker = await testBroker({ topics, config: { 'max.request.partition.size.limit': '3' } })
    expect(await page(broker, 2000)).toEqual({
      lines: ['B: 0 1', 'a: 0'],
      next: { topicName: 'a', partitionIndex: 1 },
    })
  })

  it('are none where there are none', async () => {
    expect(await page(await testBroker(), 10)).toEqual({ lines: [], next: null })
  })
})

it('a partition of the cursor that is beyond every topic leads on to the next topic', async () => {
  const broker = await testBroker({ topics })
  const { lines, next } = await page(broker, 2000, { topicName: 'a', partitionIndex: 2 ** 31 - 1 })
  expect(lines).toEqual(['a: ', 'a.z: 0', 'b: 0 1 2'])
  expect(next).toBeNull()
})
