/**
 * Decisions on configs, each a function of what is known and what is asked to the records that would do it. Nothing
 * changes here: the controller commits the records. Checks, their order and their words follow Kafka's.
 */
import { type BrokerConfig, ConfigSource } from '../config/broker-config.ts'
import { checkClientMetricsConfigs, SubscriptionError } from '../config/client-metrics-config.ts'
import { type ConfigDefinition, configDefinitions } from '../config/config-definition.ts'
import { ConfigError } from '../config/config-error.ts'
import { checkDynamicConfigs } from '../config/dynamic-configs.ts'
import { checkGroupConfigs } from '../config/group-config.ts'
import { checkTopicConfigs } from '../config/topic-config.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { ELR_VERSION } from './features.ts'
import { ConfigResourceType, type Metadata, type MetadataRecord } from './metadata.ts'
import { validateTopicName } from './topic-name.ts'

/** What can be done to a config, as IncrementalAlterConfigs numbers it (KIP-339). */
export const ConfigOperation = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const

export interface ConfigChange {
  readonly name: string
  /** One of `ConfigOperation`, or whatever else a client sent. */
  readonly operation: number
  /** Null for DELETE alone. */
  readonly value: string | null
}

/** What shall become of the configs of one resource. */
export interface ResourceChange {
  readonly resourceType: number
  readonly resourceName: string
  /** Each name once. */
  readonly changes: readonly ConfigChange[]
  /** Whether all that is not named goes, as AlterConfigs wants it. */
  readonly replacesAll: boolean
}

/** What the decisions need to know. */
export interface ConfigContext {
  readonly metadata: Metadata
  readonly config: BrokerConfig
}

/**
 * The records that change one resource's configs.
 * @throws KafkaError saying why they cannot be changed so.
 */
export function alterConfigs(context: ConfigContext, change: ResourceChange): readonly MetadataRecord[] {
  const { resourceType, resourceName } = change
  const before = context.metadata.configs(resourceType, resourceName)
  const after = new Map(change.replacesAll ? [] : before)
  const altered = new Set(change.changes.map(({ name }) => name))
  try {
    for (const one of change.changes) {
      const value = changed(resourceType, before.get(one.name), one)
      if (value === null) after.delete(one.name)
      else after.set(one.name, value)
    }
    check(context, change, after)
  } catch (error) {
    throw asKafkaError(error, resourceType)
  }
  const dropped = [...before.keys()].filter((name) => !after.has(name) && !altered.has(name))
  if (resourceType === ConfigResourceType.BROKER && context.metadata.featureLevel(ELR_VERSION) > 0) {
    protectMinInSync(resourceName, altered, dropped, after)
  }
  // Kafka's brokers look at their files anew whenever one of their configs is set, even to what it was.
  const isBroker = resourceType === ConfigResourceType.BROKER
  return [...altered, ...dropped]
    .filter((name) => isBroker || before.get(name) !== after.get(name))
    .map((name) => configRecord(resourceType, resourceName, name, after.get(name) ?? null))
}

/**
 * What makes min.insync.replicas the whole cluster's, as it is from the time on that there are eligible leader
 * replicas (KIP-966): the value that the broker was started with, unless one is set for all, and none for itself.
 */
export function pinMinInSyncReplicas({ metadata, config }: ConfigContext): readonly MetadataRecord[] {
  const { BROKER } = ConfigResourceType
  const setOn = (name: string): boolean => metadata.configs(BROKER, name).has(MIN_IN_SYNC)
  const given = config.layers.find(({ source }) => source === ConfigSource.STATIC_BROKER_CONFIG)?.texts
  const text = given?.get(MIN_IN_SYNC) ?? configDefinitions('broker').get(MIN_IN_SYNC)?.defaultText ?? '1'
  const own = [...metadata.configuredResources(BROKER)].filter((name) => name !== '' && setOn(name))
  return [
    ...(setOn('') ? [] : [configRecord(BROKER, '', MIN_IN_SYNC, text)]),
    ...own.map((name) => configRecord(BROKER, name, MIN_IN_SYNC, null)),
  ]
}

const MIN_IN_SYNC = 'min.insync.replicas'

/**
 * Whether an operation is none that there is. In a request about anything but brokers it fails all that the
 * controller is asked, as it does Kafka's.
 */
export function isUnknownOperation({ operation }: ConfigChange): boolean {
  return operation < ConfigOperation.SET || operation > ConfigOperation.SUBTRACT
}

/** The value after an operation; null for none. */
function changed(resourceType: number, before: string | undefined, change: ConfigChange): string | null {
  const { name, operation, value } = change
  switch (operation) {
    case ConfigOperation.SET:
      return value
    case ConfigOperation.DELETE:
      return null
    case ConfigOperation.APPEND:
    case ConfigOperation.SUBTRACT: {
      const append = operation === ConfigOperation.APPEND
      const definition = listDefinition(resourceType, name, append ? 'append' : 'subtract')
      const items = split(before ?? definition.defaultText ?? '').filter((item) => item !== '')
      return (append ? appended(items, split(value ?? '')) : subtracted(items, split(value ?? ''))).join(',')
    }
    default:
      throw new KafkaError(ErrorCode.INVALID_REQUEST, `Unknown operations type ${operation}`)
  }
}

/** The definition of a config that is a list. @throws KafkaError INVALID_CONFIG when it is none. */
function listDefinition(resourceType: number, name: string, verb: 'append' | 'subtract'): ConfigDefinition {
  const isBroker = resourceType === ConfigResourceType.BROKER
  const scope = isBroker ? 'broker' : 'topic'
  const known = isBroker || resourceType === ConfigResourceType.TOPIC
  const definition = known ? configDefinitions(scope).get(name) : undefined
  if (definition?.type === 'LIST') {
    // Kafka trips over those of its lists that have neither a default nor a null in its place.
    if (NEITHER_SET_NOR_NULL.has(name)) throw new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
    return definition
  }
  const message =
    isBroker && definition !== undefined
      ? `Config value ${verb} is not allowed for config key: ${name}`
      : isBroker
        ? `Unknown config name: ${name}`
        : `Can't ${verb.toUpperCase()} to key ${name} because its type is not LIST.`
  throw new KafkaError(ErrorCode.INVALID_CONFIG, message)
}

const NEITHER_SET_NOR_NULL: ReadonlySet<string> = new Set(['controller.listener.names', 'process.roles'])

function appended(items: readonly string[], more: readonly string[]): readonly string[] {
  const all = [...items]
  const seen = new Set(items)
  for (const item of more) {
    if (seen.has(item)) continue
    seen.add(item)
    all.push(item)
  }
  return all
}

/** Each item goes as often as it is named. */
function subtracted(items: readonly string[], less: readonly string[]): readonly string[] {
  const named = new Map<string, number>()
  for (const item of less) named.set(item, (named.get(item) ?? 0) + 1)
  return items.filter((item) => {
    const left = named.get(item) ?? 0
    if (left > 0) named.set(item, left - 1)
    return left === 0
  })
}

/** As Java splits: what is empty at the end is dropped, but something is always left. */
function split(text: string): readonly string[] {
  const parts = text.split(',')
  while (parts.length > 1 && parts.at(-1) === '') parts.pop()
  return parts
}

/** All that would then be set for the resource. */
function check(
  { metadata, config }: ConfigContext,
  { resourceType, resourceName }: ResourceChange,
  texts: ReadonlyMap<string, string>,
): void {
  switch (resourceType) {
    case ConfigResourceType.TOPIC:
      if (resourceName === '') throw invalidRequest('Default topic resources are not allowed.')
      validateTopicName(resourceName)
      checkTopicConfigs(texts, config)
      if (metadata.topic(resourceName) === undefined) {
        throw new KafkaError(
          ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
          `The topic '${resourceName}' does not exist.`,
        )
      }
      return
    case ConfigResourceType.BROKER:
      checkDynamicConfigs(config, texts, resourceName === '' ? 'cluster' : 'broker')
      return
    case ConfigResourceType.CLIENT_METRICS:
      checkClientMetricsConfigs(resourceName, texts)
      return
    case ConfigResourceType.GROUP:
      if (resourceName === '') throw invalidRequest('Default group resources are not allowed.')
      checkGroupConfigs(texts, config)
      return
    default:
      throw invalidRequest(`Unknown resource type ${resourceType}`)
  }
}

/** With eligible leader replicas there is one min.insync.replicas for all brokers, always (KIP-966). */
function protectMinInSync(
  resourceName: string,
  altered: ReadonlySet<string>,
  dropped: readonly string[],
  after: ReadonlyMap<string, string>,
): void {
  if (!altered.has(MIN_IN_SYNC) && !dropped.includes(MIN_IN_SYNC)) return
  if (resourceName !== '') {
    throw new KafkaError(
      ErrorCode.INVALID_CONFIG,
      'Broker-level min.insync.replicas cannot be altered while ELR is enabled.',
    )
  }
  if (!after.has(MIN_IN_SYNC)) {
    throw new KafkaError(
      ErrorCode.INVALID_CONFIG,
      'Cluster-level min.insync.replicas cannot be removed while ELR is enabled.',
    )
  }
}

/** What is wrong with a broker's configs makes the request invalid for Kafka, with anything else the config. */
function asKafkaError(error: unknown, resourceType: number): unknown {
  if (error instanceof SubscriptionError) return invalidRequest(error.message)
  if (!(error instanceof ConfigError)) return error
  const isBroker = resourceType === ConfigResourceType.BROKER
  return new KafkaError(isBroker ? ErrorCode.INVALID_REQUEST : ErrorCode.INVALID_CONFIG, error.message)
}

function invalidRequest(message: string): KafkaError {
  return new KafkaError(ErrorCode.INVALID_REQUEST, message)
}

function configRecord(
  resourceType: number,
  resourceName: string,
  name: string,
  value: string | null,
): MetadataRecord {
  return { name: 'ConfigRecord', value: { resourceType, resourceName, name, value } }
}
