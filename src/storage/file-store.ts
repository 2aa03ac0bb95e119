/** Logs in files, in Apache Kafka's own layout: its tools read what is written here, and its directories open here. */
import { resolve } from 'node:path'
import type { Timer } from '../clock.ts'
import { type LogSummary, writeCleanShutdown } from './clean-shutdown.ts'
import type { DataDirIdentity } from './data-dir.ts'
import type { Disk, DiskLock } from './disk.ts'
import { FileLog, guarded } from './file-log.ts'
import { leftDirectoryName, logDirectoryName, parseFileName } from './file-names.ts'
import { FileSegment } from './file-segment.ts'
import type { StoreContext } from './file-store-context.ts'
import type { FileStoreOptions } from './file-store-options.ts'
import { type FoundLog, type StartOptions, startDataDir } from './file-store-start.ts'
import { LogDisk } from './log-disk.ts'
import { LogFiles, storeError } from './log-files.ts'
import { loadLog } from './log-loader.ts'
import {
  type LogId,
  type LogStore,
  type Sidecar,
  type StoredLog,
  StoreError,
  type Volume,
} from './log-store.ts'
import { makingRoom } from './making-room.ts'
import { nodeDisk } from './node-disk.ts'
import {
  type CheckpointEntry,
  CLEANER_OFFSETS,
  LOG_STARTS,
  OffsetCheckpoint,
  RECOVERY_POINTS,
} from './offset-checkpoint.ts'
import { openFileLimit } from './open-file-limit.ts'
import { OpenFiles } from './open-files.ts'
import { encodePartitionMetadata, PARTITION_METADATA } from './partition-metadata.ts'
import { SidecarFiles } from './sidecar-files.ts'
import { SyncQueue } from './sync-queue.ts'
import { CacheBudget, defaultCacheBytes } from './tail-cache.ts'
import { Trash } from './trash.ts'

const DEFAULT_DELETE_DELAY_MS = 60_000
const DEFAULT_INDEX_INTERVAL_BYTES = 4096
const DEFAULT_CHECKPOINT_INTERVAL_MS = 60_000
/** How long small files wait until they are settled, so that one sync does for several. */
const SETTLE_DELAY_MS = 1000
/** How many logs are loaded at a time. */
const MAX_LOADS = 8
/** How many syncs are under way when the store is closed: nobody else needs node's threads then. */
const CLOSING_SYNCS = 4
const OWN_FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9.-]*$/

/**
 * Opens a data directory and takes it for this process.
 * @throws DataDirError when it is no directory, cannot be written, belongs to another cluster or node, is locked by
 * another process or another store of this one, holds something else, or has an unusable meta.properties.
 */
export async function openFileStore(options: FileStoreOptions): Promise<FileStore> {
  const { clusterId, nodeId, random, logger, disk = nodeDisk } = options
  const dataDir = resolve(options.dataDir)
  const start: StartOptions = { disk, dataDir, wanted: { clusterId, nodeId }, random, logger }
  const started = await startDataDir(start)
  const store = new FileStore({ ...options, dataDir }, disk, started.identity, started.isNew, started.lock)
  store.adopt(started.logs, started.leftDirectories)
  return store
}

/** Every call but `open` of a new or known log, `list` and reads at a log's end may take the disk's time. */
export class FileStore implements LogStore {
  readonly identity: DataDirIdentity
  /** Whether the directory was made, or was empty, when it was opened. */
  readonly isNew: boolean
  readonly #options: FileStoreOptions
  readonly #indexIntervalBytes: (topic: string) => number
  readonly #context: StoreContext
  readonly #lock: DiskLock
  /** By the names of their directories. */
  readonly #logs = new Map<string, LogFiles>()
  /** What was found of logs that are not loaded. */
  readonly #found = new Map<LogFiles, FoundLog>()
  readonly #loading = new Map<LogFiles, Promise<void>>()
  readonly #loads = new SyncQueue(MAX_LOADS)
  readonly #unsettled = new Set<LogFiles>()
  readonly #recoveryPoints: OffsetCheckpoint
  readonly #timers = new Map<'checkpoint' | 'settle', Timer>()
  /** A sync of the data directory that has not started. */
  #dataDirSync: Promise<void> | null = null
  #closing: Promise<void> | null = null

  /** For `openFileStore`. */
  constructor(
    options: FileStoreOptions,
    machine: Disk,
    identity: DataDirIdentity,
    isNew: boolean,
    lock: DiskLock,
  ) {
    const { dataDir, clock, logger } = options
    const openFiles = new OpenFiles(options.maxOpenFiles ?? openFileLimit())
    const disk = makingRoom(machine, openFiles, options)
    this.identity = identity
    this.isNew = isNew
    this.#options = options
    this.#indexIntervalBytes = options.indexIntervalBytes ?? (() => DEFAULT_INDEX_INTERVAL_BYTES)
    this.#lock = lock
    const checkpoint = (name: string, offsetOf: (log: LogFiles) => bigint | null): OffsetCheckpoint =>
      new OffsetCheckpoint(disk, dataDir, name, () => this.#entries(offsetOf))
    this.#recoveryPoints = checkpoint(RECOVERY_POINTS, (log) => log.recoveryPoint)
    const logStarts = checkpoint(LOG_STARTS, (log) => log.logStart)
    const cleanerOffsets = checkpoint(CLEANER_OFFSETS, (log) => log.cleanerOffset)
    const guard = async (write: Promise<void>, what: string): Promise<void> => {
      await guarded(() => write, `${dataDir}/${what} could not be written`)
    }
    this.#context = {
      disk,
      dataDir,
      logger,
      openFiles,
      syncs: new SyncQueue(),
      cacheBudget: new CacheBudget(options.cacheBytes ?? defaultCacheBytes()),
      trash: new Trash(disk, clock, logger),
      fileDeleteDelayMs: options.fileDeleteDelayMs ?? (() => DEFAULT_DELETE_DELAY_MS),
      recoveryPointMoved: () => this.#checkpointLater(),
      saveRecoveryPoints: () => guard(this.#recoveryPoints.write(), RECOVERY_POINTS),
      sidecarsMoved: (log) => this.#settleLater(log),
      syncDataDir: (isUrgent) => this.#syncDataDir(isUrgent),
      saveLogStarts: () => guard(logStarts.write(), LOG_STARTS),
      saveCleanerOffsets: () => guard(cleanerOffsets.write(), CLEANER_OFFSETS),
    }
  }

  /** For `openFileStore`: takes over what was found, and removes what had been left for removal. */
  adopt(logs: readonly FoundLog[], leftDirectories: readonly string[]): void {
    for (const found of logs) {
      const log = this.#make(found.id, found.summary?.files ?? null)
      log.logStart = found.logStart
      log.cleanerOffset = found.cleanerOffset
      log.recoveryPoint = found.recoveryPoint
      this.#logs.set(logDirectoryName(found.id), log)
      if (found.summary === null) this.#found.set(log, found)
      else takeSummary(log, found.summary)
    }
    for (const name of leftDirectories) this.#context.trash.removeDirectoryLater(this.#path(name), 0)
  }

  open(id: LogId, epoch: number): StoredLog | Promise<StoredLog> {
    this.#checkOpen()
    const known = this.#logs.get(logDirectoryName(id))
    if (known !== undefined && this.#isAnothers(known, id)) {
      const where = this.setAside(known.id)
      this.#context.logger.warn(
        `${logDirectoryName(id)} belonged to topic id ${known.id.topicId || 'unknown'}, not ${id.topicId}: set aside as ${where}`,
      )
      return this.open(id, epoch)
    }
    const log = known ?? this.#create(id)
    if (log.epoch !== null && epoch < log.epoch) {
      throw new StoreError('fenced', `log ${log.home.log} was opened in epoch ${log.epoch}, now in ${epoch}`)
    }
    log.epoch = epoch
    if (log.isLoaded && log.failure === null) return new FileLog(log, this.#context)
    log.owner = null
    return this.#load(log, id).then(() => {
      if (log.epoch !== epoch || this.#logs.get(logDirectoryName(id)) !== log) {
        const what = log.epoch === epoch ? 'removed' : `opened in epoch ${log.epoch}`
        throw new StoreError('fenced', `log ${log.home.log} was to be opened in epoch ${epoch}, and ${what}`)
      }
      return new FileLog(log, this.#context)
    })
  }

  /** Logs that Kafka wrote before it knew topic ids are not listed before they have been opened. */
  list(): readonly LogId[] {
    return Array.from(this.#logs.values(), ({ id }) => id).filter(({ topicId }) => topicId !== '')
  }

  /** The log's directory is out of the way when this returns; its files are removed after file.delete.delay.ms. */
  remove(id: LogId): void {
    this.#checkOpen()
    const name = this.#putAway(id, 'delete')
    if (name === null) return
    this.#context.trash.removeDirectoryLater(this.#path(name), this.#context.fileDeleteDelayMs(id.topic))
  }

  setAside(id: LogId): string {
    this.#checkOpen()
    const name = this.#putAway(id, 'stray')
    return name === null ? 'nowhere' : this.#path(name)
  }

  async volume(): Promise<Volume> {
    const { dataDir, disk } = this.#context
    try {
      return { path: dataDir, ...(await disk.space(dataDir)) }
    } catch (error) {
      throw storeError(error, `${dataDir}: asking for its space failed`)
    }
  }

  file(id: LogId, name: string): Sidecar {
    if (!OWN_FILE_NAME.test(name) || parseFileName(name) !== null) {
      throw new StoreError('failed', `${JSON.stringify(name)} is no name of a file beside a log`)
    }
    const what = `${logDirectoryName(id)}/${name}`
    const known = (): LogFiles => {
      const log = this.#get(id)
      if (log === undefined) throw new StoreError('failed', `there is no log ${logDirectoryName(id)}`)
      return log
    }
    return {
      read: () => guarded(() => this.#get(id)?.sidecars.read(name) ?? null, `reading ${what} failed`),
      replace: (bytes) =>
        guarded(async () => {
          const { sidecars } = known()
          await sidecars.replace(name, bytes)
          await sidecars.settle()
        }, `writing ${what} failed`),
      remove: () =>
        guarded(async () => {
          await this.#get(id)?.sidecars.remove(name)
        }, `removing ${what} failed`),
    }
  }

  files(id: LogId): readonly string[] | Promise<readonly string[]> {
    const log = this.#get(id)
    if (log === undefined) return []
    const names = log.sidecars.names()
    return names instanceof Promise ? names.then((known) => log.ownFiles(known)) : log.ownFiles(names)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
    const { disk, dataDir, trash, logger, syncs } = this.#context
    syncs.widen(CLOSING_SYNCS)
    try {
      for (const log of this.#logs.values()) log.owner = null
      const logs = [...this.#logs.values()]
      // Who finds the marker trusts every log: those that nobody has opened are checked, and those that have failed.
      const unsure = logs.filter(({ isLoaded, failure }) => !isLoaded || failure !== null)
      await Promise.all(unsure.map((log) => this.#load(log, log.id)))
      await Promise.all(logs.map((log) => log.flush()))
      for (const log of logs) log.release()
      await Promise.all(logs.map((log) => log.syncIndexes()))
      await trash.empty()
      await this.#recoveryPoints.write()
      await writeCleanShutdown(disk, dataDir, logs.map(summaryOf))
    } catch (error) {
      logger.error({ err: error }, `${dataDir} could not be closed cleanly: the next start checks its logs`)
      for (const log of this.#logs.values()) log.abandon()
      await trash.empty().catch(() => {})
    }
    await this.#lock.unlock().catch((error: unknown) => {
      // The lock of a process that is gone is none.
      logger.warn({ err: error }, `${dataDir}/.lock could not be removed`)
    })
  }

  #create(id: LogId): LogFiles {
    const name = logDirectoryName(id)
    try {
      this.#context.disk.makeDirectory(this.#path(name))
      const log = this.#make(id, [])
      log.isDirectoryUnsafe = true
      log.areNamesUnsafe = true
      log.take({ segments: [FileSegment.create(log.home, 0n)], endOffset: 0n, recoveryPoint: 0n })
      void log.sidecars.replace(PARTITION_METADATA, encodePartitionMetadata(id.topicId))
      this.#settleLater(log)
      this.#logs.set(name, log)
      return log
    } catch (error) {
      throw storeError(error, `${name} could not be made`)
    }
  }

  #make(id: LogId, files: ConstructorParameters<typeof SidecarFiles>[3]): LogFiles {
    const { disk, openFiles, syncs } = this.#context
    const directory = this.#path(logDirectoryName(id))
    const home = {
      disk: new LogDisk(disk, directory),
      openFiles,
      log: logDirectoryName(id),
      directory,
      topic: id.topic,
      indexIntervalBytes: this.#indexIntervalBytes,
    }
    return new LogFiles(this.#context, id, home, new SidecarFiles(disk, syncs, directory, files))
  }

  /** Loads a log from its directory: one that was found there, or that has failed since. */
  #load(log: LogFiles, id: LogId): Promise<void> {
    const running = this.#loading.get(log)
    if (running !== undefined) return running
    const loading = this.#loads
      .run(() => this.#loadNow(log, id))
      .catch((error: unknown) => {
        throw storeError(error, `${log.home.log} could not be opened`)
      })
      .finally(() => this.#loading.delete(log))
    this.#loading.set(log, loading)
    return loading
  }

  async #loadNow(log: LogFiles, id: LogId): Promise<void> {
    const found = this.#found.get(log)
    log.abandon()
    await log.sidecars.look()
    const loaded = await loadLog(this.#context, log.home, {
      isClean: found?.isClean ?? false,
      mayHaveGaps: found?.mayHaveGaps ?? false,
      recoveryPoint: log.recoveryPoint,
      logStart: log.logStart ?? 0n,
      mustRewrite: log.hasFailedSync,
    })
    log.hasFailedSync = false
    const isLowered = loaded.recoveryPoint < log.recoveryPoint
    log.take(loaded)
    log.areNamesUnsafe = true
    if (isLowered) await this.#context.saveRecoveryPoints()
    if (log.id.topicId === '' && id.topicId !== '') {
      log.id = id
      await log.sidecars.replace(PARTITION_METADATA, encodePartitionMetadata(id.topicId))
    }
    this.#found.delete(log)
  }

  /** One sync does for all who ask before it starts. */
  #syncDataDir(isUrgent: boolean): Promise<void> {
    if (this.#dataDirSync !== null) return this.#dataDirSync
    const { disk, dataDir, syncs } = this.#context
    let hasStarted = false
    const synced = syncs.run(() => {
      hasStarted = true
      this.#dataDirSync = null
      return disk.syncDirectory(dataDir)
    }, isUrgent)
    // Where it was its turn at once nobody can join it any more.
    if (!hasStarted) this.#dataDirSync = synced
    return synced
  }

  #putAway(id: LogId, reason: 'delete' | 'stray'): string | null {
    const log = this.#get(id)
    if (log === undefined) return null
    const name = leftDirectoryName(id, this.#options.random.bytes(16), reason)
    log.owner = null
    log.abandon()
    log.sidecars.abandon()
    log.home.disk.leave()
    try {
      this.#context.disk.rename(log.home.directory, this.#path(name))
    } catch (error) {
      throw storeError(error, `${log.home.log} could not be put away`)
    }
    this.#logs.delete(logDirectoryName(id))
    this.#found.delete(log)
    this.#unsettled.delete(log)
    return name
  }

  #get(id: LogId): LogFiles | undefined {
    const log = this.#logs.get(logDirectoryName(id))
    return log?.id.topicId === id.topicId ? log : undefined
  }

  *#entries(offsetOf: (log: LogFiles) => bigint | null): Generator<CheckpointEntry> {
    for (const log of this.#logs.values()) {
      const offset = offsetOf(log)
      if (offset !== null) yield { topic: log.id.topic, partition: log.id.partition, offset }
    }
  }

  #checkpointLater(): void {
    this.#later('checkpoint', this.#options.checkpointIntervalMs ?? DEFAULT_CHECKPOINT_INTERVAL_MS, () =>
      this.#context.saveRecoveryPoints(),
    )
  }

  #settleLater(log: LogFiles): void {
    this.#unsettled.add(log)
    this.#later('settle', SETTLE_DELAY_MS, async () => {
      const logs = [...this.#unsettled]
      this.#unsettled.clear()
      await Promise.all(logs.map((unsettled) => unsettled.sidecars.settle(false)))
    })
  }

  #later(name: 'checkpoint' | 'settle', delayMs: number, work: () => Promise<void>): void {
    if (this.#timers.has(name) || this.#closing !== null) return
    const timer = this.#options.clock.schedule(delayMs, () => {
      this.#timers.delete(name)
      work().catch((error: unknown) => {
        this.#context.logger.warn({ err: error }, `${this.#context.dataDir}: a ${name} failed`)
      })
    })
    this.#timers.set(name, timer)
  }

  #path(name: string): string {
    return `${this.#context.dataDir}/${name}`
  }

  /**
   * Whether a log must be another topic's. One without a topic id is of any topic of its name, since Kafka wrote none
   * once, and files get lost; but not where the power was lost before the id was safe: the topic may be gone since.
   */
  #isAnothers(log: LogFiles, id: LogId): boolean {
    const { topicId } = log.id
    return topicId === '' ? this.#found.get(log)?.isOfUnknownTopic === true : topicId !== id.topicId
  }

  #checkOpen(): void {
    if (this.#closing !== null) throw new StoreError('closed', `${this.#context.dataDir} is closed`)
  }
}

function takeSummary(log: LogFiles, summary: LogSummary): void {
  log.take({
    segments: summary.segments.map((facts) => new FileSegment(log.home, facts.baseOffset, facts, true)),
    endOffset: summary.endOffset,
    recoveryPoint: summary.endOffset,
  })
}

function summaryOf(log: LogFiles): LogSummary {
  return { id: log.id, endOffset: log.endOffset, segments: log.segments, files: log.sidecars.kept() }
}
