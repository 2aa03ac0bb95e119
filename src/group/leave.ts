import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type { MemberIdentity, MemberResponse } from '../wire/messages/leave-group.ts'
import type { ClassicGroup } from './classic-group.ts'
import { type AnsweredDecision, type Decision, type GroupShard, NO_RECORDS } from './group-shard.ts'
import { failureOf, validMember } from './members.ts'
import { completeJoinIfAllIn, dismiss, endSession, rebalanceOrCompleteJoin } from './rebalance.ts'

/**
 * LeaveGroup: takes members out of a group at their own wish, or static ones at an administrator's, who names
 * them by group.instance.id alone.
 * @throws KafkaError UNKNOWN_MEMBER_ID when there is no such group.
 */
export function leaveGroup(
  shard: GroupShard,
  groupId: string,
  members: readonly MemberIdentity[],
): AnsweredDecision<readonly MemberResponse[]> {
  const group = shard.groups.get(groupId)
  if (group === undefined) throw new KafkaError(ErrorCode.UNKNOWN_MEMBER_ID, `Group ${groupId} not found.`)
  const response = members.map((identity) => ({
    memberId: identity.memberId,
    groupInstanceId: identity.groupInstanceId,
    errorCode: leave(shard, group, identity),
  }))
  const left = response.filter(({ errorCode }) => errorCode === ErrorCode.NONE)
  return { ...afterLeaving(shard, group, left), response }
}

function leave(shard: GroupShard, group: ClassicGroup, identity: MemberIdentity): ErrorCode {
  const { memberId, groupInstanceId } = identity
  if (memberId === '') {
    const holder = groupInstanceId === null ? undefined : group.staticMemberId(groupInstanceId)
    const member = holder === undefined ? undefined : group.member(holder)
    if (member === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
    dismiss(shard, group, member)
    return ErrorCode.NONE
  }
  if (group.pendingJoins.has(memberId)) {
    group.remove(memberId)
    endSession(shard, group, memberId)
    return ErrorCode.NONE
  }
  const failure = failureOf(() => dismiss(shard, group, validMember(group, memberId, groupInstanceId)))
  return failure ?? ErrorCode.NONE
}

function afterLeaving(shard: GroupShard, group: ClassicGroup, left: readonly MemberIdentityOnly[]): Decision {
  if (left.length === 0 || group.state === 'Empty') return NO_RECORDS
  if (group.state === 'PreparingRebalance') return completeJoinIfAllIn(shard, group)
  const names = left.map(({ memberId }) => memberId).join(', ')
  return rebalanceOrCompleteJoin(shard, group, `LeaveGroup of (${names})`)
}

type MemberIdentityOnly = Pick<MemberIdentity, 'memberId'>
