/** A whole broker over a file store on a simulated disk, as a process would run it. */
import { dirname } from 'node:path'
import type { BrokerStorage } from '../../broker-storage.ts'
import { ManualClock, seededRandom } from '../../clock.ts'
import { LogCleaner } from '../../replica/log-cleaner.ts'
import type { Disk } from '../../storage/disk.ts'
import { DATA_DIR } from '../../storage/file-store.suite.ts'
import { type FileStore, openFileStore } from '../../storage/file-store.ts'
import type { LogStore } from '../../storage/log-store.ts'
import type { SimulatedDisk } from '../../storage/simulated-disk.suite.ts'
import { type TestBroker, testBroker } from '../harness.suite.ts'

export { DATA_DIR }

export interface WorldOptions {
  readonly disk: SimulatedDisk
  /** Whether everything is flushed before it is acknowledged. */
  readonly flushes: boolean
  /** What is wrong with the disk, or with the store. */
  readonly faultyDisk?: ((disk: Disk) => Disk) | undefined
  readonly faultyStore?: ((store: LogStore) => LogStore) | undefined
  readonly nowMs?: number
  /** Each start of a broker has chance of its own. */
  readonly seed: number
  readonly config?: Readonly<Record<string, string>>
}

export interface World {
  readonly broker: TestBroker
  readonly clock: ManualClock
  readonly store: FileStore
  readonly cleaner: LogCleaner
  /** What the store had to say: cuts, mostly. */
  readonly told: readonly string[]
  stop(): Promise<void>
}

const CONFIG = {
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.num.partitions': '1',
  'internal.metadata.log.segment.bytes': '3000',
  'metadata.log.max.record.bytes.between.snapshots': '1500',
  'log.cleaner.min.cleanable.ratio': '0.01',
}

/** The coordinators' topics, with few batches to a segment. */
const TOPICS = [
  { name: '__consumer_offsets', config: { 'cleanup.policy': 'compact', 'internal.segment.bytes': '700' } },
  { name: '__transaction_state', config: { 'cleanup.policy': 'compact', 'internal.segment.bytes': '900' } },
]

/** @throws whatever keeps a broker from starting. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const { disk, seed, faultyDisk = (given) => given, faultyStore = (given) => given } = options
  const clock = new ManualClock(options.nowMs)
  const random = seededRandom(seed)
  const told: string[] = []
  const tell = (first: unknown, second?: unknown): void => {
    const error = typeof first === 'object' && first !== null && 'err' in first ? ` (${first.err})` : ''
    told.push(`${second ?? first}${error}`)
  }
  const wasClean = disk.peek(`${DATA_DIR}/.kafka_cleanshutdown`) !== null
  const store = await openFileStore({
    dataDir: DATA_DIR,
    clock,
    random,
    nodeId: 1,
    logger: { info: () => {}, warn: tell, error: tell },
    disk: faultyDisk(disk.attach()),
  })
  const storage: BrokerStorage = {
    store: faultyStore(store),
    clusterId: store.identity.clusterId,
    directoryId: store.identity.directoryId,
    bootstrap: null,
    mayHaveLost: !wasClean,
    use() {},
  }
  const config = {
    ...CONFIG,
    ...options.config,
    ...(options.flushes ? { 'log.flush.interval.messages': '1' } : {}),
  }
  const broker = await testBroker({ clock, random, config, topics: TOPICS }, storage)
  const { services } = broker
  const cleaner = new LogCleaner(services)
  return {
    broker,
    clock,
    store,
    cleaner,
    told,
    async stop() {
      services.groups.stop()
      services.transactions.stop()
      cleaner.stop()
      await services.replicas.close()
      await services.controller.close()
      await store.close()
    },
  }
}

/** The names of the logs' directories. */
export function logDirectories(disk: SimulatedDisk): readonly string[] {
  return disk.peekNames(DATA_DIR).filter((name) => /-\d+$/.test(name) && dirname(name) === '.')
}
