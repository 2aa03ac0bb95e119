/** Logs in files, in Apache Kafka's own layout: its tools read what is written here, and its directories open here. */
import type { Logger } from 'pino'
import type { Clock, Random } from '../clock.ts'
import type { Disk } from './disk.ts'
import type { LogId, LogStore, StoredLog, Volume } from './log-store.ts'

export interface FileStoreOptions {
  /** Kafka's log directory; made where there is none. */
  readonly dataDir: string
  readonly clock: Clock
  readonly random: Random
  /**
   * The cluster that the directory has to belong to; a new directory gets it. Undefined: the cluster that the directory
   * belongs to, and a new one's id where it is new.
   */
  readonly clusterId?: string | undefined
  /** The node that the directory has to belong to. */
  readonly nodeId: number
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>
  /** Asked when files of a topic are dropped: how long they stay (file.delete.delay.ms). By default 60,000. */
  readonly fileDeleteDelayMs?: (topic: string) => number
  /** How often recovery points are written down (log.flush.offset.checkpoint.interval.ms). By default 60,000. */
  readonly checkpointIntervalMs?: number
  /** How many files are kept open at most. By default 200. */
  readonly maxOpenFiles?: number
  /** How much of what was appended last is kept in memory for readers, over all logs. By default 64 MiB. */
  readonly cacheBytes?: number
  /** By default the machine's. */
  readonly disk?: Disk
}

/** Whom a data directory belongs to: its meta.properties. */
export interface DataDirIdentity {
  /** Kafka's text form: 22 characters of base64url. */
  readonly clusterId: string
  readonly nodeId: number
  readonly directoryId: string
}

export interface FileStore extends LogStore {
  readonly identity: DataDirIdentity
  /** Whether the directory was made, or was empty, when it was opened. */
  readonly isNew: boolean
  open(id: LogId, epoch: number): StoredLog | Promise<StoredLog>
  list(): readonly LogId[]
  remove(id: LogId): Promise<void>
  volume(): Promise<Volume>
  close(): Promise<void>
}

/** Why a data directory cannot be used; the message says which one, and what is wrong with it. */
export class DataDirError extends Error {
  override readonly name: string = 'DataDirError'
}

/**
 * Opens a data directory and takes it for this process.
 * @throws DataDirError when it is no directory, cannot be written, belongs to another cluster or node, is locked by
 * another process or another store of this one, holds something else, or has an unusable meta.properties.
 */
export function openFileStore(options: FileStoreOptions): Promise<FileStore> {
  return Promise.reject(new DataDirError(`${options.dataDir}: not yet`))
}
