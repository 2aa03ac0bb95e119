/** OffsetFetch: the offsets that a group has committed. */

import type { View } from '../coordinator/commit-queue.ts'
import type { OffsetCommitValue } from '../wire/coordinator-records/offset-commit.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import type {
  OffsetFetchRequestTopics,
  OffsetFetchResponsePartitions,
  OffsetFetchResponseTopics,
} from '../wire/messages/offset-fetch.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import type { DurableState } from './durable-state.ts'

/**
 * The offsets of these partitions; -1 where there is none, also when there is no such group. A topic that is asked
 * for by its id has no offset that was committed to an earlier topic of the same name.
 * @param requireStable refuses an offset that an open transaction may be about to change (KIP-447).
 */
export function fetchOffsets(
  state: DurableState,
  view: View,
  groupId: string,
  topics: readonly OffsetFetchRequestTopics[],
  requireStable: boolean,
): OffsetFetchResponseTopics[] {
  const exists = state.group(view, groupId) !== undefined
  return topics.map(({ name, topicId, partitionIndexes }) => ({
    name,
    topicId,
    partitions: partitionIndexes.map((partition) => {
      if (requireStable && state.hasPending(view, groupId, name, partition)) return unstable(partition)
      const value = exists ? state.offset(view, groupId, name, partition) : undefined
      return value !== undefined && isOf(value, topicId)
        ? fetched(partition, value)
        : noOffset(partition, ErrorCode.NONE)
    }),
  }))
}

/** Every offset that the group has, by topic; one that is only pending is not among them. */
export function fetchAllOffsets(
  state: DurableState,
  view: View,
  groupId: string,
  requireStable: boolean,
): OffsetFetchResponseTopics[] {
  if (state.group(view, groupId) === undefined) return []
  const topics = new Map<string, OffsetFetchResponsePartitions[]>()
  for (const { topic, partition, value } of state.offsets(view, groupId)) {
    const partitions = topics.get(topic) ?? []
    const pending = requireStable && state.hasPending(view, groupId, topic, partition)
    partitions.push(pending ? unstable(partition) : fetched(partition, value))
    topics.set(topic, partitions)
  }
  return Array.from(topics, ([name, partitions]) => ({ name, topicId: ZERO_UUID, partitions }))
}

function unstable(partition: number): OffsetFetchResponsePartitions {
  return noOffset(partition, ErrorCode.UNSTABLE_OFFSET_COMMIT)
}

export function noOffset(partitionIndex: number, errorCode: ErrorCode): OffsetFetchResponsePartitions {
  return { partitionIndex, committedOffset: -1n, committedLeaderEpoch: -1, metadata: '', errorCode }
}

function fetched(partitionIndex: number, value: OffsetCommitValue): OffsetFetchResponsePartitions {
  return {
    partitionIndex,
    committedOffset: value.offset,
    committedLeaderEpoch: value.leaderEpoch,
    metadata: value.metadata,
    errorCode: ErrorCode.NONE,
  }
}

/** Where either side does not know the id, the name decides. */
function isOf(value: OffsetCommitValue, topicId: string): boolean {
  return value.topicId === ZERO_UUID || topicId === ZERO_UUID || value.topicId === topicId
}
