/**
 * The power goes away at any moment of a history (power-loss/history.suite.ts): before any single write, sync, rename or
 * removal of a broker on a simulated disk. What a finished sync covered is there afterwards; of all that was written
 * later nothing is, or everything, or any part, torn anywhere; in one case of three the power goes away once more while
 * the broker starts. Then a broker is started on what is left.
 *
 * Whatever is flushed, it has to be true that
 * - the broker starts, and has nothing to complain of but what it cut off or put aside;
 * - topics, their partitions and configs are as they were answered last, or as they were asked for since; no producer id
 *   is given out twice; records that were deleted stay so: all of that is flushed always;
 * - what was answered before a clean stop is there;
 * - each log is whole: checksums, offsets that rise, and what was appended in its order from the log's start to some
 *   point; a compacted one has every key's newest value of what there was at that point, in its place;
 * - the last stable offset, the aborted transactions, the producers and what readers of committed records see are what
 *   the batches say; no record is committed whose commit nobody asked for; within a log a transaction is seen as a whole
 *   or not at all;
 * - both coordinators load; what is open times out; clients go on: a batch that is sent again gets its old offset, the
 *   next one is taken, offsets are committed, a transaction gets through;
 * - a clean stop after that leaves files that are in order, and the next start finds the same.
 *
 * Where every message is flushed (log.flush.interval.messages=1), nothing that was answered is lost: records, committed
 * offsets, ends of transactions. A transaction has one outcome in all its logs and for the offsets in it; what was not
 * ended is aborted; no log has open transactions once they have timed out.
 *
 * Where nothing is, each log ends at a point of its own, as Kafka's do on one broker, which promises no more then. So a
 * committed offset may lie above its log's end, and a transaction may be committed in one log and aborted in another
 * that lost its marker. What the transaction coordinator has forgotten hangs until an admin aborts it, and where its log
 * is behind, markers of its epochs are refused and producers have to initialize anew. Committed offsets are some that
 * were asked for.
 *
 *     npm run power-loss             # every moment; OTTLA_SEED is printed
 */
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../clock.ts'
import type { Disk, DiskFile } from '../storage/disk.ts'
import type { LogStore, StoredLog } from '../storage/log-store.ts'
import { losePower, type Moment, playHistory, type Setting } from './power-loss/losses.suite.ts'

const SEED = Number(process.env['OTTLA_SEED'] ?? 4711)
const IS_LONG = process.env['OTTLA_POWER_LOSS'] === 'all'
/** Of each history, in the short form. */
const MOMENTS = 16
const LONG_MS = 3_600_000

/** Loses power at some moments in ways of all kinds; throws at the first broken promise. */
async function loseAtSome(setting: Setting, count: number, outcomes: number): Promise<void> {
  const random = seededRandom(SEED)
  const below = (limit: number): number => random.bytes(4).readUInt32BE() % limit
  const { count: total } = await playHistory(setting, () => false)
  const wanted = new Set(IS_LONG ? Array.from({ length: total }, (_, at) => at) : [])
  while (wanted.size < Math.min(count, total)) wanted.add(below(total))
  const { moments } = await playHistory(setting, (index) => wanted.has(index))
  // Chance decides which come first, so that a planted fault does not have to wait for its time.
  const order = moments
    .map((moment) => ({ moment, rank: below(2 ** 30) }))
    .sort((one, other) => one.rank - other.rank)
  for (const { moment } of order) {
    for (const survival of ['nothing', 'everything'] as const) await lose(moment, setting, survival)
    for (let outcome = 0; outcome < outcomes; outcome++) await lose(moment, setting, below(2 ** 30))
  }
}

async function lose(
  moment: Moment,
  setting: Setting,
  survival: Parameters<typeof losePower>[2],
): Promise<void> {
  try {
    await losePower(moment, setting, survival)
  } catch (error) {
    const what = typeof survival === 'number' ? `some of what came later (${survival})` : survival
    throw new Error(`moment ${moment.index}, surviving ${what}: ${error}`, { cause: error })
  }
}

describe(`a loss of power (OTTLA_SEED=${SEED})`, () => {
  const outcomes = IS_LONG ? 3 : 1
  it(
    'takes nothing that was answered where every message is flushed',
    () => loseAtSome({ flushes: true }, MOMENTS, outcomes),
    IS_LONG ? LONG_MS : 120_000,
  )

  it(
    'leaves logs that are consistent where none is',
    () => loseAtSome({ flushes: false }, MOMENTS, outcomes),
    IS_LONG ? LONG_MS : 120_000,
  )
})

/** A disk on which the files that are matched are not synced, though it says so. */
function withoutSync(matches: RegExp): Pick<Setting, 'faultyDisk'> {
  return {
    faultyDisk: (disk: Disk): Disk => ({
      ...disk,
      open(path, mode) {
        const file: DiskFile = disk.open(path, mode)
        return matches.test(path) ? { ...file, sync: async () => {} } : file
      },
    }),
  }
}

function withoutDirectorySync(matches: RegExp): Pick<Setting, 'faultyDisk'> {
  return {
    faultyDisk: (disk) => ({
      ...disk,
      syncDirectory: async (path) => {
        if (!matches.test(path)) await disk.syncDirectory(path)
      },
    }),
  }
}

/** A store whose logs are changed, but for the broker's own. */
function withLogs(change: (log: StoredLog) => Partial<StoredLog>): Pick<Setting, 'faultyStore'> {
  const changed = (log: StoredLog): StoredLog => {
    const changes = change(log)
    return new Proxy(log, {
      get(target, name) {
        if (name in changes) return Reflect.get(changes, name)
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }
  return {
    faultyStore: (store: LogStore): LogStore =>
      new Proxy(store, {
        get(target, name) {
          if (name === 'open') {
            return (...args: Parameters<LogStore['open']>) => {
              const log = target.open(...args)
              if (args[0].topic.startsWith('__')) return log
              return log instanceof Promise ? log.then(changed) : changed(log)
            }
          }
          const value: unknown = Reflect.get(target, name, target)
          return typeof value === 'function' ? value.bind(target) : value
        },
      }),
  }
}

describe('the test of losses of power finds', () => {
  const faults: readonly [string, Setting][] = [
    ['batches that are not synced', { flushes: true, ...withoutSync(/^.data.[a-z].*\.log$/) }],
    [
      'a recovery point that is ahead of its batches',
      { flushes: false, ...withoutSync(/^.data.[a-z].*\.log$/) },
    ],
    [
      'small files that are renamed before they are synced',
      { flushes: true, ...withoutSync(/^.data.[a-z].*\.tmp$/) },
    ],
    ['names of files that are not synced', { flushes: true, ...withoutDirectorySync(/^.data.[a-z]/) }],
    ['names of logs that are not synced', { flushes: true, ...withoutDirectorySync(/^.data$/) }],
    [
      'an acknowledgement that does not wait for the sync',
      {
        flushes: true,
        ...withLogs((log) => ({
          flush: () => {
            Promise.resolve(log.flush()).catch(() => {})
          },
        })),
      },
    ],
    [
      'aborted transactions that are not noted beside a segment',
      {
        flushes: true,
        ...withLogs((log) => ({
          segmentSidecar: (name, offset) => {
            const sidecar = log.segmentSidecar(name, offset)
            if (name === 'producers') return sidecar
            return { read: () => sidecar.read(), remove: () => sidecar.remove(), replace: () => {} }
          },
        })),
      },
    ],
  ]
  it.each(faults)(
    '%s',
    async (_, setting) => {
      let found: unknown
      await loseAtSome(setting, 150, 2).catch((error: unknown) => {
        found = error
      })
      expect(found).toBeInstanceOf(Error)
    },
    120_000,
  )
})
