/**
 * ElectLeaders (key 43), v0 to v2: has partitions led by their preferred replica, or by any (KIP-460).
 * v1 kind of election, an error for the whole request · v2 flexible.
 */
import { ElectionType, leaderElection } from '../metadata/partition-control.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import {
  type ElectLeadersRequest,
  type ElectLeadersResponse,
  electLeadersApi,
  type PartitionResult,
  type ReplicaElectionResult,
} from '../wire/messages/elect-leaders.ts'
import { checkTimeout } from './deadline.ts'
import { errorMessage } from './error-message.ts'
import { type Call, type Handler, handler } from './handler.ts'

export const electLeadersHandler: Handler<ElectLeadersRequest, ElectLeadersResponse> = handler(
  electLeadersApi,
  {
    handle({ topicPartitions, electionType, timeoutMs }, call) {
      if (topicPartitions?.length !== 0) {
        checkTimeout(timeoutMs)
        checkElectionType(electionType)
      }
      const replicaElectionResults =
        topicPartitions === null
          ? electEverywhere(electionType, call)
          : topicPartitions.map(({ topic, partitions }) => ({
              topic,
              partitionResult: partitions.map((index) => elect(topic, index, electionType, call)),
            }))
      return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, replicaElectionResults }
    },

    fail({ topicPartitions }, error) {
      return {
        throttleTimeMs: 0,
        errorCode: error.code,
        replicaElectionResults: (topicPartitions ?? []).map(({ topic, partitions }) => ({
          topic,
          partitionResult: partitions.map((partitionId) => result(partitionId, error)),
        })),
      }
    },
  },
)

function checkElectionType(type: number): void {
  if (type === ElectionType.PREFERRED || type === ElectionType.UNCLEAN) return
  throw new KafkaError(ErrorCode.INVALID_REQUEST, `Unknown election type ${type}`)
}

/** Who asks for all partitions is told of those alone that needed an election, and yet of every topic. */
function electEverywhere(type: number, call: Call): readonly ReplicaElectionResult[] {
  return Array.from(call.metadata.topics(), ({ name, partitions }) => ({
    topic: name,
    partitionResult: partitions
      .map(({ index }) => elect(name, index, type, call))
      .filter(({ errorCode }) => errorCode !== ErrorCode.ELECTION_NOT_NEEDED),
  }))
}

function elect(topic: string, partitionId: number, type: number, { metadata }: Call): PartitionResult {
  return result(partitionId, leaderElection(metadata, topic, partitionId, type))
}

function result(partitionId: number, error: KafkaError): PartitionResult {
  return { partitionId, errorCode: error.code, errorMessage: errorMessage(error) }
}
