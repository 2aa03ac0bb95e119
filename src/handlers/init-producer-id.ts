/**
 * InitProducerId (key 22), v0 to v5.
 * v2 flexible · v3 the id and epoch that the producer has (KIP-360) · v4 PRODUCER_FENCED · v5 transactions V2 (KIP-890).
 */
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID } from '../wire/batch.ts'
import {
  type InitProducerIdRequest,
  type InitProducerIdResponse,
  initProducerIdApi,
} from '../wire/messages/init-producer-id.ts'
import { type Handler, handler } from './handler.ts'

export const initProducerIdHandler: Handler<InitProducerIdRequest, InitProducerIdResponse> = handler(
  initProducerIdApi,
  {
    handle: (request, call) => call.transactions.initProducerId(request, call),

    fail: (_request, { code: errorCode }) => ({
      throttleTimeMs: 0,
      errorCode,
      producerId: NO_PRODUCER_ID,
      producerEpoch: NO_PRODUCER_EPOCH,
    }),
  },
)
