import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type { HeartbeatRequest } from '../wire/messages/heartbeat.ts'
import type { GroupRequestContext } from './group-services.ts'
import type { AnsweredDecision, GroupShard } from './group-shard.ts'
import { validMember } from './members.ts'
import { touch } from './rebalance.ts'

/**
 * Heartbeat: keeps the member's session alive, and tells it when to join again.
 * @throws KafkaError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION.
 */
export function heartbeat(
  shard: GroupShard,
  request: HeartbeatRequest,
  { signal }: Pick<GroupRequestContext, 'signal'>,
): AnsweredDecision<ErrorCode> {
  const group = shard.groups.get(request.groupId)
  if (group === undefined) {
    throw new KafkaError(ErrorCode.UNKNOWN_MEMBER_ID, `Group ${request.groupId} not found.`)
  }
  const member = validMember(group, request.memberId, request.groupInstanceId)
  if (request.generationId !== group.generationId) {
    throw new KafkaError(
      ErrorCode.ILLEGAL_GENERATION,
      `group ${group.groupId} is in generation ${group.generationId}, not ${request.generationId}`,
    )
  }
  member.connection = signal
  touch(shard, group, member)
  // Members may begin to send heartbeats before they have their assignment: those count as in a stable group.
  const response = group.state === 'PreparingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE
  return { records: [], response }
}
