/**
 * LZ4 frames, as Kafka reads and writes them: version 1, independent blocks, no dictionary.
 * Blocks that refer to earlier ones are refused as Kafka refuses them.
 */
import { CompressionError } from './compression-error.ts'
import { repeat } from './repeat.ts'
import { xxhash32 } from './xxhash32.ts'

const MAGIC = 0x184d2204
/** Bits of the descriptor's first byte. */
const Flag = {
  RESERVED: 0x03,
  CONTENT_CHECKSUM: 0x04,
  CONTENT_SIZE: 0x08,
  BLOCK_CHECKSUM: 0x10,
  INDEPENDENT: 0x20,
  VERSION: 0xc0,
} as const
const VERSION_1 = 0x40
const CHECKSUM_BYTES = 4
/** A block's size with this bit stands for bytes that are not compressed. */
const STORED = 0x80000000
/** Kafka's own block size, and its number in the descriptor. */
const BLOCK_BYTES = 65536
const BLOCK_SIZE_NUMBER = 4

interface Descriptor {
  readonly hasBlockChecksums: boolean
  /** Kafka wants it to be there, but does not compare it. */
  readonly hasContentChecksum: boolean
  readonly maxBlockBytes: number
  /** Where the blocks begin. */
  readonly end: number
}

/**
 * Yields the content of each block, valid until the next is asked for.
 * @throws CompressionError when the bytes are no such frame. What follows its end mark is not looked at.
 */
export function* decompressLz4(payload: Buffer): Generator<Buffer, void, void> {
  const { hasBlockChecksums, hasContentChecksum, maxBlockBytes, end } = readDescriptor(payload)
  const block = new BlockDecoder(maxBlockBytes)
  let position = end
  for (;;) {
    if (payload.length - position < 4) throw cut()
    const sizeWord = payload.readUInt32LE(position)
    position += 4
    if (sizeWord === 0) {
      if (hasContentChecksum && payload.length - position < CHECKSUM_BYTES) throw cut()
      return
    }
    const bytes = sizeWord & ~STORED
    if (bytes > maxBlockBytes) {
      throw new CompressionError(`LZ4 block of ${bytes} bytes where ${maxBlockBytes} are allowed`)
    }
    const blockEnd = position + bytes
    if (payload.length - position < bytes + (hasBlockChecksums ? CHECKSUM_BYTES : 0)) throw cut()
    if (hasBlockChecksums && xxhash32(payload, position, blockEnd) !== payload.readUInt32LE(blockEnd)) {
      throw new CompressionError('LZ4 block with a wrong checksum')
    }
    if (sizeWord >= STORED) {
      yield payload.subarray(position, blockEnd)
    } else {
      yield block.decompress(payload, position, blockEnd)
    }
    position = blockEnd + (hasBlockChecksums ? CHECKSUM_BYTES : 0)
  }
}

/** Makes a frame of independent blocks of 64 KiB, without checksums of the content: what Kafka's producer makes. */
export function compressLz4(payload: Buffer): Buffer {
  const blocks = Math.ceil(payload.length / BLOCK_BYTES)
  const frame = Buffer.allocUnsafe(7 + payload.length + 4 * blocks + 4)
  frame.writeUInt32LE(MAGIC, 0)
  frame.writeUInt8(VERSION_1 | Flag.INDEPENDENT, 4)
  frame.writeUInt8(BLOCK_SIZE_NUMBER << 4, 5)
  frame.writeUInt8((xxhash32(frame, 4, 6) >>> 8) & 0xff, 6)
  let end = 7
  for (let start = 0; start < payload.length; start += BLOCK_BYTES) {
    const block = payload.subarray(start, start + BLOCK_BYTES)
    // A block that does not get smaller is stored as it is, so there is always room.
    const written = compressBlock(block, frame.subarray(end + 4, end + 4 + block.length - 1))
    if (written === 0) block.copy(frame, end + 4)
    frame.writeUInt32LE(written === 0 ? (block.length | STORED) >>> 0 : written, end)
    end += 4 + (written === 0 ? block.length : written)
  }
  frame.writeUInt32LE(0, end)
  return frame.subarray(0, end + 4)
}

function readDescriptor(payload: Buffer): Descriptor {
  if (payload.length < 7) throw cut()
  if (payload.readUInt32LE(0) !== MAGIC) throw new CompressionError('no LZ4 frame')
  const flags = payload.readUInt8(4)
  const blockSize = payload.readUInt8(5)
  if ((flags & Flag.VERSION) !== VERSION_1 || (flags & Flag.RESERVED) !== 0) {
    throw new CompressionError(`LZ4 frame with flags ${flags}`)
  }
  if ((flags & Flag.INDEPENDENT) === 0) throw new CompressionError('LZ4 frame with dependent blocks')
  const sizeNumber = blockSize >> 4
  if ((blockSize & 0x0f) !== 0 || sizeNumber < 4 || sizeNumber > 7) {
    throw new CompressionError(`LZ4 frame with block size ${blockSize}`)
  }
  const checksumAt = 6 + ((flags & Flag.CONTENT_SIZE) !== 0 ? 8 : 0)
  if (payload.length <= checksumAt) throw cut()
  if (((xxhash32(payload, 4, checksumAt) >>> 8) & 0xff) !== payload.readUInt8(checksumAt)) {
    throw new CompressionError('LZ4 frame descriptor with a wrong checksum')
  }
  return {
    hasContentChecksum: (flags & Flag.CONTENT_CHECKSUM) !== 0,
    hasBlockChecksums: (flags & Flag.BLOCK_CHECKSUM) !== 0,
    maxBlockBytes: 2 ** (8 + 2 * sizeNumber),
    end: checksumAt + 1,
  }
}

function cut(): CompressionError {
  return new CompressionError('LZ4 frame ends too early')
}

/** Decompresses blocks one after the other, into the same memory. */
class BlockDecoder {
  readonly #maxBytes: number
  #out: Buffer = Buffer.alloc(0)

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The content of the block that lies between `start` and `end`, valid until the next call. */
  decompress(source: Buffer, start: number, end: number): Buffer {
    let out = this.#reserve(Math.min(4 * (end - start), this.#maxBytes), 0)
    let from = start
    let to = 0
    while (from < end) {
      const token = source[from++] as number
      let literals = token >> 4
      if (literals === 15) {
        for (let more = 255; more === 255; literals += more) {
          if (from >= end) throw malformed()
          more = source[from++] as number
        }
      }
      if (literals > end - from) throw malformed()
      if (literals > out.length - to) out = this.#reserve(to + literals, to)
      if (literals < 16) for (const stop = to + literals; to < stop; ) out[to++] = source[from++] as number
      else {
        out.set(source.subarray(from, from + literals), to)
        from += literals
        to += literals
      }
      if (from === end) return out.subarray(0, to)
      if (end - from < 2) throw malformed()
      const distance = (source[from] as number) | ((source[from + 1] as number) << 8)
      from += 2
      let bytes = (token & 15) + 4
      if (bytes === 19) {
        for (let more = 255; more === 255; bytes += more) {
          if (from >= end) throw malformed()
          more = source[from++] as number
        }
      }
      if (distance === 0 || distance > to) throw malformed()
      if (bytes > out.length - to) out = this.#reserve(to + bytes, to)
      to = repeat(out, to, distance, bytes)
    }
    throw malformed()
  }

  /** Room for `bytes` or more, with the first `kept` of what is there. */
  #reserve(bytes: number, kept: number): Buffer {
    if (bytes > this.#out.length) {
      if (bytes > this.#maxBytes) throw malformed()
      const grown = Buffer.allocUnsafe(Math.min(this.#maxBytes, Math.max(bytes, 2 * this.#out.length)))
      this.#out.copy(grown, 0, 0, kept)
      this.#out = grown
    }
    return this.#out
  }
}

function malformed(): CompressionError {
  return new CompressionError('LZ4 block is malformed')
}

const HASH_BITS = 13
/** Where four bytes of a hash were last seen, plus one; for the block that is being compressed. */
const seen: Uint16Array = new Uint16Array(1 << HASH_BITS)
/** The format wants a block's last five bytes as literals, and no match within the last twelve. */
const LAST_LITERALS = 5
const MATCH_LIMIT = 12

/**
 * Compresses at most 64 KiB into `out`: the first match that a table of four-byte hashes knows is taken.
 * @returns how many bytes that took, or 0 when `out` is too small for it.
 */
function compressBlock(block: Buffer, out: Buffer): number {
  seen.fill(0)
  let anchor = 0
  let to = 0
  let misses = 0
  for (let at = 0; at < block.length - MATCH_LIMIT; ) {
    const word = block.readInt32LE(at)
    const slot = Math.imul(word, 0x9e3779b1) >>> (32 - HASH_BITS)
    const candidate = (seen[slot] as number) - 1
    seen[slot] = at + 1
    if (candidate < 0 || block.readInt32LE(candidate) !== word) {
      // What has not matched for long is not likely to: look at ever fewer positions.
      at += 1 + (misses++ >> 6)
      continue
    }
    misses = 0
    let end = at + 4
    for (let from = candidate + 4; end < block.length - LAST_LITERALS && block[end] === block[from]; from++)
      end++
    to = writeSequence(block, anchor, at, out, to, at - candidate, end - at)
    if (to < 0) return 0
    anchor = end
    at = end
  }
  to = writeSequence(block, anchor, block.length, out, to, 0, 0)
  return Math.max(to, 0)
}

/** Writes literals and, where `distance` is not 0, a match; -1 when there is no room for them. */
function writeSequence(
  block: Buffer,
  start: number,
  end: number,
  out: Buffer,
  at: number,
  distance: number,
  matchBytes: number,
): number {
  const literals = end - start
  const needed = 1 + literals / 255 + 1 + literals + 2 + matchBytes / 255 + 1
  if (at + needed > out.length) return -1
  const extra = distance === 0 ? 0 : matchBytes - 4
  let to = at
  out[to++] = (Math.min(literals, 15) << 4) | Math.min(extra, 15)
  if (literals >= 15) to = writeLength(out, to, literals - 15)
  block.copy(out, to, start, end)
  to += literals
  if (distance === 0) return to
  out[to++] = distance & 0xff
  out[to++] = distance >> 8
  return extra >= 15 ? writeLength(out, to, extra - 15) : to
}

function writeLength(out: Buffer, at: number, length: number): number {
  let to = at
  let left = length
  for (; left >= 255; left -= 255) out[to++] = 255
  out[to++] = left
  return to
}
