import { expect, it } from 'vitest'
import { hashBytes } from './key-hash.ts'

/** The key is 0 to 7, the input of so many bytes counts up from 0: the algorithm's own test vectors. */
it.each([
  [0, '218d1f59b9b83cc8'],
  [1, 'be552412f8387315'],
  [3, 'ce0f1a45f7060679'],
  [4, 'd5e78a175be52ea1'],
  [7, 'ff202728b07bc684'],
  [16, '7336aad25f7bf3b5'],
  [63, '2ea63c71bf326087'],
])('HalfSipHash-2-4 of %i bytes', (length, expected) => {
  const bytes = Buffer.from(Array.from({ length: length + 2 }, (_, index) => index - 1))
  const out = new Int32Array(3)
  hashBytes(bytes, 1, length, { low: 0x03020100, high: 0x07060504 }, out, 1)
  expect(Buffer.from(out.buffer).toString('hex', 4)).toBe(expected)
})
