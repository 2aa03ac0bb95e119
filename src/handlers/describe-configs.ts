/**
 * DescribeConfigs (32), versions 1 to 4: the configs of topics, brokers, loggers, groups and client metrics
 * subscriptions, with where each value comes from. Version 3 adds each config's type and documentation (KIP-569), 4 is
 * flexible. Documentation is always null: it is Kafka's prose.
 */
import {
  type DescribedConfig,
  describeBroker,
  describeClientMetrics,
  describeDefaultBroker,
  describeGroup,
  describeTopic,
  type NameFilter,
} from '../config/describe.ts'
import { describeLoggers } from '../config/logger-levels.ts'
import { ConfigResourceType } from '../metadata/metadata.ts'
import { validateTopicName } from '../metadata/topic-name.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import {
  type DescribeConfigsRequest,
  type DescribeConfigsResource,
  type DescribeConfigsResourceResult,
  type DescribeConfigsResponse,
  type DescribeConfigsResult,
  describeConfigsApi,
} from '../wire/messages/describe-configs.ts'
import { type Call, type Handler, handler } from './handler.ts'

type DescribeConfigsCall = Pick<Call, 'brokerId' | 'config' | 'metadata' | 'logger'>

export const describeConfigsHandler: Handler<DescribeConfigsRequest, DescribeConfigsResponse> = handler(
  describeConfigsApi,
  {
    handle(request, call) {
      for (const { resourceType, resourceName } of request.resources) {
        if (!RESOURCE_TYPES.has(resourceType)) {
          throw new KafkaError(
            ErrorCode.INVALID_REQUEST,
            `Unexpected resource type ${resourceType} for resource ${resourceName}`,
          )
        }
      }
      return {
        throttleTimeMs: 0,
        results: request.resources.map((resource) => describe(resource, request.includeSynonyms, call)),
      }
    },
    fail(request, error) {
      return {
        throttleTimeMs: 0,
        results: request.resources.map((resource) => failure(resource, error)),
      }
    },
  },
)

const RESOURCE_TYPES: ReadonlySet<number> = new Set(Object.values(ConfigResourceType))

function describe(
  resource: DescribeConfigsResource,
  includeSynonyms: boolean,
  call: DescribeConfigsCall,
): DescribeConfigsResult {
  const { resourceType, resourceName, configurationKeys } = resource
  const names: NameFilter =
    configurationKeys === null || configurationKeys.length === 0 ? null : new Set(configurationKeys)
  try {
    const configs = describeResource(resource, names, call)
    const documentation = resourceType === ConfigResourceType.BROKER_LOGGER ? '' : null
    return {
      errorCode: ErrorCode.NONE,
      errorMessage: '',
      resourceType,
      resourceName,
      configs: configs.map((config) => result(config, includeSynonyms, documentation)),
    }
  } catch (error) {
    if (error instanceof KafkaError) return failure(resource, error)
    throw error
  }
}

function describeResource(
  { resourceType, resourceName }: DescribeConfigsResource,
  names: NameFilter,
  call: DescribeConfigsCall,
): DescribedConfig[] {
  switch (resourceType) {
    case ConfigResourceType.TOPIC: {
      validateTopicName(resourceName)
      const topic = call.metadata.topic(resourceName)
      if (topic === undefined) throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, '')
      return describeTopic(call.config.topicConfig(topic.configs), names)
    }
    case ConfigResourceType.BROKER:
      if (resourceName === '') return describeDefaultBroker(call.config, names)
      checkBrokerId(resourceName, call.brokerId, `${call.brokerId} or empty string,`)
      return describeBroker(call.config, names)
    case ConfigResourceType.BROKER_LOGGER:
      if (resourceName === '') throw invalidRequest('Broker id must not be empty')
      checkBrokerId(resourceName, call.brokerId, String(call.brokerId))
      return describeLoggers(call.logger.level, names)
    case ConfigResourceType.CLIENT_METRICS:
      if (resourceName === '') throw invalidRequest('Client metrics subscription name must not be empty')
      return describeClientMetrics(call.metadata.configs(resourceType, resourceName), names)
    default:
      if (resourceName === '') throw invalidRequest('Group name must not be empty')
      return describeGroup(call.metadata.configs(resourceType, resourceName), call.config, names)
  }
}

/** A broker knows its own configs only. @throws KafkaError INVALID_REQUEST */
function checkBrokerId(resourceName: string, brokerId: number, expected: string): void {
  const id = /^[+-]?[0-9]+$/.test(resourceName) ? Number(resourceName) : Number.NaN
  if (!(id >= -(2 ** 31) && id < 2 ** 31)) {
    throw invalidRequest(`Broker id must be an integer, but it is: ${resourceName}`)
  }
  if (id !== brokerId) {
    throw invalidRequest(`Unexpected broker id, expected ${expected} but received ${resourceName}`)
  }
}

function invalidRequest(message: string): KafkaError {
  return new KafkaError(ErrorCode.INVALID_REQUEST, message)
}

function failure(
  { resourceType, resourceName }: DescribeConfigsResource,
  { code, message }: KafkaError,
): DescribeConfigsResult {
  return { errorCode: code, errorMessage: message, resourceType, resourceName, configs: [] }
}

function result(
  config: DescribedConfig,
  includeSynonyms: boolean,
  documentation: string | null,
): DescribeConfigsResourceResult {
  return {
    name: config.name,
    value: config.value,
    readOnly: config.readOnly,
    configSource: config.source,
    isSensitive: config.sensitive,
    synonyms: includeSynonyms ? config.synonyms : [],
    configType: config.type,
    documentation,
  }
}
