/** The short form of the crash test, and whether its checker notices what it is there for. */
import { beforeAll, expect, test } from 'vitest'
import { buildGo, describeWith, goProgram } from '../tools.ts'
import { buildBrokers, ottla, ottlaWith } from './brokers.ts'
import { violations } from './checker.ts'
import type { BugName } from './planted-store.ts'
import { runCrashes } from './run-crashes.ts'

const load = goProgram('crash')
/** What the checker has to say of each bug, whatever else it says. */
const SIGNS: readonly [bug: BugName, sign: RegExp][] = [
  ['acknowledged before it is durable', /^lost: idempotent/],
  ['a lost tail', /^lost: idempotent/],
  ['a duplicate after replay', /^duplicate: /],
  ['a missing marker', /^(lost: transaction|transactional-\d cannot be read)/],
  ['an offset that goes back', /^offset back: /],
]

describeWith(load, 'a broker that is killed under load', () => {
  beforeAll(async () => {
    buildGo('crash')
    await buildBrokers()
  })

  test('keeps what it promised', { timeout: 180_000 }, async () => {
    const seed = Date.now() % 1_000_000
    const history = await runCrashes({
      broker: ottla,
      load: load.command[0],
      seed,
      kills: 16,
      patienceS: 40,
    })
    expect(violations(history), `seed ${seed}`).toEqual([])
    expect(history.filter(({ at }) => at === 'committed' || at === 'acked').length).toBeGreaterThan(100)
  })

  test.concurrent.each(SIGNS)('is found out: %s', { timeout: 180_000 }, async (bug, sign) => {
    const history = await runCrashes({
      broker: ottlaWith(bug),
      load: load.command[0],
      seed: 1,
      kills: 6,
      patienceS: 6,
    })
    const found = violations(history)
    expect(
      found.find((violation) => sign.test(violation)),
      found.slice(0, 20).join('\n'),
    ).toBeDefined()
  })
})
