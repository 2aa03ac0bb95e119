/** A partition as the controller sees it, and how the records of the metadata log make and change it. */
import type { PartitionChangeRecord } from '../wire/metadata-records/partition-change-record.ts'
import type { PartitionRecord } from '../wire/metadata-records/partition-record.ts'

/** What those need to know of a partition who lead it, and those who tell clients of it. */
export interface PartitionRegistration {
  readonly index: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  /** -1 when nobody leads it. */
  readonly leader: number
  readonly leaderEpoch: number
  readonly partitionEpoch: number
}

/** All that the controller knows of a partition. */
export interface PartitionState extends PartitionRegistration {
  readonly removingReplicas: readonly number[]
  readonly addingReplicas: readonly number[]
  /** 1 while the leader makes good for an unclean election. */
  readonly leaderRecoveryState: number
  /** The ids of the directories that the replicas keep their logs in, in their order (KIP-858). */
  readonly directories: readonly string[]
  /** Replicas that are not in sync and yet have all that is committed (KIP-966). */
  readonly eligibleLeaderReplicas: readonly number[]
  readonly lastKnownElr: readonly number[]
}

/** The partition that a record makes. */
export function partitionState(record: PartitionRecord): PartitionState {
  const { partitionId, eligibleLeaderReplicas, lastKnownElr } = record
  const { replicas, isr, removingReplicas, addingReplicas, directories } = record
  const { leader, leaderRecoveryState, leaderEpoch, partitionEpoch } = record
  return {
    index: partitionId,
    replicas,
    isr,
    removingReplicas,
    addingReplicas,
    leader,
    leaderRecoveryState,
    leaderEpoch,
    partitionEpoch,
    directories,
    eligibleLeaderReplicas: eligibleLeaderReplicas ?? [],
    lastKnownElr: lastKnownElr ?? [],
  }
}

/** The record that makes the partition as it is. */
export function partitionRecord(topicId: string, partition: PartitionState): PartitionRecord {
  const { index: partitionId, eligibleLeaderReplicas, lastKnownElr, ...fields } = partition
  return {
    partitionId,
    topicId,
    ...fields,
    eligibleLeaderReplicas: nullIfEmpty(eligibleLeaderReplicas),
    lastKnownElr: nullIfEmpty(lastKnownElr),
  }
}

/**
 * The record that makes a broker the leader of a partition, alone if it was not in sync with others.
 * @param leader -1 for nobody.
 */
export function partitionLeadership(
  topicId: string,
  { index, isr }: PartitionState,
  leader: number,
): PartitionChangeRecord {
  const staysInSync = leader === -1 || isr.includes(leader)
  return {
    ...noPartitionChange,
    topicId,
    partitionId: index,
    leader,
    isr: staysInSync ? null : [leader],
    eligibleLeaderReplicas: staysInSync ? null : [],
    lastKnownElr: staysInSync ? null : [],
  }
}

/** A new leader, even the same one again, begins an epoch of its own; whatever changes, the partition's goes up. */
export function changedPartition(before: PartitionState, change: PartitionChangeRecord): PartitionState {
  const elects = change.leader !== NO_LEADER_CHANGE
  return {
    index: before.index,
    replicas: change.replicas ?? before.replicas,
    isr: change.isr ?? before.isr,
    removingReplicas: change.removingReplicas ?? before.removingReplicas,
    addingReplicas: change.addingReplicas ?? before.addingReplicas,
    leader: elects ? change.leader : before.leader,
    leaderRecoveryState:
      change.leaderRecoveryState === NO_RECOVERY_CHANGE
        ? before.leaderRecoveryState
        : change.leaderRecoveryState,
    leaderEpoch: before.leaderEpoch + (elects ? 1 : 0),
    partitionEpoch: before.partitionEpoch + 1,
    directories: change.directories ?? before.directories,
    eligibleLeaderReplicas: change.eligibleLeaderReplicas ?? before.eligibleLeaderReplicas,
    lastKnownElr: change.lastKnownElr ?? before.lastKnownElr,
  }
}

const NO_LEADER_CHANGE = -2
const NO_RECOVERY_CHANGE = -1

const noPartitionChange: Omit<PartitionChangeRecord, 'topicId' | 'partitionId'> = {
  isr: null,
  leader: NO_LEADER_CHANGE,
  replicas: null,
  removingReplicas: null,
  addingReplicas: null,
  leaderRecoveryState: NO_RECOVERY_CHANGE,
  directories: null,
  eligibleLeaderReplicas: null,
  lastKnownElr: null,
}

function nullIfEmpty(ids: readonly number[]): readonly number[] | null {
  return ids.length === 0 ? null : ids
}
