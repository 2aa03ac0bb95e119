/** ListGroups (key 16), v0 to v5. v1 throttle time · v3 flexible · v4 states (KIP-518) · v5 types (KIP-848). */
import {
  type ListGroupsRequest,
  type ListGroupsResponse,
  listGroupsApi,
} from '../wire/messages/list-groups.ts'
import { type Handler, handler } from './handler.ts'

export const listGroupsHandler: Handler<ListGroupsRequest, ListGroupsResponse> = handler(listGroupsApi, {
  handle: (request, call) => call.groups.listGroups(request),
  fail: (_request, { code }) => ({ throttleTimeMs: 0, errorCode: code, groups: [] }),
})
