/** What is forgotten with time: offsets that nobody uses (KIP-211), and empty groups that have none. */
import type { OffsetCommitValue } from '../wire/coordinator-records/offset-commit.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import type { ClassicGroup } from './classic-group.ts'
import type { Decision, GroupShard } from './group-shard.ts'
import { type GroupRecord, groupTombstone, offsetTombstone } from './records.ts'

/** Forgets every offset whose time has come, and every empty group that has no offset left. */
export function expireOffsets(shard: GroupShard): Decision {
  const records: GroupRecord[] = []
  for (const group of shard.groups.values()) {
    const keepsOffsets = expireOffsetsOf(shard, group, records)
    if (!keepsOffsets && group.state === 'Empty') records.push(groupTombstone(group.groupId))
  }
  return { records, divisible: true }
}

/** Forgets all that is known of an empty group, what transactions are about to commit to it included. */
export function deleteGroup(shard: GroupShard, groupId: string): GroupRecord[] {
  const records: GroupRecord[] = []
  const { state } = shard
  for (const { topic, partition } of state.offsets('latest', groupId)) {
    records.push(offsetTombstone(groupId, topic, partition))
  }
  for (const { topic, partition } of state.pendingPartitions('latest', groupId)) {
    // One tombstone does for both.
    if (state.offset('latest', groupId, topic, partition) === undefined) {
      records.push(offsetTombstone(groupId, topic, partition))
    }
  }
  records.push(groupTombstone(groupId))
  return records
}

export interface DeletedTopic {
  readonly name: string
  readonly id: string
}

/**
 * Forgets the offsets of topics that are gone; those of a new topic of the same name stay. What is pending does not
 * know whose it is, and goes.
 */
export function deleteTopicOffsets(shard: GroupShard, topics: readonly DeletedTopic[]): Decision {
  const { state } = shard
  const records: GroupRecord[] = []
  const ids = new Map(topics.map(({ name, id }) => [name, id]))
  for (const groupId of state.groupsWithOffsets()) {
    const gone = new Set<number>()
    for (const [name, id] of ids) {
      gone.clear()
      for (const { partition, value } of state.topicOffsets('latest', groupId, name)) {
        if (value.topicId === ZERO_UUID || value.topicId === id) gone.add(partition)
      }
      for (const { topic, partition } of state.pendingPartitions('latest', groupId)) {
        if (topic === name) gone.add(partition)
      }
      for (const partition of gone) records.push(offsetTombstone(groupId, name, partition))
    }
  }
  return { records, divisible: true }
}

/** @returns whether the group has offsets that stay, or is about to get some. */
function expireOffsetsOf(shard: GroupShard, group: ClassicGroup, records: GroupRecord[]): boolean {
  const { state } = shard
  const since = retentionStart(group)
  let kept = state.hasPendingOffsets('latest', group.groupId)
  for (const { topic, partition, value } of state.offsets('latest', group.groupId)) {
    if (
      since !== null &&
      !group.isSubscribedTo(topic) &&
      isExpired(shard, value, since(value)) &&
      !state.hasPending('latest', group.groupId, topic, partition)
    ) {
      records.push(offsetTombstone(group.groupId, topic, partition))
    } else {
      kept = true
    }
  }
  return kept
}

/**
 * From when on the retention of an offset counts: in an empty group from when it became empty, otherwise, also in
 * a group that manages itself, from the commit. Null while nothing expires, since members may come back to it.
 */
function retentionStart(group: ClassicGroup): ((value: OffsetCommitValue) => bigint) | null {
  if (group.protocolType === null) return (value) => value.commitTimestamp
  if (group.state === 'Empty') {
    const emptySinceMs = group.stateTimestampMs
    return (value) => (emptySinceMs === -1n ? value.commitTimestamp : emptySinceMs)
  }
  const knowsTopics =
    group.usesConsumerProtocol && group.subscribedTopics !== null && group.state === 'Stable'
  return knowsTopics ? (value) => value.commitTimestamp : null
}

function isExpired(shard: GroupShard, value: OffsetCommitValue, sinceMs: bigint): boolean {
  const nowMs = BigInt(shard.nowMs)
  if (value.expireTimestamp !== -1n) return nowMs >= value.expireTimestamp
  return nowMs - sinceMs >= BigInt(shard.services.config.offsetsRetentionMs)
}
