/**
 * AlterPartitionReassignments (key 45), v0 and v1: moves partitions to other brokers, or gives up moving them
 * (KIP-455). v1 whether the number of replicas may change (KIP-860).
 */
import { reassignPartition } from '../metadata/partition-control.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import {
  type AlterPartitionReassignmentsRequest,
  type AlterPartitionReassignmentsResponse,
  alterPartitionReassignmentsApi,
  type ReassignablePartition,
  type ReassignablePartitionResponse,
} from '../wire/messages/alter-partition-reassignments.ts'
import { checkTimeout } from './deadline.ts'
import { errorMessage } from './error-message.ts'
import { type Call, type Handler, handler } from './handler.ts'

export const alterPartitionReassignmentsHandler: Handler<
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse
> = handler(alterPartitionReassignmentsApi, {
  handle({ topics, timeoutMs, allowReplicationFactorChange }, call) {
    // Where nothing is asked for, Kafka's controller is not asked, and most of the answer is left as it is made.
    if (topics.length === 0) {
      return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: '', responses: [] }
    }
    checkTimeout(timeoutMs)
    return {
      throttleTimeMs: 0,
      allowReplicationFactorChange,
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      responses: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map((partition) => reassign(name, partition, call)),
      })),
    }
  },

  fail({ topics }, error) {
    return {
      throttleTimeMs: 0,
      errorCode: error.code,
      errorMessage: errorMessage(error),
      responses: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => failed(partitionIndex, error)),
      })),
    }
  },
})

function reassign(
  topic: string,
  { partitionIndex, replicas }: ReassignablePartition,
  { metadata }: Call,
): ReassignablePartitionResponse {
  try {
    reassignPartition(metadata, topic, partitionIndex, replicas)
    return { partitionIndex, errorCode: ErrorCode.NONE, errorMessage: null }
  } catch (error) {
    if (error instanceof KafkaError) return failed(partitionIndex, error)
    throw error
  }
}

function failed(partitionIndex: number, error: KafkaError): ReassignablePartitionResponse {
  return { partitionIndex, errorCode: error.code, errorMessage: errorMessage(error) }
}
