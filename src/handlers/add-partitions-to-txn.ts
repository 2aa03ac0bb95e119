/**
 * AddPartitionsToTxn (key 24), v0 to v5: up to v3 from producers, from v4 on from brokers, for several transactions.
 * v2 PRODUCER_FENCED · v3 flexible · v4 several transactions, verification (KIP-890) · v5 TRANSACTION_ABORTABLE.
 */
import {
  type AddPartitionsToTxnRequest,
  type AddPartitionsToTxnResponse,
  type AddPartitionsToTxnTopic,
  type AddPartitionsToTxnTopicResult,
  addPartitionsToTxnApi,
} from '../wire/messages/add-partitions-to-txn.ts'
import { type Handler, handler } from './handler.ts'

export const addPartitionsToTxnHandler: Handler<AddPartitionsToTxnRequest, AddPartitionsToTxnResponse> =
  handler(addPartitionsToTxnApi, {
    handle: (request, call) => call.transactions.addPartitions(request, call),

    fail: ({ v3AndBelowTopics }, { code: errorCode }) => ({
      throttleTimeMs: 0,
      errorCode,
      resultsByTransaction: [],
      resultsByTopicV3AndBelow: refused(v3AndBelowTopics, errorCode),
    }),
  })

function refused(
  topics: readonly AddPartitionsToTxnTopic[],
  partitionErrorCode: number,
): readonly AddPartitionsToTxnTopicResult[] {
  return topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map((partitionIndex) => ({ partitionIndex, partitionErrorCode })),
  }))
}
