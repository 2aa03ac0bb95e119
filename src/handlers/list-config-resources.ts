/**
 * ListConfigResources (key 74), v0 to v1: what has configs. v0 knew client metrics subscriptions alone (KIP-1000), v1
 * has the other types too (KIP-1142).
 */
import { ConfigResourceType } from '../metadata/metadata.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import {
  type ConfigResource,
  type ListConfigResourcesRequest,
  type ListConfigResourcesResponse,
  listConfigResourcesApi,
} from '../wire/messages/list-config-resources.ts'
import { type Call, type Handler, handler } from './handler.ts'

export const listConfigResourcesHandler: Handler<ListConfigResourcesRequest, ListConfigResourcesResponse> =
  handler(listConfigResourcesApi, {
    handle({ resourceTypes }, call) {
      const asked = call.version === 0 ? [ConfigResourceType.CLIENT_METRICS] : resourceTypes
      const unknown = asked.find((type) => !TYPES.includes(type))
      if (unknown !== undefined) {
        throw new KafkaError(ErrorCode.UNSUPPORTED_VERSION, `there is no resource type ${unknown}`)
      }
      const types = asked.length === 0 ? TYPES : [...new Set(asked)]
      return {
        throttleTimeMs: 0,
        errorCode: ErrorCode.NONE,
        configResources: types.flatMap((resourceType) => resourcesOf(resourceType, call)),
      }
    },

    fail(_request, { code }) {
      return { throttleTimeMs: 0, errorCode: code, configResources: [] }
    },
  })

const TYPES: readonly number[] = Object.values(ConfigResourceType)

function resourcesOf(resourceType: number, { metadata }: Pick<Call, 'metadata'>): readonly ConfigResource[] {
  return Array.from(namesOf(resourceType, metadata), (resourceName) => ({ resourceName, resourceType }))
}

/** Topics and brokers are listed whether they have configs of their own or not. */
function namesOf(resourceType: number, metadata: Call['metadata']): readonly string[] {
  switch (resourceType) {
    case ConfigResourceType.TOPIC:
      return Array.from(metadata.topics(), ({ name }) => name)
    case ConfigResourceType.BROKER:
    case ConfigResourceType.BROKER_LOGGER:
      return Array.from(metadata.brokers(), ({ id }) => String(id))
    default:
      return [...metadata.configuredResources(resourceType)]
  }
}
