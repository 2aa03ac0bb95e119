/** DescribeTransactions (key 65), v0 (KIP-664). */
import { undescribed } from '../txn/listing.ts'
import {
  type DescribeTransactionsRequest,
  type DescribeTransactionsResponse,
  describeTransactionsApi,
} from '../wire/messages/describe-transactions.ts'
import { type Handler, handler } from './handler.ts'

export const describeTransactionsHandler: Handler<DescribeTransactionsRequest, DescribeTransactionsResponse> =
  handler(describeTransactionsApi, {
    handle: (request, call) => call.transactions.describe(request),

    fail: ({ transactionalIds }, { code: errorCode }) => ({
      throttleTimeMs: 0,
      transactionStates: transactionalIds.map((id) => undescribed(id, errorCode)),
    }),
  })
