/**
 * Decompresses Zstandard (RFC 8878) block by block. It is used where Node's own zlib has no zstd (before 22.15).
 * Dictionaries are not known, as in Kafka; content checksums are not compared, since a batch has its own.
 */
import { BlockDecoder } from './zstd-block.ts'
import { corrupt } from './zstd-entropy.ts'

const MAGIC = 0xfd2fb528
/** The sixteen magics of frames that carry no content. */
const SKIPPABLE_MAGIC = 0x184d2a50
/** What the reference implementation takes at most without being told otherwise. */
const MAX_WINDOW_BYTES = 2 ** 27
/** Magic, descriptor, window or size, and one block's head; as much as the head of a skippable frame. */
const MIN_FRAME_BYTES = 8
const BLOCK_HEAD_BYTES = 3
const CHECKSUM_BYTES = 4

interface BlockHead {
  readonly isLast: boolean
  /** 0 raw, 1 one byte repeated, 2 compressed. */
  readonly type: number
  /** Of the content of a block of type 0 or 1, of the compressed bytes of another. */
  readonly bytes: number
  readonly start: number
  readonly end: number
}

interface FrameHeader {
  readonly windowBytes: number
  /** -1 where the frame does not say. */
  readonly contentBytes: number
  readonly hasChecksum: boolean
  readonly end: number
}

/**
 * Yields the content of each block, valid until the next is asked for.
 * @throws CompressionError when the bytes are no Zstandard frames.
 */
export function* decompressZstd(payload: Buffer): Generator<Buffer, void, void> {
  let position = 0
  while (position < payload.length) {
    if (payload.length - position < MIN_FRAME_BYTES) throw corrupt('frame ends too early')
    const magic = payload.readUInt32LE(position)
    if (magic !== MAGIC) {
      if ((magic & ~15) >>> 0 !== SKIPPABLE_MAGIC) throw corrupt('frame without its magic')
      position += 8 + payload.readUInt32LE(position + 4)
      if (position > payload.length) throw corrupt('frame ends too early')
      continue
    }
    const header = readFrameHeader(payload, position + 4)
    position = yield* decompressBlocks(payload, header)
    if (header.hasChecksum) position += CHECKSUM_BYTES
    if (position > payload.length) throw corrupt('frame ends too early')
  }
}

/**
 * Whether the bytes are one whole frame and nothing else, as far as the sizes of its parts tell. Node's own
 * decompressor has to be told, since it says nothing of a frame that is cut, or of what follows the first.
 */
export function isOneWholeFrame(payload: Buffer): boolean {
  if (payload.length < MIN_FRAME_BYTES || payload.readUInt32LE(0) !== MAGIC) return false
  const header = readFrameHeader(payload, 4)
  for (let position = header.end; payload.length - position >= BLOCK_HEAD_BYTES; ) {
    const block = readBlockHead(payload, position)
    position = block.end
    if (block.isLast) return position + (header.hasChecksum ? CHECKSUM_BYTES : 0) === payload.length
  }
  return false
}

/** Returns where the blocks end. */
function* decompressBlocks(payload: Buffer, header: FrameHeader): Generator<Buffer, number, void> {
  const decoder = new BlockDecoder(header.windowBytes)
  let position = header.end
  let contentBytes = 0
  for (let isLast = false; !isLast; ) {
    if (payload.length - position < BLOCK_HEAD_BYTES) throw corrupt('block ends too early')
    const { type, bytes, start, end, isLast: last } = readBlockHead(payload, position)
    if (end > payload.length) throw corrupt('block ends too early')
    if (bytes > decoder.maxBlockBytes || type === 3) throw corrupt(`block of type ${type} and ${bytes} bytes`)
    const content =
      type === 0
        ? decoder.raw(payload, start, end)
        : type === 1
          ? decoder.fill(payload.readUInt8(start), bytes)
          : decoder.compressed(payload, start, end)
    contentBytes += content.length
    position = end
    isLast = last
    if (content.length > 0) yield content
  }
  if (header.contentBytes >= 0 && contentBytes !== header.contentBytes) {
    throw corrupt(`frame of ${contentBytes} bytes where ${header.contentBytes} were announced`)
  }
  return position
}

function readBlockHead(payload: Buffer, position: number): BlockHead {
  const head = payload.readUIntLE(position, BLOCK_HEAD_BYTES)
  const type = (head >> 1) & 3
  const bytes = head >> 3
  const start = position + BLOCK_HEAD_BYTES
  return { isLast: (head & 1) === 1, type, bytes, start, end: start + (type === 1 ? 1 : bytes) }
}

function readFrameHeader(payload: Buffer, start: number): FrameHeader {
  const descriptor = payload.readUInt8(start)
  const singleSegment = (descriptor & 0x20) !== 0
  if ((descriptor & 0x08) !== 0) throw corrupt('frame with a reserved bit')
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] as number
  const sizeFlag = descriptor >> 6
  const sizeBytes = sizeFlag === 0 ? (singleSegment ? 1 : 0) : 1 << sizeFlag
  const windowAt = start + 1
  const dictionaryAt = windowAt + (singleSegment ? 0 : 1)
  const sizeAt = dictionaryAt + dictionaryBytes
  const end = sizeAt + sizeBytes
  if (end > payload.length) throw corrupt('frame ends too early')
  if (dictionaryBytes > 0 && payload.readUIntLE(dictionaryAt, dictionaryBytes) !== 0) {
    throw corrupt('frame that needs a dictionary')
  }
  let contentBytes = -1
  if (sizeBytes === 8)
    contentBytes = payload.readUInt32LE(sizeAt) + payload.readUInt32LE(sizeAt + 4) * 2 ** 32
  else if (sizeBytes > 0) contentBytes = payload.readUIntLE(sizeAt, sizeBytes) + (sizeBytes === 2 ? 256 : 0)
  const windowBytes = singleSegment ? contentBytes : windowSize(payload.readUInt8(windowAt))
  if (windowBytes > MAX_WINDOW_BYTES) throw corrupt(`frame with a window of ${windowBytes} bytes`)
  return { windowBytes, contentBytes, hasChecksum: (descriptor & 0x04) !== 0, end }
}

function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3))
  return base + (base / 8) * (descriptor & 7)
}
