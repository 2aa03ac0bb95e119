/**
 * AlterReplicaLogDirs (key 34), v1 and v2 (KIP-113): moves replicas between the directories of a broker. There is one,
 * so that every replica is where it can be. v2 flexible.
 */
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import {
  type AlterReplicaLogDirsRequest,
  type AlterReplicaLogDirsResponse,
  alterReplicaLogDirsApi,
} from '../wire/messages/alter-replica-log-dirs.ts'
import { type Call, type Handler, handler } from './handler.ts'

/** What is left of a file's name of 255 characters by all that Kafka adds while it moves a replica. */
const MAX_NAME_LENGTH = 255 - '-.'.length - 32 - '-future'.length

export const alterReplicaLogDirsHandler: Handler<AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse> =
  handler(alterReplicaLogDirsApi, {
    async handle(request, call) {
      const volume = await call.replicas.volume()
      const results = Array.from(destinations(request), ([topicName, byPartition]) => ({
        topicName,
        partitions: Array.from(byPartition, ([partitionIndex, path]) => ({
          partitionIndex,
          errorCode: move(topicName, partitionIndex, path === volume.path, call),
        })),
      }))
      return { throttleTimeMs: 0, results }
    },

    fail: ({ dirs }, { code }) => ({
      throttleTimeMs: 0,
      results: dirs.flatMap(({ topics }) =>
        topics.map(({ name, partitions }) => ({
          topicName: name,
          partitions: partitions.map((partitionIndex) => ({ partitionIndex, errorCode: code })),
        })),
      ),
    }),
  })

/** Where each partition of each topic is wanted: where it was named last. */
function destinations({ dirs }: AlterReplicaLogDirsRequest): Map<string, Map<number, string>> {
  const byTopic = new Map<string, Map<number, string>>()
  for (const { path, topics } of dirs) {
    for (const { name, partitions } of topics) {
      for (const index of partitions) {
        const byPartition = byTopic.get(name) ?? new Map<number, string>()
        byTopic.set(name, byPartition.set(index, path))
      }
    }
  }
  return byTopic
}

function move(topicName: string, index: number, isHere: boolean, { metadata, replicas }: Call): ErrorCode {
  if (topicName.length + String(index).length > MAX_NAME_LENGTH) return ErrorCode.INVALID_TOPIC_EXCEPTION
  if (!isHere) return ErrorCode.LOG_DIR_NOT_FOUND
  const topic = metadata.topic(topicName)
  if (topic === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  try {
    replicas.get(topic, index)
    return ErrorCode.NONE
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    // The name that this error had when the API was made.
    return error.code === ErrorCode.NOT_LEADER_OR_FOLLOWER ? ErrorCode.REPLICA_NOT_AVAILABLE : error.code
  }
}
