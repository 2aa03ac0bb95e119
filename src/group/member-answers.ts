/** The shapes in which requests of members are asked and answered, over their versions. */
import { ErrorCode } from '../wire/error-codes.ts'
import type { JoinGroupResponse } from '../wire/messages/join-group.ts'
import type {
  LeaveGroupRequest,
  LeaveGroupResponse,
  MemberIdentity,
  MemberResponse,
} from '../wire/messages/leave-group.ts'

/** Where there is no protocol, versions before 7 have no null to say so. */
export function joinAnswer(response: JoinGroupResponse, version: number): JoinGroupResponse {
  const protocolName = version < 7 ? (response.protocolName ?? '') : response.protocolName || null
  return protocolName === response.protocolName ? response : { ...response, protocolName }
}

/** Who is to leave: versions before 3 name a single member, in a field of its own. */
export function leavers(request: LeaveGroupRequest, version: number): readonly MemberIdentity[] {
  if (version >= 3) return request.members
  return [{ memberId: request.memberId, groupInstanceId: null, reason: null }]
}

/** Versions before 3 have one error for the request and its only member. */
export function leaveAnswer(
  errorCode: number,
  members: readonly MemberResponse[],
  version: number,
): LeaveGroupResponse {
  if (version >= 3) return { throttleTimeMs: 0, errorCode, members }
  return { throttleTimeMs: 0, errorCode: errorCode || (members[0]?.errorCode ?? ErrorCode.NONE), members: [] }
}

/** That there is no such group is said of each member. */
export function leaveError(
  identities: readonly MemberIdentity[],
  errorCode: ErrorCode,
  version: number,
): LeaveGroupResponse {
  if (errorCode !== ErrorCode.UNKNOWN_MEMBER_ID) return leaveAnswer(errorCode, [], version)
  const unknown = identities.map(({ memberId, groupInstanceId }) => ({
    memberId,
    groupInstanceId,
    errorCode,
  }))
  return leaveAnswer(ErrorCode.NONE, unknown, version)
}
