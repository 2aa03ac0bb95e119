/** What a file store finds when it starts: whose directory it is, how it was left, and which logs are there. */
import type { Logger } from 'pino'
import type { Random } from '../clock.ts'
import { type CleanShutdown, isOwn, type LogSummary, makeOwn, takeCleanShutdown } from './clean-shutdown.ts'
import {
  DataDirError,
  type DataDirIdentity,
  identify,
  takeDirectory,
  unusable,
  type WantedIdentity,
} from './data-dir.ts'
import type { Disk, DiskEntry, DiskLock } from './disk.ts'
import { isDeletedDirectory, logDirectoryName, parseLogDirectory } from './file-names.ts'
import type { LogId } from './log-store.ts'
import {
  CLEANER_OFFSETS,
  LOG_STARTS,
  type Offsets,
  parseOffsets,
  RECOVERY_POINTS,
} from './offset-checkpoint.ts'
import { PARTITION_METADATA, parsePartitionMetadata } from './partition-metadata.ts'
import { SidecarFiles } from './sidecar-files.ts'
import { SyncQueue } from './sync-queue.ts'

/** How many directories are looked into at a time. */
const MAX_LOOKS = 16

export interface StartOptions {
  readonly disk: Disk
  readonly dataDir: string
  readonly wanted: WantedIdentity
  readonly random: Random
  readonly logger: Pick<Logger, 'info' | 'warn'>
}

export interface FoundLog {
  /** Its topic id is empty where none is noted. */
  readonly id: LogId
  /** What the last shutdown says of it; null when it has to be loaded. */
  readonly summary: LogSummary | null
  readonly recoveryPoint: bigint
  readonly logStart: bigint | null
  readonly cleanerOffset: bigint | null
  readonly isClean: boolean
  readonly mayHaveGaps: boolean
  /** Whether batches were written here of which nobody has flushed any, nor the topic id beside them. */
  readonly isOfUnknownTopic: boolean
}

export interface StartedDataDir {
  readonly identity: DataDirIdentity
  readonly isNew: boolean
  readonly lock: DiskLock
  readonly logs: readonly FoundLog[]
  /** Directories of topics that were deleted. */
  readonly leftDirectories: readonly string[]
}

export async function startDataDir(options: StartOptions): Promise<StartedDataDir> {
  const { disk, dataDir, wanted, random } = options
  const lock = await takeDirectory(disk, dataDir)
  try {
    const entries = await disk.list(dataDir)
    const { identity, isNew } = await identify(disk, dataDir, entries, wanted, random)
    if (isNew) await makeOwn(disk, dataDir)
    const logs = await findLogs(options, entries)
    const directories = entries.filter(({ isDirectory }) => isDirectory).map(({ name }) => name)
    return { identity, isNew, lock, logs, leftDirectories: directories.filter(isDeletedDirectory) }
  } catch (error) {
    await lock.unlock()
    throw error instanceof DataDirError ? error : unusable(dataDir, error)
  }
}

async function findLogs(options: StartOptions, entries: readonly DiskEntry[]): Promise<readonly FoundLog[]> {
  const { disk, dataDir, logger } = options
  const mayHaveGaps = !(await isOwn(disk, dataDir))
  const shutdown = await takeCleanShutdown(disk, dataDir)
  const [recoveryPoints, logStarts, cleanerOffsets] = await Promise.all([
    readOffsets(options, RECOVERY_POINTS, 'every log is checked from its beginning'),
    readOffsets(options, LOG_STARTS, 'every log starts at its first segment'),
    readOffsets(options, CLEANER_OFFSETS, 'every log is cleaned from its beginning'),
  ])
  const summaries = new Map(shutdown.logs?.map((summary) => [logDirectoryName(summary.id), summary]))
  const names = entries.filter(({ isDirectory, name }) => isDirectory && parseLogDirectory(name) !== null)
  const looks = new SyncQueue(MAX_LOOKS)
  const found = await Promise.all(
    names.map(async ({ name }): Promise<FoundLog> => {
      const summary = summaries.get(name) ?? null
      const id = summary?.id ?? (await looks.run(() => readId(options, name)))
      const recoveryPoint = recoveryPoints.get(name) ?? 0n
      const isSuspect = id.topicId === '' && recoveryPoint === 0n && !mayHaveGaps
      return {
        id,
        summary,
        recoveryPoint,
        isOfUnknownTopic: isSuspect && (await hasBatches(disk, `${dataDir}/${name}`)),
        logStart: logStarts.get(name) ?? null,
        cleanerOffset: cleanerOffsets.get(name) ?? null,
        isClean: shutdown.isClean,
        mayHaveGaps,
      }
    }),
  )
  if (found.length > 0) logger.info(`${dataDir}: ${found.length} logs, ${describe(shutdown)}`)
  return found
}

async function hasBatches(disk: Disk, directory: string): Promise<boolean> {
  const entries = await disk.list(directory)
  return entries.some(({ name, sizeBytes }) => name.endsWith('.log') && sizeBytes > 0)
}

function describe({ isClean, logs }: CleanShutdown): string {
  if (!isClean) return 'which are checked as they are opened: there was no clean shutdown'
  return logs === null ? 'of a clean shutdown, without a summary' : 'of a clean shutdown'
}

/** As Kafka does, with a file that nobody can read: nothing is lost by it, but time. */
async function readOffsets(
  { disk, dataDir, logger }: StartOptions,
  name: string,
  otherwise: string,
): Promise<Offsets> {
  try {
    const bytes = await disk.read(`${dataDir}/${name}`)
    return bytes === null ? new Map() : parseOffsets(bytes)
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    logger.warn(`${dataDir}/${name} is unusable, ${text}: ${otherwise}`)
    return new Map()
  }
}

async function readId({ disk, dataDir, logger }: StartOptions, name: string): Promise<LogId> {
  const { topic, partition } = parseLogDirectory(name) as { topic: string; partition: number }
  const directory = `${dataDir}/${name}`
  const files = new SidecarFiles(disk, new SyncQueue(), directory, null)
  const bytes = await files.read(PARTITION_METADATA)
  const topicId = bytes === null ? '' : parsePartitionMetadata(bytes)
  if (topicId === null)
    logger.warn(`${directory}/${PARTITION_METADATA} is unusable: whoever opens ${name} gets it`)
  return { topic, partition, topicId: topicId ?? '' }
}
