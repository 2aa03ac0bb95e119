/** Plays a history, and takes the power away at any moment of it. */
import { type Random, seededRandom } from '../../clock.ts'
import { SimulatedDisk, type Survival } from '../../storage/simulated-disk.suite.ts'
import { checkFiles } from './files.suite.ts'
import { goOn } from './going-on.suite.ts'
import { runHistory } from './history.suite.ts'
import { Ledger } from './ledger.suite.ts'
import { checkOutcome, isOrdinary } from './outcome.suite.ts'
import { walkLog } from './walk.suite.ts'
import { startWorld, type World, type WorldOptions } from './world.suite.ts'

export type Setting = Pick<WorldOptions, 'flushes' | 'faultyDisk' | 'faultyStore'>

/** A moment of a history: before one write, sync, rename or removal. */
export interface Moment {
  readonly index: number
  readonly disk: SimulatedDisk
  readonly ledger: Ledger
  readonly ledgerTime: number
  readonly nowMs: number
}

/**
 * Plays the history once.
 * @param isWanted says of each moment, by its number, whether it is to be kept.
 * @returns the moments that are kept, and how many there were.
 */
export async function playHistory(
  setting: Setting,
  isWanted: (index: number) => boolean = () => true,
): Promise<{ readonly moments: readonly Moment[]; readonly count: number }> {
  const disk = new SimulatedDisk()
  // So that whoever does not wait for a sync is ahead of it.
  disk.syncPause = () => new Promise((resolve) => setImmediate(resolve))
  const ledger = new Ledger()
  const moments: Moment[] = []
  let count = 0
  let world: World | undefined
  disk.beforeChange = () => {
    const index = count++
    if (!isWanted(index)) return
    moments.push({
      index,
      disk: disk.fork(),
      ledger,
      ledgerTime: ledger.now,
      nowMs: world?.clock.now() ?? START_MS,
    })
  }
  world = await startWorld({ ...setting, disk, seed: 1, nowMs: START_MS })
  const first = world
  await runHistory(first, {
    ledger,
    stop: () => first.stop(),
    start: async () => {
      world = await startWorld({ ...setting, disk, seed: 2, nowMs: first.clock.now() })
      return world
    },
  })
  disk.beforeChange()
  disk.beforeChange = () => {}
  return { moments, count }
}

const START_MS = Date.UTC(2026, 0, 1)

/** Loses the power at that moment, and sees to it that nothing is lost which must not be. */
export async function losePower(
  moment: Moment,
  setting: Setting,
  survival: 'nothing' | 'everything' | number,
): Promise<void> {
  const disk = moment.disk.fork()
  const random = seededRandom(typeof survival === 'number' ? survival : moment.index)
  disk.crash(typeof survival === 'number' ? random : survival)
  if (typeof survival === 'number' && below(random, 3) === 0) await loseAgain(disk, moment, setting, random)
  const options = { flushes: setting.flushes, disk, nowMs: moment.nowMs }
  const world = await startWorld({ ...options, seed: 3 })
  await checkOutcome(world, { history: moment.ledger.upTo(moment.ledgerTime), flushes: setting.flushes })
  await goOn(world, moment.ledger.upTo(moment.ledgerTime))
  await checkStop(disk, moment, setting, world)
}

/** A clean stop changes nothing, and leaves files that are in order. */
async function checkStop(
  disk: SimulatedDisk,
  { nowMs }: Moment,
  { flushes }: Setting,
  world: World,
): Promise<void> {
  const before = await contents(world)
  await world.stop()
  checkFiles(disk)
  const again = await startWorld({ flushes, disk, nowMs, seed: 5 })
  await again.clock.advance(0)
  const after = await contents(again)
  if (before.join() !== after.join()) throw new Error(`a clean stop made ${after} of ${before}`)
  const complaints = [...world.broker.lines, ...again.broker.lines, ...again.told].filter(
    (line) => !isOrdinary(line, flushes),
  )
  if (complaints.length > 0) throw new Error(`after a clean stop: ${complaints.join('; ')}`)
}

async function contents({ broker }: World): Promise<readonly string[]> {
  const found: string[] = []
  for (const { topic, index } of broker.services.replicas.partitions()) {
    const { endOffset, lastStableOffset, records } = await walkLog(broker, topic, index)
    found.push(
      `${topic}-${index} to ${endOffset}, stable to ${lastStableOffset}: ${records.map(({ value }) => value)}`,
    )
  }
  return found.sort()
}

/** While the broker starts on what was left. */
async function loseAgain(
  disk: SimulatedDisk,
  { nowMs }: Moment,
  { flushes }: Setting,
  random: Random,
): Promise<void> {
  disk.powerOffAfter = below(random, 60)
  try {
    const { clock } = await startWorld({ flushes, disk, nowMs, seed: 4 })
    await clock.advance(20_000)
  } catch {
    // It cannot start without power.
  }
  disk.crash(random satisfies Survival)
}

function below(random: Random, limit: number): number {
  return random.bytes(4).readUInt32BE() % limit
}
