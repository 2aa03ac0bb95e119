/** xxHash of 32 bits: the checksum within LZ4 frames. */

const PRIME_1 = 0x9e3779b1 | 0
const PRIME_2 = 0x85ebca77 | 0
const PRIME_3 = 0xc2b2ae3d | 0
const PRIME_4 = 0x27d4eb2f | 0
const PRIME_5 = 0x165667b1 | 0

/** The hash of the bytes from `start` to `end` with seed 0, unsigned. */
export function xxhash32(bytes: Buffer, start = 0, end: number = bytes.length): number {
  const length = end - start
  let position = start
  let hash = PRIME_5
  if (length >= 16) {
    let a = (PRIME_1 + PRIME_2) | 0
    let b = PRIME_2
    let c = 0
    let d = -PRIME_1 | 0
    for (; position <= end - 16; position += 16) {
      a = round(a, bytes.readInt32LE(position))
      b = round(b, bytes.readInt32LE(position + 4))
      c = round(c, bytes.readInt32LE(position + 8))
      d = round(d, bytes.readInt32LE(position + 12))
    }
    hash = (rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)) | 0
  }
  hash = (hash + length) | 0
  for (; position <= end - 4; position += 4) {
    hash = (hash + Math.imul(bytes.readInt32LE(position), PRIME_3)) | 0
    hash = Math.imul(rotate(hash, 17), PRIME_4)
  }
  for (; position < end; position++) {
    hash = (hash + Math.imul(bytes[position] as number, PRIME_5)) | 0
    hash = Math.imul(rotate(hash, 11), PRIME_1)
  }
  return avalanche(hash)
}

function round(lane: number, input: number): number {
  return Math.imul(rotate((lane + Math.imul(input, PRIME_2)) | 0, 13), PRIME_1)
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}

function avalanche(value: number): number {
  let hash = Math.imul(value ^ (value >>> 15), PRIME_2)
  hash = Math.imul(hash ^ (hash >>> 13), PRIME_3)
  return (hash ^ (hash >>> 16)) >>> 0
}
