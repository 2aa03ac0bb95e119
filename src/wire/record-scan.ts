/** Looks over uncompressed records in the way that nearly all of them can be, which is several times faster than a walk. */

/** What the records have in common that were found well-formed and usual, up to the first that is not. */
export interface ScannedRecords {
  /** How many they are: the index of the first that still has to be walked. */
  readonly index: number
  /** Where that one begins. */
  readonly position: number
  /** Milliseconds, counted from the batch's base timestamp; 0 for both when there are no records. */
  readonly minTimestampDelta: number
  readonly maxTimestampDelta: number
  readonly hasNullKey: boolean
}

/**
 * Goes through up to `count` records for as long as none of their numbers takes more than three bytes, none has a
 * mistake, and so many bytes are left that no number needs a check of its own. It stops in front of any other, which
 * may be as good as these: that is for `walkRecords` to say, which begins there.
 *
 * Numbers are read in place: a function that tells a number and its length takes twice as long for a record.
 */
export function scanUsualRecords(payload: Buffer, count: number): ScannedRecords {
  const lastFront = payload.length - FRONT_BYTES
  const lastValue = payload.length - VALUE_BYTES
  let index = 0
  let position = 0
  let minTimestampDelta = 0
  let maxTimestampDelta = 0
  let hasNullKey = false
  for (; index < count && position <= lastFront; index++) {
    let at = position
    let size = payload[at++] as number
    if (size > 0x7f) {
      const second = payload[at++] as number
      size = (size & 0x7f) | ((second & 0x7f) << 7)
      if (second > 0x7f) size |= (payload[at++] as number) << 14
    }
    const end = at + (size >>> 1)
    // Behind the attributes, of which no bit means anything.
    at += 1
    let timestamp = payload[at++] as number
    if (timestamp > 0x7f) {
      const second = payload[at++] as number
      timestamp = (timestamp & 0x7f) | ((second & 0x7f) << 7)
      if (second > 0x7f) timestamp |= (payload[at++] as number) << 14
    }
    let offset = payload[at++] as number
    if (offset > 0x7f) {
      const second = payload[at++] as number
      offset = second > 0x7f ? (payload[at++] as number) << 14 : 0
    }
    let key = payload[at++] as number
    if (key > 0x7f) {
      const second = payload[at++] as number
      key = (key & 0x7f) | ((second & 0x7f) << 7)
      if (second > 0x7f) key |= (payload[at++] as number) << 14
    }
    if ((key & 1) === 0) at += key >>> 1
    if (at > lastValue) break
    let value = payload[at++] as number
    if (value > 0x7f) {
      const second = payload[at++] as number
      value = (value & 0x7f) | ((second & 0x7f) << 7)
      if (second > 0x7f) value |= (payload[at++] as number) << 14
    }
    if ((value & 1) === 0) at += value >>> 1
    // A third byte is the last of a usual number, and a size is not negative.
    if ((size | timestamp | offset | key | value) > MAX_USUAL || (size & 1) === 1) break
    if (at >= end || end > payload.length) break
    if (payload[at] === 0) at++
    else at = behindHeaders(payload, at)
    if (at !== end) break
    position = end
    const timestampDelta = (timestamp >>> 1) ^ -(timestamp & 1)
    if (index === 0 || timestampDelta < minTimestampDelta) minTimestampDelta = timestampDelta
    if (index === 0 || timestampDelta > maxTimestampDelta) maxTimestampDelta = timestampDelta
    if ((key & 1) === 1) hasNullKey = true
  }
  return { index, position, minTimestampDelta, maxTimestampDelta, hasNullKey }
}

/** Where headers end whose count stands at `position`; -1 when they are not usual. */
function behindHeaders(payload: Buffer, position: number): number {
  if (payload.length - position < VALUE_BYTES) return -1
  const count = shortVarint(payload, position)
  if (count === 0 || unzigzag(count) < 0) return -1
  let at = position + (count & LENGTH_BITS)
  for (let left = unzigzag(count); left > 0; left--) {
    if (payload.length - at < VALUE_BYTES) return -1
    const key = shortVarint(payload, at)
    at += (key & LENGTH_BITS) + unzigzag(key)
    if (key === 0 || unzigzag(key) < 0 || payload.length - at < VALUE_BYTES) return -1
    const value = shortVarint(payload, at)
    at += (value & LENGTH_BITS) + Math.max(unzigzag(value), 0)
    if (value === 0) return -1
  }
  return at
}

/** The numbers up to the key's length: a size, attributes, two deltas, and it. */
const FRONT_BYTES = 3 + 1 + 3 + 3 + 3
/** A length, and a byte behind it: there always is one more number, or the count of headers. */
const VALUE_BYTES = 4 + 1
/** Three bytes of seven bits. */
const MAX_USUAL = 2 ** 21 - 1
/** `shortVarint` tells how many bytes it took in its lowest bits. */
const LENGTH_SHIFT = 3
const LENGTH_BITS = 0b111

/**
 * A varint of at most four bytes, still in zigzag coding, and its length, in one number, so that nothing is allocated;
 * 0 for a longer one. The bytes must be there.
 */
function shortVarint(bytes: Buffer, at: number): number {
  const first = bytes[at] as number
  if (first < 0x80) return (first << LENGTH_SHIFT) | 1
  const second = bytes[at + 1] as number
  const two = (first & 0x7f) | ((second & 0x7f) << 7)
  if (second < 0x80) return (two << LENGTH_SHIFT) | 2
  const third = bytes[at + 2] as number
  const three = two | ((third & 0x7f) << 14)
  if (third < 0x80) return (three << LENGTH_SHIFT) | 3
  const fourth = bytes[at + 3] as number
  return fourth < 0x80 ? ((three | (fourth << 21)) << LENGTH_SHIFT) | 4 : 0
}

function unzigzag(short: number): number {
  const value = short >>> LENGTH_SHIFT
  return (value >>> 1) ^ -(value & 1)
}
