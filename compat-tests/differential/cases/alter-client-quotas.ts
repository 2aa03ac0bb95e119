import {
  type AlterClientQuotasRequest,
  type AlterClientQuotasResponse,
  alterClientQuotasApi,
} from '../../../src/wire/messages/alter-client-quotas.ts'
import { type CaseContext, differential } from '../case.ts'
import type { Complete, Partially } from '../client.ts'
import { type Entity, entityOf, quotasOf, settled } from '../quotas.ts'

type Ops = Partially<AlterClientQuotasRequest['entries'][number]['ops']>
type Entry = readonly [entity: Entity, ...ops: ReadonlyArray<readonly [key: string, value: number | null]>]

const opsOf = (ops: ReadonlyArray<readonly [string, number | null]>): Ops =>
  ops.map(([key, value]) => ({ key, value: value ?? 0, remove: value === null }))

async function alter(
  t: CaseContext,
  version: number,
  entries: readonly Entry[],
  validateOnly = false,
): Promise<Complete<AlterClientQuotasResponse>> {
  return t.send(alterClientQuotasApi, version, {
    entries: entries.map(([entity, ...ops]) => ({ entity: entityOf(entity), ops: opsOf(ops) })),
    validateOnly,
  })
}

/** Quotas that restrain nobody. */
const HUGE = 1e12
const user = (t: CaseContext): Entity => ({ user: t.name('u') })

for (const version of [0, 1]) {
  differential('AlterClientQuotas', `v${version} sets, changes and removes`, async (t) => {
    const entity = user(t)
    const set = await alter(t, version, [[entity, ['producer_byte_rate', HUGE], ['request_percentage', 1e5]]])
    const afterSet = await settled(t, entity, { producer_byte_rate: HUGE, request_percentage: 1e5 })
    const changed = await alter(t, version, [[entity, ['producer_byte_rate', HUGE + 1]]])
    const afterChange = await settled(t, entity, { producer_byte_rate: HUGE + 1, request_percentage: 1e5 })
    const removed = await alter(t, version, [[entity, ['producer_byte_rate', null]]])
    const afterRemoval = await settled(t, entity, { request_percentage: 1e5 })
    const all = await alter(t, version, [[entity, ['request_percentage', null]]])
    return {
      set,
      afterSet,
      changed,
      afterChange,
      removed,
      afterRemoval,
      all,
      gone: await settled(t, entity, {}),
    }
  })
}

/** What each of these entries is answered, and what is there afterwards: nothing that lasts. */
const single: ReadonlyArray<readonly [condition: string, entry: (t: CaseContext) => Entry]> = [
  ['every quota of a user', (t) => [user(t), ...everyQuota]],
  ['every quota of a client id', (t) => [{ 'client-id': t.name('c') }, ...everyQuota]],
  [
    'every quota of a user and client id',
    (t) => [{ user: t.name('u'), 'client-id': t.name('c') }, ...everyQuota],
  ],
  ['a user with every client id', (t) => [{ user: t.name('u'), 'client-id': null }, ...everyQuota]],
  ['every user with a client id', (t) => [{ user: null, 'client-id': t.name('c') }, ...everyQuota]],
  ['the quota of an address', () => [{ ip: '10.1.2.3' }, ['connection_creation_rate', 1e6]]],
  ['the quota of an IPv6 address', () => [{ ip: '2001:db8::1' }, ['connection_creation_rate', 1e6]]],
  ['the quota of localhost', () => [{ ip: 'localhost' }, ['connection_creation_rate', 1e6]]],
  ['a name with every character', (t) => [{ user: `${t.name('u')} =,/:%ü\n` }, ...everyQuota]],
  ['no entity', () => [{}, ['producer_byte_rate', HUGE]]],
  ['an unknown entity type', (t) => [{ group: t.name('g') }, ['producer_byte_rate', HUGE]]],
  ['an empty entity type', (t) => [{ '': t.name('g') }, ['producer_byte_rate', HUGE]]],
  ['an entity type in capitals', (t) => [{ User: t.name('g') }, ['producer_byte_rate', HUGE]]],
  ['an empty user', () => [{ user: '' }, ['producer_byte_rate', HUGE]]],
  ['an empty client id', () => [{ 'client-id': '' }, ['producer_byte_rate', HUGE]]],
  ['an empty address', () => [{ ip: '' }, ['connection_creation_rate', 1e6]]],
  ['an address and a user', (t) => [{ ip: '10.1.2.3', user: t.name('u') }, ['producer_byte_rate', HUGE]]],
  [
    'an address and a client id',
    (t) => [{ ip: null, 'client-id': t.name('c') }, ['producer_byte_rate', HUGE]],
  ],
  ['an address that is none', () => [{ ip: '256.1.1.1' }, ['connection_creation_rate', 1e6]]],
  ['a host that nobody knows', () => [{ ip: 'no such host' }, ['connection_creation_rate', 1e6]]],
  ['a range of addresses', () => [{ ip: '10.0.0.0/8' }, ['connection_creation_rate', 1e6]]],
  ['no quota', (t) => [user(t)]],
  ['a quota of addresses on a user', (t) => [user(t), ['connection_creation_rate', 10]]],
  ['a quota of users on an address', () => [{ ip: '10.1.2.3' }, ['producer_byte_rate', HUGE]]],
  ['an unknown quota', (t) => [user(t), ['no_such_rate', 1]]],
  ['an empty quota', (t) => [user(t), ['', 1]]],
  ['a quota in capitals', (t) => [user(t), ['PRODUCER_BYTE_RATE', 1]]],
  ['a good and a bad quota', (t) => [user(t), ['producer_byte_rate', HUGE], ['no_such_rate', 1]]],
  ['removal of what is not there', (t) => [user(t), ['producer_byte_rate', null]]],
  ['removal of an unknown quota', (t) => [user(t), ['no_such_rate', null]]],
  ['a quota twice', (t) => [user(t), ['producer_byte_rate', HUGE], ['producer_byte_rate', HUGE]]],
  ['a quota set and removed', (t) => [user(t), ['producer_byte_rate', HUGE], ['producer_byte_rate', null]]],
  ['zero', (t) => [user(t), ['producer_byte_rate', 0]]],
  ['a negative value', (t) => [user(t), ['producer_byte_rate', -1]]],
  ['a fraction of a byte', (t) => [user(t), ['producer_byte_rate', 1e6 + 0.5]]],
  ['hardly a fraction of a byte', (t) => [user(t), ['producer_byte_rate', 1e6 + 1e-7]]],
  ['a fraction of a percentage', (t) => [user(t), ['request_percentage', 12_345.5]]],
  ['a fraction of a mutation', (t) => [user(t), ['controller_mutation_rate', 12_345.5]]],
  ['a fraction of a connection', () => [{ ip: '10.1.2.4' }, ['connection_creation_rate', 12_345.5]]],
  ['more bytes than a long holds', (t) => [user(t), ['consumer_byte_rate', 1e19]]],
  ['as many bytes as a long holds', (t) => [user(t), ['consumer_byte_rate', 2 ** 63]]],
  ['more connections than an int holds', () => [{ ip: '10.1.2.5' }, ['connection_creation_rate', 2 ** 31]]],
  ['endlessly many bytes', (t) => [user(t), ['producer_byte_rate', Number.POSITIVE_INFINITY]]],
]
const everyQuota = [
  ['producer_byte_rate', HUGE],
  ['consumer_byte_rate', HUGE],
  ['request_percentage', 1e5],
  ['controller_mutation_rate', 1e6],
] as const

for (const [condition, entry] of single) {
  differential('AlterClientQuotas', `v1 ${condition}`, async (t) => {
    const [entity, ...ops] = entry(t)
    const answer = await alter(t, 1, [[entity, ...ops]])
    if (answer.entries[0]?.errorCode !== 0) return answer
    const wanted = Object.fromEntries(ops.flatMap(([key, value]) => (value === null ? [] : [[key, value]])))
    const quotas = await settled(t, entity, wanted)
    await alter(t, 1, [[entity, ...Object.keys(wanted).map((key) => [key, null] as const)]])
    return { answer, quotas }
  })
}

differential('AlterClientQuotas', 'v1 addresses in every form', async (t) => {
  const ips = [
    '1.2.3',
    '127.1',
    '1',
    '010.1.1.1',
    '[::1]',
    'fe80::1%1',
    '::ffff:1.2.3.4',
    '4294967296',
    '1.2.3.256',
  ]
  const entries = [...ips, '[1.2.3.4]', '0x7f.1', ' 1.2.3.4', '1..2', '::g'].map(
    (ip): Entry => [{ ip }, ['connection_creation_rate', 1e6]],
  )
  return alter(t, 1, entries, true)
})
differential('AlterClientQuotas', 'v0 an unknown quota', (t) => alter(t, 0, [[user(t), ['no_such_rate', 1]]]))
differential('AlterClientQuotas', 'v1 nothing', (t) => alter(t, 1, []))
differential('AlterClientQuotas', 'v1 only checked', async (t) => {
  const answer = await alter(t, 1, [[user(t), ['producer_byte_rate', HUGE]]], true)
  return { answer, quotas: await quotasOf(t, user(t)) }
})
differential('AlterClientQuotas', 'v1 a bad quota, only checked', (t) =>
  alter(t, 1, [[user(t), ['no_such_rate', 1]]], true),
)
differential('AlterClientQuotas', 'v1 good and bad entities', async (t) => {
  const good = { user: t.name('good') }
  const answer = await alter(t, 1, [
    [good, ['producer_byte_rate', HUGE]],
    [{ user: t.name('bad') }, ['no_such_rate', 1]],
    [{ ip: 'no such host' }, ['connection_creation_rate', 1e6]],
  ])
  const quotas = await settled(t, good, { producer_byte_rate: HUGE })
  await alter(t, 1, [[good, ['producer_byte_rate', null]]])
  return { answer, quotas }
})
differential('AlterClientQuotas', 'v1 an entity twice', async (t) => {
  const answer = await alter(t, 1, [
    [user(t), ['producer_byte_rate', HUGE]],
    [user(t), ['consumer_byte_rate', HUGE]],
  ])
  const quotas = await settled(t, user(t), { producer_byte_rate: HUGE })
  await alter(t, 1, [[user(t), ['producer_byte_rate', null]]])
  return { answer, quotas }
})
differential('AlterClientQuotas', 'v1 an entity type twice in an entity', async (t) => {
  const entity = [
    { entityType: 'user', entityName: t.name('first') },
    { entityType: 'user', entityName: t.name('second') },
  ]
  const ops = opsOf([['producer_byte_rate', HUGE]])
  const answer = await t.send(alterClientQuotasApi, 1, { entries: [{ entity, ops }] })
  const quotas = await settled(t, { user: t.name('second') }, { producer_byte_rate: HUGE })
  await alter(t, 1, [[{ user: t.name('second') }, ['producer_byte_rate', null]]])
  return { answer, quotas, first: await quotasOf(t, { user: t.name('first') }) }
})
differential('AlterClientQuotas', 'v1 the quotas of everybody else', async (t) => {
  const outcomes: unknown[] = []
  for (const entity of [{ user: null }, { 'client-id': null }, { user: null, 'client-id': null }] as const) {
    const answer = await alter(t, 1, [[entity, ['consumer_byte_rate', HUGE]]])
    const quotas = await settled(t, entity, { consumer_byte_rate: HUGE })
    outcomes.push({ answer, quotas, removed: await alter(t, 1, [[entity, ['consumer_byte_rate', null]]]) })
  }
  return outcomes
})
differential('AlterClientQuotas', 'v1 the quota of every other address', async (t) => {
  const answer = await alter(t, 1, [[{ ip: null }, ['connection_creation_rate', 1e6]]])
  const quotas = await settled(t, { ip: null }, { connection_creation_rate: 1e6 })
  return { answer, quotas, removed: await alter(t, 1, [[{ ip: null }, ['connection_creation_rate', null]]]) }
})
differential('AlterClientQuotas', 'v1 more than one commit takes', async (t) => {
  const entries = Array.from(
    { length: 10_001 },
    (_, index): Entry => [{ user: `${t.name('u')}${index}` }, ['producer_byte_rate', HUGE]],
  )
  const answer = await alter(t, 1, entries)
  return { count: answer.entries.length, first: answer.entries[0], last: answer.entries.at(-1) }
})
