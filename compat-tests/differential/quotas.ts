/** What the cases of client quotas share: entities as plain objects, and waiting until a change can be described. */
import {
  type DescribeClientQuotasResponse,
  describeClientQuotasApi,
} from '../../src/wire/messages/describe-client-quotas.ts'
import type { CaseContext } from './case.ts'
import type { Complete } from './client.ts'

/** Entity type to name; null stands for the default entity. */
export type Entity = Readonly<Record<string, string | null>>

/** An entity as the protocol writes it. */
export function entityOf(entity: Entity): readonly { entityType: string; entityName: string | null }[] {
  return Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName }))
}

/** What is said of exactly this entity. */
export async function quotasOf(
  t: CaseContext,
  entity: Entity,
): Promise<Complete<DescribeClientQuotasResponse>> {
  return t.send(describeClientQuotasApi, 1, {
    components: Object.entries(entity).map(([entityType, match]) => ({
      entityType,
      matchType: match === null ? 1 : 0,
      match,
    })),
    strict: true,
  })
}

/** The same, as soon as exactly these quotas are told of it: a broker follows its controller a moment later. */
export async function settled(
  t: CaseContext,
  entity: Entity,
  wanted: Readonly<Record<string, number>>,
): Promise<Complete<DescribeClientQuotasResponse>> {
  let told = await quotasOf(t, entity)
  await t.poll(`quotas of ${JSON.stringify(entity)}`, async () => {
    told = await quotasOf(t, entity)
    const values = told.entries?.[0]?.values ?? []
    return (
      values.length === Object.keys(wanted).length &&
      values.every(({ key, value }) => Object.is(wanted[key], value))
    )
  })
  return told
}
