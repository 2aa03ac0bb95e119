/** The shapes in which offset requests are asked and answered, over their versions. */
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type { OffsetCommitRequestTopic, OffsetCommitResponseTopic } from '../wire/messages/offset-commit.ts'
import type {
  OffsetFetchRequest,
  OffsetFetchRequestGroup,
  OffsetFetchResponse,
  OffsetFetchResponseGroup,
} from '../wire/messages/offset-fetch.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import { coordinatorError } from './answers.ts'
import { noOffset } from './fetch.ts'

/** The same error for every partition: OffsetCommit has no place for one that concerns the whole request. */
export function offsetCommitError(
  topics: readonly OffsetCommitRequestTopic[],
  errorCode: ErrorCode,
): OffsetCommitResponseTopic[] {
  return topics.map(({ name, topicId, partitions }) => ({
    name,
    topicId,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
  }))
}

/** The groups asked for: versions before 8 ask for a single one, in fields of their own. */
export function groupsOf(request: OffsetFetchRequest, version: number): readonly OffsetFetchRequestGroup[] {
  if (version >= 8) return request.groups
  const topics =
    request.topics?.map(({ name, partitionIndexes }) => ({ name, topicId: ZERO_UUID, partitionIndexes })) ??
    null
  return [{ groupId: request.groupId, memberId: null, memberEpoch: -1, topics }]
}

/** The answer for the single group of versions before 8. */
export function asSingleGroup(group: OffsetFetchResponseGroup | undefined): OffsetFetchResponse {
  return {
    throttleTimeMs: 0,
    topics: group?.topics ?? [],
    errorCode: group?.errorCode ?? ErrorCode.NONE,
    groups: [],
  }
}

/** Version 1 has no error for the whole group, so each partition says it. */
export function offsetFetchError(
  { groupId, topics }: OffsetFetchRequestGroup,
  errorCode: ErrorCode,
  version: number,
): OffsetFetchResponseGroup {
  if (version >= 2) return { groupId, topics: [], errorCode }
  const failed = (topics ?? []).map(({ name, topicId, partitionIndexes }) => ({
    name,
    topicId,
    partitions: partitionIndexes.map((partition) => noOffset(partition, errorCode)),
  }))
  return { groupId, topics: failed, errorCode: ErrorCode.NONE }
}

/** Clients before 3.9 do not try again after COORDINATOR_NOT_AVAILABLE here; this sends them to look for it anew. */
export function offsetFetchErrorCode(error: unknown): ErrorCode {
  const code = coordinatorError(error)
  const log = error instanceof KafkaError && error.code !== code
  return log && code === ErrorCode.COORDINATOR_NOT_AVAILABLE ? ErrorCode.NOT_COORDINATOR : code
}
