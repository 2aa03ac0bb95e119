/** Decides when the logs of a broker are cleaned: retention, and compaction of the dirtiest log first. */
import { scheduler } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Clock, Random, Timer } from '../clock.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { CleanableRange } from '../log/cleanable-range.ts'
import { CompactionAborted } from '../log/log-cleaning.ts'
import { storageError } from '../log/store-queue.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type { Partition } from './partition.ts'
import type { ReplicaManager } from './replica-manager.ts'

export interface LogCleanerOptions {
  readonly clock: Clock
  readonly random: Random
  readonly config: BrokerConfig
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly replicas: Pick<ReplicaManager, 'partitions' | 'onCleanable'>
}

/** After so many bytes of compaction everybody else gets a turn. */
const TURN_BYTES = 256 * 1024
/** Kafka reads into one half of a cleaner's buffer, and writes into the other. */
const BUFFERS = 2

/**
 * Retention of logs that are only deleted from runs each log.retention.check.interval.ms, the first time after
 * log.initial.task.delay.ms. Compacted logs are looked at each log.cleaner.backoff.ms, and at once after one was
 * compacted; their old segments go then too. log.cleaner.threads is how many logs are compacted side by side.
 *
 * While there is no compacted log that a look could change, none is taken: the times of looks that nobody needs cost
 * nothing, also where a test moves its clock by a week.
 */
export class LogCleaner {
  readonly #options: LogCleanerOptions
  /** Logs that something is wrong with: nobody tries them again until the broker starts anew. */
  readonly #uncleanable = new WeakSet<Partition>()
  #timers: {
    readonly retention: Timer
    /** Null while there is nothing to look at. */
    readonly compaction: Timer | null
  } | null = null
  #lastLookMs = 0
  #working = 0
  #bytesSinceTurn = 0
  /** When log.cleaner.io.max.bytes.per.second allows the next byte. */
  #throttledUntilMs = 0
  readonly #throttled = new Map<() => void, Timer>()

  constructor(options: LogCleanerOptions) {
    this.#options = options
  }

  start(): void {
    const { clock, config, replicas } = this.#options
    this.#timers = {
      retention: clock.schedule(config.get('log.initial.task.delay.ms'), () => this.#checkRetention()),
      compaction: clock.schedule(0, () => this.#look()),
    }
    replicas.onCleanable(() => this.#wake())
    config.watch(() => this.#wake())
  }

  /** What is being compacted ends when its log is closed. */
  stop(): void {
    this.#timers?.retention.cancel()
    this.#timers?.compaction?.cancel()
    this.#timers = null
    for (const [go, timer] of this.#throttled) {
      timer.cancel()
      go()
    }
    this.#throttled.clear()
  }

  /** Deletes what is too old or too much in logs that are not compacted. */
  deleteOldSegments(): void {
    for (const partition of this.#options.replicas.partitions()) {
      if (!partition.compacted) this.#delete(partition)
    }
  }

  /** Compacts whatever is dirty enough, the dirtiest log first, then deletes what is too old in compacted logs. */
  async compact(): Promise<void> {
    const { config, replicas } = this.#options
    if (!config.get('log.cleaner.enable')) return
    const failed = new Set<Partition>()
    for (;;) {
      const dirtiest = await this.#dirtiest(failed)
      if (dirtiest === null) break
      await this.#compact(dirtiest.partition, dirtiest.range, failed)
    }
    for (const partition of replicas.partitions()) {
      if (partition.compacted && !this.#uncleanable.has(partition)) this.#delete(partition)
    }
  }

  #checkRetention(): void {
    const { clock, config } = this.#options
    if (this.#timers === null) return
    this.deleteOldSegments()
    const intervalMs = config.get('log.retention.check.interval.ms')
    this.#timers = { ...this.#timers, retention: clock.schedule(intervalMs, () => this.#checkRetention()) }
  }

  #look(): void {
    const { clock, config, logger } = this.#options
    if (this.#timers === null) return
    this.#lastLookMs = clock.now()
    if (!this.#mayCompact()) {
      this.#timers = { ...this.#timers, compaction: null }
      return
    }
    if (this.#working < config.get('log.cleaner.threads')) {
      this.#working++
      this.compact()
        .catch((error: unknown) => logger.error({ err: error }, 'the logs could not be cleaned'))
        .finally(() => {
          this.#working--
        })
    }
    this.#lookIn(config.get('log.cleaner.backoff.ms'))
  }

  /** There may be a log to compact: the next look is when it would have been if none had been left out. */
  #wake(): void {
    if (this.#timers === null || this.#timers.compaction !== null) return
    const { clock, config } = this.#options
    const backoffMs = Math.max(1, config.get('log.cleaner.backoff.ms'))
    const sinceMs = clock.now() - this.#lastLookMs
    this.#lookIn(backoffMs - (sinceMs % backoffMs))
  }

  #lookIn(delayMs: number): void {
    if (this.#timers === null) return
    const compaction = this.#options.clock.schedule(delayMs, () => this.#look())
    this.#timers = { ...this.#timers, compaction }
  }

  #mayCompact(): boolean {
    for (const { compacted, cleaning } of this.#options.replicas.partitions()) {
      if (compacted && !cleaning.settled) return true
    }
    return false
  }

  async #dirtiest(failed: Set<Partition>): Promise<{ partition: Partition; range: CleanableRange } | null> {
    let dirtiest: { partition: Partition; range: CleanableRange } | null = null
    for (const partition of this.#options.replicas.partitions()) {
      if (!partition.compacted || this.#uncleanable.has(partition) || failed.has(partition)) continue
      try {
        const looking = partition.cleanable()
        const range = looking instanceof Promise ? await looking : looking
        if (range === null || !range.due) continue
        if (dirtiest === null || range.dirtyRatio > dirtiest.range.dirtyRatio) dirtiest = { partition, range }
      } catch (error) {
        this.#tell(partition, storageError(error), failed)
      }
    }
    return dirtiest
  }

  async #compact(partition: Partition, range: CleanableRange, failed: Set<Partition>): Promise<void> {
    const { config, random, logger } = this.#options
    const threads = config.get('log.cleaner.threads')
    try {
      const { bytesBefore, bytesAfter, endOffset } = await partition.compact(range, {
        mapBytes: config.get('log.cleaner.dedupe.buffer.size') / threads,
        mapLoadFactor: config.get('log.cleaner.io.buffer.load.factor'),
        readBytes: Math.ceil(config.get('log.cleaner.io.buffer.size') / threads / BUFFERS),
        random,
        pause: (bytes) => this.#pause(bytes),
      })
      logger.info(`${partition} is compacted up to ${endOffset}: ${bytesBefore} bytes became ${bytesAfter}`)
    } catch (error) {
      this.#tell(partition, error, failed)
    }
  }

  /** A store that failed may do better next time; what fails on a log's own bytes would fail again. */
  #tell(partition: Partition, error: unknown, failed: Set<Partition>): void {
    const { logger } = this.#options
    failed.add(partition)
    if (error instanceof CompactionAborted || partition.deleted) return
    if (error instanceof KafkaError && error.code === ErrorCode.KAFKA_STORAGE_ERROR) {
      logger.warn({ err: error }, `the store failed when ${partition} was compacted`)
      return
    }
    this.#uncleanable.add(partition)
    logger.warn({ err: error }, `${partition} cannot be compacted, and is left as it is`)
  }

  #delete(partition: Partition): void {
    const { logger } = this.#options
    try {
      for (const { reason, baseOffsets } of partition.deleteOldSegments()) {
        logger.info(
          `segments ${baseOffsets.join(', ')} of ${partition} are deleted: ${reason}; ` +
            `the log starts at ${partition.logStartOffset}`,
        )
      }
    } catch (error) {
      logger.warn({ err: storageError(error) }, `old segments of ${partition} could not be deleted`)
    }
  }

  #pause(bytes: number): void | Promise<void> {
    const throttled = this.#throttle(bytes)
    this.#bytesSinceTurn += bytes
    if (this.#bytesSinceTurn < TURN_BYTES) return throttled
    this.#bytesSinceTurn = 0
    const turn = scheduler.yield()
    return throttled === undefined ? turn : turn.then(() => throttled)
  }

  #throttle(bytes: number): undefined | Promise<void> {
    const { clock, config } = this.#options
    const bytesPerMs = config.get('log.cleaner.io.max.bytes.per.second') / 1000
    const nowMs = clock.now()
    this.#throttledUntilMs = Math.max(this.#throttledUntilMs, nowMs) + bytes / bytesPerMs
    const waitMs = Math.ceil(this.#throttledUntilMs - nowMs)
    if (waitMs <= 1 || this.#timers === null) return undefined
    return new Promise((resolve) => {
      const timer = clock.schedule(waitMs, () => {
        this.#throttled.delete(resolve)
        resolve()
      })
      this.#throttled.set(resolve, timer)
    })
  }
}
