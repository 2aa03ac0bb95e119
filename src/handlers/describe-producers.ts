/** DescribeProducers (key 61), v0 (KIP-664): the idempotent producers that partitions remember. */

import { javaHashMapOrder } from '../metadata/java-hash-order.ts'
import { validateTopicName } from '../metadata/topic-name.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import {
  type DescribeProducersRequest,
  type DescribeProducersResponse,
  describeProducersApi,
  type PartitionResponse,
  type ProducerState,
  type TopicRequest,
  type TopicResponse,
} from '../wire/messages/describe-producers.ts'
import { type Call, type Handler, handler } from './handler.ts'

export const describeProducersHandler: Handler<DescribeProducersRequest, DescribeProducersResponse> = handler(
  describeProducersApi,
  {
    handle: ({ topics }, call) => ({
      throttleTimeMs: 0,
      topics: topics.map((topic) => describe(topic, call)),
    }),

    fail: ({ topics }, { code }) => ({
      throttleTimeMs: 0,
      topics: topics.map((topic) => failed(topic, code, null)),
    }),
  },
)

function describe(topic: TopicRequest, call: Call): TopicResponse {
  const { name, partitionIndexes } = topic
  try {
    validateTopicName(name)
  } catch (error) {
    if (error instanceof KafkaError) return failed(topic, error.code, error.message)
    throw error
  }
  const known = call.metadata.topic(name)
  if (known === undefined) {
    return failed(topic, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `There is no topic ${name}.`)
  }
  const partitions = partitionIndexes.map((partitionIndex): PartitionResponse => {
    try {
      const activeProducers = producers(call.replicas.get(known, partitionIndex))
      return { partitionIndex, errorCode: ErrorCode.NONE, errorMessage: null, activeProducers }
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      return { partitionIndex, errorCode: error.code, errorMessage: null, activeProducers: [] }
    }
  })
  return { name, partitions }
}

function producers(partition: ReturnType<Call['replicas']['get']>): readonly ProducerState[] {
  const byId = new Map(partition.activeProducers().map((producer) => [producer.producerId, producer]))
  return javaHashMapOrder(byId.keys(), longHashCode).flatMap((producerId) => {
    const producer = byId.get(producerId)
    if (producer === undefined) return []
    const { currentTransactionFirstOffset: currentTxnStartOffset, ...rest } = producer
    return [{ ...rest, currentTxnStartOffset }]
  })
}

/** `Long.hashCode()` of Java. */
function longHashCode(value: bigint): number {
  return Number(BigInt.asIntN(32, value ^ (value >> 32n)))
}

function failed(
  { name, partitionIndexes }: TopicRequest,
  errorCode: ErrorCode,
  errorMessage: string | null,
): TopicResponse {
  const partitions = partitionIndexes.map((partitionIndex) => ({
    partitionIndex,
    errorCode,
    errorMessage,
    activeProducers: [],
  }))
  return { name, partitions }
}
