/** DeleteGroups (key 42), v0 to v2 (KIP-229). v2 flexible. */
import {
  type DeleteGroupsRequest,
  type DeleteGroupsResponse,
  deleteGroupsApi,
} from '../wire/messages/delete-groups.ts'
import { type Handler, handler } from './handler.ts'

export const deleteGroupsHandler: Handler<DeleteGroupsRequest, DeleteGroupsResponse> = handler(
  deleteGroupsApi,
  {
    handle: (request, call) => call.groups.deleteGroups(request),
    fail: ({ groupsNames }, { code }) => ({
      throttleTimeMs: 0,
      results: groupsNames.map((groupId) => ({ groupId, errorCode: code })),
    }),
  },
)
