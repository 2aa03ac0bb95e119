import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'

/** What whoever names a transactional id is answered, as if nobody were allowed to use one. */
export function transactionsNotServed(transactionalId: string | null): KafkaError {
  return new KafkaError(
    ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    `transactions are not served: transactional id ${transactionalId}`,
  )
}
