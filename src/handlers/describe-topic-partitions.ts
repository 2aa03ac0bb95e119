/**
 * DescribeTopicPartitions (key 75), v0 (KIP-966): topics in the order of their names, page by page.
 * A page that is full names the partition to go on with.
 */
import type { PartitionRegistration, Topic } from '../metadata/metadata.ts'
import { isInternalTopic, isLegalTopicName } from '../metadata/topic-name.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import {
  type DescribeTopicPartitionsRequest,
  type DescribeTopicPartitionsResponse,
  type DescribeTopicPartitionsResponsePartition,
  type DescribeTopicPartitionsResponseTopic,
  describeTopicPartitionsApi,
} from '../wire/messages/describe-topic-partitions.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import { TOPIC_OPERATIONS } from './authorized-operations.ts'
import { type Call, type Handler, handler } from './handler.ts'

export const describeTopicPartitionsHandler: Handler<
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse
> = handler(describeTopicPartitionsApi, {
  handle(request, call) {
    const names = wantedNames(request, call)
    const most = Math.min(call.config.get('max.request.partition.size.limit'), request.responsePartitionLimit)
    return { throttleTimeMs: 0, ...page(names, request, Math.max(most, 1), call) }
  },

  fail: ({ topics }, { code }) => ({
    throttleTimeMs: 0,
    topics: topics.map(({ name }) => ({ errorCode: code, name, topicId: ZERO_UUID, partitions: [] })),
    nextCursor: null,
  }),
})

/**
 * From the cursor's topic on, in the order of their names.
 * @throws KafkaError INVALID_REQUEST when the cursor is none of this request.
 */
function wantedNames({ topics, cursor }: DescribeTopicPartitionsRequest, call: Call): readonly string[] {
  const first = cursor?.topicName ?? ''
  const all = topics.length === 0
  const asked = all ? Array.from(call.metadata.topics(), ({ name }) => name) : topics.map(({ name }) => name)
  const names = [...new Set(asked)].filter((name) => name >= first).sort()
  if (cursor !== null && !all && names[0] !== first) {
    throw new KafkaError(ErrorCode.INVALID_REQUEST, `The cursor's topic ${first} is none of those asked for.`)
  }
  if (cursor !== null && cursor.partitionIndex < 0) {
    throw new KafkaError(ErrorCode.INVALID_REQUEST, `The cursor's partition is ${cursor.partitionIndex}.`)
  }
  if (cursor === null && names[0] === '') {
    // Kafka takes the topic without a name for the one of the cursor, which there is not, and fails.
    throw new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, 'a topic without a name')
  }
  return names
}

function page(
  names: readonly string[],
  { topics, cursor }: DescribeTopicPartitionsRequest,
  limit: number,
  call: Call,
): Pick<DescribeTopicPartitionsResponse, 'topics' | 'nextCursor'> {
  const described: DescribeTopicPartitionsResponseTopic[] = []
  let left = limit
  for (const name of names) {
    if (left === 0) return { topics: described, nextCursor: { topicName: name, partitionIndex: 0 } }
    const topic = call.metadata.topic(name)
    if (topic === undefined) {
      if (topics.length > 0) described.push(missing(name))
      continue
    }
    const start = name === cursor?.topicName ? cursor.partitionIndex : 0
    const partitions = topic.partitions.slice(start, start + left)
    described.push(existing(topic, partitions))
    left -= partitions.length
    const end = start + partitions.length
    if (end < topic.partitions.length) {
      return { topics: described, nextCursor: { topicName: name, partitionIndex: end } }
    }
  }
  return { topics: described, nextCursor: null }
}

function existing(
  topic: Topic,
  partitions: readonly PartitionRegistration[],
): DescribeTopicPartitionsResponseTopic {
  return {
    errorCode: ErrorCode.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: topic.internal,
    partitions: partitions.map(partition),
    topicAuthorizedOperations: TOPIC_OPERATIONS,
  }
}

/** One broker has every replica in sync: none is eligible beside them, and none was known before (KIP-966). */
function partition(registration: PartitionRegistration): DescribeTopicPartitionsResponsePartition {
  const { index, leader, leaderEpoch, replicas, isr } = registration
  return {
    errorCode: ErrorCode.NONE,
    partitionIndex: index,
    leaderId: leader,
    leaderEpoch,
    replicaNodes: replicas,
    isrNodes: isr,
    eligibleLeaderReplicas: [],
    lastKnownElr: [],
    offlineReplicas: [],
  }
}

function missing(name: string): DescribeTopicPartitionsResponseTopic {
  return {
    errorCode: isLegalTopicName(name)
      ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      : ErrorCode.INVALID_TOPIC_EXCEPTION,
    name,
    topicId: ZERO_UUID,
    isInternal: isInternalTopic(name),
    partitions: [],
    topicAuthorizedOperations: TOPIC_OPERATIONS,
  }
}
