/**
 * AlterConfigs (key 33), v0 to v2: all configs of a topic, a broker, a group or a client metrics subscription are
 * replaced. IncrementalAlterConfigs (KIP-339) has taken its place. v2 flexible.
 */
import { ConfigOperation } from '../metadata/config-control.ts'
import {
  type AlterConfigsRequest,
  type AlterConfigsResponse,
  alterConfigsApi,
} from '../wire/messages/alter-configs.ts'
import { changeConfigs, responseOf } from './config-changes.ts'
import { type Handler, handler } from './handler.ts'

export const alterConfigsHandler: Handler<AlterConfigsRequest, AlterConfigsResponse> = handler(
  alterConfigsApi,
  {
    async handle({ resources, validateOnly }, call) {
      const changes = resources.map(({ resourceType, resourceName, configs }) => ({
        resourceType,
        resourceName,
        changes: configs.map(({ name, value }) => ({ name, operation: ConfigOperation.SET, value })),
        replacesAll: true,
      }))
      return { throttleTimeMs: 0, responses: await changeConfigs(changes, validateOnly, call) }
    },

    fail({ resources }, error) {
      return { throttleTimeMs: 0, responses: resources.map((resource) => responseOf(resource, error)) }
    },
  },
)
