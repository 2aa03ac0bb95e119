/** What the records of one partition of `__consumer_offsets` amount to. Nothing but records changes it. */
import type { View } from '../coordinator/commit-queue.ts'
import type { GroupMetadataValue } from '../wire/coordinator-records/group-metadata.ts'
import type { OffsetCommitValue } from '../wire/coordinator-records/offset-commit.ts'
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
  readonly #offsets = new Map<string, Map<string, Map<number, Cell<OffsetCommitValue>>>>()

  /** Brings `view` up to date with `record`. Each record is applied to `latest` first, then to `committed`. */
  apply(view: View, record: GroupRecord): void {
    if (record.kind === 'group') {
      this.#setGroup(view, record.key.group, record.value ?? undefined)
      return
    }
    const { group, topic, partition } = record.key
    this.#setOffset(view, group, topic, partition, record.value ?? undefined)
    if (record.value !== null && this.group(view, group) === undefined) {
      this.#setGroup(view, group, SIMPLE_GROUP)
    }
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
    return this.#offsets.get(groupId)?.get(topic)?.get(partition)?.[view]
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
      const value = cell[view]
      if (value !== undefined) yield { topic, partition, value }
    }
  }

  /** The groups that have offsets, whether or not there still is such a group. */
  groupsWithOffsets(): Iterable<string> {
    return this.#offsets.keys()
  }

  #setGroup(view: View, groupId: string, value: GroupMetadataValue | undefined): void {
    setCell(this.#groups, groupId, view, value)
  }

  #setOffset(
    view: View,
    groupId: string,
    topic: string,
    partition: number,
    value: OffsetCommitValue | undefined,
  ): void {
    const topics = this.#offsets.get(groupId) ?? new Map<string, Map<number, Cell<OffsetCommitValue>>>()
    const partitions = topics.get(topic) ?? new Map<number, Cell<OffsetCommitValue>>()
    setCell(partitions, partition, view, value)
    if (partitions.size > 0) topics.set(topic, partitions)
    else topics.delete(topic)
    if (topics.size > 0) this.#offsets.set(groupId, topics)
    else this.#offsets.delete(groupId)
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
