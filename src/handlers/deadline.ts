import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'

/**
 * Kafka's controller does not begin what should be done already.
 * @throws KafkaError REQUEST_TIMED_OUT when a request to the controller gives it no time.
 */
export function checkTimeout(timeoutMs: number): void {
  if (timeoutMs <= 0) throw new KafkaError(ErrorCode.REQUEST_TIMED_OUT)
}
