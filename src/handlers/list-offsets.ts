/**
 * ListOffsets (key 2), v1 to v11.
 * v2 isolation level · v4 leader epochs (KIP-320) · v6 flexible · v7 -3, the record with the greatest timestamp
 * (KIP-734) · v8 -4, the local log start (KIP-405) · v9 -5 (KIP-1005) · v10 timeout (KIP-1075) · v11 -6 (KIP-1023).
 */
import { ListOffsetsTimestamp } from '../replica/offset-lookup.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import {
  type ListOffsetsPartition,
  type ListOffsetsPartitionResponse,
  type ListOffsetsRequest,
  type ListOffsetsResponse,
  listOffsetsApi,
} from '../wire/messages/list-offsets.ts'
import { duplicatesAmong, lastOfEach } from './duplicates.ts'
import { type Call, type Handler, handler } from './handler.ts'
import { allInOrder } from './in-order.ts'
import { checkIsolation } from './isolation.ts'

/** The first version in which a special timestamp may be asked for. */
const FIRST_VERSION: ReadonlyMap<bigint, number> = new Map<bigint, number>([
  [ListOffsetsTimestamp.LATEST, 1],
  [ListOffsetsTimestamp.EARLIEST, 1],
  [ListOffsetsTimestamp.MAX_TIMESTAMP, 7],
  [ListOffsetsTimestamp.EARLIEST_LOCAL, 8],
  [ListOffsetsTimestamp.LATEST_TIERED, 9],
  [ListOffsetsTimestamp.EARLIEST_PENDING_UPLOAD, 11],
])

export const listOffsetsHandler: Handler<ListOffsetsRequest, ListOffsetsResponse> = handler(listOffsetsApi, {
  async handle(request, call) {
    checkIsolation(request.isolationLevel)
    const duplicates = duplicatesAmong(
      request.topics.flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex }) => `${name}-${partitionIndex}`),
      ),
    )
    const topics = request.topics.map(async ({ name, partitions }) => ({
      name,
      partitions: await allInOrder(
        lastOfEach(partitions, ({ partitionIndex }) => partitionIndex).map((partition) =>
          duplicates.has(`${name}-${partition.partitionIndex}`)
            ? failed(partition.partitionIndex, ErrorCode.INVALID_REQUEST)
            : listOffset(name, partition, request.isolationLevel, call),
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
})

async function listOffset(
  topicName: string,
  { partitionIndex, timestamp, currentLeaderEpoch }: ListOffsetsPartition,
  isolation: number,
  call: Call,
): Promise<ListOffsetsPartitionResponse> {
  try {
    checkTimestamp(timestamp, call.version)
    const topic = call.metadata.topic(topicName)
    if (topic === undefined) throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    const partition = call.replicas.get(topic, partitionIndex)
    const found = await partition.listOffset(timestamp, isolation, currentLeaderEpoch)
    return { partitionIndex, errorCode: ErrorCode.NONE, ...found }
  } catch (error) {
    if (error instanceof KafkaError) return failed(partitionIndex, error.code)
    throw error
  }
}

function checkTimestamp(timestamp: bigint, version: number): void {
  if (timestamp >= 0n) return
  const first = FIRST_VERSION.get(timestamp)
  if (first !== undefined && version >= first) return
  throw new KafkaError(
    ErrorCode.UNSUPPORTED_VERSION,
    `timestamp ${timestamp} cannot be asked for in v${version}`,
  )
}

function failed(partitionIndex: number, errorCode: ErrorCode): ListOffsetsPartitionResponse {
  return { partitionIndex, errorCode, timestamp: -1n, offset: -1n, leaderEpoch: -1 }
}
