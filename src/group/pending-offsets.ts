/** The offsets of transactions that have not ended yet: nobody reads them, but they are known to be on their way. */
import type { OffsetCommitKey, OffsetCommitValue } from '../wire/coordinator-records/offset-commit.ts'

/** An offset as a record said it. */
export interface RecordedOffset {
  readonly value: OffsetCommitValue
  /** How far back in the log its record is, compared with others: the higher, the later. */
  readonly position: number
}

export interface PendingOffset extends RecordedOffset {
  readonly key: OffsetCommitKey
}

/** An offset of a transaction goes when the transaction ends, or when a tombstone for its partition comes first. */
export class PendingOffsets {
  /** By producer id, each by group, topic and partition. */
  readonly #byProducer = new Map<bigint, Map<string, PendingOffset>>()
  /** By group: its partitions, each with the producers that have an offset for it. */
  readonly #byGroup = new Map<string, Map<string, PendingPartition>>()

  add(producerId: bigint, pending: PendingOffset): void {
    const { group, topic, partition } = pending.key
    const ofProducer = this.#byProducer.get(producerId) ?? new Map<string, PendingOffset>()
    this.#byProducer.set(producerId, ofProducer)
    ofProducer.set(nameOf(pending.key), pending)
    const partitions = this.#byGroup.get(group) ?? new Map<string, PendingPartition>()
    this.#byGroup.set(group, partitions)
    const name = partitionName(topic, partition)
    const known = partitions.get(name)
    if (known === undefined) partitions.set(name, { topic, partition, producerIds: new Set([producerId]) })
    else known.producerIds.add(producerId)
  }

  /** Forgets what any transaction has for a partition of a group. */
  forget(key: OffsetCommitKey): void {
    const pending = this.#byGroup.get(key.group)?.get(partitionName(key.topic, key.partition))
    if (pending === undefined) return
    for (const producerId of [...pending.producerIds]) this.#remove(producerId, key)
  }

  /** What a producer's transaction has, which is over with this. */
  take(producerId: bigint): readonly PendingOffset[] {
    const taken = [...(this.#byProducer.get(producerId)?.values() ?? [])]
    for (const { key } of taken) this.#remove(producerId, key)
    return taken
  }

  has(group: string, topic: string, partition: number): boolean {
    return this.#byGroup.get(group)?.has(partitionName(topic, partition)) ?? false
  }

  hasGroup(group: string): boolean {
    return this.#byGroup.has(group)
  }

  groups(): Iterable<string> {
    return this.#byGroup.keys()
  }

  /** The partitions of a group that a transaction has an offset for. */
  partitions(group: string): Iterable<PendingPartition> {
    return this.#byGroup.get(group)?.values() ?? []
  }

  /** Everything, for tests. */
  *entries(): Generator<[producerId: bigint, pending: PendingOffset]> {
    for (const [producerId, offsets] of this.#byProducer) {
      for (const pending of offsets.values()) yield [producerId, pending]
    }
  }

  #remove(producerId: bigint, key: OffsetCommitKey): void {
    const ofProducer = this.#byProducer.get(producerId)
    ofProducer?.delete(nameOf(key))
    if (ofProducer?.size === 0) this.#byProducer.delete(producerId)
    const partitions = this.#byGroup.get(key.group)
    const name = partitionName(key.topic, key.partition)
    const producerIds = partitions?.get(name)?.producerIds
    producerIds?.delete(producerId)
    if (producerIds?.size === 0) partitions?.delete(name)
    if (partitions?.size === 0) this.#byGroup.delete(key.group)
  }
}

export interface PendingPartition {
  readonly topic: string
  readonly partition: number
  readonly producerIds: Set<bigint>
}

function nameOf({ group, topic, partition }: OffsetCommitKey): string {
  return `${group.length}:${group}${partitionName(topic, partition)}`
}

function partitionName(topic: string, partition: number): string {
  return `${topic}-${partition}`
}
