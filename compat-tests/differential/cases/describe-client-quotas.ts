import { alterClientQuotasApi } from '../../../src/wire/messages/alter-client-quotas.ts'
import {
  type DescribeClientQuotasRequest,
  describeClientQuotasApi,
} from '../../../src/wire/messages/describe-client-quotas.ts'
import { type CaseContext, differential } from '../case.ts'
import type { Partially } from '../client.ts'
import { type Entity, entityOf, settled } from '../quotas.ts'

type Component = Partially<DescribeClientQuotasRequest['components'][number]>

const EXACT = 0
const DEFAULT = 1
const ANY = 2
const exact = (entityType: string, match: string | null): Component => ({
  entityType,
  matchType: EXACT,
  match,
})
const byDefault = (entityType: string): Component => ({ entityType, matchType: DEFAULT, match: null })
const any = (entityType: string): Component => ({ entityType, matchType: ANY, match: null })

/** What is described, of what this case has made. */
async function describe(
  t: CaseContext,
  version: number,
  components: readonly Component[],
  strict: boolean,
): Promise<unknown> {
  const answer = await t.send(describeClientQuotasApi, version, { components, strict })
  if (answer.entries === null) return answer
  const own = answer.entries.filter(({ entity }) =>
    entity.some(({ entityName }) => entityName?.startsWith(t.name(''))),
  )
  return { ...answer, entries: own }
}

/** Sets a quota that restrains nobody for each entity, and removes it at the end. */
async function withQuotas<T>(t: CaseContext, entities: readonly Entity[], use: () => Promise<T>): Promise<T> {
  const helper = await t.helper()
  const set = async (remove: boolean): Promise<unknown> =>
    helper.send(alterClientQuotasApi, 1, {
      entries: entities.map((entity) => ({
        entity: entityOf(entity),
        ops: [{ key: 'producer_byte_rate', value: 1e12, remove }],
      })),
    })
  await set(false)
  for (const entity of entities) await settled(t, entity, { producer_byte_rate: 1e12 })
  try {
    return await use()
  } finally {
    await set(true)
  }
}

const filters: ReadonlyArray<
  readonly [condition: string, components: (t: CaseContext) => readonly Component[]]
> = [
  ['everything', () => []],
  ['one user', (t) => [exact('user', t.name('u'))]],
  ['any user', () => [any('user')]],
  ['the default user', () => [byDefault('user')]],
  ['one client id', (t) => [exact('client-id', t.name('c'))]],
  ['any client id', () => [any('client-id')]],
  ['the default client id', () => [byDefault('client-id')]],
  ['one user with one client id', (t) => [exact('user', t.name('u')), exact('client-id', t.name('c'))]],
  ['one client id with any user', (t) => [exact('client-id', t.name('c')), any('user')]],
  ['one user with the default client id', (t) => [exact('user', t.name('u')), byDefault('client-id')]],
  ['any user with any client id', () => [any('user'), any('client-id')]],
  ['any address', () => [any('ip')]],
  ['a user that nobody set', (t) => [exact('user', t.name('nobody'))]],
]
for (const version of [0, 1]) {
  for (const strict of [true, false]) {
    differential('DescribeClientQuotas', `v${version} ${strict ? 'strict' : 'open'} filters`, (t) => {
      const [user, clientId] = [t.name('u'), t.name('c')]
      const entities: readonly Entity[] = [
        { user },
        { 'client-id': clientId },
        { user, 'client-id': clientId },
        { user, 'client-id': null },
        { user: null, 'client-id': clientId },
        { user: t.name('other') },
      ]
      return withQuotas(t, entities, async () => {
        const outcomes: Record<string, unknown> = {}
        for (const [condition, components] of filters) {
          outcomes[condition] = await describe(t, version, components(t), strict)
        }
        return outcomes
      })
    })
  }
}

const refused: ReadonlyArray<readonly [condition: string, ...components: readonly Component[]]> = [
  ['an empty entity type', exact('', 'a')],
  ['an unknown entity type', exact('group', 'a')],
  ['an entity type in capitals', exact('User', 'a')],
  ['an entity type twice', exact('user', 'a'), exact('user', 'b')],
  ['an entity type twice, once any', any('user'), exact('user', 'b')],
  ['an unknown entity type twice', any('group'), exact('group', 'b')],
  ['an address and a user', any('ip'), any('user')],
  ['an address and a client id', exact('ip', '10.1.2.3'), byDefault('client-id')],
  ['an exact match of nothing', exact('user', null)],
  ['a default match of something', { entityType: 'user', matchType: DEFAULT, match: 'a' }],
  ['any match of something', { entityType: 'user', matchType: ANY, match: 'a' }],
  ['an unknown match type', { entityType: 'user', matchType: 3, match: null }],
  ['a negative match type', { entityType: 'user', matchType: -1, match: null }],
]
for (const [condition, ...components] of refused) {
  differential('DescribeClientQuotas', `v1 ${condition}`, (t) =>
    t.send(describeClientQuotasApi, 1, { components, strict: false }),
  )
}
differential('DescribeClientQuotas', 'v0 an unknown entity type', (t) =>
  t.send(describeClientQuotasApi, 0, { components: [exact('group', 'a')], strict: false }),
)
differential('DescribeClientQuotas', 'v1 an empty user', (t) =>
  t.send(describeClientQuotasApi, 1, { components: [exact('user', '')], strict: false }),
)
