/**
 * Random histories of two transactional ids with two producers each, one id for each protocol: the log and the markers
 * arrive when they like or fail, the broker dies at any record, partitions go offline and topics are deleted. After
 * every step the state must be what the log says; in the end each transaction is seen as a whole or not at all, and as
 * its producer was told.
 */
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { type Step, World } from './history-world.suite.ts'

/** Each id has a producer that is used more than its rival. */
const who = fc.constantFrom(0, 0, 0, 1, 2, 3, 3, 3)
const partition = fc.nat({ max: 2 })
const calm: fc.WeightedArbitrary<Step>[] = [
  { weight: 1, arbitrary: fc.record({ do: fc.constant('init' as const), who, resume: fc.boolean() }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('produce' as const), who, to: partition }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('end' as const),
      who,
      commit: fc.constantFrom(true, true, false),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom(0, 10, 10, 10, 150, 150, 6_000, 11_000, 30_000, 400_000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('crash' as const), records: fc.nat({ max: 3 }) }),
  },
]
const rough: fc.WeightedArbitrary<Step>[] = [
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('slow' as const), log: fc.boolean(), markers: fc.boolean() }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('arrive' as const),
      what: fc.constantFrom('log' as const, 'markers' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fail' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('offline' as const), which: partition, offline: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), which: fc.constant(2) }) },
]

describe.each([
  ['calm', calm],
  ['rough', [...calm, ...rough]],
] as const)('random %s histories', (_, steps) => {
  it.each([
    { realistic: false, transactionVersion: 2 },
    { realistic: false, transactionVersion: 0 },
    { realistic: true, transactionVersion: 2 },
    { realistic: true, transactionVersion: 1 },
  ])('$realistic $transactionVersion', async (temper) => {
    const histories = fc.array(fc.oneof(...steps), { minLength: 20, maxLength: 100, size: 'max' })
    await fc.assert(
      fc.asyncProperty(histories, async (history) => {
        const world = new World(temper)
        for (const step of history) await world.take(step)
        await world.end()
      }),
      { numRuns: 40 },
    )
  })
})
