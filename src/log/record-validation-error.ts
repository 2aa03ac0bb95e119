/** A produced batch that was refused for single records in it (KIP-467). */
import type { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'

/** What is wrong with one record. */
export interface RecordError {
  /** The record's place in the batch, from 0. */
  readonly batchIndex: number
  readonly batchIndexErrorMessage: string
}

/** Its message is what the client is to see; for any other error of an append Kafka answers no message. */
export class RecordValidationError extends KafkaError {
  readonly recordErrors: readonly RecordError[]

  constructor(code: ErrorCode, message: string, recordErrors: readonly RecordError[]) {
    super(code, message)
    this.recordErrors = recordErrors
  }
}
