/**
 * EndTxn (key 26), v0 to v5.
 * v1 throttle time · v2 PRODUCER_FENCED · v3 flexible · v4 TRANSACTION_ABORTABLE · v5 the end bumps the epoch, and the
 * answer tells it (KIP-890, transactions V2).
 */
import { type EndTxnRequest, type EndTxnResponse, endTxnApi } from '../wire/messages/end-txn.ts'
import { type Handler, handler } from './handler.ts'

export const endTxnHandler: Handler<EndTxnRequest, EndTxnResponse> = handler(endTxnApi, {
  handle: (request, call) => call.transactions.endTransaction(request, call),

  fail: (_request, { code: errorCode }) => ({ throttleTimeMs: 0, errorCode }),
})
