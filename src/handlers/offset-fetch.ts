/**
 * OffsetFetch (key 9), v1 to v10.
 * v2 all topics, an error for the group · v3 throttle time · v5 leader epoch (KIP-320) · v6 flexible ·
 * v7 stable offsets only (KIP-447) · v8 several groups (KIP-709) · v9 members of the new protocol (KIP-848) ·
 * v10 topics by id (KIP-848).
 */
import { asSingleGroup, groupsOf, offsetFetchError } from '../group/offset-answers.ts'
import {
  type OffsetFetchRequest,
  type OffsetFetchResponse,
  offsetFetchApi,
} from '../wire/messages/offset-fetch.ts'
import { type Handler, handler } from './handler.ts'

export const offsetFetchHandler: Handler<OffsetFetchRequest, OffsetFetchResponse> = handler(offsetFetchApi, {
  handle: (request, call) => call.groups.fetchOffsets(request, call),

  fail(request, { code }, { version }) {
    const groups = groupsOf(request, version).map((group) => offsetFetchError(group, code, version))
    return version >= 8 ? { throttleTimeMs: 0, topics: [], groups } : asSingleGroup(groups[0])
  },
})
