/**
 * PushTelemetry (key 72), v0: a client's own metrics (KIP-714). They are checked as far as Kafka checks them, and nobody
 * receives them. Served, but not advertised, as in a Kafka without a receiver of metrics.
 */
import { ErrorCode } from '../wire/error-codes.ts'
import {
  type PushTelemetryRequest,
  type PushTelemetryResponse,
  pushTelemetryApi,
} from '../wire/messages/push-telemetry.ts'
import { type Handler, handler } from './handler.ts'

const TAKEN: PushTelemetryResponse = { throttleTimeMs: 0, errorCode: ErrorCode.NONE }

export const pushTelemetryHandler: Handler<PushTelemetryRequest, PushTelemetryResponse> = handler(
  pushTelemetryApi,
  {
    handle(request, call) {
      const pushed = call.clientMetrics.push(request, call)
      return pushed === undefined ? TAKEN : pushed.then(() => TAKEN)
    },

    fail(_request, { code }) {
      return { throttleTimeMs: 0, errorCode: code }
    },
  },
)
