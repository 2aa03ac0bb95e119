import { expect, test } from 'vitest'
import { parseProperties } from './properties.ts'

function parse(text: string | Buffer): [string, string, number][] {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text
  return parseProperties(bytes, 'a.properties').map(({ key, value, line }) => [key, value, line])
}

// What java.util.Properties makes of each was tried with the real one.
test.each<[string, string, [string, string, number][]]>([
  ['nothing', '', []],
  ['an equals sign', 'a=b', [['a', 'b', 1]]],
  ['a colon', 'a:b', [['a', 'b', 1]]],
  ['a space', 'a b', [['a', 'b', 1]]],
  ['a tab and a form feed', 'a\t\fb', [['a', 'b', 1]]],
  ['spaces around the separator', '  a  =  b  ', [['a', 'b  ', 1]]],
  ['two separators', 'a=:b', [['a', ':b', 1]]],
  ['a value with both', 'a = b=c:d', [['a', 'b=c:d', 1]]],
  ['a key alone', 'a', [['a', '', 1]]],
  ['a key and a separator', 'a=', [['a', '', 1]]],
  ['escaped separators', 'a\\=b\\:c\\ d=e', [['a=b:c d', 'e', 1]]],
  ['comments', '#a=b\n  !c=d\ne=f#g', [['e', 'f#g', 3]]],
  ['a comment that seems to go on', '#a\\\nb=c', [['b', 'c', 2]]],
  ['blank lines', '\n \t\n\fa=b', [['a', 'b', 3]]],
  [
    'every end of a line',
    'a=1\rb=2\r\nc=3\n',
    [
      ['a', '1', 1],
      ['b', '2', 2],
      ['c', '3', 3],
    ],
  ],
  [
    'a continued line',
    'a=b,\\\n   c,\\\n\td\ne=f',
    [
      ['a', 'b,c,d', 1],
      ['e', 'f', 4],
    ],
  ],
  ['a continued key', 'a\\\n  b=c', [['ab', 'c', 1]]],
  [
    'a blank line after a continued one',
    'a=b\\\n\nc=d',
    [
      ['a', 'b', 1],
      ['c', 'd', 3],
    ],
  ],
  ['a hash that continues a line', 'a=b\\\n#c', [['a', 'b#c', 1]]],
  ['a comment after nothing that goes on', '\\\n#a=1\nb=2', [['b', '2', 3]]],
  ['a backslash at the end of the file', 'a=b\\', [['a', 'b', 1]]],
  [
    'two backslashes at the end of a line',
    'a=b\\\\\nc=d',
    [
      ['a', 'b\\', 1],
      ['c', 'd', 2],
    ],
  ],
  ['three backslashes at the end of a line', 'a=b\\\\\\\nc=d', [['a', 'b\\c=d', 1]]],
  ['escapes', 'a=\\t\\n\\r\\f\\q\\\\', [['a', '\t\n\r\fq\\', 1]]],
  ['escaped characters', 'a=\\u00e4\\uD83D\\uDE00\\u0041', [['a', 'ä😀A', 1]]],
  ['a letter that only looks like an escape', 'a=\\\\u00e4', [['a', '\\u00e4', 1]]],
  ['UTF-8', 'a=ä😀', [['a', 'ä😀', 1]]],
  ['a byte order mark', '\uFEFFa=b', [['a', 'b', 1]]],
  [
    'the same key twice',
    'a=1\na=2',
    [
      ['a', '1', 1],
      ['a', '2', 2],
    ],
  ],
])('%s', (_what, text, entries) => {
  expect(parse(text)).toEqual(entries)
})

test('what is not UTF-8 is ISO-8859-1', () => {
  expect(parse(Buffer.from([0x61, 0x3d, 0xe4, 0xf6]))).toEqual([['a', 'äö', 1]])
})

test.each([
  ['a=1\nb=\\u00g0', 'a.properties:2: in the value of b, \\u is not followed by four hexadecimal digits'],
  ['b\\u12=1', 'a.properties:1: in the key b\\u12, \\u is not followed by four hexadecimal digits'],
  ['\n\n=1', 'a.properties:3: there is no key before the value 1'],
  ['a=\0', 'a.properties is no text: it holds null characters'],
])('%j is refused', (text, message) => {
  expect(() => parse(text)).toThrow(message)
})
