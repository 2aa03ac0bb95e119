import { ErrorCode } from '../error-codes.ts'
import { KafkaError } from '../kafka-error.ts'

/**
 * Bytes that are not what their codec makes, or a codec that does not exist. Kafka knows no error code for it and
 * answers UNKNOWN_SERVER_ERROR.
 */
export class CompressionError extends KafkaError {
  override readonly name: string = 'CompressionError'

  /** @param cause what a decompressor threw. */
  constructor(message: string, cause?: unknown) {
    super(ErrorCode.UNKNOWN_SERVER_ERROR, message)
    if (cause !== undefined) this.cause = cause
  }
}

/**
 * What was decompressed before a fault, then the fault: records that are malformed on their own account are to be
 * found first.
 */
export async function* piecesThenFault(
  pieces: readonly Buffer[],
  fault: CompressionError,
): AsyncGenerator<Buffer> {
  yield* pieces
  throw fault
}
