/** OffsetDelete (key 47), v0 (KIP-496). */
import {
  type OffsetDeleteRequest,
  type OffsetDeleteResponse,
  offsetDeleteApi,
} from '../wire/messages/offset-delete.ts'
import { type Handler, handler } from './handler.ts'

export const offsetDeleteHandler: Handler<OffsetDeleteRequest, OffsetDeleteResponse> = handler(
  offsetDeleteApi,
  {
    handle: (request, call) => call.groups.deleteOffsets(request),
    fail: (_request, { code }) => ({ errorCode: code, throttleTimeMs: 0, topics: [] }),
  },
)
