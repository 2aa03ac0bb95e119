/**
 * Zstandard: by Node's own zlib where it has it (22.15 and later), else decompressed by `zstd-decoder.ts` and
 * compressed by the reference implementation in WebAssembly.
 */
import type { Transform } from 'node:stream'
import type { ZlibOptions } from 'node:zlib'
import { asCompressionError, loadZlib, streamed } from './zlib.ts'
import { decompressZstd as decompressInBlocks, isOneWholeFrame } from './zstd-decoder.ts'

/** Payloads above this are compressed off the event loop, where Node can do that. */
const SYNCHRONOUS_BYTES = 64 * 1024
/** The size of the pieces that a stream yields. */
const PIECE_BYTES = 256 * 1024
/** Kafka's default for compression.zstd.level. */
const DEFAULT_LEVEL = 3

/** What node:zlib has from 22.15 on; the types of older versions do not know it. */
interface ZstdInZlib {
  zstdDecompressSync(payload: Buffer, options: ZlibOptions): Buffer
  createZstdDecompress(options: ZlibOptions): Transform
  zstdCompressSync(payload: Buffer, options: ZstdOptions): Buffer
  zstdCompress(
    payload: Buffer,
    options: ZstdOptions,
    done: (error: Error | null, bytes: Buffer) => void,
  ): void
  readonly constants: { readonly ZSTD_c_compressionLevel: number }
}

interface ZstdOptions {
  readonly params: Readonly<Record<number, number>>
}

/** @throws CompressionError, from the iteration too, when the bytes are no Zstandard frames. */
export function decompressZstd(
  payload: Buffer,
  synchronousBytes: number,
): Buffer | AsyncIterable<Buffer> | Generator<Buffer, void, void> {
  const zlib = zstdInZlib()
  if (zlib === null || !isOneWholeFrame(payload)) return decompressInBlocks(payload)
  if (payload.length <= synchronousBytes) {
    try {
      return zlib.zstdDecompressSync(payload, { maxOutputLength: synchronousBytes })
    } catch (error) {
      // It tells that there is more than that by a RangeError.
      if (!(error instanceof RangeError)) throw asCompressionError(error)
    }
  }
  return streamed(zlib.createZstdDecompress({ chunkSize: PIECE_BYTES }), payload)
}

/** @param level 1 to 22, or below 0 for less than that, as Kafka's compression.zstd.level. */
export function compressZstd(payload: Buffer, level: number = DEFAULT_LEVEL): Buffer | Promise<Buffer> {
  const zlib = zstdInZlib()
  if (zlib === null) return compressByWasm(payload, level)
  const options = { params: { [zlib.constants.ZSTD_c_compressionLevel]: level } }
  if (payload.length <= SYNCHRONOUS_BYTES) return zlib.zstdCompressSync(payload, options)
  return new Promise((resolve, reject) => {
    zlib.zstdCompress(payload, options, (error, bytes) => (error === null ? resolve(bytes) : reject(error)))
  })
}

/** Compresses at the default level and at once, whatever the size; it is loaded first where Node has none of its own. */
export async function loadZstdCompressor(): Promise<(payload: Buffer) => Buffer> {
  const zlib = zstdInZlib()
  if (zlib === null) return loadWasm()
  const options = { params: { [zlib.constants.ZSTD_c_compressionLevel]: DEFAULT_LEVEL } }
  return (payload) => zlib.zstdCompressSync(payload, options)
}

async function compressByWasm(payload: Buffer, level: number): Promise<Buffer> {
  const compress = await loadWasm()
  return compress(payload, level)
}

async function loadWasm(): Promise<(payload: Buffer, level?: number) => Buffer> {
  const { Zstd } = await import('@hpcc-js/wasm-zstd')
  const zstd = await Zstd.load()
  return (payload, level = DEFAULT_LEVEL) => Buffer.from(zstd.compress(payload, level))
}

function zstdInZlib(): ZstdInZlib | null {
  const zlib: object = loadZlib()
  return 'zstdDecompressSync' in zlib ? (zlib as ZstdInZlib) : null
}
