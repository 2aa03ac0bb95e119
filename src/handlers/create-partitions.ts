/** CreatePartitions (key 37), v0 to v3. v2 flexible · v3 quota errors (KIP-599). */
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import {
  type CreatePartitionsRequest,
  type CreatePartitionsResponse,
  type CreatePartitionsTopicResult,
  createPartitionsApi,
} from '../wire/messages/create-partitions.ts'
import { checkTimeout } from './deadline.ts'
import { duplicatesAmong } from './duplicates.ts'
import { errorMessage } from './error-message.ts'
import { type Handler, handler } from './handler.ts'
import { heapRoom, partitionBytes } from './heap-room.ts'

export const createPartitionsHandler: Handler<CreatePartitionsRequest, CreatePartitionsResponse> = handler(
  createPartitionsApi,
  {
    async handle({ topics, timeoutMs, validateOnly }, call) {
      checkTimeout(timeoutMs)
      const added = topics.reduce((sum, { name, count }) => {
        return sum + Math.max(0, count - (call.metadata.topic(name)?.partitions.length ?? count))
      }, 0)
      heapRoom.check(partitionBytes(added), ErrorCode.POLICY_VIOLATION)
      const duplicates = duplicatesAmong(topics.map(({ name }) => name))
      const specs = topics.filter(({ name }) => !duplicates.has(name))
      const outcomes = await call.controller.createPartitions(specs, validateOnly)
      const twice = new KafkaError(ErrorCode.INVALID_REQUEST, 'Duplicate topic name.')
      return {
        throttleTimeMs: 0,
        results: [
          ...Array.from(duplicates, (name) => result(name, twice)),
          ...specs.map(({ name }, at) => {
            const outcome = outcomes[at]
            return result(name, outcome !== undefined && 'error' in outcome ? outcome.error : null)
          }),
        ],
      }
    },

    fail({ topics }, error) {
      return { throttleTimeMs: 0, results: topics.map(({ name }) => result(name, error)) }
    },
  },
)

function result(name: string, error: KafkaError | null): CreatePartitionsTopicResult {
  return { name, errorCode: error?.code ?? ErrorCode.NONE, errorMessage: errorMessage(error) }
}
