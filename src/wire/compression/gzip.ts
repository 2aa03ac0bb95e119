/** gzip, by Node's own zlib. */
import { promisify } from 'node:util'
import { CompressionError } from './compression-error.ts'
import { atOnce, loadZlib, streamed } from './zlib.ts'

/** Payloads above this are compressed off the event loop. */
const SYNCHRONOUS_BYTES = 64 * 1024
/** The size of the pieces that a stream yields. */
const PIECE_BYTES = 64 * 1024
/** A member of the shortest kind, of no content, takes 20 bytes. */
const MIN_BYTES = 18

/** @throws CompressionError, from the iteration too, when the bytes are no gzip. */
export function decompressGzip(payload: Buffer, synchronousBytes: number): Buffer | AsyncIterable<Buffer> {
  const zlib = loadZlib()
  if (payload.length < MIN_BYTES) throw new CompressionError(`no gzip data in ${payload.length} bytes`)
  // The last four bytes tell how long the content is, of the last member and modulo 2^32: a hint, no more.
  if (payload.readUInt32LE(payload.length - 4) <= synchronousBytes && payload.length <= synchronousBytes) {
    const content = atOnce(zlib.gunzipSync, payload, synchronousBytes)
    if (content !== undefined) return content
  }
  return streamed(zlib.createGunzip({ chunkSize: PIECE_BYTES }), payload)
}

/** @param level 1 to 9, or -1 for zlib's default, as Kafka's compression.gzip.level. */
export function compressGzip(payload: Buffer, level = -1): Buffer | Promise<Buffer> {
  const zlib = loadZlib()
  if (payload.length <= SYNCHRONOUS_BYTES) return zlib.gzipSync(payload, { level })
  return promisify<Buffer, { level: number }, Buffer>(zlib.gzip)(payload, { level })
}
