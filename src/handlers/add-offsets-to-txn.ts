/**
 * AddOffsetsToTxn (key 25), v0 to v4.
 * v1 throttle time · v2 PRODUCER_FENCED · v3 flexible · v4 TRANSACTION_ABORTABLE (KIP-890).
 */
import {
  type AddOffsetsToTxnRequest,
  type AddOffsetsToTxnResponse,
  addOffsetsToTxnApi,
} from '../wire/messages/add-offsets-to-txn.ts'
import { type Handler, handler } from './handler.ts'

export const addOffsetsToTxnHandler: Handler<AddOffsetsToTxnRequest, AddOffsetsToTxnResponse> = handler(
  addOffsetsToTxnApi,
  {
    handle: (request, call) => call.transactions.addOffsets(request, call),

    fail: (_request, { code: errorCode }) => ({ throttleTimeMs: 0, errorCode }),
  },
)
