/** The pattern of ListTransactions v2 (KIP-1152): a regular expression of Java that a whole transactional id matches. */
import { runInNewContext } from 'node:vm'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'

/** An expression that takes longer goes back and forth without end, while nobody else is answered. */
const MATCH_TIMEOUT_MS = 500

/** What Java writes otherwise, by the letter behind the backslash; the other letters of `SHARED` mean the same. */
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['a', '\\x07'],
  ['e', '\\x1b'],
  ['h', '[ \\t\\xa0\\u1680\\u180e\\u2000-\\u200a\\u202f\\u205f\\u3000]'],
  ['A', '^'],
  ['z', '$'],
  ['Z', '$'],
])
const SHARED = 'bBcdDfnrsStuvwWxk'

/**
 * Those of `ids` that match as a whole.
 * @throws KafkaError INVALID_REGULAR_EXPRESSION, also for one that takes too long.
 */
export function matchingIds(pattern: string, ids: readonly string[]): ReadonlySet<string> {
  const expression = compile(pattern)
  try {
    const matching: unknown = runInNewContext(
      'ids.filter((id) => expression.test(id))',
      { expression, ids },
      { timeout: MATCH_TIMEOUT_MS },
    )
    return new Set(matching as readonly string[])
  } catch {
    throw invalid(pattern, `it takes more than ${MATCH_TIMEOUT_MS} ms`)
  }
}

function compile(pattern: string): RegExp {
  const [, flags = '', rest = ''] = /^(?:\(\?([is]+)\))?(.*)$/s.exec(pattern) ?? []
  const source = translated(rest, pattern)
  try {
    // On its own first: within the group an unbalanced parenthesis could find a partner.
    new RegExp(source)
    return new RegExp(`^(?:${source})$`, [...new Set(flags)].join(''))
  } catch (error) {
    throw invalid(pattern, error instanceof Error ? error.message : String(error))
  }
}

/** @throws KafkaError INVALID_REGULAR_EXPRESSION for what Java takes and JavaScript does not, or the other way round. */
function translated(rest: string, pattern: string): string {
  return rest.replace(
    /\[(?:\\.|[^\]\\])*\]|\\Q(.*?)(?:\\E|$)|\\(.?)|[{](?:\d+(?:,\d*)?[}][+]?)?|[*+?][+]/gs,
    (part, quoted?: string, escaped?: string) => {
      if (quoted !== undefined) return quoted.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
      if (escaped !== undefined) return translatedEscape(escaped, part, pattern)
      if (part === '{') throw invalid(pattern, 'a repetition { is none')
      if (part.length > 1 && part.endsWith('+') && !part.startsWith('['))
        throw invalid(pattern, `possessive ${part} is not supported here`)
      return part
    },
  )
}

function translatedEscape(escaped: string, part: string, pattern: string): string {
  const other = ESCAPES.get(escaped)
  if (other !== undefined) return other
  if (/[A-Za-z]/.test(escaped) && !SHARED.includes(escaped))
    throw invalid(pattern, `${part} is not supported here`)
  if (escaped === '') throw invalid(pattern, 'it ends with a backslash')
  return part
}

function invalid(pattern: string, reason: string): KafkaError {
  return new KafkaError(
    ErrorCode.INVALID_REGULAR_EXPRESSION,
    `the pattern ${pattern} of transactional ids is no regular expression: ${reason}`,
  )
}
