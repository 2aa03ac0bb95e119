/**
 * Bytes that are not what their codec makes, or a codec that does not exist. Kafka knows no error code for it and
 * answers UNKNOWN_SERVER_ERROR.
 */
export class CompressionError extends Error {
  override readonly name: string = 'CompressionError'
}
