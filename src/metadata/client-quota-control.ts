/** Decisions on client quotas (KIP-546). Which entities, quotas and values there may be follows Kafka's controller. */
import { isIPv6 } from 'node:net'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type { EntityData } from '../wire/metadata-records/client-quota-record.ts'
import {
  type ClientQuotas,
  entityData,
  entityKey,
  QUOTA_ENTITY_TYPES,
  type QuotaEntity,
  quotaEntity,
} from './client-quotas.ts'
import type { Decision } from './decision.ts'
import type { MetadataRecord } from './metadata.ts'

/** What somebody wants for one entity: the shape of AlterClientQuotas' own. */
export interface QuotaAlteration {
  readonly entity: readonly EntityData[]
  readonly ops: readonly { readonly key: string; readonly value: number; readonly remove: boolean }[]
}

/** What became of one entity. */
export interface AlteredEntity {
  readonly entity: readonly EntityData[]
  /** Null when it is as it was asked for. */
  readonly error: KafkaError | null
}

/**
 * Each entity is decided by itself; one that is named twice is changed as it was asked for first, and answered with
 * an error.
 * @param isHost whether a name that is no IP address stands for a host that can be found.
 */
export function alterClientQuotas(
  quotas: ClientQuotas,
  alterations: readonly QuotaAlteration[],
  isHost: (name: string) => boolean,
): Decision<readonly AlteredEntity[]> {
  const records: MetadataRecord[] = []
  const outcomes = new Map<string, AlteredEntity>()
  for (const { entity: data, ops } of alterations) {
    const entity = quotaEntity(data)
    const key = entityKey(entity)
    let error: KafkaError | null = null
    try {
      if (outcomes.has(key)) throw invalid(`the entity ${key} is named twice; what comes later is ignored`)
      records.push(...recordsFor(quotas, entity, ops, isHost))
    } catch (thrown) {
      if (!(thrown instanceof KafkaError)) throw thrown
      error = thrown
    }
    outcomes.set(key, { entity: entityData(entity), error })
  }
  return { records, response: [...outcomes.values()] }
}

/** The names of these entities that are neither an address nor empty, and have to be looked up. */
export function hostsToFind(alterations: readonly QuotaAlteration[]): ReadonlySet<string> {
  const names = alterations.flatMap(({ entity }) =>
    entity.flatMap(({ entityType, entityName }) =>
      entityType === 'ip' && entityName !== null && mayBeHost(entityName) ? [entityName] : [],
    ),
  )
  return new Set(names)
}

type QuotaType = 'double' | 'int' | 'long'

const USER_AND_CLIENT_QUOTAS: ReadonlyMap<string, QuotaType> = new Map([
  ['producer_byte_rate', 'long'],
  ['consumer_byte_rate', 'long'],
  ['request_percentage', 'double'],
  ['controller_mutation_rate', 'double'],
])
const IP_QUOTAS: ReadonlyMap<string, QuotaType> = new Map([['connection_creation_rate', 'int']])

/** As doubles: 2^63-1 is none, so 2^63 itself passes, as it does in Kafka. */
const GREATEST: Readonly<Record<QuotaType, number>> = {
  double: Number.POSITIVE_INFINITY,
  int: 2 ** 31 - 1,
  long: 2 ** 63,
}

/** A value this close to a whole number counts as whole. */
const FRACTION_TOLERANCE = 1e-6

function recordsFor(
  quotas: ClientQuotas,
  entity: QuotaEntity,
  ops: QuotaAlteration['ops'],
  isHost: (name: string) => boolean,
): readonly MetadataRecord[] {
  const wanted = new Map<string, number | null>()
  for (const { key, value, remove } of ops) {
    if (wanted.has(key)) throw invalid(`the quota ${key} is named twice for the entity ${entityKey(entity)}`)
    wanted.set(key, remove ? null : value)
  }
  const allowed = allowedQuotas(entity, isHost)
  const current = quotas.of(entity)
  const records: MetadataRecord[] = []
  for (const [key, value] of wanted) {
    if (value !== null) checkValue(allowed, key, value)
    // A removal of what is not set, and a value that is set already, change nothing.
    if (value === null ? !current.has(key) : Object.is(current.get(key), value)) continue
    const change = { entity: entityData(entity), key, value: value ?? 0, remove: value === null }
    records.push({ name: 'ClientQuotaRecord', value: change })
  }
  return records
}

/** The quotas that such an entity may have. @throws KafkaError INVALID_REQUEST when there can be no such entity. */
function allowedQuotas(
  entity: QuotaEntity,
  isHost: (name: string) => boolean,
): ReadonlyMap<string, QuotaType> {
  if (entity.size === 0) throw invalid('an entity names neither a user nor a client id nor an ip')
  for (const [type, name] of entity) {
    if (!QUOTA_ENTITY_TYPES.includes(type)) {
      throw invalid(`the entity type ${type} is none of ${QUOTA_ENTITY_TYPES.join(', ')}`)
    }
    if (name === '') throw invalid(`the ${type} of an entity is empty`)
  }
  const ip = entity.get('ip')
  if (ip === undefined) return USER_AND_CLIENT_QUOTAS
  if (entity.size > 1) throw invalid('an entity names an ip together with a user or a client id')
  if (ip !== null && !isAddress(ip) && !(mayBeHost(ip) && isHost(ip))) {
    throw invalid(`${ip} is neither an IP address nor a host that can be found`)
  }
  return IP_QUOTAS
}

function checkValue(allowed: ReadonlyMap<string, QuotaType>, key: string, value: number): void {
  const type = allowed.get(key)
  if (type === undefined) throw invalid(`the quota ${key} is none of ${[...allowed.keys()].join(', ')}`)
  if (value <= 0) throw invalid(`the quota ${key} is ${value}, and must be greater than 0`)
  if (value > GREATEST[type]) throw invalid(`the quota ${key} is ${value}, and at most ${GREATEST[type]}`)
  if (type !== 'double' && Math.abs(value % 1) > FRACTION_TOLERANCE) {
    throw invalid(`the quota ${key} is ${value}, and must be a whole number`)
  }
}

/** Whether it is worth asking anybody for this name: neither an address, nor what no host can be called. */
function mayBeHost(name: string): boolean {
  return /^[\w.-]+$/.test(name) && !/(^|\.)(\d+|0x[\da-f]*)\.?$/i.test(name)
}

/**
 * Whether Java takes the text for an address: an IPv4 one may leave out zeros in its middle (`127.1`), an IPv6 one may
 * stand in brackets and name its zone by a number.
 */
function isAddress(text: string): boolean {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text
  if (isIPv6(bare)) return !/%.*\D/.test(bare)
  const parts = text.split('.')
  if (parts.length > 4 || !parts.every((part) => /^\d{1,10}$/.test(part))) return false
  const last = parts.pop()
  return parts.every((part) => Number(part) < 256) && Number(last) < 256 ** (4 - parts.length)
}

function invalid(message: string): KafkaError {
  return new KafkaError(ErrorCode.INVALID_REQUEST, message)
}
