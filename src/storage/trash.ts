/** Files and directories that are to be removed: they stay for a while, in case somebody misses them. */
import type { Logger } from 'pino'
import type { Clock, Timer } from '../clock.ts'
import type { Disk } from './disk.ts'
import { SyncQueue } from './sync-queue.ts'

interface Discarded {
  readonly timer: Timer
  readonly remove: () => Promise<void>
}

export class Trash {
  readonly #disk: Disk
  readonly #clock: Clock
  readonly #logger: Pick<Logger, 'warn'>
  readonly #waiting = new Set<Discarded>()
  readonly #removing = new Set<Promise<void>>()
  /** A topic of many partitions must not keep all of node's threads busy. */
  readonly #removals = new SyncQueue(1)

  constructor(disk: Disk, clock: Clock, logger: Pick<Logger, 'warn'>) {
    this.#disk = disk
    this.#clock = clock
    this.#logger = logger
  }

  removeLater(paths: readonly string[], delayMs: number): void {
    this.#later(delayMs, async () => {
      for (const path of paths) await this.#disk.remove(path)
    })
  }

  removeDirectoryLater(path: string, delayMs: number): void {
    this.#later(delayMs, () => this.#disk.removeDirectory(path))
  }

  /** Removes at once what still waits, and waits for it. */
  async empty(): Promise<void> {
    for (const discarded of this.#waiting) {
      discarded.timer.cancel()
      this.#start(discarded.remove)
    }
    this.#waiting.clear()
    await Promise.all(this.#removing)
  }

  #later(delayMs: number, remove: () => Promise<void>): void {
    const discarded: Discarded = {
      timer: this.#clock.schedule(delayMs, () => {
        this.#waiting.delete(discarded)
        this.#start(remove)
      }),
      remove,
    }
    this.#waiting.add(discarded)
  }

  /** What cannot be removed is swept at the next start. */
  #start(remove: () => Promise<void>): void {
    const removing = this.#removals
      .run(remove)
      .catch((error: unknown) =>
        this.#logger.warn({ err: error }, 'a file that was dropped could not be removed'),
      )
      .finally(() => this.#removing.delete(removing))
    this.#removing.add(removing)
  }
}
