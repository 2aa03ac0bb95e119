/**
 * IncrementalAlterConfigs (key 44), v0 to v1 (KIP-339): single configs of topics, brokers, groups and client metrics
 * subscriptions are set, deleted, appended to or subtracted from; also the levels of loggers (KIP-412). v1 flexible.
 */
import {
  type IncrementalAlterConfigsRequest,
  type IncrementalAlterConfigsResponse,
  incrementalAlterConfigsApi,
} from '../wire/messages/incremental-alter-configs.ts'
import { changeConfigs, responseOf } from './config-changes.ts'
import { type Handler, handler } from './handler.ts'

export const incrementalAlterConfigsHandler: Handler<
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse
> = handler(incrementalAlterConfigsApi, {
  async handle({ resources, validateOnly }, call) {
    const changes = resources.map(({ resourceType, resourceName, configs }) => ({
      resourceType,
      resourceName,
      changes: configs.map(({ name, configOperation, value }) => ({
        name,
        operation: configOperation,
        value,
      })),
      replacesAll: false,
    }))
    return { throttleTimeMs: 0, responses: await changeConfigs(changes, validateOnly, call) }
  },

  fail({ resources }, error) {
    return { throttleTimeMs: 0, responses: resources.map((resource) => responseOf(resource, error)) }
  },
})
