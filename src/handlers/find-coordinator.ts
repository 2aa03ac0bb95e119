/**
 * FindCoordinator (key 10), v0 to v6.
 * v1 kind of key, throttle time · v3 flexible · v4 several keys at once (KIP-699) · v6 share groups (KIP-932).
 */
import { CONSUMER_OFFSETS_TOPIC } from '../metadata/topic-name.ts'
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
import { transactionsNotServed } from './transactions-not-served.ts'

const KeyType = { GROUP: 0, TRANSACTION: 1, SHARE: 2 } as const
const FIRST_VERSION_WITH_KEYS = 4

const NOBODY = { nodeId: -1, host: '', port: -1 }

export const findCoordinatorHandler: Handler<FindCoordinatorRequest, FindCoordinatorResponse> = handler(
  findCoordinatorApi,
  {
    async handle(request, call) {
      if (call.version < FIRST_VERSION_WITH_KEYS) {
        const node = await coordinatorOf(request.key, request.keyType, call)
        if (node instanceof KafkaError) throw node
        return {
          throttleTimeMs: 0,
          errorCode: ErrorCode.NONE,
          errorMessage: 'NONE',
          ...node,
          coordinators: [],
        }
      }
      const coordinators: Coordinator[] = []
      for (const key of request.coordinatorKeys) {
        const node = await coordinatorOf(key, request.keyType, call)
        const errorCode = node instanceof KafkaError ? node.code : ErrorCode.NONE
        coordinators.push({
          key,
          ...(node instanceof KafkaError ? NOBODY : node),
          errorCode,
          errorMessage: '',
        })
      }
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

/** The broker that leads the partition of the internal topic which the key belongs to; the topic is made if need be. */
async function coordinatorOf(key: string, keyType: number, call: Call): Promise<Address | KafkaError> {
  switch (keyType) {
    case KeyType.GROUP:
      break
    case KeyType.TRANSACTION:
      return transactionsNotServed(key)
    case KeyType.SHARE:
      return new KafkaError(ErrorCode.INVALID_REQUEST, `share groups are not served: key ${key}`)
    default:
      throw new KafkaError(ErrorCode.INVALID_REQUEST, `there is no coordinator for keys of type ${keyType}`)
  }
  if (call.metadata.topic(CONSUMER_OFFSETS_TOPIC) === undefined) {
    await autoCreateTopics([CONSUMER_OFFSETS_TOPIC], call)
  }
  const partition = call.metadata.topic(CONSUMER_OFFSETS_TOPIC)?.partitions[call.groups.partitionFor(key)]
  const leader = nodesOf(call).find(({ nodeId }) => nodeId === partition?.leader)
  if (leader === undefined) {
    return new KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, `nobody coordinates group ${key} yet`)
  }
  return { nodeId: leader.nodeId, host: leader.host, port: leader.port }
}
