/**
 * OffsetCommit (key 8), v2 to v10.
 * v3 throttle time · v5 no retention time any more (KIP-211) · v6 leader epoch (KIP-320) · v7 static members (KIP-345) ·
 * v8 flexible · v9 members of the new protocol, GROUP_ID_NOT_FOUND (KIP-848) · v10 topics by id (KIP-848).
 */
import { offsetCommitError } from '../group/offset-answers.ts'
import {
  type OffsetCommitRequest,
  type OffsetCommitResponse,
  offsetCommitApi,
} from '../wire/messages/offset-commit.ts'
import { type Handler, handler } from './handler.ts'

export const offsetCommitHandler: Handler<OffsetCommitRequest, OffsetCommitResponse> = handler(
  offsetCommitApi,
  {
    handle: (request, call) => call.groups.commitOffsets(request, call),
    fail: ({ topics }, { code }) => ({ throttleTimeMs: 0, topics: offsetCommitError(topics, code) }),
  },
)
