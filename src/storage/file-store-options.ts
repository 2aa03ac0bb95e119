import type { Logger } from 'pino'
import type { Clock, Random } from '../clock.ts'
import type { Disk } from './disk.ts'

/** What a file store is opened with. */
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
  readonly fileDeleteDelayMs?: ((topic: string) => number) | undefined
  /** Asked when a segment of a topic is opened: how many bytes lie between entries of its indexes. By default 4096. */
  readonly indexIntervalBytes?: ((topic: string) => number) | undefined
  /** How often recovery points are written down (log.flush.offset.checkpoint.interval.ms). By default 60,000. */
  readonly checkpointIntervalMs?: number | undefined
  /** How many segments' files are kept open at most. By default as many as the system allows for. */
  readonly maxOpenFiles?: number | undefined
  /** How much of what was appended last is kept in memory for readers, over all logs. By default 64 MiB. */
  readonly cacheBytes?: number | undefined
  /** By default the machine's. */
  readonly disk?: Disk | undefined
}
