import { createRequire } from 'node:module'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { crc32c, crc32cImplementation } from './crc32c.ts'

const javascript = createRequire(import.meta.url)('crc-32/crc32c.js') as {
  buf(bytes: Uint8Array, seed?: number): number
}

test('the check value of CRC-32C', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
  expect(crc32c(Buffer.alloc(0))).toBe(0)
})

test('says which implementation is in use', () => {
  expect(['native', 'javascript']).toContain(crc32cImplementation())
})

test('pieces give what the whole gives, and both implementations agree', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (bytes, cut) => {
      const whole = crc32c(bytes)
      expect(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut)))).toBe(whole)
      expect(javascript.buf(bytes) >>> 0).toBe(whole)
      expect(javascript.buf(bytes.subarray(cut), javascript.buf(bytes.subarray(0, cut))) >>> 0).toBe(whole)
    }),
  )
})
