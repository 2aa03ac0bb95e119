/** Ways to look at what is stored, for cases of other APIs than Fetch. */
import { deleteRecordsApi } from '../../../src/wire/messages/delete-records.ts'
import { describeProducersApi } from '../../../src/wire/messages/describe-producers.ts'
import { fetchApi } from '../../../src/wire/messages/fetch.ts'
import { offsetCommitApi } from '../../../src/wire/messages/offset-commit.ts'
import { type OffsetFetchResponse, offsetFetchApi } from '../../../src/wire/messages/offset-fetch.ts'
import { asAnswered } from '../answer.ts'
import { readBatches } from '../batch.ts'
import type { CaseContext, Topic } from '../case.ts'
import type { Complete } from '../client.ts'

/** Partition 0 from its start, batch by batch, with its offsets. */
export async function readBack(t: CaseContext, topic: Topic): Promise<unknown> {
  const helper = await t.helper()
  const partitions = [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 10_000_000 }]
  const answer = await helper.send(fetchApi, 11, {
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: 10_000_000,
    topics: [{ topic: topic.name, partitions }],
  })
  const partition = answer.responses[0]?.partitions[0]
  if (partition === undefined) throw new Error('the fetch of what is stored has no answer')
  return {
    errorCode: partition.errorCode,
    highWatermark: partition.highWatermark,
    logStartOffset: partition.logStartOffset,
    records: readBatches(partition.records as Buffer | null),
  }
}

/** What readers of committed records see of partition 0, from its start or another offset. */
export async function readCommitted(t: CaseContext, topic: Topic, fetchOffset = 0n): Promise<unknown> {
  const helper = await t.helper()
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 10_000_000 }]
  const answer = await helper.send(fetchApi, 11, {
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: 10_000_000,
    isolationLevel: 1,
    topics: [{ topic: topic.name, partitions }],
  })
  const partition = asAnswered('Fetch', 11, answer).responses[0]?.partitions[0]
  if (partition === undefined) throw new Error('the fetch of what is committed has no answer')
  const { records, ...rest } = partition
  return { ...rest, records: readBatches(records as Buffer | null) }
}

/** The producers that partition 0 knows. */
export async function producers(t: CaseContext, topic: Topic): Promise<unknown> {
  const helper = await t.helper()
  const answer = await helper.send(describeProducersApi, 0, {
    topics: [{ name: topic.name, partitionIndexes: [0] }],
  })
  return asAnswered('DescribeProducers', 0, answer).topics[0]?.partitions[0]?.activeProducers
}

/** Moves the start of partition 0. */
export async function deleteRecords(t: CaseContext, topic: Topic, offset: bigint): Promise<void> {
  const helper = await t.helper()
  const topics = [{ name: topic.name, partitions: [{ partitionIndex: 0, offset }] }]
  const answer = await helper.send(deleteRecordsApi, 1, { topics, timeoutMs: 30_000 })
  const errorCode = answer.topics[0]?.partitions[0]?.errorCode
  if (errorCode !== 0) throw new Error(`cannot delete records of ${topic.name}: ${errorCode}`)
}

/** What a group has committed for partitions of a topic; null where there is nothing. */
export async function committed(
  t: CaseContext,
  groupId: string,
  topic: Topic,
  partitionIndexes: readonly number[] = [0],
): Promise<Complete<OffsetFetchResponse>['topics'][number]['partitions'] | undefined> {
  const helper = await t.helper()
  const topics = [{ name: topic.name, partitionIndexes }]
  const answer = await helper.send(offsetFetchApi, 6, { groupId, topics })
  return answer.topics[0]?.partitions
}

/** Commits an offset of partition 0 without a member, to set a case up. */
export async function commitOffset(
  t: CaseContext,
  groupId: string,
  topic: Topic,
  offset: bigint,
): Promise<void> {
  const helper = await t.helper()
  const partitions = [
    { partitionIndex: 0, committedOffset: offset, committedLeaderEpoch: 0, committedMetadata: 'note' },
  ]
  const answer = await helper.send(offsetCommitApi, 8, {
    groupId,
    topics: [{ name: topic.name, partitions }],
  })
  const errorCode = answer.topics[0]?.partitions[0]?.errorCode
  if (errorCode !== 0) throw new Error(`cannot commit ${topic.name} for ${groupId}: ${errorCode}`)
}
