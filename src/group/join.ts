/** JoinGroup: who becomes a member, who has to come back with an id, and when a join sets off a rebalance. */
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type { JoinGroupRequest, JoinGroupResponse } from '../wire/messages/join-group.ts'
import { EMPTY_BYTES } from '../wire/reader.ts'
import { coordinatorError, joinError } from './answers.ts'
import type { ClassicGroup } from './classic-group.ts'
import { type ClassicMember, matchesProtocols, ownProtocols } from './classic-member.ts'
import { SIMPLE_GROUP } from './durable-state.ts'
import type { GroupRequestContext } from './group-services.ts'
import { type Decision, type GroupShard, NO_RECORDS } from './group-shard.ts'
import { failureOf, validMember } from './members.ts'
import type { Parked } from './parked.ts'
import {
  completeJoinIfAllIn,
  endSession,
  joined,
  prepareRebalance,
  rebalanceOrCompleteJoin,
  touch,
} from './rebalance.ts'
import { groupRecord } from './records.ts'

/** From this version on a new dynamic member has to come back with the id that it is given (KIP-394). */
const MEMBER_ID_REQUIRED_FROM = 4
/** From this version on a leader can be told to leave the assignment as it is (KIP-814). */
const SKIP_ASSIGNMENT_FROM = 9
/** How long a new member may wait for the rebalance: Kafka's own constant. After that it is taken to be gone. */
const NEW_MEMBER_JOIN_TIMEOUT_MS = 5 * 60 * 1000

/** One JoinGroup request on its way. */
interface Join {
  readonly request: JoinGroupRequest
  readonly context: GroupRequestContext
  readonly parked: Parked<JoinGroupResponse>
}

/** Lets a member join, new or known. The answer goes to `parked`: at once, or when the rebalance is through. */
export function joinGroup(
  shard: GroupShard,
  request: JoinGroupRequest,
  context: GroupRequestContext,
  parked: Parked<JoinGroupResponse>,
): Decision {
  const { groupId, memberId } = request
  const isNewGroup = !shard.groups.has(groupId)
  if (isNewGroup && memberId !== '') {
    parked.complete(joinError(ErrorCode.UNKNOWN_MEMBER_ID, memberId))
    return NO_RECORDS
  }
  const group = shard.groupOrNew(groupId)
  // An empty group is recorded before anything else, so that whoever sees it sees what will survive a crash.
  const created = {
    ...SIMPLE_GROUP,
    currentStateTimestamp: group.stateTimestampMs,
  }
  const decision = decideJoin(shard, group, { request, context, parked })
  if (!isNewGroup) return decision
  return {
    ...decision,
    records: [groupRecord(groupId, created), ...decision.records],
    refused: (error) => {
      shard.forget(group, error)
      parked.complete(joinError(coordinatorError(error), ''))
      return NO_RECORDS
    },
  }
}

function decideJoin(shard: GroupShard, group: ClassicGroup, join: Join): Decision {
  const { request, parked } = join
  const { memberId } = request
  if (!isAccepted(shard, group, memberId)) {
    group.remove(memberId)
    return refuse(parked, ErrorCode.GROUP_MAX_SIZE_REACHED, '')
  }
  if (!group.supportsProtocols(request.protocolType, request.protocols)) {
    return refuse(parked, ErrorCode.INCONSISTENT_GROUP_PROTOCOL, memberId)
  }
  if (memberId !== '') return joinKnownMember(shard, group, join)
  return request.groupInstanceId === null
    ? joinNewMember(shard, group, join)
    : joinNewStaticMember(shard, group, join, request.groupInstanceId)
}

/** Whether `group.max.size` leaves room. While members join, those count who have; later, those who are in. */
function isAccepted(shard: GroupShard, group: ClassicGroup, memberId: string): boolean {
  const { maxSize } = shard.services.config
  const member = group.member(memberId)
  switch (group.state) {
    case 'Empty':
      return true
    case 'PreparingRebalance':
      return (member !== undefined && member.awaitingJoin !== null) || group.awaitingJoinCount < maxSize
    default:
      return member !== undefined || group.size < maxSize
  }
}

function joinNewMember(shard: GroupShard, group: ClassicGroup, join: Join): Decision {
  const { request, context, parked } = join
  const memberId = newMemberId(shard, context.clientId ?? '')
  shard.arrivals.arrived(group.groupId)
  if (context.version < MEMBER_ID_REQUIRED_FROM) return addMember(shard, group, join, memberId)
  group.pendingJoins.add(memberId)
  touch(shard, group, { memberId, sessionTimeoutMs: request.sessionTimeoutMs })
  return refuse(parked, ErrorCode.MEMBER_ID_REQUIRED, memberId)
}

function joinNewStaticMember(
  shard: GroupShard,
  group: ClassicGroup,
  join: Join,
  groupInstanceId: string,
): Decision {
  const memberId = newMemberId(shard, groupInstanceId)
  shard.arrivals.arrived(group.groupId)
  const holder = group.staticMemberId(groupInstanceId)
  return holder === undefined
    ? addMember(shard, group, join, memberId)
    : replaceStaticMember(shard, group, join, { groupInstanceId, oldMemberId: holder, newMemberId: memberId })
}

function joinKnownMember(shard: GroupShard, group: ClassicGroup, join: Join): Decision {
  const { request, parked } = join
  const { memberId, groupInstanceId } = request
  if (group.pendingJoins.has(memberId)) {
    if (groupInstanceId === null) return addMember(shard, group, join, memberId)
    // The id was given to a dynamic member. Kafka has no better error for this either.
    throw new KafkaError(
      ErrorCode.UNKNOWN_SERVER_ERROR,
      `pending member ${memberId} of group ${group.groupId} joins as static member ${groupInstanceId}`,
    )
  }
  const failure = failureOf(() => validMember(group, memberId, groupInstanceId))
  const member = group.member(memberId)
  if (failure !== null || member === undefined) {
    return refuse(parked, failure ?? ErrorCode.UNKNOWN_MEMBER_ID, memberId)
  }
  const unchanged = matchesProtocols(member, request.protocols)
  if (group.state === 'PreparingRebalance') return updateMember(shard, group, join, member, 'joins')
  // It may not have got the answer to its last JoinGroup: a rebalance would bring nothing new.
  if (unchanged && (group.state === 'CompletingRebalance' || !group.isLeader(memberId))) {
    parked.complete(joined(group, memberId))
    return NO_RECORDS
  }
  // A leader that joins again wants a new assignment: what it knows of the topics may have changed.
  return updateMember(
    shard,
    group,
    join,
    member,
    unchanged ? 'leads and joins again' : 'has changed its metadata',
  )
}

function addMember(shard: GroupShard, group: ClassicGroup, join: Join, memberId: string): Decision {
  const { request, context, parked } = join
  if (group.state === 'PreparingRebalance' && group.previousState === 'Empty') group.newMemberAdded = true
  const member: ClassicMember = {
    memberId,
    groupInstanceId: request.groupInstanceId,
    clientId: context.clientId ?? '',
    clientHost: context.clientHost,
    protocolType: request.protocolType,
    rebalanceTimeoutMs: rebalanceTimeoutMs(join),
    sessionTimeoutMs: request.sessionTimeoutMs,
    protocols: ownProtocols(request.protocols),
    assignment: EMPTY_BYTES,
    awaitingJoin: parked,
    awaitingSync: null,
    isNew: true,
    connection: context.signal,
  }
  group.add(member)
  touch(shard, group, member, NEW_MEMBER_JOIN_TIMEOUT_MS)
  return rebalanceOrCompleteJoin(shard, group, because(join, memberId, 'is new'))
}

function updateMember(
  shard: GroupShard,
  group: ClassicGroup,
  join: Join,
  member: ClassicMember,
  what: string,
): Decision {
  const { request, context, parked } = join
  member.connection = context.signal
  group.update(member, request.protocols, rebalanceTimeoutMs(join), request.sessionTimeoutMs, parked)
  return rebalanceOrCompleteJoin(shard, group, because(join, member.memberId, what))
}

/**
 * A static member has come back without its id (KIP-345). In a stable group it gets the assignment of its former
 * self, and nobody else need know, unless with it the group would choose another protocol.
 */
function replaceStaticMember(
  shard: GroupShard,
  group: ClassicGroup,
  join: Join,
  ids: { readonly groupInstanceId: string; readonly oldMemberId: string; readonly newMemberId: string },
): Decision {
  const { request, context, parked } = join
  const formerLeader = group.leaderId
  const former = group.member(ids.oldMemberId)
  const member = group.replaceStaticMember(ids.groupInstanceId, ids.oldMemberId, ids.newMemberId)
  endSession(shard, group, ids.oldMemberId)
  touch(shard, group, member)
  member.connection = context.signal
  group.update(member, request.protocols, rebalanceTimeoutMs(join), request.sessionTimeoutMs, parked)
  if (group.state === 'PreparingRebalance') return completeJoinIfAllIn(shard, group)
  if (group.state === 'CompletingRebalance') {
    // The leader may be assigning to the old id, so the new one would get nothing.
    return prepareRebalance(shard, group, because(join, member.memberId, `is back as ${ids.groupInstanceId}`))
  }
  if (group.selectProtocol() !== group.protocolName) {
    return rebalanceOrCompleteJoin(shard, group, because(join, member.memberId, 'changes the protocol'))
  }
  const assignments = new Map(group.members.map(({ memberId, assignment }) => [memberId, assignment]))
  return {
    records: [groupRecord(group.groupId, group.toRecord(assignments))],
    committed: () => {
      const answer = joined(group, member.memberId)
      const skips = context.version >= SKIP_ASSIGNMENT_FROM
      group.completeJoin(
        member,
        skips
          ? { ...answer, skipAssignment: group.isLeader(member.memberId) }
          : // Below v9 it is told of the leader before it: were it told that it leads, it would assign.
            { ...answer, leader: formerLeader ?? '', members: [] },
      )
    },
    refused: (error) => {
      const answer = { ...joined(group, ''), leader: formerLeader ?? '', errorCode: coordinatorError(error) }
      group.completeJoin(member, answer)
      if (former !== undefined) {
        const { protocols, rebalanceTimeoutMs, sessionTimeoutMs } = former
        group.update(member, protocols, rebalanceTimeoutMs, sessionTimeoutMs, null)
      }
      endSession(shard, group, ids.newMemberId)
      touch(shard, group, group.replaceStaticMember(ids.groupInstanceId, ids.newMemberId, ids.oldMemberId))
      return NO_RECORDS
    },
  }
}

function refuse(parked: Parked<JoinGroupResponse>, code: ErrorCode, memberId: string): Decision {
  parked.complete(joinError(code, memberId))
  return NO_RECORDS
}

/** Version 0 knows the session timeout alone. */
function rebalanceTimeoutMs({ request, context }: Join): number {
  return context.version === 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs
}

function because(join: Join, memberId: string, what: string): string {
  return `member ${memberId} ${what}; client reason: ${join.request.reason || 'not provided'}`
}

/** `prefix` and a random UUID (version 4) in its usual form. */
function newMemberId(shard: GroupShard, prefix: string): string {
  const bytes = Buffer.from(shard.services.random.bytes(16))
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  const uuid = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join(
    '-',
  )
  return `${prefix}-${uuid}`
}
