/** The partition that clients put a key into unless they are told otherwise: murmur2 of it, as in the Java clients. */
export function partitionOfKey(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions
}

const SEED = 0x9747b28c
const FACTOR = 0x5bd1e995

/** MurmurHash2 by Austin Appleby (public domain), 32 bits. */
function murmur2(data: Uint8Array): number {
  const view = new DataView(data.buffer, data.byteOffset, data.length)
  let hash = SEED ^ data.length
  let at = 0
  for (; at + 4 <= data.length; at += 4) {
    let word = Math.imul(view.getInt32(at, true), FACTOR)
    word = Math.imul(word ^ (word >>> 24), FACTOR)
    hash = Math.imul(hash, FACTOR) ^ word
  }
  const left = data.length - at
  if (left > 0) {
    for (let byte = left - 1; byte >= 0; byte--) hash ^= view.getUint8(at + byte) << (8 * byte)
    hash = Math.imul(hash, FACTOR)
  }
  hash = Math.imul(hash ^ (hash >>> 13), FACTOR)
  return hash ^ (hash >>> 15)
}
