/**
 * Snappy: one raw block, or the framing that Java's library puts around blocks (and so all Kafka clients, by now).
 */
import { CompressionError } from './compression-error.ts'
import { repeat } from './repeat.ts'

/** `\x82SNAPPY\0`, then a version and the lowest version that can read it, int32 each. */
const MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const HEADER_BYTES = MAGIC.length + 8
const VERSION = 1
/** The block size of Java's library. */
const BLOCK_BYTES = 32 * 1024
/** How many bytes a compressed one can stand for at most: a copy of 64 takes 3. */
const MAX_RATIO = 22

/**
 * Yields the content of each block, valid until the next is asked for.
 * @throws CompressionError when the bytes are no Snappy.
 */
export function* decompressSnappy(payload: Buffer): Generator<Buffer, void, void> {
  if (payload.length === 0) throw new CompressionError('no Snappy data')
  if (payload.length < HEADER_BYTES || !startsWithMagic(payload, 0)) {
    yield decompressBlock(payload)
    return
  }
  let position = HEADER_BYTES
  while (payload.length - position >= 4) {
    if (startsWithMagic(payload, position)) {
      position = skipHeader(payload, position)
      continue
    }
    const bytes = payload.readInt32BE(position)
    position += 4
    if (bytes < 0 || bytes > payload.length - position) {
      throw new CompressionError(`Snappy block of ${bytes} bytes where ${payload.length - position} are left`)
    }
    yield decompressBlock(payload.subarray(position, position + bytes))
    position += bytes
  }
}

/** Compresses as Java's library does: framed blocks of 32 KiB. */
export function compressSnappy(payload: Buffer): Buffer {
  const blocks = Math.ceil(payload.length / BLOCK_BYTES)
  // The longest that bytes can get: a literal's tag of 3 bytes for each 32 KiB block, and slack for its length.
  const out = Buffer.allocUnsafe(HEADER_BYTES + payload.length + blocks * (16 + BLOCK_BYTES / 6))
  MAGIC.copy(out)
  out.writeInt32BE(VERSION, MAGIC.length)
  out.writeInt32BE(VERSION, MAGIC.length + 4)
  let end = HEADER_BYTES
  for (let start = 0; start < payload.length; start += BLOCK_BYTES) {
    const blockEnd = compressBlock(payload.subarray(start, start + BLOCK_BYTES), out, end + 4)
    out.writeInt32BE(blockEnd - end - 4, end)
    end = blockEnd
  }
  return Buffer.from(out.subarray(0, end))
}

function startsWithMagic(payload: Buffer, position: number): boolean {
  return (
    payload.length - position >= MAGIC.length &&
    MAGIC.compare(payload, position, position + MAGIC.length) === 0
  )
}

/** Of a stream that follows another the version counts; that of the first is not looked at, as in Java's library. */
function skipHeader(payload: Buffer, position: number): number {
  const end = position + HEADER_BYTES
  if (end > payload.length) throw new CompressionError('Snappy header ends too early')
  const version = payload.readInt32BE(position + MAGIC.length)
  if (version < VERSION) throw new CompressionError(`Snappy framing of version ${version}`)
  return end
}

/** Decompresses one raw block: its length as a varint, then literals and copies. */
function decompressBlock(block: Buffer): Buffer {
  let length = 0
  let from = 0
  for (let shift = 0; ; shift += 7) {
    const byte = block[from++]
    if (byte === undefined || shift > 28 || (shift === 28 && byte > 0x0f)) throw malformed()
    length += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) break
  }
  if (length > block.length * MAX_RATIO) {
    throw new CompressionError(`Snappy block of ${block.length} bytes claims to hold ${length}`)
  }
  const out = Buffer.allocUnsafe(length)
  if (decompressElements(block, from, out) !== length) throw malformed()
  return out
}

function decompressElements(block: Buffer, start: number, out: Buffer): number {
  const end = block.length
  let from = start
  let to = 0
  while (from < end) {
    const tag = block[from++] as number
    if ((tag & 3) === 0) {
      let literals = (tag >> 2) + 1
      if (literals > 60) {
        const extra = literals - 60
        if (extra > end - from) throw malformed()
        literals = block.readUIntLE(from, extra) + 1
        from += extra
      }
      if (literals > end - from || literals > out.length - to) throw malformed()
      if (literals < 16) for (const stop = to + literals; to < stop; ) out[to++] = block[from++] as number
      else {
        out.set(block.subarray(from, from + literals), to)
        from += literals
        to += literals
      }
      continue
    }
    const distanceBytes = (tag & 3) === 3 ? 4 : tag & 3
    if (distanceBytes > end - from) throw malformed()
    let bytes = (tag >> 2) + 1
    let distance = 0
    if (distanceBytes === 1) {
      bytes = ((tag >> 2) & 7) + 4
      distance = ((tag >> 5) << 8) | (block[from] as number)
    } else if (distanceBytes === 2) distance = (block[from] as number) | ((block[from + 1] as number) << 8)
    else distance = block.readUInt32LE(from)
    from += distanceBytes
    if (distance === 0 || distance > to || bytes > out.length - to) throw malformed()
    to = repeat(out, to, distance, bytes)
  }
  return to
}

function malformed(): CompressionError {
  return new CompressionError('Snappy block is malformed')
}

const HASH_BITS = 12
/** Where four bytes of a hash were last seen, plus one; for the block that is being compressed. */
const seen: Uint16Array = new Uint16Array(1 << HASH_BITS)

/**
 * Compresses at most 64 KiB to `out` from `at` on: the first match that a table of four-byte hashes knows is taken.
 * @returns where it ends.
 */
function compressBlock(block: Buffer, out: Buffer, at: number): number {
  seen.fill(0)
  let to = at
  for (let left = block.length; ; left >>>= 7) {
    out[to++] = left < 0x80 ? left : (left & 0x7f) | 0x80
    if (left < 0x80) break
  }
  let anchor = 0
  let misses = 0
  for (let position = 0; position <= block.length - 4; ) {
    const word = block.readInt32LE(position)
    const slot = Math.imul(word, 0x9e3779b1) >>> (32 - HASH_BITS)
    const candidate = (seen[slot] as number) - 1
    seen[slot] = position + 1
    if (candidate < 0 || block.readInt32LE(candidate) !== word) {
      // What has not matched for long is not likely to: look at ever fewer positions.
      position += 1 + (misses++ >> 5)
      continue
    }
    misses = 0
    let end = position + 4
    for (let from = candidate + 4; end < block.length && block[end] === block[from]; from++) end++
    to = writeLiteral(block, anchor, position, out, to)
    to = writeCopies(out, to, position - candidate, end - position)
    anchor = end
    position = end
  }
  return writeLiteral(block, anchor, block.length, out, to)
}

function writeLiteral(block: Buffer, start: number, end: number, out: Buffer, at: number): number {
  const bytes = end - start
  if (bytes === 0) return at
  let to = at
  if (bytes <= 60) out[to++] = (bytes - 1) << 2
  else if (bytes <= 256) {
    out[to++] = 60 << 2
    out[to++] = bytes - 1
  } else {
    out[to++] = 61 << 2
    to = out.writeUInt16LE(bytes - 1, to)
  }
  block.copy(out, to, start, end)
  return to + bytes
}

/** A copy takes at most 64 bytes; a long match takes several. */
function writeCopies(out: Buffer, at: number, distance: number, bytes: number): number {
  let to = at
  for (let left = bytes; left > 0; ) {
    // What is left must never be below 4 unless it is written with the two-byte form, which takes any length.
    const now = Math.min(left, 64)
    if (now >= 4 && now <= 11 && distance < 2048) {
      out[to++] = 1 | ((now - 4) << 2) | ((distance >> 8) << 5)
      out[to++] = distance & 0xff
    } else {
      out[to++] = 2 | ((now - 1) << 2)
      to = out.writeUInt16LE(distance, to)
    }
    left -= now
  }
  return to
}
