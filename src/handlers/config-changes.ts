/** What AlterConfigs and IncrementalAlterConfigs have in common: from resources to what became of each. */
import { ConfigError } from '../config/config-error.ts'
import { checkLogger, pinoLevel, ROOT_LOGGER } from '../config/logger-levels.ts'
import {
  type ConfigChange,
  ConfigOperation,
  isUnknownOperation,
  type ResourceChange,
} from '../metadata/config-control.ts'
import { ConfigResourceType } from '../metadata/metadata.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { duplicatesAmong } from './duplicates.ts'
import type { Call } from './handler.ts'

export interface ResourceResponse {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly resourceType: number
  readonly resourceName: string
}

export type ConfigChangesCall = Pick<Call, 'brokerId' | 'controller' | 'logger'>

/**
 * Changes configs, and the levels of loggers, which no other broker has to know.
 * @returns what became of each resource, in their order.
 */
export async function changeConfigs(
  resources: readonly ResourceChange[],
  validateOnly: boolean,
  call: ConfigChangesCall,
): Promise<readonly ResourceResponse[]> {
  const duplicates = duplicatesAmong(resources.map(keyOf))
  const errors = new Map<ResourceChange, KafkaError>()
  const persistent: ResourceChange[] = []
  for (const resource of resources) {
    try {
      if (duplicates.has(keyOf(resource))) throw invalidRequest('Each resource must appear at most once.')
      checkForm(resource)
      if (isPersistent(resource, call)) persistent.push(resource)
      else changeLoggers(resource, validateOnly, call)
    } catch (error) {
      errors.set(resource, asKafkaError(error))
    }
  }
  for (const [at, error] of (await commit(persistent, validateOnly, call)).entries()) {
    const resource = persistent[at]
    if (resource !== undefined && error !== null) errors.set(resource, error)
  }
  return resources.map((resource) => responseOf(resource, errors.get(resource) ?? null))
}

export function responseOf(
  { resourceType, resourceName }: Pick<ResourceChange, 'resourceType' | 'resourceName'>,
  error: KafkaError | null,
): ResourceResponse {
  // What nobody foresaw has no words in Kafka's answers either.
  const errorMessage =
    error === null || error.code === ErrorCode.UNKNOWN_SERVER_ERROR
      ? null
      : error.message.slice(0, MAX_MESSAGE_LENGTH)
  return { errorCode: error?.code ?? ErrorCode.NONE, errorMessage, resourceType, resourceName }
}

/** Messages quote what was asked, and have to fit in a string of the older versions, of 32,767 bytes. */
const MAX_MESSAGE_LENGTH = 8_000

/** What became of each change, or of all of them. */
async function commit(
  changes: readonly ResourceChange[],
  validateOnly: boolean,
  { controller }: ConfigChangesCall,
): Promise<readonly (KafkaError | null)[]> {
  try {
    const outcomes = await controller.alterConfigs(changes, validateOnly)
    return outcomes.map((outcome) => ('error' in outcome ? outcome.error : null))
  } catch (error) {
    if (error instanceof KafkaError) return changes.map(() => error)
    throw error
  }
}

function keyOf({ resourceType, resourceName }: ResourceChange): string {
  return `${resourceType} ${resourceName}`
}

function checkForm({ changes }: ResourceChange): void {
  if (duplicatesAmong(changes.map(({ name }) => name)).size > 0) {
    throw invalidRequest('Error due to duplicate config keys')
  }
  const nulls = changes.filter(
    ({ value, operation }) => value === null && operation !== ConfigOperation.DELETE,
  )
  if (nulls.length > 0) {
    throw invalidRequest(`Null value not supported for : ${nulls.map(({ name }) => name).join(', ')}`)
  }
}

/** Whether the controller is to decide; the levels of loggers are this broker's own, and last until it stops. */
function isPersistent(
  { resourceType, resourceName, replacesAll }: ResourceChange,
  call: ConfigChangesCall,
): boolean {
  switch (resourceType) {
    case ConfigResourceType.BROKER:
      if (resourceName !== '') {
        checkBrokerId(
          resourceName,
          call.brokerId,
          `Unexpected broker id, expected ${call.brokerId}, but received`,
        )
      }
      return true
    case ConfigResourceType.TOPIC:
    case ConfigResourceType.CLIENT_METRICS:
    case ConfigResourceType.GROUP:
      return true
    case ConfigResourceType.BROKER_LOGGER:
      if (!replacesAll) return false
  }
  throw invalidRequest(`Unknown resource type ${resourceType}`)
}

/** A broker changes its own configs only. @throws KafkaError INVALID_REQUEST */
function checkBrokerId(text: string, brokerId: number, unexpected: string): void {
  const id = /^[+-]?[0-9]{1,20}$/.test(text) ? Number(text) : Number.NaN
  if (!(id >= -(2 ** 31) && id < 2 ** 31)) {
    throw invalidRequest(`Node id must be an integer, but it is: ${text}`)
  }
  if (id !== brokerId) throw invalidRequest(`${unexpected} ${text}`)
}

/** All changes are checked before one is made. */
function changeLoggers(
  { resourceName, changes }: ResourceChange,
  validateOnly: boolean,
  { brokerId, logger }: ConfigChangesCall,
): void {
  checkBrokerId(resourceName, brokerId, `Unexpected node id. Expected ${brokerId}, but received`)
  const levels = changes.map(levelOf)
  if (validateOnly) return
  for (const level of levels) logger.level = level
}

/** pino's name of the level that the root logger is to have. */
function levelOf(change: ConfigChange): string {
  const { name, operation, value } = change
  if (isUnknownOperation(change)) throw new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
  if (operation === ConfigOperation.APPEND || operation === ConfigOperation.SUBTRACT) {
    const verb = operation === ConfigOperation.APPEND ? 'APPEND' : 'SUBTRACT'
    throw invalidRequest(`${verb} operation is not allowed for the BROKER_LOGGER resource`)
  }
  checkLogger(name)
  if (operation === ConfigOperation.DELETE) {
    throw invalidRequest(`Removing the log level of the ${ROOT_LOGGER} logger is not allowed`)
  }
  return pinoLevel(name, value ?? '')
}

function asKafkaError(error: unknown): KafkaError {
  if (error instanceof KafkaError) return error
  if (error instanceof ConfigError) return new KafkaError(ErrorCode.INVALID_CONFIG, error.message)
  throw error
}

function invalidRequest(message: string): KafkaError {
  return new KafkaError(ErrorCode.INVALID_REQUEST, message)
}
