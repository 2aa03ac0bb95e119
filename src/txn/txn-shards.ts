/** The partitions of `__transaction_state` that are led here: reading them, giving them up, and reading them again. */
import type { Timer } from '../clock.ts'
import type { CoordinatorLog, LogEntry } from '../coordinator/coordinator-log.ts'
import { partitionFor } from '../coordinator/partitioner.ts'
import { tellFailure } from '../coordinator/tell-failure.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { decodeRecord } from './records.ts'
import type { TxnServices } from './txn-services.ts'
import { TxnShard } from './txn-shard.ts'

/**
 * A log that fails twice in this time is not tried at once again by what was left to do when it was read, or it would
 * be read and fail without end.
 */
const REPEATED_FAILURE_MS = 1_000

/** A partition; without a shard while its log is being read. */
interface Slot {
  readonly log: CoordinatorLog
  readonly coordinatorEpoch: number
  shard: TxnShard | null
}

export class TxnShards {
  readonly #services: TxnServices
  readonly #slots = new Map<number, Slot>()
  /** When the logs have failed last, and whether that was soon after the time before. */
  readonly #failures = new Map<number, { readonly lastMs: number; readonly repeated: boolean }>()
  #overdueCheck: Timer | undefined
  #expiryCheck: Timer | undefined

  constructor(services: TxnServices) {
    this.#services = services
  }

  /**
   * Reads the log of a partition and takes over its transactional ids; returns when that is done. When the log fails
   * later, they are forgotten and it is read again.
   * @throws what reading the log threw, also as a rejection: the partition is then not coordinated here.
   */
  load(partition: number, log: CoordinatorLog, coordinatorEpoch: number): void | Promise<void> {
    this.unload(partition)
    const slot: Slot = { log, coordinatorEpoch, shard: null }
    this.#slots.set(partition, slot)
    this.#watchTime()
    const shard = new TxnShard(this.#services, log, coordinatorEpoch, (error) =>
      this.#recover(partition, slot, error),
    )
    const open = (): void => {
      if (this.#slots.get(partition) !== slot) return
      slot.shard = shard
      shard.open(this.#failures.get(partition)?.repeated ? REPEATED_FAILURE_MS : 0)
    }
    const abandon = (error: unknown): never => {
      if (this.#slots.get(partition) === slot) this.#slots.delete(partition)
      throw error
    }
    try {
      const entries = log.read()
      if (!(Symbol.iterator in entries)) return replayAll(shard, entries).then(open, abandon)
      for (const entry of entries) replay(shard, entry)
    } catch (error) {
      return abandon(error)
    }
    open()
  }

  /** Gives a partition up: whoever waits is sent to look for the new coordinator. */
  unload(partition: number): void {
    this.#give(partition, ErrorCode.NOT_COORDINATOR)
  }

  unloadAll(): void {
    for (const partition of [...this.#slots.keys()])
      this.#give(partition, ErrorCode.COORDINATOR_NOT_AVAILABLE)
    this.#overdueCheck?.cancel()
    this.#expiryCheck?.cancel()
    this.#overdueCheck = undefined
    this.#expiryCheck = undefined
  }

  partitionFor(transactionalId: string): number {
    return partitionFor(transactionalId, this.#services.config.partitionCount)
  }

  /** @throws KafkaError NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS. */
  shardOf(transactionalId: string): TxnShard {
    const partition = this.partitionFor(transactionalId)
    const slot = this.#slots.get(partition)
    if (slot === undefined) {
      throw new KafkaError(ErrorCode.NOT_COORDINATOR, `__transaction_state-${partition} is not led here`)
    }
    if (slot.shard === null) throw stillReading(partition)
    return slot.shard
  }

  /** Every partition led here, in their order. @throws KafkaError COORDINATOR_LOAD_IN_PROGRESS */
  all(): TxnShard[] {
    return [...this.#slots]
      .sort(([left], [right]) => left - right)
      .map(([partition, { shard }]) => {
        if (shard === null) throw stillReading(partition)
        return shard
      })
  }

  #give(partition: number, code: ErrorCode): void {
    const slot = this.#slots.get(partition)
    if (slot === undefined) return
    this.#slots.delete(partition)
    slot.shard?.close(new KafkaError(code, `__transaction_state-${partition} is not led here any more`))
  }

  #watchTime(): void {
    this.#overdueCheck ??= this.#scheduleOverdueCheck()
    this.#expiryCheck ??= this.#scheduleExpiryCheck()
  }

  #scheduleOverdueCheck(): Timer {
    const { clock, config } = this.#services
    return clock.schedule(config.abortTimedOutIntervalMs, () => {
      this.#overdueCheck = this.#scheduleOverdueCheck()
      for (const { shard } of [...this.#slots.values()]) shard?.abortOverdue()
    })
  }

  #scheduleExpiryCheck(): Timer {
    const { clock, config } = this.#services
    return clock.schedule(config.removeExpiredIntervalMs, () => {
      this.#expiryCheck = this.#scheduleExpiryCheck()
      for (const { shard } of [...this.#slots.values()]) shard?.expire()
    })
  }

  #recover(partition: number, slot: Slot, error: unknown): void {
    const { clock, logger } = this.#services
    tellFailure(logger, error, partition, 'the log of a transaction coordinator failed: reading it again')
    const lastMs = clock.now()
    const before = this.#failures.get(partition)
    const repeated = before !== undefined && lastMs - before.lastMs <= REPEATED_FAILURE_MS
    this.#failures.set(partition, { lastMs, repeated })
    if (this.#slots.get(partition) !== slot) return
    const failed = (cause: unknown): void => {
      tellFailure(
        logger,
        cause,
        partition,
        'the log of a transaction coordinator cannot be read: giving it up',
      )
    }
    try {
      void this.load(partition, slot.log, slot.coordinatorEpoch)?.catch(failed)
    } catch (cause) {
      failed(cause)
    }
  }
}

async function replayAll(shard: TxnShard, entries: AsyncIterable<LogEntry>): Promise<void> {
  for await (const entry of entries) replay(shard, entry)
}

/** Records of types that are not known here are a newer Kafka's. */
function replay(shard: TxnShard, entry: LogEntry): void {
  if (entry.kind !== 'record') return
  const decoded = decodeRecord(entry.record)
  if (decoded !== null) shard.replay(decoded)
}

function stillReading(partition: number): KafkaError {
  return new KafkaError(
    ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    `__transaction_state-${partition} is still being read`,
  )
}
