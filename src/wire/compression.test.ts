import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Codec } from './batch.ts'
import { CompressionError } from './compression/compression-error.ts'
import { xxhash32 } from './compression/xxhash32.ts'
import { decompressZstd } from './compression/zstd-decoder.ts'
import { compress, decompress } from './compression.ts'

// Thousands of errors are thrown here whose stack nobody looks at.
Error.stackTraceLimit = 0

const codecs = [Codec.GZIP, Codec.SNAPPY, Codec.LZ4, Codec.ZSTD] as const

async function unpacked(codec: number, bytes: Buffer): Promise<Buffer> {
  const pieces = decompress(codec, bytes)
  if (Buffer.isBuffer(pieces)) return pieces
  const copies: Buffer[] = []
  for await (const piece of pieces) copies.push(Buffer.from(piece))
  return Buffer.concat(copies)
}

/** Bytes that repeat themselves near and far, with noise in between. */
const compressible = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 30 }), fc.integer({ min: 1, max: 400 })), {
    maxLength: 12,
  })
  .map((parts) => {
    const once = parts.flatMap(([bytes, times]) => Array<Uint8Array>(times).fill(bytes))
    return Buffer.concat([...once, ...once])
  })

/** The same for every run, and no better to compress than noise is. */
function noise(bytes: number): Buffer {
  const out = Buffer.alloc(bytes)
  for (let at = 0, state = 1; at < bytes; at++) {
    state = (Math.imul(state, 69069) + 1) | 0
    out[at] = state >>> 24
  }
  return out
}

describe.each(codecs)('codec %d', (codec) => {
  test('gives back what it was given', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(compressible, fc.uint8Array({ maxLength: 300 })), async (bytes) => {
        const content = Buffer.from(bytes)
        expect((await unpacked(codec, await compress(codec, content))).equals(content)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  test.each([
    0, 1, 4, 12, 13, 60, 61, 255, 256, 257, 32_767, 32_768, 32_769, 65_535, 65_536, 65_537, 262_143, 262_144,
    262_145, 1_000_000,
  ])('gives back %d bytes of noise, and as many zeros', async (size) => {
    for (const content of [noise(size), Buffer.alloc(size)]) {
      const packed = await compress(codec, content)
      expect((await unpacked(codec, packed)).equals(content)).toBe(true)
    }
    const zeros = await compress(codec, Buffer.alloc(size))
    if (size > 1000) expect(zeros.length).toBeLessThan(size / 15)
  })

  test('what comes out small comes out at once', async () => {
    expect(decompress(codec, await compress(codec, Buffer.alloc(200_000)))).toBeInstanceOf(Buffer)
    expect(decompress(codec, await compress(codec, Buffer.alloc(300_000)))).not.toBeInstanceOf(Buffer)
  })

  test('ends with our own error wherever the bytes are cut', async () => {
    const content = Buffer.concat([
      noise(300),
      Buffer.alloc(2000),
      noise(300),
      Buffer.from('text '.repeat(40)),
    ])
    const packed = await compress(codec, content)
    for (let length = 0; length < packed.length; length++) {
      await expect(
        unpacked(codec, packed.subarray(0, length)).then((out) => {
          // An empty frame of zstd and the bare header of Java's snappy are content too: none. What is behind a
          // block's end is unknown to snappy, as it is to Kafka.
          if (out.equals(content.subarray(0, out.length)) && out.length < content.length) {
            throw new CompressionError('less than everything')
          }
        }),
      ).rejects.toThrow(CompressionError)
    }
  })

  test('ends with our own error or none whatever the bytes are', async () => {
    const packed = await compress(codec, Buffer.concat([noise(100), Buffer.alloc(500), noise(100)]))
    const change = fc.tuple(fc.nat(packed.length - 1), fc.nat(255))
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
        const changed = Buffer.from(packed)
        for (const [at, byte] of changes) changed[at] = byte
        await unpacked(codec, changed).catch((error: unknown) => {
          expect(error).toBeInstanceOf(CompressionError)
        })
      }),
      { numRuns: 500 },
    )
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), async (bytes) => {
        await unpacked(codec, Buffer.from(bytes)).catch((error: unknown) => {
          expect(error).toBeInstanceOf(CompressionError)
        })
      }),
    )
  })

  test('does not take another codec for its own', async () => {
    for (const other of codecs) {
      if (other === codec) continue
      const packed = await compress(other, Buffer.from('some content'))
      await expect(unpacked(codec, packed)).rejects.toThrow(CompressionError)
    }
  })
})

test('no codec leaves the bytes alone, and 5, 6 and 7 are none', () => {
  const bytes = Buffer.from('bytes')
  expect(decompress(Codec.NONE, bytes)).toBe(bytes)
  expect(compress(Codec.NONE, bytes)).toBe(bytes)
  for (const codec of [5, 6, 7]) expect(() => decompress(codec, bytes)).toThrow(CompressionError)
})

test('content before a fault is yielded before the fault is raised', async () => {
  const content = noise(1000)
  const packed = gzipSync(content)
  packed.writeUInt8(packed.readUInt8(packed.length - 8) ^ 1, packed.length - 8)
  const yielded: Buffer[] = []
  const pieces = decompress(Codec.GZIP, packed)
  await expect(
    (async () => {
      for await (const piece of pieces as AsyncIterable<Buffer>) yielded.push(Buffer.from(piece))
    })(),
  ).rejects.toThrow('wrong checksum')
  expect(Buffer.concat(yielded)).toEqual(content)
})

describe('claims of much content', () => {
  test.each<[what: string, codec: number, bytes: number[]]>([
    ['a snappy block of 2^32 - 1 bytes', Codec.SNAPPY, [0xff, 0xff, 0xff, 0xff, 0x0f, 0, 1]],
    ['a snappy block of more than 2^32 bytes', Codec.SNAPPY, [0xff, 0xff, 0xff, 0xff, 0x7f, 0, 1]],
    ['a zstd window of 2^41 bytes', Codec.ZSTD, [0x28, 0xb5, 0x2f, 0xfd, 0, 0xff, 1, 0, 0, 0]],
    [
      'zstd content of 2^64 - 1 bytes',
      Codec.ZSTD,
      [0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0, 0],
    ],
    [
      'a skippable zstd frame of 2^32 - 1 bytes',
      Codec.ZSTD,
      [0x50, 0x2a, 0x4d, 0x18, 0xff, 0xff, 0xff, 0xff],
    ],
    ['an lz4 block of 2^31 - 1 bytes', Codec.LZ4, [...lz4Head(0x70), 0xff, 0xff, 0xff, 0x7f]],
  ])('%s', async (_, codec, bytes) => {
    const before = process.memoryUsage().arrayBuffers
    await expect(unpacked(codec, Buffer.from(bytes))).rejects.toThrow(CompressionError)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000)
  })

  test('framed by Java, of a snappy block of 2^31 - 1 bytes', async () => {
    const framed = await compress(Codec.SNAPPY, Buffer.from('content'))
    framed.writeInt32BE(2 ** 31 - 1, 16)
    await expect(unpacked(Codec.SNAPPY, framed)).rejects.toThrow(CompressionError)
  })
})

describe('lz4', () => {
  test('blocks that refer to earlier ones are refused, as by Kafka', async () => {
    const linked = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x40, 0x40, 0, 0, 0, 0, 0])
    linked.writeUInt8((xxhash32(linked, 4, 6) >>> 8) & 0xff, 6)
    await expect(unpacked(Codec.LZ4, linked)).rejects.toThrow('dependent blocks')
  })

  test('the content size, where it is told, and the content checksum are passed over', async () => {
    const head = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x6c, 0x40, 9, 9, 9, 9, 9, 9, 9, 9, 0])
    head.writeUInt8((xxhash32(head, 4, 14) >>> 8) & 0xff, 14)
    const stored = Buffer.from([3, 0, 0, 0x80, 97, 98, 99, 0, 0, 0, 0, 1, 2, 3, 4])
    expect(String(await unpacked(Codec.LZ4, Buffer.concat([head, stored])))).toBe('abc')
  })

  test('xxHash, of every path through it', () => {
    expect(xxhash32(Buffer.alloc(0))).toBe(0x02cc5d05)
    expect(xxhash32(Buffer.from('a'))).toBe(0x550d7456)
    expect(xxhash32(Buffer.from('abc'))).toBe(0x32d153ff)
    expect(xxhash32(Buffer.from('Nobody inspects the spammish repetition'))).toBe(0xe2293b2f)
  })
})

test("the zstd decoder that stands in for Node's reads all that is compressed here", async () => {
  for (const level of [-5, 1, 3, 9, 19]) {
    for (const content of [noise(1000), Buffer.from('text of few letters '.repeat(20_000)), noise(300_000)]) {
      const packed = await compress(Codec.ZSTD, content, level)
      const pieces: Buffer[] = []
      for (const piece of decompressZstd(packed)) pieces.push(Buffer.from(piece))
      expect(Buffer.concat(pieces).equals(content)).toBe(true)
    }
  }
})

/** The head of a frame with independent blocks of at most the size that `blockSize` stands for. */
function lz4Head(blockSize: number): number[] {
  const head = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, blockSize, 0])
  head.writeUInt8((xxhash32(head, 4, 6) >>> 8) & 0xff, 6)
  return [...head]
}
