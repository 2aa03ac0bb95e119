import { describe, expect, it } from 'vitest'
import { errorName } from '../wire/error-codes.ts'
import { alterClientQuotas, hostsToFind, type QuotaAlteration } from './client-quota-control.ts'
import { entityKey } from './client-quotas.ts'
import { Metadata } from './metadata.ts'

type Entity = Readonly<Record<string, string | null>>

function alteration(entity: Entity, ops: Readonly<Record<string, number | null>>): QuotaAlteration {
  return {
    entity: Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName })),
    ops: Object.entries(ops).map(([key, value]) => ({ key, value: value ?? 0, remove: value === null })),
  }
}

/** Applies what is decided; tells what became of each entity, and how many records it took. */
function alter(metadata: Metadata, ...alterations: readonly QuotaAlteration[]) {
  const { records, response } = alterClientQuotas(
    metadata.clientQuotas,
    alterations,
    (name) => name === 'known',
  )
  for (const record of records) metadata.apply(record)
  return {
    records: records.length,
    outcomes: response.map(({ error }) => (error === null ? 'done' : errorName(error.code))),
  }
}

function all(metadata: Metadata): Record<string, Record<string, number>> {
  return Object.fromEntries(
    [...metadata.clientQuotas.entities()].map(({ entity, values }) => [
      entityKey(entity),
      Object.fromEntries(values),
    ]),
  )
}

it('keeps quotas by entity, whatever the order of its types', () => {
  const metadata = new Metadata('cluster')
  alter(metadata, alteration({ user: 'u', 'client-id': null }, { producer_byte_rate: 10 }))
  alter(metadata, alteration({ 'client-id': null, user: 'u' }, { consumer_byte_rate: 20 }))
  alter(metadata, alteration({ user: 'u' }, { request_percentage: 0.5 }))
  expect(all(metadata)).toEqual({
    '[["client-id",null],["user","u"]]': { producer_byte_rate: 10, consumer_byte_rate: 20 },
    '[["user","u"]]': { request_percentage: 0.5 },
  })
})

it('writes what changes, and forgets an entity with its last quota', () => {
  const metadata = new Metadata('cluster')
  const set = alteration({ ip: null }, { connection_creation_rate: 5 })
  expect(alter(metadata, set)).toEqual({ records: 1, outcomes: ['done'] })
  expect(alter(metadata, set)).toEqual({ records: 0, outcomes: ['done'] })
  const remove = alteration({ ip: null }, { connection_creation_rate: null })
  expect(alter(metadata, remove)).toEqual({ records: 1, outcomes: ['done'] })
  expect(alter(metadata, remove)).toEqual({ records: 0, outcomes: ['done'] })
  expect(all(metadata)).toEqual({})
})

it('changes an entity that is named twice as it was asked for first', () => {
  const metadata = new Metadata('cluster')
  const first = alteration({ user: 'u' }, { producer_byte_rate: 1 })
  const second = alteration({ user: 'u' }, { producer_byte_rate: 2 })
  const other = alteration({ user: 'v' }, { producer_byte_rate: 3 })
  expect(alter(metadata, first, second, other).outcomes).toEqual(['INVALID_REQUEST', 'done'])
  expect(all(metadata)).toEqual({
    '[["user","u"]]': { producer_byte_rate: 1 },
    '[["user","v"]]': { producer_byte_rate: 3 },
  })
})

it('changes nothing of an entity one of whose quotas is refused', () => {
  const metadata = new Metadata('cluster')
  const mixed = alteration({ user: 'u' }, { producer_byte_rate: 1, nonsense: 1 })
  expect(alter(metadata, mixed)).toEqual({ records: 0, outcomes: ['INVALID_REQUEST'] })
})

describe('refuses', () => {
  it.each<[string, Entity, Record<string, number | null>]>([
    ['no entity', {}, {}],
    ['an entity type that there is not', { group: 'g' }, {}],
    ['an entity type of the prototype', { constructor: 'g' }, {}],
    ['an empty name', { user: '' }, {}],
    ['an ip with a user', { ip: '10.0.0.1', user: 'u' }, {}],
    ['an ip that is no host', { ip: 'unknown' }, {}],
    ['a quota that there is not', { user: 'u' }, { nonsense: 1 }],
    ['a quota of the prototype', { user: 'u' }, { constructor: 1 }],
    ['zero', { user: 'u' }, { producer_byte_rate: 0 }],
    ['a fraction', { user: 'u' }, { producer_byte_rate: 1.5 }],
    ['more than a long holds', { user: 'u' }, { producer_byte_rate: 1e19 }],
    ['more than an int holds', { ip: null }, { connection_creation_rate: 2 ** 31 }],
  ])('%s', (_, entity, ops) => {
    expect(alter(new Metadata('cluster'), alteration(entity, ops)).outcomes).toEqual(['INVALID_REQUEST'])
  })
})

// What Kafka takes and refuses, as measured.
const taken = [
  '10.0.0.1',
  '1.2.3',
  '127.1',
  '999',
  '010.1.1.1',
  '::1',
  '[::1]',
  'fe80::1%1',
  '::ffff:1.2.3.4',
  'known',
]
const refused = [
  '4294967296',
  '1.2.3.256',
  '256.1',
  '[1.2.3.4]',
  'fe80::1%nope',
  '0x7f.1',
  ' 1.2.3.4',
  '1.2.3.4.',
  '1..2',
  '::g',
]
it.each([...taken.map((ip) => [ip, 'done']), ...refused.map((ip) => [ip, 'INVALID_REQUEST'])])(
  'answers to the ip %s: %s',
  (ip = '', outcome) => {
    const set = alteration({ ip }, { connection_creation_rate: 1 })
    const { response } = alterClientQuotas(
      new Metadata('cluster').clientQuotas,
      [set],
      (name) => name === 'known',
    )
    expect(response.map(({ error }) => (error === null ? 'done' : errorName(error.code)))).toEqual([outcome])
    expect(outcome === 'done' || hostsToFind([set]).size === 0).toBe(true)
  },
)

it('asks for hosts alone, and for each once', () => {
  const names = [
    'localhost',
    '10.0.0.1',
    '::1',
    '256.1.1.1',
    'no host',
    '',
    null,
    '0x7f.1',
    'localhost',
    'a-b.c',
  ]
  const alterations = names.map((ip) => alteration({ ip }, {}))
  expect([...hostsToFind([...alterations, alteration({ user: 'host' }, {})])]).toEqual(['localhost', 'a-b.c'])
})
