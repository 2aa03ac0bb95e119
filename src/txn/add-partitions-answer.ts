/** AddPartitionsToTxn as clients (v0-3) and brokers (v4+, KIP-890, many transactions at once) ask and are answered. */
import { isInternalTopic } from '../metadata/topic-name.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import type {
  AddPartitionsToTxnRequest,
  AddPartitionsToTxnResponse,
  AddPartitionsToTxnTopic,
  AddPartitionsToTxnTopicResult,
  AddPartitionsToTxnTransaction,
} from '../wire/messages/add-partitions-to-txn.ts'
import { partitionsOf, type TopicPartition } from './add-partitions.ts'
import { inHashOrder } from './hash-order.ts'
import type { TxnTopics } from './txn-services.ts'

/** The first version that brokers ask in. */
const BATCHED_VERSION = 4

/** What became of a partition. */
export interface PartitionOutcome extends TopicPartition {
  readonly errorCode: ErrorCode
}

export function transactionsOf(
  request: AddPartitionsToTxnRequest,
  version: number,
): readonly AddPartitionsToTxnTransaction[] {
  if (version >= BATCHED_VERSION) return request.transactions
  return [
    {
      transactionalId: request.v3AndBelowTransactionalId,
      producerId: request.v3AndBelowProducerId,
      producerEpoch: request.v3AndBelowProducerEpoch,
      verifyOnly: false,
      topics: request.v3AndBelowTopics,
    },
  ]
}

/** Each partition once, in the order in which Kafka answers them. */
export function partitionsAsked(topics: readonly AddPartitionsToTxnTopic[]): TopicPartition[] {
  const all = topics.flatMap(({ name, partitions }) =>
    partitions.map((partition) => ({ topic: name, partition })),
  )
  return inHashOrder(partitionsOf(all))
}

/**
 * Null when all of them may be added. Otherwise none is: each has its own error, or OPERATION_NOT_ATTEMPTED. Only
 * brokers add partitions of internal topics by this API.
 */
export function refusedPartitions(
  partitions: readonly TopicPartition[],
  topics: TxnTopics,
  version: number,
): PartitionOutcome[] | null {
  let refused = false
  const outcomes = partitions.map(({ topic, partition }) => {
    const errorCode = refusal(topic, partition, topics, version)
    if (errorCode !== null) refused = true
    return { topic, partition, errorCode: errorCode ?? ErrorCode.OPERATION_NOT_ATTEMPTED }
  })
  return refused ? outcomes : null
}

/** What became of one transaction of a request. */
export interface TransactionOutcome {
  readonly transactionalId: string
  readonly topicResults: readonly AddPartitionsToTxnTopicResult[]
}

export function addPartitionsResponse(
  results: readonly TransactionOutcome[],
  version: number,
): AddPartitionsToTxnResponse {
  const batched = version >= BATCHED_VERSION
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    resultsByTransaction: batched ? results : [],
    resultsByTopicV3AndBelow: batched ? [] : (results[0]?.topicResults ?? []),
  }
}

/** One code for all, said of everything just as it was asked: what is named twice is answered twice. */
export function asAsked(
  topics: readonly AddPartitionsToTxnTopic[],
  partitionErrorCode: ErrorCode,
): AddPartitionsToTxnTopicResult[] {
  return topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map((partitionIndex) => ({ partitionIndex, partitionErrorCode })),
  }))
}

function refusal(topic: string, partition: number, topics: TxnTopics, version: number): ErrorCode | null {
  if (version < BATCHED_VERSION && isInternalTopic(topic)) return ErrorCode.TOPIC_AUTHORIZATION_FAILED
  const exists = partition >= 0 && partition < topics.partitionCount(topic)
  return exists ? null : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
}

export function byTopic(outcomes: readonly PartitionOutcome[]): AddPartitionsToTxnTopicResult[] {
  const topics = new Map<string, { partitionIndex: number; partitionErrorCode: number }[]>()
  for (const { topic, partition, errorCode } of outcomes) {
    const result = { partitionIndex: partition, partitionErrorCode: errorCode }
    const results = topics.get(topic)
    if (results === undefined) topics.set(topic, [result])
    else results.push(result)
  }
  return Array.from(topics, ([name, resultsByPartition]) => ({ name, resultsByPartition }))
}
