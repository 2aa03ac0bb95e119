/**
 * DescribeQuorum (key 55), v0 to v2: the controllers, and how far each has followed the metadata log (KIP-595).
 * v1 times of the last fetch (KIP-836) · v2 directories, addresses, messages (KIP-853).
 */
import { KRAFT_VERSION } from '../metadata/features.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import {
  type DescribeQuorumRequest,
  type DescribeQuorumResponse,
  type DescribeQuorumResponsePartitionData,
  describeQuorumApi,
  type ReplicaState,
} from '../wire/messages/describe-quorum.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import { type Call, type Handler, handler } from './handler.ts'

const METADATA_TOPIC = '__cluster_metadata'
/** The first version of kraft.version in which voters are known by their directories. */
const FIRST_LEVEL_WITH_DIRECTORIES = 1

export const describeQuorumHandler: Handler<DescribeQuorumRequest, DescribeQuorumResponse> = handler(
  describeQuorumApi,
  {
    handle(request, call) {
      if (asksForMetadataLog(request)) return describe(call)
      return {
        errorCode: ErrorCode.NONE,
        errorMessage: '',
        topics: request.topics.map(({ topicName, partitions }) => ({
          topicName,
          partitions: partitions.map(({ partitionIndex }) => unknown(topicName, partitionIndex)),
        })),
        nodes: [],
      }
    },

    fail: (_request, { code, message }) => ({
      errorCode: code,
      errorMessage: message,
      topics: [],
      nodes: [],
    }),
  },
)

/** The log that there is must be asked for alone: whatever else stands in the request, none of it is known. */
function asksForMetadataLog({ topics }: DescribeQuorumRequest): boolean {
  const [topic] = topics
  if (topics.length !== 1 || topic?.topicName !== METADATA_TOPIC) return false
  return topic.partitions.length === 1 && topic.partitions[0]?.partitionIndex === 0
}

function describe(call: Call): DescribeQuorumResponse {
  const { metadata, controller, brokerId, config, advertised } = call
  const partition = {
    partitionIndex: 0,
    errorCode: ErrorCode.NONE,
    errorMessage: '',
    leaderId: brokerId,
    leaderEpoch: controller.epoch,
    highWatermark: metadata.endOffset,
    currentVoters: [voter(call)],
    observers: [],
  }
  // The controller is reached where the broker is: it has no listener of its own.
  const listeners = (config.get('controller.listener.names') ?? []).map((name) => ({ name, ...advertised }))
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: '',
    topics: [{ topicName: METADATA_TOPIC, partitions: [partition] }],
    nodes: [{ nodeId: brokerId, listeners }],
  }
}

/** The leader has always just fetched. */
function voter({ metadata, controller, brokerId, clock }: Call): ReplicaState {
  const now = BigInt(clock.now())
  const knownByDirectory = metadata.featureLevel(KRAFT_VERSION) >= FIRST_LEVEL_WITH_DIRECTORIES
  return {
    replicaId: brokerId,
    replicaDirectoryId: (knownByDirectory ? metadata.broker(brokerId)?.logDirs[0] : undefined) ?? ZERO_UUID,
    logEndOffset: controller.endOffset,
    lastFetchTimestamp: now,
    lastCaughtUpTimestamp: now,
  }
}

function unknown(topicName: string, partitionIndex: number): DescribeQuorumResponsePartitionData {
  return {
    partitionIndex,
    errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    errorMessage: `The controllers do not keep ${topicName}-${partitionIndex}.`,
    leaderId: 0,
    leaderEpoch: 0,
    highWatermark: 0n,
    currentVoters: [],
    observers: [],
  }
}
