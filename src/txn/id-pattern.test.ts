import { describe, expect, it } from 'vitest'
import { outcome } from './harness.suite.ts'
import { matchingIds } from './id-pattern.ts'

function matches(pattern: string, id: string): Promise<string> {
  return outcome(() => String(matchingIds(pattern, [id]).has(id)))
}

describe('the pattern of transactional ids', () => {
  it.each([
    ['order-.*', 'order-1', 'true'],
    ['order-', 'order-1', 'false'],
    ['a|b', 'ab', 'false'],
    ['(?i)ORDER', 'order', 'true'],
    ['\\Qa.b\\E\\d{2,}', 'a.b12', 'true'],
    ['\\Qa.b', 'axb', 'false'],
    ['\\Aab\\z', 'ab', 'true'],
    ['a.b', 'a\nb', 'false'],
    ['a-[0-9]+', 'a-12', 'true'],
    ['[{+]+', '{+', 'true'],
    ['(', '(', 'INVALID_REGULAR_EXPRESSION'],
    ['a)(b', 'a)(b', 'INVALID_REGULAR_EXPRESSION'],
    ['*', '*', 'INVALID_REGULAR_EXPRESSION'],
    ['a{', 'a{', 'true'],
    ['\\y', 'y', 'INVALID_REGULAR_EXPRESSION'],
    ['\\', '\\', 'INVALID_REGULAR_EXPRESSION'],
    ['(a+)+', `${'a'.repeat(40)}b`, 'false'],
  ])('%j on %j: %s', async (pattern, id, result) => {
    expect(await matches(pattern, id)).toBe(result)
  })
})
