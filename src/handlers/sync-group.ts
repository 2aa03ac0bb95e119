/**
 * SyncGroup (key 14), v0 to v5.
 * v1 throttle time · v3 static members (KIP-345) · v4 flexible · v5 protocol type and name, to be given (KIP-559).
 */
import { syncError } from '../group/answers.ts'
import { type SyncGroupRequest, type SyncGroupResponse, syncGroupApi } from '../wire/messages/sync-group.ts'
import { type Handler, handler } from './handler.ts'

export const syncGroupHandler: Handler<SyncGroupRequest, SyncGroupResponse> = handler(syncGroupApi, {
  handle: (request, call) => call.groups.syncGroup(request, call),
  fail: (_request, { code }) => syncError(code),
})
