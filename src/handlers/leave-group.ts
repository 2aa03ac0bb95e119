/**
 * LeaveGroup (key 13), v0 to v5.
 * v1 throttle time · v3 several members, static ones by instance (KIP-345) · v4 flexible · v5 reasons (KIP-800).
 */
import {
  type LeaveGroupRequest,
  type LeaveGroupResponse,
  leaveGroupApi,
} from '../wire/messages/leave-group.ts'
import { type Handler, handler } from './handler.ts'

export const leaveGroupHandler: Handler<LeaveGroupRequest, LeaveGroupResponse> = handler(leaveGroupApi, {
  handle: (request, call) => call.groups.leaveGroup(request, call),
  fail: (_request, { code }) => ({ throttleTimeMs: 0, errorCode: code, members: [] }),
})
