/**
 * A disk fails for a while under a broker at work: it is full, read-only, cannot be read or synced, as a whole or for
 * one log. Who asks for a log that is offline is told KAFKA_STORAGE_ERROR, or what coordinators make of it; the others go
 * on. When the disk is back the broker recovers by itself, and nothing that was answered is lost: not even when the
 * power goes away next, though the system may have forgotten what a failed sync was to cover.
 */
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../clock.ts'
import { type FailedSync, SimulatedDisk } from '../storage/simulated-disk.suite.ts'
import { type Load, startLoad } from './power-loss/load.suite.ts'
import { startWorld, type World } from './power-loss/world.suite.ts'

const SEED = Number(process.env['OTTLA_SEED'] ?? 4711)
const RUNS = Number(process.env['OTTLA_RUNS'] ?? 1)
/** What the failures of one log are about. */
const ONE_LOG = /\/left-0\//

interface Failure {
  readonly name: string
  /** Whether one log fails, and no other. */
  readonly isOne: boolean
  start(disk: SimulatedDisk, below: (limit: number) => number): void
}

const failing =
  (code: string, operations: readonly string[], paths: RegExp) =>
  (disk: SimulatedDisk): void => {
    disk.failure = (operation, path) => (operations.includes(operation) && paths.test(path) ? code : null)
  }
const CHANGES = ['write', 'truncate', 'rename', 'remove']
const ALL = /./

const failures: readonly Failure[] = [
  {
    name: 'is full',
    isOne: false,
    start: (disk, below) => {
      disk.freeBytes = below(400)
    },
  },
  { name: 'is full for one log', isOne: true, start: failing('ENOSPC', ['write'], ONE_LOG) },
  {
    name: 'is read-only',
    isOne: false,
    start: (disk) => {
      disk.readOnly = true
    },
  },
  { name: 'is read-only for one log', isOne: true, start: failing('EROFS', CHANGES, ONE_LOG) },
  { name: 'cannot be read', isOne: false, start: failing('EIO', ['read', 'list'], ALL) },
  { name: 'cannot be read for one log', isOne: true, start: failing('EIO', ['read', 'list'], ONE_LOG) },
  { name: 'cannot be synced', isOne: false, start: failing('EIO', ['sync'], ALL) },
  { name: 'cannot be synced for one log', isOne: true, start: failing('EIO', ['sync'], ONE_LOG) },
  {
    name: 'fails at everything for one log',
    isOne: true,
    start: failing('EIO', [...CHANGES, 'open', 'read', 'list', 'sync'], ONE_LOG),
  },
]

describe(`a disk that fails for a while (OTTLA_SEED=${SEED})`, () => {
  it.each(failures)(
    '$name',
    async (failure) => {
      for (let run = 0; run < RUNS; run++) {
        for (const flushes of [true, false]) {
          try {
            await fail(failure, flushes, SEED + run)
          } catch (error) {
            throw new Error(`flushes: ${flushes}, seed ${SEED + run}: ${error}`, { cause: error })
          }
        }
      }
    },
    120_000,
  )
})

async function fail(failure: Failure, flushes: boolean, seed: number): Promise<void> {
  const random = seededRandom(seed)
  const below = (limit: number): number => random.bytes(4).readUInt32BE() % limit
  const disk = new SimulatedDisk()
  disk.syncPause = () => new Promise((resolve) => setImmediate(resolve))
  // Without flushes nobody has promised what the device refused and the system has dropped.
  const kinds: readonly FailedSync[] = flushes ? ['kept', 'forgotten', 'evicted'] : ['kept', 'forgotten']
  disk.failedSync = kinds[below(kinds.length)] ?? 'kept'
  const world = await startWorld({ disk, flushes, seed })
  const load = await startLoad(world)
  await world.clock.advance(500 + below(500))
  for (let outage = 0; outage < 2; outage++) {
    const before = load.acknowledged()
    const lines = world.broker.lines.length
    failure.start(disk, below)
    await world.clock.advance(300 + below(3_000))
    if (failure.isOne) expect(load.acknowledged()['right']).toBeGreaterThan((before['right'] ?? 0) + 2)
    lift(disk)
    await rest(world, load, 12_000)
    const after = load.acknowledged()
    await world.clock.advance(1_500)
    for (const [name, count] of Object.entries(load.acknowledged())) {
      if (count <= (after[name] ?? 0)) throw new Error(`${name} does not go on: ${load.answers(name)}`)
    }
    checkLines(world.broker.lines.slice(lines))
    // A later outage is told anew.
    await rest(world, load, 70_000)
  }
  await load.stop()
  await load.check(world)
  await survive(disk, world, load, flushes)
}

async function rest({ clock }: World, load: Load, durationMs: number): Promise<void> {
  load.rest(true)
  await clock.advance(durationMs)
  load.rest(false)
  await clock.advance(5_500)
}

/** One line for each log that was offline, and one when the metadata are back. */
function checkLines(lines: readonly string[]): void {
  const known = lines.map((line) => line.replace(/ at \d+$/, ''))
  expect(known.toSorted()).toEqual([...new Set(known)].sort())
  for (const line of known)
    expect(line).toMatch(
      / is offline$|could not be opened$|tried again$|could not be recorded$|^the metadata log/,
    )
}

function lift(disk: SimulatedDisk): void {
  disk.failure = () => null
  disk.readOnly = false
  disk.freeBytes = Number.POSITIVE_INFINITY
}

/** Neither the end of the process nor, where all is flushed, that of the power takes anything away. */
async function survive(disk: SimulatedDisk, { clock }: World, load: Load, flushes: boolean): Promise<void> {
  if (flushes) disk.crash('nothing')
  else disk.kill()
  const world = await startWorld({ disk, flushes, seed: 99, nowMs: clock.now() })
  await world.clock.advance(80_000)
  await load.check(world)
}
