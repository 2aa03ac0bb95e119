/**
 * CreateTopics (key 19), v2 to v7.
 * v4 the broker's defaults for -1 · v5 flexible, tells configs (KIP-525) · v6 quota errors (KIP-599) · v7 topic ids.
 */
import { createdTopicConfigs } from '../config/describe.ts'
import type { NewTopic } from '../metadata/topic-control.ts'
import { CLUSTER_METADATA_TOPIC } from '../metadata/topic-name.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import {
  type CreatableTopicResult,
  type CreateTopicsRequest,
  type CreateTopicsResponse,
  createTopicsApi,
} from '../wire/messages/create-topics.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import { checkTimeout } from './deadline.ts'
import { duplicatesAmong } from './duplicates.ts'
import { errorMessage } from './error-message.ts'
import { type Call, type Handler, handler } from './handler.ts'
import { heapRoom, partitionBytes } from './heap-room.ts'

export const createTopicsHandler: Handler<CreateTopicsRequest, CreateTopicsResponse> = handler(
  createTopicsApi,
  {
    async handle({ topics, timeoutMs, validateOnly }, call) {
      checkTimeout(timeoutMs)
      const partitions = topics.reduce((sum, { numPartitions, assignments }) => {
        return sum + Math.max(numPartitions, assignments.length, 1)
      }, 0)
      heapRoom.check(partitionBytes(partitions), ErrorCode.POLICY_VIOLATION)
      const duplicates = duplicatesAmong(topics.map(({ name }) => name))
      const creatable = topics.filter(({ name }) => !duplicates.has(name) && name !== CLUSTER_METADATA_TOPIC)
      const outcomes = await call.controller.createTopics(creatable, validateOnly)
      const results = creatable.map(({ name }, at) => {
        const outcome = outcomes[at]
        return outcome !== undefined && 'value' in outcome
          ? created(outcome.value, call)
          : refused(name, outcome?.error ?? new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR))
      })
      for (const name of duplicates) {
        results.push(refused(name, new KafkaError(ErrorCode.INVALID_REQUEST, 'Duplicate topic name.')))
      }
      if (
        topics.some(({ name }) => name === CLUSTER_METADATA_TOPIC) &&
        !duplicates.has(CLUSTER_METADATA_TOPIC)
      ) {
        const reason = `Creation of internal topic ${CLUSTER_METADATA_TOPIC} is prohibited.`
        results.push(refused(CLUSTER_METADATA_TOPIC, new KafkaError(ErrorCode.INVALID_REQUEST, reason)))
      }
      return { throttleTimeMs: 0, topics: results }
    },

    fail({ topics }, error) {
      return { throttleTimeMs: 0, topics: topics.map(({ name }) => refused(name, error)) }
    },
  },
)

const FIRST_VERSION_WITH_CONFIGS = 5

function created(topic: NewTopic, call: Call): CreatableTopicResult {
  return {
    name: topic.name,
    topicId: topic.id,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    topicConfigErrorCode: ErrorCode.NONE,
    numPartitions: topic.numPartitions,
    replicationFactor: topic.replicationFactor,
    configs:
      call.version < FIRST_VERSION_WITH_CONFIGS
        ? []
        : createdTopicConfigs(call.config.topicConfig(topic.configs)).map(
            ({ name, value, readOnly, source, sensitive }) => ({
              name,
              value,
              readOnly,
              configSource: source,
              isSensitive: sensitive,
            }),
          ),
  }
}

function refused(name: string, error: KafkaError): CreatableTopicResult {
  return {
    name,
    topicId: ZERO_UUID,
    errorCode: error.code,
    errorMessage: errorMessage(error),
    configs: [],
  }
}
