/**
 * Metadata (key 3), v0 to v13.
 * v1 controller, racks, null for all topics · v2 cluster id · v3 throttle time · v4 auto-creation asked for · v5 offline
 * replicas · v7 leader epochs · v8 authorized operations (KIP-430) · v9 flexible · v10 topic ids told, v12 asked for
 * (KIP-516) · v11 no cluster operations · v13 a top-level error.
 */
import type { Topic } from '../metadata/metadata.ts'
import { isInternalTopic, isLegalTopicName } from '../metadata/topic-name.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import {
  type MetadataRequest,
  type MetadataResponse,
  type MetadataResponseTopic,
  metadataApi,
} from '../wire/messages/metadata.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import { CLUSTER_OPERATIONS, NOT_ASKED, TOPIC_OPERATIONS } from './authorized-operations.ts'
import { autoCreateTopics } from './auto-create.ts'
import { type Call, type Handler, handler } from './handler.ts'
import { nodesOf } from './nodes.ts'

export const metadataHandler: Handler<MetadataRequest, MetadataResponse> = handler(metadataApi, {
  handle(request, call) {
    checkTopicNaming(request, call.version)
    const absent = creatable(request, call)
    if (absent.length === 0) return answer(request, call)
    if (!call.config.get('ottla.realistic')) {
      return autoCreateTopics(absent, call).then(() => answer(request, call))
    }
    // As from Kafka, a topic that is only just being created is not there yet.
    const response = answer(request, call)
    void autoCreateTopics(absent, call)
    return response
  },

  fail(request, error) {
    const topics = (request.topics ?? []).map(({ name, topicId }) => missing(error.code, name ?? '', topicId))
    return { throttleTimeMs: 0, brokers: [], topics, errorCode: error.code }
  },
})

function answer(request: MetadataRequest, call: Call): MetadataResponse {
  const topics = wanted(request, call)
  const { includeClusterAuthorizedOperations, includeTopicAuthorizedOperations } = request
  return {
    throttleTimeMs: 0,
    brokers: nodesOf(call),
    clusterId: call.metadata.clusterId,
    controllerId: call.brokerId,
    topics: includeTopicAuthorizedOperations
      ? topics.map((topic) => ({ ...topic, topicAuthorizedOperations: TOPIC_OPERATIONS }))
      : topics,
    clusterAuthorizedOperations: includeClusterAuthorizedOperations ? CLUSTER_OPERATIONS : NOT_ASKED,
    errorCode: ErrorCode.NONE,
  }
}

/** Topics can be asked for by id from v12 on; in v10 and v11 the field is there, but must not be used. */
function checkTopicNaming({ topics }: MetadataRequest, version: number): void {
  if (version >= 12) return
  for (const { name, topicId } of topics ?? []) {
    if (name === null) {
      throw new KafkaError(ErrorCode.INVALID_REQUEST, `Topic name can not be null for version ${version}`)
    }
    if (topicId !== ZERO_UUID) {
      throw new KafkaError(
        ErrorCode.INVALID_REQUEST,
        `Topic IDs are not supported in requests for version ${version}`,
      )
    }
  }
}

function wanted(request: MetadataRequest, call: Call): MetadataResponseTopic[] {
  const { topics } = request
  if (wantsAll(request, call)) return Array.from(call.metadata.topics(), existing)
  if (isById(request)) return wantedById(topics, call)
  const found: MetadataResponseTopic[] = []
  const absent: MetadataResponseTopic[] = []
  for (const name of namesOf(request)) {
    const topic = call.metadata.topic(name)
    if (topic === undefined) absent.push(missing(whyAbsent(name), name, ZERO_UUID))
    else found.push(existing(topic))
  }
  return [...found, ...absent]
}

/** The topics that are asked for, are not there, and are to be made for that. */
function creatable(request: MetadataRequest, call: Call): readonly string[] {
  if (!request.allowAutoTopicCreation || !call.config.get('auto.create.topics.enable')) return []
  if (wantsAll(request, call) || isById(request)) return []
  return [...namesOf(request)].filter(
    (name) => call.metadata.topic(name) === undefined && isLegalTopicName(name),
  )
}

/** In v0 an empty list stands for all topics; later that is null. */
function wantsAll({ topics }: MetadataRequest, { version }: Call): boolean {
  return topics === null || (version === 0 && topics.length === 0)
}

function isById({ topics }: MetadataRequest): boolean {
  return (topics ?? []).some(({ topicId }) => topicId !== ZERO_UUID)
}

/** Each once. */
function namesOf({ topics }: MetadataRequest): ReadonlySet<string> {
  return new Set((topics ?? []).map(nameOf))
}

/** Kafka trips over a topic that is asked for neither by name nor by id. */
function nameOf({ name }: { readonly name: string | null }): string {
  if (name === null) throw new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, 'a topic without a name and an id')
  return name
}

/** Where one topic is asked for by id, Kafka looks at the ids alone. */
function wantedById(topics: MetadataRequest['topics'], call: Call): MetadataResponseTopic[] {
  const ids = new Set((topics ?? []).map(({ topicId }) => topicId).filter((id) => id !== ZERO_UUID))
  return Array.from(ids, (id) => {
    const topic = call.metadata.topicById(id)
    return topic === undefined ? missing(ErrorCode.UNKNOWN_TOPIC_ID, null, id) : existing(topic)
  })
}

function whyAbsent(name: string): ErrorCode {
  return isLegalTopicName(name) ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.INVALID_TOPIC_EXCEPTION
}

function missing(errorCode: number, name: string | null, topicId: string): MetadataResponseTopic {
  return { errorCode, name, topicId, isInternal: name !== null && isInternalTopic(name), partitions: [] }
}

function existing(topic: Topic): MetadataResponseTopic {
  return {
    errorCode: ErrorCode.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: topic.internal,
    partitions: topic.partitions.map(({ index, leader, leaderEpoch, replicas, isr }) => ({
      errorCode: leader === -1 ? ErrorCode.LEADER_NOT_AVAILABLE : ErrorCode.NONE,
      partitionIndex: index,
      leaderId: leader,
      leaderEpoch,
      replicaNodes: replicas,
      isrNodes: isr,
      offlineReplicas: [],
    })),
  }
}
