/**
 * GetTelemetrySubscriptions (key 71), v0: which of its metrics a client is to push, and how (KIP-714). Served, but not
 * advertised, as in a Kafka without a receiver of metrics.
 */
import { ErrorCode } from '../wire/error-codes.ts'
import {
  type GetTelemetrySubscriptionsRequest,
  type GetTelemetrySubscriptionsResponse,
  getTelemetrySubscriptionsApi,
} from '../wire/messages/get-telemetry-subscriptions.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import { type Handler, handler } from './handler.ts'

/** zstd, lz4, gzip, snappy: those that Kafka would rather have come first. */
const ACCEPTED_COMPRESSION_TYPES: readonly number[] = [4, 3, 1, 2]

export const getTelemetrySubscriptionsHandler: Handler<
  GetTelemetrySubscriptionsRequest,
  GetTelemetrySubscriptionsResponse
> = handler(getTelemetrySubscriptionsApi, {
  handle(request, call) {
    const { clientMetrics } = call
    const subscription = clientMetrics.subscriptionOf(request.clientInstanceId, call)
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      clientInstanceId: subscription.clientInstanceId,
      subscriptionId: subscription.subscriptionId,
      acceptedCompressionTypes: ACCEPTED_COMPRESSION_TYPES,
      pushIntervalMs: subscription.pushIntervalMs,
      telemetryMaxBytes: clientMetrics.maxBytes,
      deltaTemporality: true,
      requestedMetrics: subscription.metrics,
    }
  },

  fail(_request, { code }) {
    return {
      throttleTimeMs: 0,
      errorCode: code,
      clientInstanceId: ZERO_UUID,
      subscriptionId: 0,
      acceptedCompressionTypes: [],
      pushIntervalMs: 0,
      telemetryMaxBytes: 0,
      deltaTemporality: false,
      requestedMetrics: [],
    }
  },
})
