/**
 * FindCoordinator (key 10), v0 to v6.
 * v1 kind of key, throttle time · v3 flexible · v4 several keys at once (KIP-699) · v6 share groups (KIP-932).
 */
import { partitionFor } from '../coordinator/partitioner.ts'
import type { Topic } from '../metadata/metadata.ts'
import { CONSUMER_OFFSETS_TOPIC, TRANSACTION_STATE_TOPIC } from '../metadata/topic-name.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import {
  type Coordinator,
  type FindCoordinatorRequest,
  type FindCoordinatorResponse,
  findCoordinatorApi,
} from '../wire/messages/find-coordinator.ts'
import { autoCreateTopics } from './auto-create.ts'
import { type Call, type Handler, handler } from './handler.ts'
import { nodesOf } from './nodes.ts'

const KeyType = { GROUP: 0, TRANSACTION: 1, SHARE: 2 } as const
const FIRST_VERSION_WITH_KEYS = 4

const NOBODY = { nodeId: -1, host: '', port: -1 }

export const findCoordinatorHandler: Handler<FindCoordinatorRequest, FindCoordinatorResponse> = handler(
  findCoordinatorApi,
  {
    async handle(request, call) {
      const { keyType } = request
      const keys = call.version < FIRST_VERSION_WITH_KEYS ? [request.key] : request.coordinatorKeys
      const topic = keys.length === 0 ? undefined : await topicOf(keyType, call)
      const found = keys.map((key) => coordinatorOf(key, keyType, topic, call))
      if (call.version < FIRST_VERSION_WITH_KEYS) {
        const [node] = found
        if (node === undefined || node instanceof KafkaError) throw node
        return {
          throttleTimeMs: 0,
          errorCode: ErrorCode.NONE,
          errorMessage: 'NONE',
          ...node,
          coordinators: [],
        }
      }
      const coordinators = found.map((node, at): Coordinator => {
        const failed = node instanceof KafkaError
        return {
          key: keys[at] ?? '',
          ...(failed ? NOBODY : node),
          errorCode: failed ? node.code : ErrorCode.NONE,
          errorMessage: '',
        }
      })
      return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: '', ...NOBODY, coordinators }
    },

    fail(request, error, call) {
      const { code: errorCode, message: errorMessage } = error
      const keys = call.version < FIRST_VERSION_WITH_KEYS ? [] : request.coordinatorKeys
      return {
        throttleTimeMs: 0,
        errorCode,
        errorMessage,
        ...NOBODY,
        coordinators: keys.map((key) => ({ key, ...NOBODY, errorCode, errorMessage })),
      }
    },
  },
)

interface Address {
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

/**
 * The topic that the coordinators for keys of this type write to; undefined where there is none. It is made if need
 * be, and is there at once, but for those who want to see that Kafka takes its time.
 * @throws KafkaError INVALID_REQUEST for a type that there is not.
 */
async function topicOf(keyType: number, call: Call): Promise<Topic | undefined> {
  const name = TOPICS.get(keyType)
  if (name === undefined) {
    if (keyType === KeyType.SHARE) return undefined
    throw new KafkaError(ErrorCode.INVALID_REQUEST, `there is no coordinator for keys of type ${keyType}`)
  }
  const topic = call.metadata.topic(name)
  if (topic !== undefined) return topic
  const created = autoCreateTopics([name], call)
  if (call.config.get('ottla.realistic')) return undefined
  await created
  return call.metadata.topic(name)
}

const TOPICS: ReadonlyMap<number, string> = new Map([
  [KeyType.GROUP, CONSUMER_OFFSETS_TOPIC],
  [KeyType.TRANSACTION, TRANSACTION_STATE_TOPIC],
])

/** The broker that leads the partition of the topic which the key belongs to. */
function coordinatorOf(
  key: string,
  keyType: number,
  topic: Topic | undefined,
  call: Call,
): Address | KafkaError {
  if (keyType === KeyType.SHARE) {
    return new KafkaError(ErrorCode.INVALID_REQUEST, `share groups are not served: key ${key}`)
  }
  const index =
    keyType === KeyType.GROUP
      ? call.groups.partitionFor(key)
      : partitionFor(key, topic?.partitions.length ?? 1)
  if (keyType === KeyType.GROUP) call.groups.announce(key, call.connectionId)
  const leader = nodesOf(call).find(({ nodeId }) => nodeId === topic?.partitions[index]?.leader)
  if (leader === undefined) {
    const kind = keyType === KeyType.GROUP ? 'group' : 'transactional id'
    return new KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, `nobody coordinates ${kind} ${key} yet`)
  }
  return { nodeId: leader.nodeId, host: leader.host, port: leader.port }
}
