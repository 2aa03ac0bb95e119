/** What gzip and zstd have in common where Node's own zlib does the work. */
import type { Transform } from 'node:stream'
import type * as zlib from 'node:zlib'
import { CompressionError } from './compression-error.ts'

/** Loaded on first use: a start that sees no compressed batch does not pay for it. */
export function loadZlib(): typeof zlib {
  loaded ??= process.getBuiltinModule('node:zlib')
  return loaded
}

let loaded: typeof zlib | undefined

/** Feeds `payload` to a decompressor and yields what comes out, at the pace at which it is asked for. */
export async function* streamed(decompressor: Transform, payload: Buffer): AsyncGenerator<Buffer> {
  decompressor.end(payload)
  try {
    for await (const piece of decompressor) yield piece as Buffer
  } catch (error) {
    throw asCompressionError(error)
  }
}

/** What zlib says of the data, as the error that stands for bad data here. */
export function asCompressionError(error: unknown): CompressionError {
  return new CompressionError(error instanceof Error ? error.message : String(error), error)
}
