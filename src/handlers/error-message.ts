import { errorName } from '../wire/error-codes.ts'
import type { KafkaError } from '../wire/kafka-error.ts'

/** What a client is told beside the code: null, as from Kafka, where the error has no words of its own. */
export function errorMessage(error: KafkaError | null): string | null {
  return error === null || error.message === errorName(error.code) ? null : error.message
}
