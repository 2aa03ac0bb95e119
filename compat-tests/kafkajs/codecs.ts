/** The codecs that kafkajs leaves to plug-ins, made of ottla's own. */
import { CompressionCodecs, CompressionTypes } from 'kafkajs'
import { Codec } from '../../src/wire/batch.ts'
import { compress, decompress } from '../../src/wire/compression.ts'

interface PlugIn {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>
  decompress(payload: Buffer): Promise<Buffer>
}

export function registerCodecs(): void {
  CompressionCodecs[CompressionTypes.Snappy] = () => plugIn(Codec.SNAPPY)
  CompressionCodecs[CompressionTypes.LZ4] = () => plugIn(Codec.LZ4)
  CompressionCodecs[CompressionTypes.ZSTD] = () => plugIn(Codec.ZSTD)
}

function plugIn(codec: Codec): PlugIn {
  return {
    compress: async ({ buffer }) => compress(codec, buffer),
    async decompress(payload) {
      const pieces = decompress(codec, payload)
      if (Buffer.isBuffer(pieces)) return pieces
      const copies: Buffer[] = []
      for await (const piece of pieces) copies.push(Buffer.from(piece))
      return Buffer.concat(copies)
    },
  }
}
