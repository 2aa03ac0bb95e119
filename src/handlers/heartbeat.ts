/** Heartbeat (key 12), v0 to v4. v1 throttle time · v3 static members (KIP-345) · v4 flexible. */
import { type HeartbeatRequest, type HeartbeatResponse, heartbeatApi } from '../wire/messages/heartbeat.ts'
import { type Handler, handler } from './handler.ts'

export const heartbeatHandler: Handler<HeartbeatRequest, HeartbeatResponse> = handler(heartbeatApi, {
  handle: (request, call) => call.groups.heartbeat(request, call),
  fail: (_request, { code }) => ({ throttleTimeMs: 0, errorCode: code }),
})
