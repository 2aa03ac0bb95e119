/** What the records of one partition of `__consumer_offsets` amount to. Nothing but records changes it. */
import type { View } from '../coordinator/commit-queue.ts'
import type { GroupMetadataValue } from '../wire/coordinator-records/group-metadata.ts'
import type { OffsetCommitKey, OffsetCommitValue } from '../wire/coordinator-records/offset-commit.ts'
import { type PendingOffset, PendingOffsets, type RecordedOffset } from './pending-offsets.ts'
import type { GroupRecord } from './records.ts'

/** What a group is that only has offsets: a group of no protocol, without members, that no record speaks of. */
export const SIMPLE_GROUP: GroupMetadataValue = {
  protocolType: '',
  generation: 0,
  protocol: null,
  leader: null,
  currentStateTimestamp: -1n,
  members: [],
}

export class DurableState {
  readonly #groups = new Map<string, Cell<GroupMetadataValue>>()
  readonly #offsets = new Map<string, Map<string, Map<number, Cell<RecordedOffset>>>>()
  readonly #pending = { latest: new PendingOffsets(), committed: new PendingOffsets() }
  /** How many records of offsets have been applied: what takes the place of their offsets in the log, to compare. */
  readonly #positions = { latest: 0, committed: 0 }

  /**
   * Brings `view` up to date with `record`. Each record is applied to `latest` first, then to `committed`.
   * @param producerId whose transaction the record belongs to, or null: an offset then only counts from its end on.
   */
  apply(view: View, record: GroupRecord, producerId: bigint | null = null): void {
    if (record.kind === 'group') {
      this.#setGroup(view, record.key.group, record.value ?? undefined)
      return
    }
    const { key, value } = record
    this.#positions[view]++
    if (value === null) {
      this.#setOffset(view, key, undefined)
      this.#pending[view].forget(key)
      return
    }
    const position = this.#positions[view]
    if (producerId === null) this.#setOffset(view, key, { value, position })
    else this.#pending[view].add(producerId, { key, value, position })
    if (this.group(view, key.group) === undefined) this.#setGroup(view, key.group, SIMPLE_GROUP)
  }

  /** A marker: what is pending of the producer's transaction becomes visible, or is dropped. */
  endTransaction(view: View, producerId: bigint, commit: boolean): void {
    for (const { key, value, position } of this.#pending[view].take(producerId)) {
      if (!commit) continue
      // Of two commits the one whose record is later wins, and not the one that is visible later: a compacted log
      // has nothing but the later record.
      const known = this.#offsets.get(key.group)?.get(key.topic)?.get(key.partition)?.[view]
      if (known === undefined || known.position < position) this.#setOffset(view, key, { value, position })
    }
  }

  /** Whether a transaction that has not ended has an offset for the partition. */
  hasPending(view: View, groupId: string, topic: string, partition: number): boolean {
    return this.#pending[view].has(groupId, topic, partition)
  }

  /** Whether a transaction that has not ended has any offset for the group. */
  hasPendingOffsets(view: View, groupId: string): boolean {
    return this.#pending[view].hasGroup(groupId)
  }

  /** The partitions for which a transaction that has not ended has an offset. */
  pendingPartitions(
    view: View,
    groupId: string,
  ): Iterable<{ readonly topic: string; readonly partition: number }> {
    return this.#pending[view].partitions(groupId)
  }

  /** Every offset of a transaction that has not ended. */
  pendingOffsets(view: View): Iterable<[producerId: bigint, pending: PendingOffset]> {
    return this.#pending[view].entries()
  }

  group(view: View, groupId: string): GroupMetadataValue | undefined {
    return this.#groups.get(groupId)?.[view]
  }

  *groups(view: View): Generator<[groupId: string, group: GroupMetadataValue]> {
    for (const [groupId, cell] of this.#groups) {
      const group = cell[view]
      if (group !== undefined) yield [groupId, group]
    }
  }

  offset(view: View, groupId: string, topic: string, partition: number): OffsetCommitValue | undefined {
    return this.#offsets.get(groupId)?.get(topic)?.get(partition)?.[view]?.value
  }

  hasOffsets(view: View, groupId: string): boolean {
    for (const _ of this.offsets(view, groupId)) return true
    return false
  }

  *offsets(view: View, groupId: string): Generator<CommittedOffset> {
    for (const topic of this.#offsets.get(groupId)?.keys() ?? []) {
      yield* this.topicOffsets(view, groupId, topic)
    }
  }

  *topicOffsets(view: View, groupId: string, topic: string): Generator<CommittedOffset> {
    for (const [partition, cell] of this.#offsets.get(groupId)?.get(topic) ?? []) {
      const value = cell[view]?.value
      if (value !== undefined) yield { topic, partition, value }
    }
  }

  /** The groups that have offsets, pending ones included, whether or not there still is such a group. */
  groupsWithOffsets(): Iterable<string> {
    const { latest, committed } = this.#pending
    return new Set([...this.#offsets.keys(), ...latest.groups(), ...committed.groups()])
  }

  #setGroup(view: View, groupId: string, value: GroupMetadataValue | undefined): void {
    setCell(this.#groups, groupId, view, value)
  }

  #setOffset(view: View, key: OffsetCommitKey, offset: RecordedOffset | undefined): void {
    const { group, topic, partition } = key
    const topics = this.#offsets.get(group) ?? new Map<string, Map<number, Cell<RecordedOffset>>>()
    const partitions = topics.get(topic) ?? new Map<number, Cell<RecordedOffset>>()
    setCell(partitions, partition, view, offset)
    if (partitions.size > 0) topics.set(topic, partitions)
    else topics.delete(topic)
    if (topics.size > 0) this.#offsets.set(group, topics)
    else this.#offsets.delete(group)
  }
}

export interface CommittedOffset {
  readonly topic: string
  readonly partition: number
  readonly value: OffsetCommitValue
}

/** One value in both views; there is no cell for what neither view has. */
interface Cell<T> {
  latest: T | undefined
  committed: T | undefined
}

function setCell<K, T>(cells: Map<K, Cell<T>>, key: K, view: View, value: T | undefined): void {
  const cell = cells.get(key)
  if (cell === undefined) {
    if (value === undefined) return
    const created: Cell<T> = { latest: undefined, committed: undefined }
    created[view] = value
    cells.set(key, created)
    return
  }
  cell[view] = value
  if (cell.latest === undefined && cell.committed === undefined) cells.delete(key)
}
