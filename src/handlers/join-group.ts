/**
 * JoinGroup (key 11), v0 to v9.
 * v1 rebalance timeout · v2 throttle time · v4 members must know their id (KIP-394) · v5 static members (KIP-345) ·
 * v6 flexible · v7 protocol type, no protocol name in errors (KIP-559) · v8 reason (KIP-800) ·
 * v9 leaders may be told to leave the assignment as it is (KIP-814).
 */
import { joinError } from '../group/answers.ts'
import { type JoinGroupRequest, type JoinGroupResponse, joinGroupApi } from '../wire/messages/join-group.ts'
import { type Handler, handler } from './handler.ts'

export const joinGroupHandler: Handler<JoinGroupRequest, JoinGroupResponse> = handler(joinGroupApi, {
  handle: (request, call) => call.groups.joinGroup(request, call),
  fail: (_request, { code }, { version }) => ({
    ...joinError(code, ''),
    protocolName: version >= 7 ? null : '',
  }),
})
