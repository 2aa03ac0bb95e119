import { describe, expect, it } from 'vitest'
import { Re2, Re2SyntaxError } from './re2.ts'

describe('an expression in the syntax of RE2', () => {
  it.each([
    ['', ''],
    ['order-.*', 'order-1'],
    ['a|b|', ''],
    ['(a|b)+c?', 'abba'],
    ['(?:a{2,3}|b{2}){1,}?', 'aaabb'],
    ['a{,2}', 'a{,2}'],
    ['(?i)stra(?-i)SSE', 'STRASSE'],
    ['(?i)k', '\u212a'],
    ['(?i)[^a-z]', '1'],
    ['(?P<first>a)(?<second>b)', 'ab'],
    ['.', '\u{1f600}'],
    ['(?s).', '\n'],
    ['(?m)a$\\n^b', 'a\nb'],
    ['\\Aa\\b-\\Bz?\\z', 'a-'],
    ['\\Qa.b*\\E+', 'a.b**'],
    ['\\d\\D\\s\\S\\w\\W', '1a b_-'],
    ['[\\d\\-a-c]+', '1-b'],
    ['[]a]+[^]a]', ']ab'],
    ['[a-]+', 'a-'],
    ['[[:alpha:][:^ascii:]]+', 'a\u00e9'],
    ['\\pL\\p{Lu}\\p{Greek}\\P{Greek}\\p{^L}', 'aA\u03b1a1'],
    ['\\x41\\x{1F600}\\101\\0\\t\\_', 'A\u{1f600}A\0\t_'],
    ['a(?i)*', 'aaa'],
  ])('%j matches %j', (pattern, text) => {
    expect(new Re2(pattern).matches(text)).toBe(true)
  })

  it.each([
    ['order-', 'order-1'],
    ['a|b', 'ab'],
    ['.', '\n'],
    ['a$', 'a\n'],
    ['(?i)[^a-z]', 'A'],
    ['\\s', '\v'],
    ['\\w', '\u00e9'],
    ['(?s-s:.)', '\n'],
  ])('%j does not match %j', (pattern, text) => {
    expect(new Re2(pattern).matches(text)).toBe(false)
  })

  it.each([
    '(',
    ')',
    'a)(b',
    '*',
    '|+',
    'a**',
    'a*+',
    'a{2}{3}',
    'a{{1,2}',
    '{2}',
    'a{3,2}',
    'a{1001}',
    '(a{100}){100}',
    '(?=a)',
    '(?!a)',
    '(?<=a)',
    '(?>a)',
    '(?P<n>a)(?P<n>b)',
    '(a)\\1',
    '\\k<n>',
    '\\y',
    '\\Z',
    '\\C',
    '\\',
    '[a',
    '[]',
    '[z-a]',
    '[a-\\d]',
    '[[:none:]]',
    '[\\b]',
    '\\p{None}',
    '\\p{Letter}',
    '\\p{L',
    '\\x{110000}',
    '\\xg',
    '('.repeat(2000),
  ])('%j is none', (pattern) => {
    expect(() => new Re2(pattern)).toThrow(Re2SyntaxError)
  })

  it('takes no longer for one that would go back without end', () => {
    expect(new Re2('(a*)*(a|aa)+b').matches('a'.repeat(5_000))).toBe(false)
  })

  it('is refused when it would be too large', () => {
    expect(() => new Re2('.{1000}'.repeat(200))).toThrow('too large')
  })
})
