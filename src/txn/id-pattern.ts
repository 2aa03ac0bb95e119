/** The pattern of ListTransactions v2 (KIP-1152): a regular expression that a whole transactional id must match. */
import { createContext, Script } from 'node:vm'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'

/** An expression that takes longer to match one id goes back and forth without end: nobody else could be answered. */
const MATCH_TIMEOUT_MS = 100

/** @throws KafkaError INVALID_REGULAR_EXPRESSION, also from the function when the expression takes too long. */
export function fullMatcher(pattern: string): (transactionalId: string) => boolean {
  const context = createContext({ expression: compile(pattern), text: '' })
  const script = new Script('expression.test(text)')
  return (transactionalId) => {
    context['text'] = transactionalId
    try {
      return script.runInContext(context, { timeout: MATCH_TIMEOUT_MS }) === true
    } catch {
      throw invalid(pattern, `it takes more than ${MATCH_TIMEOUT_MS} ms to match one`)
    }
  }
}

function compile(pattern: string): RegExp {
  try {
    // On its own first: within the group an unbalanced parenthesis could find a partner.
    new RegExp(pattern, 's')
    return new RegExp(`^(?:${pattern})$`, 's')
  } catch (error) {
    throw invalid(pattern, error instanceof Error ? error.message : String(error))
  }
}

function invalid(pattern: string, reason: string): KafkaError {
  return new KafkaError(
    ErrorCode.INVALID_REGULAR_EXPRESSION,
    `the pattern ${pattern} of transactional ids is no regular expression: ${reason}`,
  )
}
