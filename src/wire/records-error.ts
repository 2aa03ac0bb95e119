import { ErrorCode } from './error-codes.ts'
import { KafkaError } from './kafka-error.ts'

/**
 * Record data that Kafka refuses. Its code is CORRUPT_MESSAGE where a batch cannot even be cut out, INVALID_RECORD
 * where what it says of itself or its records does not hold, and UNKNOWN_SERVER_ERROR where Kafka stumbles.
 */
export class RecordsError extends KafkaError {
  override readonly name: string = 'RecordsError'
}

export function corruptMessage(message: string): RecordsError {
  return new RecordsError(ErrorCode.CORRUPT_MESSAGE, message)
}

export function invalidRecord(message: string): RecordsError {
  return new RecordsError(ErrorCode.INVALID_RECORD, message)
}
