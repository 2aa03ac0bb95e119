/** DescribeTransactions and ListTransactions: what is recorded of transactional ids, as others see it. */
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type { TransactionState as DescribedTransaction } from '../wire/messages/describe-transactions.ts'
import type {
  TransactionState as ListedTransaction,
  ListTransactionsRequest,
  ListTransactionsResponse,
} from '../wire/messages/list-transactions.ts'
import { inHashOrder } from './hash-order.ts'
import { matchingIds } from './id-pattern.ts'
import { type Partitions, STATE_NAMES } from './transaction.ts'
import type { TxnShard } from './txn-shard.ts'

/** @throws KafkaError TRANSACTIONAL_ID_NOT_FOUND */
export function describeTransaction(shard: TxnShard, transactionalId: string): DescribedTransaction {
  const transaction = shard.transactions.get(transactionalId)
  if (transaction === undefined) {
    throw new KafkaError(ErrorCode.TRANSACTIONAL_ID_NOT_FOUND, `nothing is known of ${transactionalId}`)
  }
  return {
    errorCode: ErrorCode.NONE,
    transactionalId,
    transactionState: STATE_NAMES[transaction.state] ?? '',
    transactionTimeoutMs: transaction.timeoutMs,
    transactionStartTimeMs: transaction.startTimestamp,
    producerId: transaction.producerId,
    producerEpoch: transaction.producerEpoch,
    topics: describedTopics(shard.partitionsOf(transactionalId, transaction)),
  }
}

/** Kafka's answer where a transactional id cannot be described. */
export function undescribed(transactionalId: string, errorCode: ErrorCode): DescribedTransaction {
  return {
    errorCode,
    transactionalId,
    transactionState: '',
    transactionTimeoutMs: 0,
    transactionStartTimeMs: 0n,
    producerId: 0n,
    producerEpoch: 0,
    topics: [],
  }
}

/** @throws KafkaError INVALID_REGULAR_EXPRESSION */
export function listTransactions(
  shards: readonly TxnShard[],
  request: ListTransactionsRequest,
  now: bigint,
): ListTransactionsResponse {
  const { stateFilters, durationFilter, transactionalIdPattern } = request
  const producerIds = new Set(request.producerIdFilters)
  const states = new Set(stateFilters)
  const matching = transactionalIdPattern
    ? matchingIds(
        transactionalIdPattern,
        shards.flatMap(({ transactions }) => [...transactions.keys()]),
      )
    : null
  const transactionStates: ListedTransaction[] = []
  for (const shard of shards) {
    for (const [transactionalId, { state, producerId, startTimestamp }] of shard.transactions) {
      const transactionState = STATE_NAMES[state] ?? ''
      if (producerIds.size > 0 && !producerIds.has(producerId)) continue
      if (states.size > 0 && !states.has(transactionState)) continue
      if (durationFilter >= 0n && now - startTimestamp <= durationFilter) continue
      if (matching !== null && !matching.has(transactionalId)) continue
      transactionStates.push({ transactionalId, producerId, transactionState })
    }
  }
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    unknownStateFilters: [...states].filter((name) => !STATE_NAMES.includes(name)),
    transactionStates,
  }
}

function describedTopics(partitions: Partitions): DescribedTransaction['topics'] {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of inHashOrder(partitions)) {
    const indexes = topics.get(topic)
    if (indexes === undefined) topics.set(topic, [partition])
    else indexes.push(partition)
  }
  return Array.from(topics, ([topic, indexes]) => ({ topic, partitions: indexes }))
}
