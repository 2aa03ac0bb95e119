import { type ErrorCode, errorName } from './error-codes.ts'

/** An error that the protocol can name: a handler answers it with its code. */
export class KafkaError extends Error {
  override readonly name: string = 'KafkaError'
  readonly code: ErrorCode

  /** @param message which check failed, with the values that it failed for; the name of the error when left out. */
  constructor(code: ErrorCode, message: string = errorName(code)) {
    super(message)
    this.code = code
  }
}
