/** The compression codecs of record batches: gzip, snappy, lz4 and zstd (KIP-110). */
import { scheduler } from 'node:timers/promises'
import { Codec } from './batch.ts'
import { CompressionError, piecesThenFault } from './compression/compression-error.ts'
import { compressGzip, compressGzipAtOnce, decompressGzip } from './compression/gzip.ts'
import { compressLz4, decompressLz4 } from './compression/lz4.ts'
import { compressSnappy, decompressSnappy } from './compression/snappy.ts'
import { compressZstd, decompressZstd, loadZstdCompressor } from './compression/zstd.ts'

/** What decompresses to no more than this is decompressed at once. */
const SYNCHRONOUS_BYTES = 256 * 1024

/**
 * Decompresses the records of a batch. What comes out small comes out at once, as one buffer; otherwise in pieces,
 * each valid until the next is asked for, and others get their turn in between. Memory is bounded by the codec's
 * window, whatever the bytes claim or come to.
 * @param codec the number in the batch's attributes.
 * @throws CompressionError, from the iteration too, when the bytes are not what the codec makes, or there is no such
 * codec. Pieces that were decompressed before the fault have been yielded then.
 */
export function decompress(codec: number, payload: Buffer): Buffer | AsyncIterable<Buffer> {
  switch (codec) {
    case Codec.NONE:
      return payload
    case Codec.GZIP:
      return decompressGzip(payload, SYNCHRONOUS_BYTES)
    case Codec.SNAPPY:
      return atOnceOrInPieces(decompressSnappy(payload))
    case Codec.LZ4:
      return atOnceOrInPieces(decompressLz4(payload))
    case Codec.ZSTD: {
      const pieces = decompressZstd(payload, SYNCHRONOUS_BYTES)
      return Buffer.isBuffer(pieces) || Symbol.asyncIterator in pieces ? pieces : atOnceOrInPieces(pieces)
    }
    default:
      throw new CompressionError(`there is no compression codec ${codec}`)
  }
}

/**
 * Compresses the records of a batch.
 * @param level as the codec counts them, of gzip and zstd; the codec's own default when left out.
 */
export function compress(codec: Codec, payload: Buffer, level?: number): Buffer | Promise<Buffer> {
  switch (codec) {
    case Codec.NONE:
      return payload
    case Codec.GZIP:
      return compressGzip(payload, level)
    case Codec.SNAPPY:
      return compressSnappy(payload)
    case Codec.LZ4:
      return compressLz4(payload)
    case Codec.ZSTD:
      return compressZstd(payload, level)
  }
}

/** Compresses at once, whatever the size, at the codec's own level. */
export interface Compressor {
  readonly codec: Codec
  compress(payload: Buffer): Buffer
}

/** For those who cannot wait while they compress: what there is to wait for is waited for now. */
export async function loadCompressor(codec: Codec): Promise<Compressor> {
  switch (codec) {
    case Codec.NONE:
      return { codec, compress: (payload) => payload }
    case Codec.GZIP:
      return { codec, compress: (payload) => compressGzipAtOnce(payload) }
    case Codec.SNAPPY:
      return { codec, compress: compressSnappy }
    case Codec.LZ4:
      return { codec, compress: compressLz4 }
    case Codec.ZSTD:
      return { codec, compress: await loadZstdCompressor() }
  }
}

/** Puts a decompressor's pieces together while they are few. */
function atOnceOrInPieces(decompressor: Generator<Buffer, void, void>): Buffer | AsyncIterable<Buffer> {
  const pieces: Buffer[] = []
  let bytes = 0
  for (;;) {
    const next = pullOrFault(decompressor)
    if (next === null) return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces)
    if (next instanceof CompressionError) {
      if (pieces.length > 0) return piecesThenFault(pieces, next)
      throw next
    }
    bytes += next.length
    if (bytes > SYNCHRONOUS_BYTES) return inPieces([...pieces, next], decompressor)
    pieces.push(Buffer.from(next))
  }
}

/** Yields what was decompressed already, then the rest, a turn of the event loop for each piece. */
async function* inPieces(
  ready: readonly Buffer[],
  decompressor: Generator<Buffer, void, void>,
): AsyncGenerator<Buffer> {
  yield* ready
  for (;;) {
    await scheduler.yield()
    const next = pullOrFault(decompressor)
    if (next === null) return
    if (next instanceof CompressionError) throw next
    yield next
  }
}

/** The next piece, null at the end, or what is wrong with the data: anything that a decompressor stumbles over. */
function pullOrFault(decompressor: Generator<Buffer, void, void>): Buffer | CompressionError | null {
  try {
    const { done, value } = decompressor.next()
    return done ? null : value
  } catch (error) {
    if (error instanceof CompressionError) return error
    return new CompressionError('compressed data is malformed', error)
  }
}
