/** DeleteRecords (key 21), v0 to v2 (KIP-107). v2 flexible. */
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import {
  type DeleteRecordsPartitionResult,
  type DeleteRecordsRequest,
  type DeleteRecordsResponse,
  deleteRecordsApi,
} from '../wire/messages/delete-records.ts'
import { lastOfEach } from './duplicates.ts'
import { type Call, type Handler, handler } from './handler.ts'

export const deleteRecordsHandler: Handler<DeleteRecordsRequest, DeleteRecordsResponse> = handler(
  deleteRecordsApi,
  {
    async handle(request, call) {
      const topics = request.topics.map(async ({ name, partitions }) => ({
        name,
        partitions: await Promise.all(
          lastOfEach(partitions, ({ partitionIndex }) => partitionIndex).map(({ partitionIndex, offset }) =>
            deleteBefore(name, partitionIndex, offset, call),
          ),
        ),
      }))
      return { throttleTimeMs: 0, topics: await Promise.all(topics) }
    },

    fail(request, error) {
      return {
        throttleTimeMs: 0,
        topics: request.topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex }) => failed(partitionIndex, error.code)),
        })),
      }
    },
  },
)

async function deleteBefore(
  topicName: string,
  partitionIndex: number,
  offset: bigint,
  call: Call,
): Promise<DeleteRecordsPartitionResult> {
  try {
    const topic = call.metadata.topic(topicName)
    if (topic === undefined) throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    const partition = call.replicas.get(topic, partitionIndex)
    if (topic.internal) {
      throw new KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, `${topicName} belongs to the broker`)
    }
    if (!call.replicas.topicConfig(topic).get('cleanup.policy').includes('delete')) {
      throw new KafkaError(
        ErrorCode.POLICY_VIOLATION,
        `the cleanup.policy of ${topicName} does not include delete`,
      )
    }
    const lowWatermark = await partition.deleteRecordsBefore(offset)
    return { partitionIndex, lowWatermark, errorCode: ErrorCode.NONE }
  } catch (error) {
    if (error instanceof KafkaError) return failed(partitionIndex, error.code)
    throw error
  }
}

function failed(partitionIndex: number, errorCode: ErrorCode): DeleteRecordsPartitionResult {
  return { partitionIndex, lowWatermark: -1n, errorCode }
}
