/**
 * Random histories of one group: members of all kinds join, assign, commit, leave and die, the log commits when it
 * likes, fails, and the coordinator crashes. After every step the state must be what the log says.
 */
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { type Step, World } from './history-world.suite.ts'

const who = fc.nat({ max: 5 })
/** Producers begin one transaction after the other; some have none, and their markers come all the same. */
const producer = fc.nat({ max: 2 })
const instance = fc.constantFrom(0, 0, 0, 1, 2)
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('join' as const),
      who: fc.option(who, { freq: 3 }),
      instance,
      protocols: fc.nat({ max: 2 }),
      version: fc.constantFrom(3, 5, 9),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('sync' as const), who, instance }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('heartbeat' as const), who, instance }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), who, instance }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('commit' as const),
      who: fc.option(who),
      partition: fc.nat({ max: 2 }),
      expires: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('take along' as const),
      producer,
      who: fc.option(who),
      partition: fc.nat({ max: 2 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('end' as const), producer, commit: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('forget' as const),
      what: fc.constantFrom('offsets' as const, 'group' as const, 'topic' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom(0, 3_000, 9_000, 31_000, 700_000),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('settle' as const) }) },
  {
    weight: 1,
    arbitrary: fc.oneof(
      fc.record({ do: fc.constant('fail' as const) }),
      fc.record({ do: fc.constant('crash' as const), kept: fc.nat({ max: 4 }) }),
    ),
  },
)

describe('random histories of a group', () => {
  it('leave what the log says, with a log that commits at once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { maxLength: 60, size: 'max' }), (history) => live(history, false)),
      { numRuns: 60 },
    )
  })

  it('leave what the log says, with a log that takes its time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { maxLength: 60, size: 'max' }), (history) => live(history, true)),
      { numRuns: 60 },
    )
  })
})

async function live(history: readonly Step[], slow: boolean): Promise<void> {
  const world = new World(slow)
  for (const step of history) {
    await world.take(step)
    world.check()
  }
  await world.end()
}
