/**
 * ListTransactions (key 66), v0 to v2 (KIP-664).
 * v1 filter by duration (KIP-994) · v2 pattern of transactional ids (KIP-1152).
 */
import {
  type ListTransactionsRequest,
  type ListTransactionsResponse,
  listTransactionsApi,
} from '../wire/messages/list-transactions.ts'
import { type Handler, handler } from './handler.ts'

export const listTransactionsHandler: Handler<ListTransactionsRequest, ListTransactionsResponse> = handler(
  listTransactionsApi,
  {
    handle: (request, call) => call.transactions.list(request),

    fail: (_request, { code: errorCode }) => ({
      throttleTimeMs: 0,
      errorCode,
      unknownStateFilters: [],
      transactionStates: [],
    }),
  },
)
