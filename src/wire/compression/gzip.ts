/**
 * gzip (RFC 1952) around Node's own inflate. The framing is read here, and not by zlib, because Kafka takes what
 * zlib's does not: garbage behind the last member is ignored, and content counts before its checksum was looked at.
 */
import { promisify } from 'node:util'
import type { ZlibOptions } from 'node:zlib'
import { CompressionError, piecesThenFault } from './compression-error.ts'
import { asCompressionError, loadZlib, streamed } from './zlib.ts'

/** Payloads above this are compressed off the event loop. */
const SYNCHRONOUS_BYTES = 64 * 1024
/** The size of the pieces that a stream yields. */
const PIECE_BYTES = 256 * 1024

/** Bits of a member's fourth byte: which optional parts its header has. */
const Flag = { HEADER_CRC: 0x02, EXTRA: 0x04, NAME: 0x08, COMMENT: 0x10 } as const
const HEADER_BYTES = 10
const DEFLATE = 8
/** CRC-32 and length of the content. */
const TRAILER_BYTES = 8

/** @throws CompressionError, from the iteration too, when the bytes are no gzip. */
export function decompressGzip(payload: Buffer, synchronousBytes: number): Buffer | AsyncIterable<Buffer> {
  const start = headerEnd(payload, 0)
  // The last four bytes tell how long the content is, of the last member and modulo 2^32: a hint, no more.
  const hintBytes = payload.readUInt32LE(payload.length - 4)
  if (hintBytes > synchronousBytes || payload.length > synchronousBytes) return members(payload, start)
  const content = inflateAtOnce(payload.subarray(start), synchronousBytes)
  if (content === undefined) return members(payload, start)
  const trailer = start + content.consumedBytes
  const fault = checkTrailer(payload, trailer, loadZlib().crc32(content.bytes), content.bytes.length)
  if (fault !== undefined) return piecesThenFault([content.bytes], fault)
  return nextMember(payload, trailer) === null ? content.bytes : members(payload, start)
}

/** @param level 1 to 9, or -1 for zlib's default, as Kafka's compression.gzip.level. */
export function compressGzip(payload: Buffer, level = -1): Buffer | Promise<Buffer> {
  if (payload.length <= SYNCHRONOUS_BYTES) return compressGzipAtOnce(payload, level)
  return promisify<Buffer, { level: number }, Buffer>(loadZlib().gzip)(payload, { level })
}

/** The same whatever the size. */
export function compressGzipAtOnce(payload: Buffer, level = -1): Buffer {
  return loadZlib().gzipSync(payload, { level })
}

/** The content of one member after the other, in pieces. */
async function* members(payload: Buffer, firstStart: number): AsyncGenerator<Buffer> {
  const zlib = loadZlib()
  for (let start: number | null = firstStart; start !== null; ) {
    const inflate = zlib.createInflateRaw({ chunkSize: PIECE_BYTES })
    let crc = 0
    let bytes = 0
    for await (const piece of streamed(inflate, payload.subarray(start))) {
      crc = zlib.crc32(piece, crc)
      bytes += piece.length
      yield piece
    }
    const trailer = start + inflate.bytesWritten
    const fault = checkTrailer(payload, trailer, crc, bytes)
    if (fault !== undefined) throw fault
    start = nextMember(payload, trailer)
  }
}

/** The content and how much of `deflated` it took, or undefined if there is more of it. */
function inflateAtOnce(
  deflated: Buffer,
  maxBytes: number,
): { readonly bytes: Buffer; readonly consumedBytes: number } | undefined {
  try {
    const options: ZlibOptions = { maxOutputLength: maxBytes, info: true }
    // With `info`, and unknown to the types, the engine comes along with the content.
    const result: unknown = loadZlib().inflateRawSync(deflated, options)
    const { buffer, engine } = result as { buffer: Buffer; engine: { bytesWritten: number } }
    return { bytes: buffer, consumedBytes: engine.bytesWritten }
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw asCompressionError(error)
  }
}

/** What is wrong with a member's trailer, if anything is. */
function checkTrailer(
  payload: Buffer,
  position: number,
  crc: number,
  contentBytes: number,
): CompressionError | undefined {
  if (payload.length - position < TRAILER_BYTES) return cut()
  if (payload.readUInt32LE(position) !== crc)
    return new CompressionError('gzip content with a wrong checksum')
  if (payload.readUInt32LE(position + 4) === contentBytes % 2 ** 32) return undefined
  return new CompressionError('gzip content of a wrong length')
}

/** Where the content of a member behind that trailer begins, or null where no member follows. */
function nextMember(payload: Buffer, trailer: number): number | null {
  const start = trailer + TRAILER_BYTES
  if (payload.length - start <= HEADER_BYTES + TRAILER_BYTES) return null
  try {
    return headerEnd(payload, start)
  } catch {
    return null
  }
}

/** Where the header of the member at `start` ends. */
function headerEnd(payload: Buffer, start: number): number {
  if (payload.length - start < HEADER_BYTES) throw cut()
  if (payload.readUInt16BE(start) !== 0x1f8b || payload.readUInt8(start + 2) !== DEFLATE) {
    throw new CompressionError('no gzip data')
  }
  const flags = payload.readUInt8(start + 3)
  let position = start + HEADER_BYTES
  if ((flags & Flag.EXTRA) !== 0) {
    if (payload.length - position < 2) throw cut()
    position += 2 + payload.readUInt16LE(position)
  }
  for (const text of [Flag.NAME, Flag.COMMENT]) {
    if ((flags & text) === 0) continue
    const zero = payload.indexOf(0, position)
    if (zero < 0) throw cut()
    position = zero + 1
  }
  if ((flags & Flag.HEADER_CRC) !== 0) {
    if (payload.length - position < 2) throw cut()
    const crc = loadZlib().crc32(payload.subarray(start, position)) & 0xffff
    if (payload.readUInt16LE(position) !== crc)
      throw new CompressionError('gzip header with a wrong checksum')
    position += 2
  }
  if (position > payload.length) throw cut()
  return position
}

function cut(): CompressionError {
  return new CompressionError('gzip data ends too early')
}
