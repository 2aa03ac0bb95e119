/** The partitions of `__consumer_offsets` that are led here: reading them, giving them up, and reading them again. */
import type { Timer } from '../clock.ts'
import type { CoordinatorLog, LogEntry } from '../coordinator/coordinator-log.ts'
import { partitionFor, topicPartitionHashCode } from '../coordinator/partitioner.ts'
import { tellFailure } from '../coordinator/tell-failure.ts'
import { javaHashMapOrder } from '../metadata/java-hash-order.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { Arrivals } from './arrivals.ts'
import { expireOffsets } from './expiry.ts'
import type { GroupServices } from './group-services.ts'
import { GroupShard } from './group-shard.ts'
import { prepareRebalance, touch } from './rebalance.ts'
import { decodeRecord } from './records.ts'

/** A partition; without a shard while its log is being read. */
interface Slot {
  readonly log: CoordinatorLog
  shard: GroupShard | null
  /** What is to be done when the log has been read. */
  readonly afterwards: ((shard: GroupShard) => void)[]
  expiry: Timer | null
}

export class GroupShards {
  readonly #services: GroupServices
  readonly #slots = new Map<number, Slot>()
  readonly arrivals: Arrivals

  constructor(services: GroupServices) {
    this.#services = services
    this.arrivals = new Arrivals(services.clientClock)
  }

  /**
   * Reads the log of a partition and takes over its groups; returns when that is done. When the log fails later,
   * its groups are forgotten and it is read again.
   * @throws what reading the log threw, also as a rejection: the partition is then not coordinated here.
   */
  load(partition: number, log: CoordinatorLog): void | Promise<void> {
    this.unload(partition)
    const slot: Slot = { log, shard: null, afterwards: [], expiry: null }
    this.#slots.set(partition, slot)
    const onFailure = (error: unknown): void => this.#recover(partition, slot, error)
    const shard = new GroupShard(this.#services, log, this.arrivals, onFailure)
    const abandon = (error: unknown): never => {
      if (this.#slots.get(partition) === slot) this.#slots.delete(partition)
      throw error
    }
    try {
      const entries = log.read()
      if (Symbol.iterator in entries) {
        for (const entry of entries) replay(shard, entry)
        this.#open(partition, slot, shard)
        return
      }
      return replayAll(shard, entries).then(() => this.#open(partition, slot, shard), abandon)
    } catch (error) {
      return abandon(error)
    }
  }

  /** Gives a partition up: whoever waits is sent to look for the new coordinator. */
  unload(partition: number): void {
    const slot = this.#slots.get(partition)
    if (slot === undefined) return
    this.#slots.delete(partition)
    slot.expiry?.cancel()
    slot.shard?.close(
      new KafkaError(ErrorCode.NOT_COORDINATOR, `__consumer_offsets-${partition} is not led here any more`),
    )
  }

  unloadAll(): void {
    for (const partition of [...this.#slots.keys()]) this.unload(partition)
  }

  partitionFor(groupId: string): number {
    return partitionFor(groupId, this.#services.config.partitionCount)
  }

  /** Group ids by the partition that they belong to, in the order in which Kafka asks the partitions. */
  byPartition(groupIds: readonly string[]): [partition: number, groupIds: string[]][] {
    const byPartition = new Map<number, string[]>()
    for (const groupId of groupIds) {
      const partition = this.partitionFor(groupId)
      const others = byPartition.get(partition)
      if (others === undefined) byPartition.set(partition, [groupId])
      else others.push(groupId)
    }
    const hashCode = (partition: number): number => topicPartitionHashCode('__consumer_offsets', partition)
    // Kafka's map gets them by `computeIfAbsent`, which puts the newest first where two share a bucket.
    return javaHashMapOrder([...byPartition.keys()].reverse(), hashCode).map((partition) => [
      partition,
      byPartition.get(partition) ?? [],
    ])
  }

  /** @throws KafkaError NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS. */
  shard(partition: number): GroupShard {
    const slot = this.#slots.get(partition)
    if (slot === undefined) {
      throw new KafkaError(ErrorCode.NOT_COORDINATOR, `__consumer_offsets-${partition} is not led here`)
    }
    if (slot.shard === null) {
      throw new KafkaError(
        ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
        `__consumer_offsets-${partition} is still being read`,
      )
    }
    return slot.shard
  }

  /** @throws KafkaError NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS. */
  shardOf(groupId: string): GroupShard {
    return this.shard(this.partitionFor(groupId))
  }

  /** Has `act` called for every partition led here: at once, or, while its log is being read, afterwards. */
  async forEach(act: (partition: number, shard: GroupShard) => Promise<void>): Promise<void> {
    const acts: Promise<void>[] = []
    for (const [partition, { shard, afterwards }] of [...this.#slots]) {
      if (shard !== null) acts.push(act(partition, shard))
      else afterwards.push((read) => void act(partition, read))
    }
    await Promise.all(acts)
  }

  /** Every partition led here, those still being read included. */
  partitions(): number[] {
    return [...this.#slots.keys()]
  }

  #open(partition: number, slot: Slot, shard: GroupShard): void {
    if (this.#slots.get(partition) !== slot) return
    shard.open()
    slot.shard = shard
    for (const group of shard.groups.values()) {
      for (const member of group.members) touch(shard, group, member)
      if (group.size > this.#services.config.maxSize) {
        shard.perform(() =>
          prepareRebalance(shard, group, `${group.size} members are more than are allowed now`),
        )
      }
    }
    this.#scheduleExpiry(slot, shard)
    for (const act of slot.afterwards.splice(0)) act(shard)
  }

  #scheduleExpiry(slot: Slot, shard: GroupShard): void {
    const { clock, config, logger } = this.#services
    slot.expiry = clock.schedule(config.offsetsRetentionCheckIntervalMs, () => {
      if (slot.shard !== shard) return
      try {
        shard.perform(() => expireOffsets(shard))
      } catch (error) {
        logger.error({ err: error }, 'expiry of committed offsets failed')
      }
      if (slot.shard === shard) this.#scheduleExpiry(slot, shard)
    })
  }

  #recover(partition: number, slot: Slot, error: unknown): void {
    const { logger } = this.#services
    tellFailure(logger, error, partition, 'the log of a group coordinator failed: reading it again')
    slot.expiry?.cancel()
    if (this.#slots.get(partition) !== slot) return
    const failed = (cause: unknown): void => {
      tellFailure(logger, cause, partition, 'the log of a group coordinator cannot be read: giving it up')
    }
    try {
      void this.load(partition, slot.log)?.catch(failed)
    } catch (cause) {
      failed(cause)
    }
  }
}

async function replayAll(shard: GroupShard, entries: AsyncIterable<LogEntry>): Promise<void> {
  for await (const entry of entries) replay(shard, entry)
}

/** Types of records that are not known here belong to kinds of groups that are not served here. */
function replay(shard: GroupShard, entry: LogEntry): void {
  if (entry.kind === 'marker') {
    shard.replayMarker(entry.marker)
    return
  }
  const record = decodeRecord(entry.record)
  if (record !== null) shard.replay(record, entry.producer)
}
