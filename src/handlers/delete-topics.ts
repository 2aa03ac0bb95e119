/** DeleteTopics (key 20), v1 to v6. v4 flexible · v5 error messages · v6 topics by id (KIP-516). */
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import {
  type DeletableTopicResult,
  type DeleteTopicsRequest,
  type DeleteTopicsResponse,
  deleteTopicsApi,
} from '../wire/messages/delete-topics.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import { checkTimeout } from './deadline.ts'
import { duplicatesAmong } from './duplicates.ts'
import { errorMessage } from './error-message.ts'
import { type Call, type Handler, handler } from './handler.ts'

export const deleteTopicsHandler: Handler<DeleteTopicsRequest, DeleteTopicsResponse> = handler(
  deleteTopicsApi,
  {
    async handle(request, call) {
      checkEnabled(call)
      checkTimeout(request.timeoutMs)
      const { responses, byId } = chosen(request, call)
      const outcomes = await call.controller.deleteTopics([...byId.keys()])
      for (const [at, [id, name]] of [...byId].entries()) {
        const outcome = outcomes[at]
        responses.push(result(name, id, outcome !== undefined && 'error' in outcome ? outcome.error : null))
      }
      return { throttleTimeMs: 0, responses }
    },

    fail(request, error) {
      return {
        throttleTimeMs: 0,
        responses: named(request).map(({ name, topicId }) => result(name, topicId, error)),
      }
    },
  },
)

function checkEnabled(call: Call): void {
  if (call.config.get('delete.topic.enable')) return
  throw call.version < 3
    ? new KafkaError(ErrorCode.INVALID_REQUEST, 'Topic deletion is disabled.')
    : new KafkaError(ErrorCode.TOPIC_DELETION_DISABLED, 'Topic deletion is disabled.')
}

/** The topics of a request, whichever way its version names them. */
function named(
  request: DeleteTopicsRequest,
): readonly { readonly name: string | null; readonly topicId: string }[] {
  return [...request.topics, ...request.topicNames.map((name) => ({ name, topicId: ZERO_UUID }))]
}

/** Sorts out what cannot be deleted, and finds the id and name of each topic that may be. */
function chosen(
  request: DeleteTopicsRequest,
  call: Call,
): { readonly responses: DeletableTopicResult[]; readonly byId: ReadonlyMap<string, string> } {
  const responses: DeletableTopicResult[] = []
  const refuse = (name: string | null, id: string, code: ErrorCode, message: string): void => {
    responses.push(result(name, id, new KafkaError(code, message)))
  }
  const names: string[] = []
  const ids: string[] = []
  for (const { name, topicId } of named(request)) {
    const hasId = topicId !== ZERO_UUID
    if (name !== null && hasId) {
      refuse(name, topicId, ErrorCode.INVALID_REQUEST, 'You may not specify both topic name and topic id.')
    } else if (name !== null) {
      names.push(name)
    } else if (hasId) {
      ids.push(topicId)
    } else {
      refuse(null, ZERO_UUID, ErrorCode.INVALID_REQUEST, 'Neither topic name nor id were specified.')
    }
  }
  const twiceNamed = duplicatesAmong(names)
  const twiceById = duplicatesAmong(ids)
  for (const name of twiceNamed) refuse(name, ZERO_UUID, ErrorCode.INVALID_REQUEST, 'Duplicate topic name.')
  for (const id of twiceById) refuse(null, id, ErrorCode.INVALID_REQUEST, 'Duplicate topic id.')
  const byId = new Map<string, string>()
  for (const id of ids) {
    if (twiceById.has(id)) continue
    const topic = call.metadata.topicById(id)
    if (topic === undefined) {
      refuse(null, id, ErrorCode.UNKNOWN_TOPIC_ID, 'This server does not host this topic ID.')
    } else {
      byId.set(id, topic.name)
    }
  }
  for (const name of names) {
    if (twiceNamed.has(name)) continue
    const topic = call.metadata.topic(name)
    if (topic === undefined) {
      const message = 'This server does not host this topic-partition.'
      refuse(name, ZERO_UUID, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message)
    } else if (twiceById.has(topic.id) || byId.has(topic.id)) {
      byId.delete(topic.id)
      const message = 'The provided topic name maps to an ID that was already supplied.'
      refuse(name, topic.id, ErrorCode.INVALID_REQUEST, message)
    } else {
      byId.set(topic.id, name)
    }
  }
  return { responses, byId }
}

function result(name: string | null, topicId: string, error: KafkaError | null): DeletableTopicResult {
  return { name, topicId, errorCode: error?.code ?? ErrorCode.NONE, errorMessage: errorMessage(error) }
}
