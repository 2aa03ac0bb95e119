/** SyncGroup: the leader's assignment comes in and goes out to every member. */
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type { SyncGroupRequest, SyncGroupResponse } from '../wire/messages/sync-group.ts'
import { EMPTY_BYTES } from '../wire/reader.ts'
import { coordinatorError, syncError } from './answers.ts'
import type { ClassicGroup } from './classic-group.ts'
import { ownBytes } from './classic-member.ts'
import { type Decision, type GroupShard, NO_RECORDS } from './group-shard.ts'
import { failureOf, validMember } from './members.ts'
import type { Parked } from './parked.ts'
import { failSyncs, prepareRebalance, propagateAssignment, removePendingSync } from './rebalance.ts'
import { groupRecord } from './records.ts'

/** Takes the assignment from the leader and gives it to the others. The answer goes to `parked`. */
export function syncGroup(
  shard: GroupShard,
  request: SyncGroupRequest,
  parked: Parked<SyncGroupResponse>,
): Decision {
  const group = shard.groups.get(request.groupId)
  if (group === undefined || group.state === 'Empty') return refuse(parked, ErrorCode.UNKNOWN_MEMBER_ID)
  const failure = failureOf(() => validate(group, request))
  const member = group.member(request.memberId)
  if (failure !== null || member === undefined) return refuse(parked, failure ?? ErrorCode.UNKNOWN_MEMBER_ID)
  if (group.state === 'PreparingRebalance') return refuse(parked, ErrorCode.REBALANCE_IN_PROGRESS)
  removePendingSync(shard, group, request.memberId)
  if (group.state === 'Stable') {
    parked.complete({
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      protocolType: group.protocolType,
      protocolName: group.protocolName,
      assignment: member.assignment,
    })
    return NO_RECORDS
  }
  // Kafka leaves the older of two requests of one member without an answer for ever.
  group.completeSync(member, syncError(ErrorCode.REBALANCE_IN_PROGRESS))
  member.awaitingSync = parked
  return group.isLeader(request.memberId) ? assign(shard, group, request) : NO_RECORDS
}

/** Records the leader's assignment; once that is committed, everybody is told. */
function assign(shard: GroupShard, group: ClassicGroup, request: SyncGroupRequest): Decision {
  const assignment = new Map<string, Buffer>(group.members.map(({ memberId }) => [memberId, EMPTY_BYTES]))
  for (const { memberId, assignment: bytes } of request.assignments) assignment.set(memberId, ownBytes(bytes))
  return {
    records: [groupRecord(group.groupId, group.toRecord(assignment))],
    committed: () => {
      // Somebody may have joined or left while the record was on its way.
      if (group.state !== 'CompletingRebalance' || group.generationId !== request.generationId) return
      propagateAssignment(shard, group, assignment)
      group.transitionTo('Stable', shard.nowMs)
    },
    refused: (error) => {
      const code = coordinatorError(error)
      failSyncs(shard, group, code)
      return prepareRebalance(shard, group, `the assignment cannot be recorded: ${error.message}`)
    },
  }
}

function validate(group: ClassicGroup, request: SyncGroupRequest): void {
  validMember(group, request.memberId, request.groupInstanceId)
  if (request.generationId !== group.generationId) {
    throw new KafkaError(
      ErrorCode.ILLEGAL_GENERATION,
      `group ${group.groupId} is in generation ${group.generationId}, not ${request.generationId}`,
    )
  }
  if (
    differs(request.protocolType, group.protocolType) ||
    differs(request.protocolName, group.protocolName)
  ) {
    throw new KafkaError(
      ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
      `group ${group.groupId} goes by ${group.protocolType}/${group.protocolName}, not by ${request.protocolType}/${request.protocolName}`,
    )
  }
}

function differs(asked: string | null, actual: string | null): boolean {
  return asked !== null && actual !== null && asked !== actual
}

function refuse(parked: Parked<SyncGroupResponse>, code: ErrorCode): Decision {
  parked.complete(syncError(code))
  return NO_RECORDS
}
