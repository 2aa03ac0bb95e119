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
    if (payload.length - position < 8) throw corrupt('frame ends too early')
    const magic = payload.readUInt32LE(position)
    if (magic !== MAGIC) {
      if ((magic & ~15) >>> 0 !== SKIPPABLE_MAGIC) throw corrupt('frame without its magic')
      position += 8 + payload.readUInt32LE(position + 4)
      if (position > payload.length) throw corrupt('frame ends too early')
      continue
    }
    const header = readFrameHeader(payload, position + 4)
    position = yield* decompressBlocks(payload, header)
    if (header.hasChecksum) position += 4
    if (position > payload.length) throw corrupt('frame ends too early')
  }
}

/** Returns where the blocks end. */
function* decompressBlocks(payload: Buffer, header: FrameHeader): Generator<Buffer, number, void> {
  const decoder = new BlockDecoder(header.windowBytes)
  let position = header.end
  let contentBytes = 0
  for (let last = false; !last; ) {
    if (payload.length - position < 3) throw corrupt('block ends too early')
    const head = payload.readUIntLE(position, 3)
    position += 3
    last = (head & 1) === 1
    const type = (head >> 1) & 3
    const bytes = head >> 3
    const end = position + (type === 1 ? 1 : bytes)
    if (end > payload.length) throw corrupt('block ends too early')
    if (bytes > decoder.maxBlockBytes || type === 3) throw corrupt(`block of type ${type} and ${bytes} bytes`)
    const content =
      type === 0
        ? decoder.raw(payload, position, end)
        : type === 1
          ? decoder.fill(payload.readUInt8(position), bytes)
          : decoder.compressed(payload, position, end)
    contentBytes += content.length
    position = end
    if (content.length > 0) yield content
  }
  if (header.contentBytes >= 0 && contentBytes !== header.contentBytes) {
    throw corrupt(`frame of ${contentBytes} bytes where ${header.contentBytes} were announced`)
  }
  return position
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
