/** TxnOffsetCommit: offsets that a transaction takes along (KIP-98, KIP-447). */

import type { VerifiedProducer } from '../coordinator/coordinator-log.ts'
import type { VerificationGuard } from '../log/verifications.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type {
  TxnOffsetCommitRequest,
  TxnOffsetCommitRequestTopic,
  TxnOffsetCommitResponseTopic,
} from '../wire/messages/txn-offset-commit.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import { recordOffsets } from './commit.ts'
import type { AnsweredDecision, GroupShard } from './group-shard.ts'
import { validMember } from './members.ts'
import type { GroupRecord } from './records.ts'

/** From this version on clients know COORDINATOR_LOAD_IN_PROGRESS here (KAFKA-7296). */
const LOAD_IN_PROGRESS_FROM = 2

/**
 * Asks whether a producer's transaction may write into a partition of `__consumer_offsets`.
 * @returns what the partition wants to see with the records.
 * @throws KafkaError, also as a rejection, when it may not.
 */
export type VerifyTransaction = (
  partition: number,
) => VerificationGuard | null | undefined | Promise<VerificationGuard | null | undefined>

/**
 * Records the offsets of `request`, whose topics exist; they count once the transaction of `producer` is committed.
 * @throws KafkaError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION; INVALID_PRODUCER_EPOCH and
 * INVALID_TXN_STATE when the log refuses the producer.
 */
export function commitTransactionalOffsets(
  shard: GroupShard,
  request: TxnOffsetCommitRequest,
  producer: VerifiedProducer,
): AnsweredDecision<readonly TxnOffsetCommitResponseTopic[]> {
  validateCommit(shard, request)
  // The request does not know topics' ids, and Kafka does not look them up.
  const common = { commitTimestamp: BigInt(shard.nowMs), expireTimestamp: -1n, topicId: ZERO_UUID }
  const records: GroupRecord[] = []
  const response = request.topics.map((topic) => ({
    name: topic.name,
    partitions: recordOffsets(shard, request.groupId, topic, common, records),
  }))
  return { records, producer, response }
}

/** The same error for every partition: there is no place for one that concerns the whole request. */
export function txnOffsetCommitError(
  topics: readonly TxnOffsetCommitRequestTopic[],
  code: ErrorCode,
  version: number,
): TxnOffsetCommitResponseTopic[] {
  const known = code !== ErrorCode.COORDINATOR_LOAD_IN_PROGRESS || version >= LOAD_IN_PROGRESS_FROM
  const errorCode = known ? code : ErrorCode.COORDINATOR_NOT_AVAILABLE
  return topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
  }))
}

/**
 * Versions before 3 say nothing of a member, and the producer's own fencing has to do. Unlike a plain commit this one
 * may come during a rebalance, and does not keep the member's session alive.
 */
function validateCommit(shard: GroupShard, request: TxnOffsetCommitRequest): void {
  const { groupId, generationId, memberId, groupInstanceId } = request
  const group = shard.groups.get(groupId)
  if (group === undefined) {
    // The records create a simple group.
    if (generationId < 0) return
    throw new KafkaError(
      ErrorCode.ILLEGAL_GENERATION,
      `there is no group ${groupId}, so no generation ${generationId}`,
    )
  }
  if (generationId < 0 && group.state === 'Empty') return
  if (generationId < 0 && memberId === '' && groupInstanceId === null) return
  validMember(group, memberId, groupInstanceId)
  if (generationId !== group.generationId) {
    throw new KafkaError(
      ErrorCode.ILLEGAL_GENERATION,
      `group ${groupId} is in generation ${group.generationId}, not ${generationId}`,
    )
  }
}
