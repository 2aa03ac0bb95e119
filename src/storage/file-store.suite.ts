/** What tests of the file store share: stores on simulated disks, or in a directory of their own. */
import { ManualClock, seededRandom } from '../clock.ts'
import type { Disk } from './disk.ts'
import { type FileStore, openFileStore } from './file-store.ts'
import type { FileStoreOptions } from './file-store-options.ts'
import { SimulatedDisk } from './simulated-disk.suite.ts'

export const DATA_DIR = '/data'

export interface Told {
  readonly info: string[]
  readonly warn: string[]
  readonly error: string[]
}

export interface TestStore {
  readonly store: FileStore
  readonly clock: ManualClock
  readonly told: Told
}

/** Opens a store on a disk; what it logs is told. */
export async function openTestStore(
  disk: Disk = new SimulatedDisk(),
  options: Partial<FileStoreOptions> = {},
): Promise<TestStore> {
  const told: Told = { info: [], warn: [], error: [] }
  const clock = new ManualClock(Date.UTC(2026, 0, 1))
  const store = await openFileStore({
    dataDir: DATA_DIR,
    clock,
    random: seededRandom(1),
    nodeId: 1,
    logger: testLogger(told),
    disk: disk instanceof SimulatedDisk ? disk.attach() : disk,
    ...options,
  })
  return { store, clock, told }
}

function testLogger(told: Told): FileStoreOptions['logger'] {
  const note =
    (lines: string[]) =>
    (...args: unknown[]): void => {
      const [first, second] = args
      const cause = typeof first === 'object' && first !== null && 'err' in first ? ` (${first.err})` : ''
      lines.push(typeof first === 'string' ? first : `${second}${cause}`)
    }
  return { info: note(told.info), warn: note(told.warn), error: note(told.error) }
}
