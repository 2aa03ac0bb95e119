/** A partition and its transactions against a plain list of batches: whatever is done to both, readers see the same. */
import fc from 'fast-check'
import { describe, it } from 'vitest'
import type { Random } from '../clock.ts'
import type { Log } from '../log/log.ts'
import { openTestStore } from '../storage/file-store.suite.ts'
import type { FileStore } from '../storage/file-store.ts'
import { MemoryStore } from '../storage/memory-store.ts'
import { SimulatedDisk } from '../storage/simulated-disk.suite.ts'
import { SlowStore } from '../storage/slow-store.suite.ts'
import { agree, type Backing } from './transactions-model.suite.ts'

class InMemory implements Backing {
  readonly store: MemoryStore = new MemoryStore()

  hold(): void {}

  async release(): Promise<void> {}

  async crash(log: Log): Promise<bigint> {
    return log.durableEndOffset
  }

  async restart(): Promise<void> {}
}

/** What waits has not reached the store when the broker dies, and never will. */
class Slow implements Backing {
  readonly store: SlowStore = new SlowStore(new MemoryStore())

  hold(held: boolean): void {
    this.store.held = held
  }

  async release(count: number = Number.POSITIVE_INFINITY): Promise<void> {
    const { store } = this
    for (let left = count; left > 0 && store.waiting.length > 0; left--) await store.release()
    if (count < Number.POSITIVE_INFINITY) return
    store.held = false
    for (let turn = 0; turn < 200; turn++) await null
  }

  async crash(log: Log): Promise<bigint> {
    return log.durableEndOffset
  }

  async restart(): Promise<void> {}
}

/** A disk that loses power: what has not been flushed may be there or not, each file for itself. */
class OnDisk implements Backing {
  readonly flushMessages: number
  readonly #disk = new SimulatedDisk()
  #store: FileStore | undefined
  #closedAt = 0n

  constructor(flushMessages: number) {
    this.flushMessages = flushMessages
  }

  async open(): Promise<this> {
    this.#store = (await openTestStore(this.#disk)).store
    return this
  }

  get store(): FileStore {
    if (this.#store === undefined) throw new Error('the store has not been opened')
    return this.#store
  }

  /** Syncs do not finish. */
  hold(held: boolean): void {
    this.#disk.holdSyncs = held
  }

  async release(): Promise<void> {
    this.#disk.holdSyncs = false
    this.#disk.releaseSyncs()
    for (let turn = 0; turn < 200; turn++) await null
  }

  async crash(log: Log, random: Random): Promise<bigint> {
    this.#disk.crash(random)
    await this.open()
    return this.flushMessages === 1 ? log.durableEndOffset : this.#closedAt
  }

  async restart(log: Log): Promise<void> {
    this.#closedAt = log.endOffset
    await this.store.close()
    await this.open()
  }
}

const EVERYTHING = {
  append: 12,
  end: 6,
  hold: 2,
  release: 2,
  truncate: 1,
  deleteRecords: 1,
  crash: 1,
  restart: 1,
}
const ON_DISK = { append: 12, end: 6, hold: 2, release: 1, crash: 1, restart: 1 }

describe('transactions of a partition, against a plain list of batches', () => {
  it('readers see the same', async () => {
    await fc.assert(
      agree(EVERYTHING, async () => new InMemory()),
      { numRuns: 150 },
    )
  })

  it('readers see the same on a store that is slow, and loses what it has not got', async () => {
    await fc.assert(
      agree(EVERYTHING, async () => new Slow()),
      { numRuns: 120 },
    )
  })

  it('readers see the same on a disk that loses power', async () => {
    await fc.assert(
      agree(ON_DISK, () => new OnDisk(2 ** 63).open()),
      { numRuns: 60 },
    )
  })

  it('nothing is lost on a disk that loses power where every message is flushed', async () => {
    await fc.assert(
      agree(ON_DISK, () => new OnDisk(1).open()),
      { numRuns: 40 },
    )
  })
})
