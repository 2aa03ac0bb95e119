/** The quotas that are set for clients (KIP-546): what the metadata log's ClientQuotaRecords add up to. */
import type { ClientQuotaRecord, EntityData } from '../wire/metadata-records/client-quota-record.ts'

/**
 * Whom quotas are for: entity type to name, where null stands for everybody that has no quota of their own. In the
 * order in which Kafka tells of the types.
 */
export type QuotaEntity = ReadonlyMap<string, string | null>

export interface EntityQuotas {
  readonly entity: QuotaEntity
  /** Quota to limit. Never empty. */
  readonly values: ReadonlyMap<string, number>
}

export class ClientQuotas {
  readonly #byEntity = new Map<
    string,
    { readonly entity: QuotaEntity; readonly values: Map<string, number> }
  >()

  /** Every entity that has quotas. */
  entities(): IterableIterator<EntityQuotas> {
    return this.#byEntity.values()
  }

  /** The quotas of exactly this entity. */
  of(entity: QuotaEntity): ReadonlyMap<string, number> {
    return this.#byEntity.get(entityKey(entity))?.values ?? NONE
  }

  apply({ entity: data, key: quota, value, remove }: ClientQuotaRecord): void {
    const entity = quotaEntity(data)
    const key = entityKey(entity)
    const values = this.#byEntity.get(key)?.values ?? new Map<string, number>()
    if (remove) values.delete(quota)
    else values.set(quota, value)
    if (values.size === 0) this.#byEntity.delete(key)
    else this.#byEntity.set(key, { entity, values })
  }
}

/** The types that there are, as Kafka orders them. */
export const QUOTA_ENTITY_TYPES: readonly string[] = ['client-id', 'user', 'ip']

/** An entity as the protocol writes it; of a type that occurs twice the last one counts. */
export function quotaEntity(data: readonly EntityData[]): QuotaEntity {
  const names = new Map(data.map(({ entityType, entityName }) => [entityType, entityName]))
  return new Map([...names].sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1)))
}

/** How the protocol writes an entity. */
export function entityData(entity: QuotaEntity): readonly EntityData[] {
  return Array.from(entity, ([entityType, entityName]) => ({ entityType, entityName }))
}

/** The same text for the same entity, and another one for any other. */
export function entityKey(entity: QuotaEntity): string {
  return JSON.stringify([...entity])
}

const NONE: ReadonlyMap<string, number> = new Map()

function rank(entityType: string): number {
  const index = QUOTA_ENTITY_TYPES.indexOf(entityType)
  return index === -1 ? QUOTA_ENTITY_TYPES.length : index
}
