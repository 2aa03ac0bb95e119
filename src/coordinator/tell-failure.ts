/** How a coordinator tells that its log has failed. */
import type { Logger } from 'pino'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'

/** Of a log that is offline there is an error in the broker's log already: one of each outage is enough. */
export function tellFailure(
  logger: Pick<Logger, 'info' | 'error'>,
  error: unknown,
  partition: number,
  what: string,
): void {
  const isOffline = error instanceof KafkaError && error.code === ErrorCode.KAFKA_STORAGE_ERROR
  logger[isOffline ? 'info' : 'error']({ err: error, partition }, what)
}
