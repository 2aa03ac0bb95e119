/** Which brokers hold the replicas of new partitions. */
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'

/**
 * Replica lists for `count` partitions, the first of which has index `firstIndex`: brokers take turns, so that
 * leaders and followers spread evenly.
 * @throws KafkaError INVALID_REPLICATION_FACTOR when there are fewer brokers than replicas.
 */
export function placeReplicas(
  brokerIds: readonly number[],
  firstIndex: number,
  count: number,
  replicationFactor: number,
): readonly (readonly number[])[] {
  if (replicationFactor > brokerIds.length) {
    throw new KafkaError(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      `Unable to replicate the partition ${replicationFactor} time(s): The target replication factor of ` +
        `${replicationFactor} cannot be reached because only ${brokerIds.length} broker(s) are registered.`,
    )
  }
  return Array.from({ length: count }, (_, partition) =>
    Array.from(
      { length: replicationFactor },
      (_, replica) => brokerIds[(firstIndex + partition + replica) % brokerIds.length] ?? -1,
    ),
  )
}

/** @throws KafkaError INVALID_REPLICA_ASSIGNMENT when a list that a client wrote by hand cannot be used. */
export function validateAssignment(
  brokerIds: readonly number[],
  isRegistered: (brokerId: number) => boolean,
  replicationFactor: number | null,
): void {
  const complain = (message: string): never => {
    throw new KafkaError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, message)
  }
  if (brokerIds.length === 0) complain('The manual partition assignment includes an empty replica list.')
  const sorted = brokerIds.toSorted((a, b) => a - b)
  for (const [position, id] of sorted.entries()) {
    if (!isRegistered(id)) {
      complain(`The manual partition assignment includes broker ${id}, but no such broker is registered.`)
    }
    if (position > 0 && sorted[position - 1] === id) {
      complain(`The manual partition assignment includes the broker ${id} more than once.`)
    }
  }
  if (replicationFactor !== null && sorted.length !== replicationFactor) {
    complain(
      `The manual partition assignment includes a partition with ${sorted.length} replica(s), but this is not ` +
        `consistent with previous partitions, which have ${replicationFactor} replica(s).`,
    )
  }
}
