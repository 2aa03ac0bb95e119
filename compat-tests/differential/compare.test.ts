/** The suite's own judgement: a difference must not slip through it. */
import { describe, expect, test } from 'vitest'
import type { Case } from './case.ts'
import { describe as describeDifference, differences, known } from './compare.ts'
import { changedVersions, fill } from './definitions.ts'
import { judge } from './judge.ts'
import { type Json, markOrigin, normalize } from './normalize.ts'
import type { Outcome } from './suite.ts'

const facts = { port: 9999, startedMs: Date.now() }
const tree = (value: unknown): Json => normalize(value, facts).tree

describe('differences', () => {
  test('names the field, wherever it is', () => {
    const kafka = {
      topics: [
        { name: 'a', errorCode: 'NONE' },
        { name: 'b', errorCode: 'NONE' },
      ],
      throttleTimeMs: 0,
    }
    const ottla = { topics: [{ name: 'b', errorCode: 'UNKNOWN_TOPIC_ID' }], throttleTimeMs: 0 }
    expect(differences(kafka, ottla).map((one) => one.path)).toEqual(['topics[a]', 'topics[b].errorCode'])
  })

  test('sees a field too many, another type and a null', () => {
    expect(differences({ a: 1, b: null }, { a: '1', b: null, c: 0 }).map(describeDifference)).toEqual([
      'a: Kafka 1, ottla "1"',
      'c: Kafka nothing, ottla 0',
    ])
  })

  test('sees an order that differs', () => {
    expect(differences([1, 2], [2, 1])).toHaveLength(2)
  })
})

describe('normalize', () => {
  test('keeps int64 as text, bytes as hex and error codes by name', () => {
    expect(tree({ offset: 2n ** 62n, bytes: Buffer.from('ab'), errorCode: 3 })).toEqual({
      offset: '4611686018427387904',
      bytes: '6162',
      errorCode: 'UNKNOWN_TOPIC_OR_PARTITION',
    })
  })

  test('gives the same id the same token and another one another', () => {
    const id = (last: string): string => `diff-01234567-89ab-cdef-0123-45678901234${last}`
    const joined = markOrigin(
      { leader: id('5'), memberId: id('6'), members: [{ memberId: id('5') }] },
      'JoinGroup',
    )
    expect(tree(joined)).toEqual({
      leader: 'diff-<uuid 1>',
      memberId: 'diff-<uuid 2>',
      members: [{ memberId: 'diff-<uuid 1>' }],
    })
  })

  test('masks no more than it must: another port, an old time, an empty message stay', () => {
    const brokers = markOrigin({ brokers: [{ port: 9999 }, { port: 1 }] }, 'Metadata')
    expect(tree(brokers)).toEqual({ brokers: [{ port: '<port>' }, { port: 1 }] })
    const times = [BigInt(Date.now()), 5n, -1n].map((maxTimestamp) => markOrigin({ maxTimestamp }, 'batch'))
    expect(tree(times)).toEqual([{ maxTimestamp: '<now>' }, { maxTimestamp: '5' }, { maxTimestamp: '-1' }])
    const messages = ['text', '', null].map((errorMessage) => markOrigin({ errorMessage }, 'DescribeCluster'))
    expect(tree(messages)).toEqual([
      { errorMessage: '<message>' },
      { errorMessage: '' },
      { errorMessage: null },
    ])
  })

  test('knows a field by its origin when a case copies it', () => {
    const answer = markOrigin({ clusterId: 'x', topics: [] }, 'Metadata')
    expect(tree({ mine: { ...answer, topics: [] } })).toEqual({
      mine: { clusterId: '<cluster id 1>', topics: [] },
    })
  })

  test('counts what it compares and what it masks', () => {
    const { fields, masked } = normalize(markOrigin({ clusterId: 'x', controllerId: 1 }, 'Metadata'), facts)
    expect({ fields, masked }).toEqual({ fields: 2, masked: 1 })
  })
})

describe('judge', () => {
  const one: Case = { api: 'Api', condition: 'v1', run: async () => null, alone: false }
  const outcomeOf = (value: unknown): Outcome => ({ ...normalize(value, facts), sent: new Set(), tookMs: 0 })
  const judged = (answer: unknown, list: Parameters<typeof judge>[3] = []) =>
    judge(
      [one],
      new Map([['Api: v1', outcomeOf(answer)]]),
      new Map([['Api: v1', { errorCode: 'NONE', a: 1 }]]),
      list,
    )

  test('passes the same answer and reports another', () => {
    expect(judged({ errorCode: 0, a: 1 }).wrong.size).toBe(0)
    expect(judged({ errorCode: 0, a: 2 }).wrong.get('Api: v1')).toEqual(['a: Kafka 1, ottla 2'])
  })

  test('sets a known difference aside, and only that', () => {
    const list = [{ case: 'Api: *', path: 'a', reason: 'later' }]
    expect(judged({ errorCode: 0, a: 2 }, list)).toMatchObject({ wrong: new Map(), outOfDate: [], known: 1 })
    expect(judged({ errorCode: 1, a: 2 }, list).wrong.size).toBe(1)
  })

  test('reports a known difference that is none any more', () => {
    const list = [{ case: 'Api: v1', path: 'a', reason: 'later' }]
    expect(judged({ errorCode: 0, a: 1 }, list).outOfDate).toHaveLength(1)
  })

  test('reports an answer that was never recorded, and one that failed', () => {
    expect(judge([one], new Map(), new Map([['Api: v1', null]]), []).wrong.size).toBe(1)
    expect(judge([one], new Map([['Api: v1', outcomeOf(1)]]), new Map(), []).wrong.size).toBe(1)
  })

  test('matches brackets and dots of a path as they are', () => {
    const list = [{ case: 'Api: v1', path: 'configs[*].documentation', reason: 'prose' }]
    const difference = (path: string) => ({ path, kafka: 1, ottla: 2 })
    expect(known(list, 'Api: v1', difference('configs[a.b].documentation'))).toBeDefined()
    expect(known(list, 'Api: v1', difference('configs[a.b].value'))).toBeUndefined()
  })
})

describe('definitions', () => {
  test('fill gives every field its default', () => {
    expect(fill('FetchRequest', { topics: [{ topic: 'a', partitions: [{}] }] })).toMatchObject({
      sessionEpoch: -1,
      clusterId: null,
      topics: [{ topic: 'a', partitions: [{ currentLeaderEpoch: -1, fetchOffset: 0n }] }],
    })
  })

  test('fill refuses a field that is misspelt', () => {
    expect(() => fill('FetchRequest', { topic: [] })).toThrow('has no field topic')
  })

  test('changedVersions names each version that changes a message', () => {
    expect(changedVersions('Heartbeat', [0, 4])).toEqual([0, 1, 3, 4])
  })
})
