/** The pattern of ListTransactions v2 (KIP-1152): an expression of RE2 that a whole transactional id matches. */
import { Re2, Re2SyntaxError } from '../coordinator/re2.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'

/**
 * Those of `ids` that match as a whole.
 * @throws KafkaError INVALID_REGULAR_EXPRESSION
 */
export function matchingIds(pattern: string, ids: readonly string[]): ReadonlySet<string> {
  const expression = compile(pattern)
  return new Set(ids.filter((id) => expression.matches(id)))
}

function compile(pattern: string): Re2 {
  try {
    return new Re2(pattern)
  } catch (error) {
    if (!(error instanceof Re2SyntaxError)) throw error
    throw new KafkaError(
      ErrorCode.INVALID_REGULAR_EXPRESSION,
      `the pattern ${pattern} of transactional ids is no regular expression: ${error.message}`,
    )
  }
}
