/** OffsetCommit and OffsetDelete: what may be recorded of a group's offsets, and by whom. */
import type { OffsetCommitValue } from '../wire/coordinator-records/offset-commit.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type { OffsetCommitRequest, OffsetCommitResponseTopic } from '../wire/messages/offset-commit.ts'
import type { OffsetDeleteRequest, OffsetDeleteResponseTopic } from '../wire/messages/offset-delete.ts'
import type { ClassicGroup } from './classic-group.ts'
import type { GroupRequestContext } from './group-services.ts'
import type { AnsweredDecision, GroupShard } from './group-shard.ts'
import { validMember } from './members.ts'
import { touch } from './rebalance.ts'
import { type GroupRecord, offsetRecord, offsetTombstone } from './records.ts'

/** From this version on a member of a group that is not there is told so; before, that its generation is over. */
const GROUP_ID_NOT_FOUND_FROM = 9
/** "As long as the broker keeps them": what a commit without a retention time of its own says. */
const DEFAULT_RETENTION_TIME = -1n

/**
 * Commits the offsets of `request`, whose topics exist and have name and id.
 * @throws KafkaError GROUP_ID_NOT_FOUND, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION,
 * REBALANCE_IN_PROGRESS.
 */
export function commitOffsets(
  shard: GroupShard,
  request: OffsetCommitRequest,
  context: GroupRequestContext,
): AnsweredDecision<readonly OffsetCommitResponseTopic[]> {
  validateCommit(shard, request, context)
  const nowMs = BigInt(shard.nowMs)
  const expireTimestamp =
    request.retentionTimeMs === DEFAULT_RETENTION_TIME
      ? -1n
      : BigInt.asIntN(64, nowMs + request.retentionTimeMs)
  const records: GroupRecord[] = []
  const response = request.topics.map((topic) => {
    const { name, topicId } = topic
    const common = { commitTimestamp: nowMs, expireTimestamp, topicId }
    return { name, topicId, partitions: recordOffsets(shard, request.groupId, topic, common, records) }
  })
  return { records, response }
}

interface TopicOffsets {
  readonly name: string
  readonly partitions: readonly {
    readonly partitionIndex: number
    readonly committedOffset: bigint
    readonly committedLeaderEpoch: number
    readonly committedMetadata: string | null
  }[]
}

/**
 * Adds what is to be recorded of the offsets of one topic to `records`.
 * @param common what all of them have in common.
 * @returns the answer for each partition.
 */
export function recordOffsets(
  shard: GroupShard,
  groupId: string,
  { name, partitions }: TopicOffsets,
  common: Pick<OffsetCommitValue, 'commitTimestamp' | 'expireTimestamp' | 'topicId'>,
  records: GroupRecord[],
): { readonly partitionIndex: number; readonly errorCode: ErrorCode }[] {
  return partitions.map(({ partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata }) => {
    const metadata = committedMetadata ?? ''
    if (metadata.length > shard.services.config.offsetMetadataMaxBytes) {
      return { partitionIndex, errorCode: ErrorCode.OFFSET_METADATA_TOO_LARGE }
    }
    const value = { offset: committedOffset, leaderEpoch: committedLeaderEpoch, metadata, ...common }
    records.push(offsetRecord(groupId, name, partitionIndex, value))
    return { partitionIndex, errorCode: ErrorCode.NONE }
  })
}

/**
 * Forgets offsets, except of topics that members read.
 * @throws KafkaError GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP.
 */
export function deleteOffsets(
  shard: GroupShard,
  request: OffsetDeleteRequest,
): AnsweredDecision<readonly OffsetDeleteResponseTopic[]> {
  const { groupId } = request
  const group = shard.groups.get(groupId)
  if (group === undefined) throw new KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} not found.`)
  if (group.state !== 'Empty' && !group.usesConsumerProtocol) {
    throw new KafkaError(
      ErrorCode.NON_EMPTY_GROUP,
      `group ${groupId} has members, and what they read cannot be told from protocol type ${group.protocolType}`,
    )
  }
  const records: GroupRecord[] = []
  const response = request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => {
      if (group.isSubscribedTo(name))
        return { partitionIndex, errorCode: ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC }
      const { state } = shard
      if (
        state.offset('latest', groupId, name, partitionIndex) !== undefined ||
        state.hasPending('latest', groupId, name, partitionIndex)
      ) {
        records.push(offsetTombstone(groupId, name, partitionIndex))
      }
      return { partitionIndex, errorCode: ErrorCode.NONE }
    }),
  }))
  return { records, response }
}

function validateCommit(shard: GroupShard, request: OffsetCommitRequest, context: GroupRequestContext): void {
  const { groupId, generationIdOrMemberEpoch: generationId, memberId, groupInstanceId } = request
  const group = shard.groups.get(groupId)
  if (group === undefined) {
    // Whoever commits without a generation manages the group by itself: its records create a simple group.
    if (generationId < 0) return
    throw context.version >= GROUP_ID_NOT_FOUND_FROM
      ? new KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} not found.`)
      : new KafkaError(
          ErrorCode.ILLEGAL_GENERATION,
          `there is no group ${groupId}, so no generation ${generationId}`,
        )
  }
  if (generationId < 0 && group.state === 'Empty') return
  if (generationId < 0 && memberId === '' && groupInstanceId === null) {
    throw new KafkaError(
      ErrorCode.UNKNOWN_MEMBER_ID,
      `group ${groupId} has members: only they commit its offsets`,
    )
  }
  validateGeneration(shard, group, request)
}

/** The commit of a member keeps its session alive, except between join and assignment, when it may not commit. */
function validateGeneration(shard: GroupShard, group: ClassicGroup, request: OffsetCommitRequest): void {
  const member = validMember(group, request.memberId, request.groupInstanceId)
  if (request.generationIdOrMemberEpoch !== group.generationId) {
    throw new KafkaError(
      ErrorCode.ILLEGAL_GENERATION,
      `group ${group.groupId} is in generation ${group.generationId}, not ${request.generationIdOrMemberEpoch}`,
    )
  }
  if (group.state === 'CompletingRebalance') {
    throw new KafkaError(ErrorCode.REBALANCE_IN_PROGRESS, `group ${group.groupId} awaits its assignment`)
  }
  touch(shard, group, member)
}
