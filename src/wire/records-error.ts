/** Record data that Kafka refuses: the answer is the error's code. */

/** CORRUPT_MESSAGE: the batch cannot even be cut out, or its CRC does not match. */
export const CORRUPT_MESSAGE = 2
/** INVALID_RECORD: the batch is whole, but what it says of itself or its records does not hold. */
export const INVALID_RECORD = 87

export class RecordsError extends Error {
  override readonly name: string = 'RecordsError'
  /** The error code that Kafka answers: CORRUPT_MESSAGE or INVALID_RECORD. */
  readonly code: typeof CORRUPT_MESSAGE | typeof INVALID_RECORD

  constructor(code: typeof CORRUPT_MESSAGE | typeof INVALID_RECORD, message: string) {
    super(message)
    this.code = code
  }
}
