/** Compaction against a list of everything that was ever appended: whoever reads finds the same as without it. */
import { describe, expect, it } from 'vitest'
import { ManualClock, seededRandom } from '../clock.ts'
import { openTestStore } from '../storage/file-store.suite.ts'
import type { LogStore } from '../storage/log-store.ts'
import { SimulatedDisk } from '../storage/simulated-disk.suite.ts'
import { stores } from './cleaning.suite.ts'
import { Chance, History } from './compaction-history.suite.ts'
import type { LogConfig } from './log-config.ts'
import { openTestLog } from './test-log.suite.ts'

const SEED = Number(process.env['OTTLA_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const HISTORIES = Number(process.env['OTTLA_RUNS'] ?? 8)
const STEPS = 80
const CRASHES = Number(process.env['OTTLA_RUNS'] ?? 25)

async function run(store: LogStore, seed: number): Promise<void> {
  const chance = new Chance(seed)
  const clock = new ManualClock()
  const history = new History(await openTestLog(configOf(chance), store, clock), chance)
  for (let step = 0; step < STEPS; step++) {
    const kind = chance.below(20)
    if (kind < 12) await history.append()
    else if (kind < 15) await history.endTransaction()
    else if (kind < 18) await history.compact()
    else if (kind === 18) await clock.advance(chance.below(1500))
    else if (chance.below(3) > 0) await history.reopen()
    else await history.deleteRecords()
    if (kind >= 15) await history.check()
  }
  await history.check()
}

describe.each(stores)('compaction against a list of all records, %s', (_name, makeStore) => {
  it(`shows readers what they would have seen (OTTLA_SEED=${SEED})`, async () => {
    for (let history = 0; history < HISTORIES; history++) {
      try {
        await run(await makeStore(), SEED + history)
      } catch (error) {
        throw new Error(`history of seed ${SEED + history}`, { cause: error })
      }
    }
  })
})

function configOf(chance: Chance): Partial<LogConfig> {
  return {
    compacted: true,
    deleted: false,
    segmentBytes: 400 + chance.below(1500),
    deleteRetentionMs: 1000,
    producerIdExpirationMs: 2 ** 40,
    minCompactionLagMs: chance.oneOf([0, 0, 300]),
  }
}

/** The power goes away at some point of a compaction. */
async function lose(seed: number): Promise<boolean> {
  const chance = new Chance(seed)
  const clock = new ManualClock()
  const disk = new SimulatedDisk()
  const config = { ...configOf(chance), flushMessages: 1 }
  const { store } = await openTestStore(disk)
  const history = new History(await openTestLog(config, store, clock), chance)
  for (let step = 0; step < STEPS; step++) {
    const kind = chance.below(20)
    if (kind < 15) await history.append()
    else if (kind < 19) await history.endTransaction()
    else await history.compact(false)
  }
  await clock.advance(chance.below(3000))
  disk.powerOffAfter = chance.below(50)
  const failed = await history.compact(false).then(
    () => false,
    () => true,
  )
  disk.crash(seededRandom(seed))
  const again = await openTestStore(disk)
  await history.recover(await openTestLog(config, again.store, clock))
  await history.compact(false)
  await history.check()
  await history.reopen()
  return failed
}

it(`a compaction in which the power goes away loses nothing (OTTLA_SEED=${SEED})`, async () => {
  let failures = 0
  for (let run = 0; run < CRASHES; run++) {
    try {
      if (await lose(SEED + run)) failures++
    } catch (error) {
      throw new Error(`crash of seed ${SEED + run}`, { cause: error })
    }
  }
  expect(failures).toBeGreaterThan(CRASHES / 10)
})
