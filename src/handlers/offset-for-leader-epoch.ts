/**
 * OffsetForLeaderEpoch (key 23), v2 to v4: where a leader epoch ends, so that consumers find records that were lost
 * (KIP-101, KIP-320). v3 replica id · v4 flexible.
 */
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import {
  type EpochEndOffset,
  type OffsetForLeaderEpochRequest,
  type OffsetForLeaderEpochResponse,
  type OffsetForLeaderPartition,
  offsetForLeaderEpochApi,
} from '../wire/messages/offset-for-leader-epoch.ts'
import { type Call, type Handler, handler } from './handler.ts'

export const offsetForLeaderEpochHandler: Handler<OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse> =
  handler(offsetForLeaderEpochApi, {
    handle: ({ topics }, call) => ({
      throttleTimeMs: 0,
      topics: topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map((partition) => endOffset(topic, partition, call)),
      })),
    }),

    fail: ({ topics }, { code }) => ({
      throttleTimeMs: 0,
      topics: topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ partition }) => ({ partition, errorCode: code })),
      })),
    }),
  })

function endOffset(
  topicName: string,
  { partition, currentLeaderEpoch, leaderEpoch }: OffsetForLeaderPartition,
  call: Call,
): EpochEndOffset {
  try {
    const topic = call.metadata.topic(topicName)
    if (topic === undefined) throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    const end = call.replicas.get(topic, partition).endOffsetForEpoch(leaderEpoch, currentLeaderEpoch)
    return { partition, errorCode: ErrorCode.NONE, leaderEpoch: end.epoch, endOffset: end.endOffset }
  } catch (error) {
    if (error instanceof KafkaError) return { partition, errorCode: error.code }
    throw error
  }
}
