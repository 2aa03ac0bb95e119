/** The isolation level of a request. */
import { Isolation } from '../replica/partition.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'

/** @throws KafkaError UNKNOWN_SERVER_ERROR, as Kafka answers to a level that it does not know. */
export function checkIsolation(level: number): void {
  if (level === Isolation.READ_UNCOMMITTED || level === Isolation.READ_COMMITTED) return
  throw new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, `there is no isolation level ${level}`)
}
