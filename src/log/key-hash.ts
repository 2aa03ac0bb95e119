/**
 * HalfSipHash (Aumasson, Bernstein): a keyed hash in 32-bit words, which JavaScript is quick with. Who does not know
 * the key cannot find inputs that fall together.
 */

/** The key of a hash: any 8 bytes that nobody can guess. */
export interface HashKey {
  readonly low: number
  readonly high: number
}

/** Puts 64 bits of hash of `length` bytes into `out`, two words at `at` (HalfSipHash-2-4). */
export function hashBytes(
  bytes: Buffer,
  start: number,
  length: number,
  { low, high }: HashKey,
  out: Int32Array,
  at: number,
): void {
  let v0 = low
  let v1 = high ^ 0xee
  let v2 = low ^ 0x6c796765
  let v3 = high ^ 0x74656462
  const words = length >>> 2
  // A step for each word, one for what is left and the length, and four without input for each half of the result.
  for (let step = 0; step < words + 5; step++) {
    const position = start + 4 * step
    let word = 0
    if (step < words) {
      word =
        (bytes[position] as number) |
        ((bytes[position + 1] as number) << 8) |
        ((bytes[position + 2] as number) << 16) |
        ((bytes[position + 3] as number) << 24)
    } else if (step === words) {
      word = length << 24
      for (let left = 0; left < (length & 3); left++) word |= (bytes[position + left] as number) << (8 * left)
    } else if (step === words + 1) {
      v2 ^= 0xee
    } else if (step === words + 3) {
      out[at] = v1 ^ v3
      v1 ^= 0xdd
    }
    v3 ^= word
    for (let round = 0; round < 2; round++) {
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
    }
    v0 ^= word
  }
  out[at + 1] = v1 ^ v3
}
