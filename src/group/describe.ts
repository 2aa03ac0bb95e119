/** ListGroups, DescribeGroups and DeleteGroups. */
import { ErrorCode } from '../wire/error-codes.ts'
import type { DeletableGroupResult } from '../wire/messages/delete-groups.ts'
import type { DescribedGroup } from '../wire/messages/describe-groups.ts'
import type { ListedGroup, ListGroupsRequest } from '../wire/messages/list-groups.ts'
import { EMPTY_BYTES } from '../wire/reader.ts'
import type { ClassicGroup } from './classic-group.ts'
import { metadataFor } from './classic-member.ts'
import { deleteGroup } from './expiry.ts'
import type { AnsweredDecision, GroupShard } from './group-shard.ts'
import type { GroupRecord } from './records.ts'

const CLASSIC = 'classic'

/** From this version on a group that is not there is an error; before, it is described as dead (KIP-1043). */
const GROUP_ID_NOT_FOUND_FROM = 6

/** The groups that pass the filters; an empty filter lets all pass, an unknown state or type none. */
export function listGroups(shard: GroupShard, request: ListGroupsRequest): ListedGroup[] {
  const states = new Set(request.statesFilter.map((state) => state.toLowerCase().trim()))
  const types = new Set(request.typesFilter.map((type) => type.toLowerCase()))
  if (types.size > 0 && !types.has(CLASSIC)) return []
  const listed: ListedGroup[] = []
  for (const [groupId, record] of shard.state.groups('committed')) {
    const group = shard.groups.get(groupId)
    const groupState = group?.state ?? 'Empty'
    if (states.size > 0 && !states.has(groupState.toLowerCase())) continue
    const protocolType = group === undefined ? record.protocolType : (group.protocolType ?? '')
    listed.push({ groupId, protocolType, groupState, groupType: CLASSIC })
  }
  return listed
}

export function describeGroup(shard: GroupShard, groupId: string, version: number): DescribedGroup {
  const record = shard.state.group('committed', groupId)
  if (record === undefined) return notFound(groupId, version)
  const group = shard.groups.get(groupId)
  if (group === undefined) return { ...undescribed(groupId, 'Empty'), protocolType: record.protocolType }
  return describe(group)
}

/** A described group of which nothing but an error or a state is told. */
export function undescribed(groupId: string, groupState: string): DescribedGroup {
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    groupId,
    groupState,
    protocolType: '',
    protocolData: '',
    members: [],
  }
}

export function deleteGroups(
  shard: GroupShard,
  groupIds: readonly string[],
): AnsweredDecision<readonly DeletableGroupResult[]> {
  const records: GroupRecord[] = []
  const response = groupIds.map((groupId) => {
    const group = shard.groups.get(groupId)
    if (group === undefined) return { groupId, errorCode: ErrorCode.GROUP_ID_NOT_FOUND }
    if (group.state !== 'Empty') return { groupId, errorCode: ErrorCode.NON_EMPTY_GROUP }
    records.push(...deleteGroup(shard, groupId))
    return { groupId, errorCode: ErrorCode.NONE }
  })
  return { records, response }
}

function describe(group: ClassicGroup): DescribedGroup {
  const stable = group.state === 'Stable'
  return {
    ...undescribed(group.groupId, group.state),
    protocolType: group.protocolType ?? '',
    protocolData: stable ? (group.protocolName ?? '') : '',
    members: group.members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: (stable ? metadataFor(member, group.protocolName) : undefined) ?? EMPTY_BYTES,
      memberAssignment: member.assignment,
    })),
  }
}

function notFound(groupId: string, version: number): DescribedGroup {
  const dead = undescribed(groupId, 'Dead')
  if (version < GROUP_ID_NOT_FOUND_FROM) return dead
  return { ...dead, errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage: `Group ${groupId} not found.` }
}
