/** DescribeClientQuotas (key 48), v0 and v1 (KIP-546). v1 flexible. */
import {
  type ClientQuotas,
  type EntityQuotas,
  entityData,
  QUOTA_ENTITY_TYPES,
} from '../metadata/client-quotas.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import {
  type ComponentData,
  type DescribeClientQuotasRequest,
  type DescribeClientQuotasResponse,
  describeClientQuotasApi,
} from '../wire/messages/describe-client-quotas.ts'
import { type Handler, handler } from './handler.ts'

export const describeClientQuotasHandler: Handler<DescribeClientQuotasRequest, DescribeClientQuotasResponse> =
  handler(describeClientQuotasApi, {
    handle(request, { metadata }) {
      const entries = matching(metadata.clientQuotas, request).map(({ entity, values }) => ({
        entity: entityData(entity),
        values: Array.from(values, ([key, value]) => ({ key, value })),
      }))
      return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: '', entries }
    },

    fail(_request, error) {
      return { throttleTimeMs: 0, errorCode: error.code, errorMessage: error.message, entries: null }
    },
  })

/** `matchType`: this name, the default entity, or any that names the type at all. */
const MatchType = { EXACT: 0, DEFAULT: 1, SPECIFIED: 2 } as const

/** What an entity must name for a type: a name, null for the default, or anything. */
type Wanted = string | null | typeof ANYTHING
const ANYTHING: unique symbol = Symbol('anything')

/** @throws KafkaError INVALID_REQUEST, UNSUPPORTED_VERSION for a filter that cannot be. */
function matching(
  quotas: ClientQuotas,
  { components, strict }: DescribeClientQuotasRequest,
): readonly EntityQuotas[] {
  const filter = new Map<string, Wanted>()
  for (const component of components) {
    checkType(component.entityType, filter)
    filter.set(component.entityType, wantedOf(component))
  }
  if (filter.has('ip') && filter.size > 1)
    throw invalid('an ip is asked for together with a user or client id')
  return [...quotas.entities()].filter(({ entity }) => {
    if (strict && entity.size !== filter.size) return false
    return [...filter].every(
      ([type, wanted]) => entity.has(type) && (wanted === ANYTHING || entity.get(type) === wanted),
    )
  })
}

function checkType(entityType: string, filter: ReadonlyMap<string, Wanted>): void {
  if (entityType === '') throw invalid('an entity type is empty')
  if (filter.has(entityType)) throw invalid(`the entity type ${entityType} is named twice`)
  if (!QUOTA_ENTITY_TYPES.includes(entityType)) {
    const message = `the entity type ${entityType} is none of ${QUOTA_ENTITY_TYPES.join(', ')}`
    throw new KafkaError(ErrorCode.UNSUPPORTED_VERSION, message)
  }
}

function wantedOf({ entityType, matchType, match }: ComponentData): Wanted {
  if (matchType === MatchType.EXACT) {
    if (match === null) throw invalid(`an exact match of ${entityType} is asked for, but no name given`)
    return match
  }
  if (matchType !== MatchType.DEFAULT && matchType !== MatchType.SPECIFIED) {
    throw invalid(`match type ${matchType} is none of 0, 1, 2`)
  }
  if (match !== null)
    throw invalid(`match type ${matchType} of ${entityType} takes no name, but ${match} is given`)
  return matchType === MatchType.DEFAULT ? null : ANYTHING
}

function invalid(message: string): KafkaError {
  return new KafkaError(ErrorCode.INVALID_REQUEST, message)
}
