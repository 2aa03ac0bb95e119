/** The rounds of the classic protocol: members join, the leader assigns, all are told; and what happens when some do not. */
import { ErrorCode } from '../wire/error-codes.ts'
import type { JoinGroupResponse } from '../wire/messages/join-group.ts'
import { EMPTY_BYTES } from '../wire/reader.ts'
import { joinError, syncError } from './answers.ts'
import { ARRIVAL_MS } from './arrivals.ts'
import type { ClassicGroup } from './classic-group.ts'
import { type ClassicMember, hasSatisfiedHeartbeat } from './classic-member.ts'
import { type Decision, type GroupShard, NO_RECORDS } from './group-shard.ts'
import { groupRecord } from './records.ts'

const JOIN_TIMER = 'join'
const SYNC_TIMER = 'sync'

/** How long the first rebalance of a group without a delay waits at most for those who are on their way. */
const LONGEST_GATHERING_MS = 500

/** Begins a rebalance where the state allows one, or ends the one that is going on if all have joined. */
export function rebalanceOrCompleteJoin(shard: GroupShard, group: ClassicGroup, reason: string): Decision {
  return group.state === 'PreparingRebalance'
    ? completeJoinIfAllIn(shard, group)
    : prepareRebalance(shard, group, reason)
}

/** Has every member join anew. */
export function prepareRebalance(shard: GroupShard, group: ClassicGroup, reason: string): Decision {
  if (group.state === 'CompletingRebalance') failSyncs(shard, group, ErrorCode.REBALANCE_IN_PROGRESS)
  group.pendingSyncs.clear()
  shard.cancel(group, SYNC_TIMER)
  const initial = group.state === 'Empty'
  shard.services.logger.debug(
    { groupId: group.groupId, generationId: group.generationId, state: group.state, reason },
    'rebalancing group',
  )
  group.transitionTo('PreparingRebalance', shard.nowMs)
  if (!initial) return completeJoinElseSchedule(shard, group)
  const { initialRebalanceDelayMs: delayMs, realistic } = shard.services.config
  if (delayMs === 0 && !realistic && isAwaited(shard, group)) gather(shard, group)
  else scheduleInitialRebalance(shard, group, delayMs, Math.max(group.rebalanceTimeoutMs - delayMs, 0))
  return NO_RECORDS
}

/** Ends the join phase if nobody is missing. The first rebalance of a group ends by its delay alone, if it has one. */
export function completeJoinIfAllIn(shard: GroupShard, group: ClassicGroup): Decision {
  if (group.state !== 'PreparingRebalance') return NO_RECORDS
  if (group.previousState === 'Empty' && (!group.gathering || isAwaited(shard, group))) return NO_RECORDS
  return group.hasAllMembersJoined ? completeJoin(shard, group) : NO_RECORDS
}

/** Begins the session of a member anew. */
export function touch(
  shard: GroupShard,
  group: ClassicGroup,
  member: Pick<ClassicMember, 'memberId' | 'sessionTimeoutMs'>,
  timeoutMs: number = member.sessionTimeoutMs,
): void {
  const { memberId } = member
  shard.schedule(group, sessionTimer(memberId), timeoutMs, () => sessionIsOver(shard, group, memberId))
}

export function endSession(shard: GroupShard, group: ClassicGroup, memberId: string): void {
  shard.cancel(group, sessionTimer(memberId))
}

/** Notes that a member has asked for its assignment. */
export function removePendingSync(shard: GroupShard, group: ClassicGroup, memberId: string): void {
  group.pendingSyncs.delete(memberId)
  if (group.pendingSyncs.size === 0) shard.cancel(group, SYNC_TIMER)
}

/** Tells every waiting member what the leader assigned to it. */
export function propagateAssignment(
  shard: GroupShard,
  group: ClassicGroup,
  assignment: ReadonlyMap<string, Buffer>,
): void {
  for (const member of group.members) {
    member.assignment = assignment.get(member.memberId) ?? EMPTY_BYTES
    const told = group.completeSync(member, {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      protocolType: group.protocolType,
      protocolName: group.protocolName,
      assignment: member.assignment,
    })
    if (told) touch(shard, group, member)
  }
}

/** What a member is told that belongs to the current generation; the leader alone sees the others. */
export function joined(group: ClassicGroup, memberId: string): JoinGroupResponse {
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    generationId: group.generationId,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    leader: group.leaderId ?? '',
    skipAssignment: false,
    memberId,
    members: group.isLeader(memberId) ? group.membersForLeader() : [],
  }
}

/** Takes a member out, answering whatever request of it still waits. */
export function dismiss(shard: GroupShard, group: ClassicGroup, member: ClassicMember): void {
  endSession(shard, group, member.memberId)
  group.completeJoin(member, joinError(ErrorCode.UNKNOWN_MEMBER_ID, ''))
  group.completeSync(member, syncError(ErrorCode.UNKNOWN_MEMBER_ID))
  group.remove(member.memberId)
}

function sessionTimer(memberId: string): string {
  return `session ${memberId}`
}

/**
 * Members that start together join together. Without a delay the one that is a millisecond ahead would get everything,
 * and hear of the others with its next heartbeat only, which may be seconds away.
 */
function gather(shard: GroupShard, group: ClassicGroup, remainingMs: number = LONGEST_GATHERING_MS): void {
  group.gathering = true
  group.newMemberAdded = false
  const decide = (): Decision => {
    if (!group.newMemberAdded || remainingMs <= 0) return completeJoin(shard, group)
    gather(shard, group, remainingMs - ARRIVAL_MS)
    return NO_RECORDS
  }
  shard.schedule(group, JOIN_TIMER, ARRIVAL_MS, decide, shard.services.clientClock)
}

/** Whether somebody was given an id and has not joined with it yet, or is about to ask for one. */
function isAwaited(shard: GroupShard, group: ClassicGroup): boolean {
  return group.pendingJoins.size > 0 || shard.arrivals.isAnyoneComing(group.groupId)
}

function scheduleInitialRebalance(
  shard: GroupShard,
  group: ClassicGroup,
  delayMs: number,
  remainingMs: number,
): void {
  const decide = (): Decision => {
    if (!group.newMemberAdded || remainingMs === 0) return completeJoin(shard, group)
    group.newMemberAdded = false
    const nextMs = Math.min(shard.services.config.initialRebalanceDelayMs, remainingMs)
    scheduleInitialRebalance(shard, group, nextMs, Math.max(remainingMs - delayMs, 0))
    return NO_RECORDS
  }
  if (delayMs > 0) shard.schedule(group, JOIN_TIMER, delayMs, decide)
  else shard.scheduleNext(group, JOIN_TIMER, decide)
}

function completeJoinElseSchedule(shard: GroupShard, group: ClassicGroup): Decision {
  if (group.hasAllMembersJoined) return completeJoin(shard, group)
  scheduleJoinTimeout(shard, group)
  return NO_RECORDS
}

function scheduleJoinTimeout(shard: GroupShard, group: ClassicGroup): void {
  shard.schedule(group, JOIN_TIMER, group.rebalanceTimeoutMs, () => {
    const isMissing = ({ awaitingJoin }: ClassicMember): boolean => awaitingJoin === null
    if (!group.members.some((member) => isMissing(member) && isOutrun(shard, member))) {
      return completeJoin(shard, group)
    }
    scheduleJoinTimeout(shard, group)
    return NO_RECORDS
  })
}

/** Ends the join phase with those who are there. Dynamic members who are not are out; static ones may stay away. */
function completeJoin(shard: GroupShard, group: ClassicGroup): Decision {
  shard.cancel(group, JOIN_TIMER)
  group.gathering = false
  for (const member of group.members) {
    if (member.awaitingJoin === null && member.groupInstanceId === null) dismiss(shard, group, member)
  }
  if (!group.electJoinedLeader() && group.size > 0) {
    // Only static members are left and none has joined: wait until one does or their sessions expire.
    scheduleJoinTimeout(shard, group)
    return NO_RECORDS
  }
  group.startNextGeneration(shard.nowMs)
  if (group.state === 'Empty') {
    return {
      records: [groupRecord(group.groupId, group.toRecord(new Map()))],
      refused: (error) => {
        // After a crash the generation before would be the last again, and its members' sessions would expire.
        shard.services.logger.warn(
          { err: error, groupId: group.groupId },
          'an empty group cannot be recorded',
        )
        return NO_RECORDS
      },
    }
  }
  for (const member of group.members) {
    group.completeJoin(member, joined(group, member.memberId))
    touch(shard, group, member)
    member.isNew = false
    group.pendingSyncs.add(member.memberId)
  }
  scheduleSyncTimeout(shard, group)
  return NO_RECORDS
}

function scheduleSyncTimeout(shard: GroupShard, group: ClassicGroup): void {
  shard.schedule(group, SYNC_TIMER, group.rebalanceTimeoutMs, () => expirePendingSyncs(shard, group))
}

/** The rebalance timeout has passed again and some members have not asked for their assignment: they are out. */
function expirePendingSyncs(shard: GroupShard, group: ClassicGroup): Decision {
  if (group.state !== 'CompletingRebalance' && group.state !== 'Stable') return NO_RECORDS
  const missing = [...group.pendingSyncs]
  if (missing.length === 0) return NO_RECORDS
  if (missing.some((memberId) => isOutrun(shard, group.member(memberId)))) {
    scheduleSyncTimeout(shard, group)
    return NO_RECORDS
  }
  for (const memberId of missing) {
    endSession(shard, group, memberId)
    group.remove(memberId)
  }
  return prepareRebalance(shard, group, `no SyncGroup came from ${missing.join(', ')}`)
}

/** Whether time was moved faster than the member's client, which is there, could follow (see `Clock`). */
function isOutrun(shard: GroupShard, member: ClassicMember | undefined): boolean {
  return shard.services.clock.outrunsClients === true && member?.connection?.aborted === false
}

function sessionIsOver(shard: GroupShard, group: ClassicGroup, memberId: string): Decision {
  const member = group.member(memberId)
  if (member === undefined || !isOutrun(shard, member)) return expireSession(shard, group, memberId)
  touch(shard, group, member)
  return NO_RECORDS
}

/** Takes out a member that has not been heard from for as long as its session lasts. */
export function expireSession(shard: GroupShard, group: ClassicGroup, memberId: string): Decision {
  if (group.pendingJoins.has(memberId)) {
    group.remove(memberId)
    return group.state === 'PreparingRebalance' && group.hasAllMembersJoined
      ? completeJoin(shard, group)
      : NO_RECORDS
  }
  const member = group.member(memberId)
  if (member === undefined || hasSatisfiedHeartbeat(member)) return NO_RECORDS
  shard.services.logger.info({ groupId: group.groupId, memberId }, 'session of a group member expired')
  dismiss(shard, group, member)
  if (group.state === 'PreparingRebalance') {
    return group.hasAllMembersJoined ? completeJoin(shard, group) : NO_RECORDS
  }
  return rebalanceOrCompleteJoin(shard, group, `the session of member ${memberId} expired`)
}

/** Nobody keeps an assignment that is about to be replaced; who waits for a new one is told why none comes. */
export function failSyncs(shard: GroupShard, group: ClassicGroup, code: ErrorCode): void {
  for (const member of group.members) {
    member.assignment = EMPTY_BYTES
    if (group.completeSync(member, syncError(code))) touch(shard, group, member)
  }
}
