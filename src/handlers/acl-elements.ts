/** What the three APIs of ACLs have in common while no authorizer can be configured. */
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'

/** The code that Kafka's enums of ACLs keep for what they do not know. Codes that no enum has are let through. */
const UNKNOWN = 0

/**
 * Refuses codes that mean "unknown". Kafka does so while it parses the request and closes the connection; `fail` is
 * to do the same for INVALID_REQUEST.
 * @throws KafkaError INVALID_REQUEST.
 */
export function checkKnown(elements: Readonly<Record<string, number>>): void {
  for (const [name, code] of Object.entries(elements)) {
    if (code === UNKNOWN) throw new KafkaError(ErrorCode.INVALID_REQUEST, `${name} is UNKNOWN (${UNKNOWN})`)
  }
}

/** What every ACL request is answered without an authorizer. */
export function securityDisabled(): KafkaError {
  return new KafkaError(ErrorCode.SECURITY_DISABLED, 'No authorizer is configured on this broker.')
}
