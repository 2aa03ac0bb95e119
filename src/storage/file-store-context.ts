/** What the logs of one file store share. */
import type { Logger } from 'pino'
import type { Disk } from './disk.ts'
import type { LogFiles } from './log-files.ts'
import type { OpenFiles } from './open-files.ts'
import type { SyncQueue } from './sync-queue.ts'
import type { CacheBudget } from './tail-cache.ts'
import type { Trash } from './trash.ts'

export interface StoreContext {
  readonly disk: Disk
  readonly dataDir: string
  readonly openFiles: OpenFiles
  readonly syncs: SyncQueue
  readonly cacheBudget: CacheBudget
  readonly trash: Trash
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly fileDeleteDelayMs: (topic: string) => number
  /** Notes that recovery points are to be written down, some time. */
  recoveryPointMoved(): void
  /** Writes all recovery points down, and waits until that would survive a loss of power. */
  saveRecoveryPoints(): Promise<void>
  /** Notes that small files of a log are to be settled, some time. */
  sidecarsMoved(log: LogFiles): void
  /** Waits until the names of the logs' directories would survive a loss of power. */
  syncDataDir(isUrgent: boolean): Promise<void>
  saveLogStarts(): Promise<void>
  saveCleanerOffsets(): Promise<void>
}
