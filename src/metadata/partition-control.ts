/**
 * Decisions on partitions that exist: who leads them and where they are. A single broker leads and holds them all, so
 * that nothing ever has to change; what is left are the checks, in the order of Kafka's controller.
 */
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type { Metadata, PartitionRegistration } from './metadata.ts'
import { validateAssignment } from './placement.ts'

/** How a leader is to be found (KIP-460). */
export const ElectionType = { PREFERRED: 0, UNCLEAN: 1 } as const

/** Why a partition gets no other leader: it has the one that is asked for, there is no such one, or no such partition. */
export function leaderElection(
  metadata: Metadata,
  topicName: string,
  index: number,
  electionType: number,
): KafkaError {
  const topic = metadata.topic(topicName)
  if (topic === undefined) return unknown(`No such topic as ${topicName}`)
  const partition = topic.partitions[index]
  if (partition === undefined) return unknown(`No such partition as ${topicName}-${index}`)
  const preferred = electionType === ElectionType.PREFERRED
  if (preferred ? isLedAsPreferred(partition) : partition.leader !== -1) {
    return new KafkaError(ErrorCode.ELECTION_NOT_NEEDED, `${topicName}-${index} needs no election.`)
  }
  return new KafkaError(
    preferred ? ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE : ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE,
    `No replica of ${topicName}-${index} can lead it.`,
  )
}

/**
 * Checks where a partition is to be moved to. With one broker that can only be where it is.
 * @param replicas null to give up a move that has begun.
 * @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION, NO_REASSIGNMENT_IN_PROGRESS, INVALID_REPLICA_ASSIGNMENT.
 */
export function reassignPartition(
  metadata: Metadata,
  topicName: string,
  index: number,
  replicas: readonly number[] | null,
): void {
  const topic = metadata.topic(topicName)
  if (topic === undefined) throw unknown(`Unable to find a topic named ${topicName}.`)
  if (topic.partitions[index] === undefined) throw unknown(`Unable to find partition ${topicName}:${index}.`)
  if (replicas === null) throw new KafkaError(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS)
  validateAssignment(replicas, (id) => metadata.hasBroker(id), null)
}

function isLedAsPreferred({ leader, replicas }: PartitionRegistration): boolean {
  return leader === replicas[0]
}

function unknown(message: string): KafkaError {
  return new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message)
}
