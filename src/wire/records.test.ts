import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as batch from './batch.ts'
import { CompressionError } from './compression/compression-error.ts'
import { compress } from './compression.ts'
import { ErrorCode } from './error-codes.ts'
import { assemble, encodeRecords } from './record-builder.ts'
import { walkRecords } from './record-parser.ts'
import { RecordStreamWalker } from './record-stream.ts'
import { buildBatch, buildCompressedBatch, readRecords, walkBatch } from './records.ts'
import { RecordsError } from './records-error.ts'

// Thousands of errors are thrown here whose stack nobody looks at.
Error.stackTraceLimit = 0

const INVALID = expect.objectContaining({ name: 'RecordsError', code: ErrorCode.INVALID_RECORD })
const codecs = Object.values(batch.Codec)

const anyBytes = fc.uint8Array({ maxLength: 40 })
const anyRecord = fc.record({
  key: fc.option(anyBytes),
  value: fc.option(anyBytes),
  timestamp: fc.bigInt({ min: 0n, max: 2n ** 53n - 1n }),
  headers: fc.array(fc.record({ key: fc.string({ maxLength: 5 }), value: fc.option(anyBytes) }), {
    maxLength: 3,
  }),
})
const anyRecords = fc.array(anyRecord, { minLength: 1, maxLength: 6 })

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** What the heap and the buffers hold that is still in use. */
function liveBytes(): number {
  collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** What a walk tells of each record, apart from positions. */
type Seen = readonly [
  offsetDelta: number,
  timestampDelta: number,
  keyBytes: number,
  valueBytes: number,
  headers: number,
]

function walkedWhole(payload: Buffer, count: number): Seen[] {
  const seen: Seen[] = []
  walkRecords(payload, count, (at) => {
    seen.push([at.offsetDelta, at.timestampDelta, at.keyBytes, at.valueBytes, at.headersCount])
  })
  return seen
}

function walkedInChunks(payload: Buffer, count: number, chunkBytes: number): Seen[] {
  const seen: Seen[] = []
  const walker = new RecordStreamWalker(count, (at) => {
    seen.push([at.offsetDelta, at.timestampDelta, at.keyBytes, at.valueBytes, at.headersCount])
  })
  for (let start = 0; start < payload.length; start += chunkBytes) {
    walker.push(payload.subarray(start, start + chunkBytes))
  }
  walker.end()
  return seen
}

describe('records', () => {
  test('come back as they were put in, through every codec', async () => {
    await fc.assert(
      fc.asyncProperty(anyRecords, fc.constantFrom(...codecs), async (records, codec) => {
        const bytes = await buildCompressedBatch(records, codec, { baseOffset: 1000n, producerId: 5n })
        expect(batch.batchBytes(bytes)).toBe(bytes.length)
        expect(batch.isCrcValid(bytes)).toBe(true)
        const read = await readRecords(bytes)
        expect(read).toEqual(
          records.map((record, index) => ({
            offset: 1000n + BigInt(index),
            timestamp: record.timestamp,
            key: record.key && Buffer.from(record.key),
            value: record.value && Buffer.from(record.value),
            headers: record.headers?.map(({ key, value }) => ({ key, value: value && Buffer.from(value) })),
          })),
        )
      }),
      { numRuns: 60 },
    )
  })

  test('are walked alike in one piece and in chunks of any size', () => {
    fc.assert(
      fc.property(anyRecords, fc.integer({ min: 1, max: 30 }), (records, chunkBytes) => {
        const payload = encodeRecords(records, {})
        const whole = walkedWhole(payload, records.length)
        expect(walkedInChunks(payload, records.length, chunkBytes)).toEqual(whole)
        expect(whole.map(([offsetDelta]) => offsetDelta)).toEqual(records.map((_, index) => index))
      }),
    )
  })

  test('are malformed when cut anywhere, or followed by anything', () => {
    fc.assert(
      fc.property(anyRecords, fc.integer({ min: 1, max: 9 }), (records, chunkBytes) => {
        const payload = encodeRecords(records, {})
        for (let length = 0; length < payload.length; length++) {
          const cut = payload.subarray(0, length)
          expect(() => walkedWhole(cut, records.length)).toThrow(INVALID)
          expect(() => walkedInChunks(cut, records.length, chunkBytes)).toThrow(INVALID)
        }
        const longer = Buffer.concat([payload, Buffer.alloc(1)])
        expect(() => walkedWhole(longer, records.length)).toThrow(INVALID)
        expect(() => walkedInChunks(longer, records.length, chunkBytes)).toThrow(INVALID)
        expect(() => walkedWhole(payload, records.length + 1)).toThrow(INVALID)
      }),
      { numRuns: 30 },
    )
  })

  test('of random bytes end with our own error or none', async () => {
    const change = fc.tuple(fc.nat(400), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff, 0x55), fc.nat(2))
    await fc.assert(
      fc.asyncProperty(
        anyRecords,
        fc.constantFrom(...codecs),
        fc.boolean(),
        fc.array(change, { minLength: 1, maxLength: 4 }),
        async (records, codec, packedFirst, changes) => {
          let bytes = encodeRecords(records, {})
          if (packedFirst) bytes = await compress(codec, bytes)
          for (const [at, byte, kind] of changes) {
            const position = at % (bytes.length + 1)
            const rest = bytes.subarray(position + (kind === 0 ? 0 : 1))
            const inserted = kind === 2 ? [] : [Buffer.from([byte])]
            bytes = Buffer.concat([bytes.subarray(0, position), ...inserted, rest])
          }
          if (!packedFirst) bytes = await compress(codec, bytes)
          try {
            await walkBatch(assemble(records, {}, codec, bytes), 0, () => {})
          } catch (error) {
            expect(error).toSatisfy((it) => it instanceof RecordsError || it instanceof CompressionError)
          }
        },
      ),
      { numRuns: 400 },
    )
  })
})

describe('a record', () => {
  /** One record of the given body behind its size, in front of which the size may lie. */
  function record(body: readonly number[], sizeByte = body.length * 2): Buffer {
    return Buffer.from([sizeByte, ...body])
  }
  const NULL = 1

  test.each<[what: string, body: number[]]>([
    ['key beyond the end', [0, 0, 0, 40, NULL, 0]],
    ['value beyond the end', [0, 0, 0, NULL, 40, 0]],
    ['key of 2^31 - 1 bytes', [0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0x0f, NULL, 0]],
    ['headers of a negative number', [0, 0, 0, NULL, NULL, 1]],
    ['more headers than bytes', [0, 0, 0, NULL, NULL, 0xfe, 0xff, 0xff, 0xff, 0x0f]],
    ['header without a key', [0, 0, 0, NULL, NULL, 2, 1, 0]],
    ['header key beyond the end', [0, 0, 0, NULL, NULL, 2, 40, 0]],
    ['header value beyond the end', [0, 0, 0, NULL, NULL, 2, 0, 40]],
    ['varint that does not end', [0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0]],
    ['varlong that does not end', [0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0]],
  ])('with a %s is invalid', (_, body) => {
    expect(() => walkedWhole(record(body), 1)).toThrow(INVALID)
    expect(() => walkedInChunks(record(body), 1, 1)).toThrow(INVALID)
    expect(() => walkedInChunks(record(body), 1, 100)).toThrow(INVALID)
  })

  test('of another length than it says is invalid, unless it was compressed', () => {
    const body = [0, 0, 0, NULL, NULL, 0]
    expect(walkedWhole(record(body), 1)).toEqual([[0, 0, -1, -1, 0]])
    for (const size of [10, 8, 0, 1, 3]) {
      expect(() => walkedWhole(record(body, size), 1)).toThrow(INVALID)
      expect(walkedInChunks(record(body, size), 1, 1)).toEqual([[0, 0, -1, -1, 0]])
    }
  })

  test('takes any negative length for null', () => {
    expect(walkedWhole(record([0, 0, 0, 3, 0xff, 0x7f, 0]), 1)).toEqual([[0, 0, -1, -1, 0]])
    expect(walkedInChunks(record([0, 0, 0, 3, 0xff, 0x7f, 0]), 1, 2)).toEqual([[0, 0, -1, -1, 0]])
  })

  test('whose size does not end makes Kafka stumble', () => {
    const endless = Buffer.alloc(20, 0xff)
    expect(() => walkedWhole(endless, 1)).toThrow(
      expect.objectContaining({ code: ErrorCode.UNKNOWN_SERVER_ERROR }),
    )
    expect(() => walkedInChunks(endless, 1, 3)).toThrow(INVALID)
  })

  test('counts time exactly, however far from the first', () => {
    const edges = [
      0n,
      1n,
      -1n,
      2n ** 31n,
      -(2n ** 31n),
      2n ** 53n - 1n,
      1n - 2n ** 53n,
      2n ** 62n,
      -(2n ** 63n),
    ]
    fc.assert(
      fc.property(fc.oneof(fc.constantFrom(...edges), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)), (delta) => {
        const bytes = buildBatch([{ timestamp: 0n }, { timestamp: delta }])
        walkRecords(batch.recordsPayload(bytes), 2, (at) => {
          const expected = at.index === 0 ? 0n : delta
          expect(at.exactTimestampDelta()).toBe(expected)
          const isSafe = Number.isSafeInteger(Number(expected))
          expect(Math.abs(at.timestampDelta - Number(expected))).toBeLessThanOrEqual(isSafe ? 0 : 4096)
        })
      }),
    )
  })
})

describe('a batch', () => {
  test('that counts no records has none, whatever its bytes', async () => {
    const bytes = assemble([], { lastOffsetDelta: 4 }, batch.Codec.GZIP, Buffer.from('no gzip'))
    await walkBatch(bytes, 0, () => expect.unreachable())
    expect(await readRecords(bytes)).toEqual([])
    expect(batch.lastOffset(bytes)).toBe(4n)
    expect(batch.isCrcValid(buildBatch([]))).toBe(true)
  })

  test('that counts a negative number of records is invalid', () => {
    const bytes = Buffer.from(buildBatch([{ value: Buffer.from('x') }]))
    bytes.writeInt32BE(-1, batch.BatchField.RECORDS_COUNT)
    expect(() => walkBatch(bytes, 0, () => {})).toThrow(INVALID)
  })

  test.each([5, 6, 7])('of the codec %d, which does not exist, is no record error', (codec) => {
    const bytes = assemble([{}], {}, codec as batch.Codec, Buffer.from('anything'))
    expect(() => walkBatch(bytes, 0, () => {})).toThrow(CompressionError)
  })

  test('tells the broker time as that of every record', async () => {
    const timestampType = batch.TimestampType.LOG_APPEND_TIME
    const bytes = buildBatch([{ timestamp: 1n }, { timestamp: 2n }], { timestampType, maxTimestamp: 99n })
    expect((await readRecords(bytes)).map(({ timestamp }) => timestamp)).toEqual([99n, 99n])
  })

  test.each([batch.Codec.GZIP, batch.Codec.LZ4, batch.Codec.ZSTD, batch.Codec.SNAPPY])(
    'of one record of 64 MB, with codec %d, is walked in little memory, and others get their turn',
    async (codec) => {
      const bytes = await buildCompressedBatch([{ value: Buffer.alloc(64_000_000) }], codec)
      expect(bytes.length).toBeLessThan(5_000_000)
      const before = liveBytes()
      let peak = before
      let turns = 0
      let walking = true
      const others = async (): Promise<void> => {
        for (; walking; turns++) {
          if (turns % 64 === 0) peak = Math.max(peak, liveBytes())
          await new Promise((resolve) => setImmediate(resolve))
        }
      }
      const seen: number[] = []
      const done = others()
      await walkBatch(bytes, 0, (record) => {
        seen.push(record.valueBytes)
      })
      walking = false
      await done
      expect(seen).toEqual([64_000_000])
      expect(turns).toBeGreaterThan(50)
      expect(peak - before).toBeLessThan(8_000_000)
    },
  )

  test('is known for malformed before the rest of it is decompressed', async () => {
    const large = Buffer.concat([Buffer.from([12, 0, 0, 0, 1, 1, 1]), Buffer.alloc(20_000_000)])
    for (const codec of codecs) {
      const bytes = assemble([{}], {}, codec, await compress(codec, large))
      await expect((async () => walkBatch(bytes, 0, () => {}))()).rejects.toThrow(INVALID)
    }
  })
})
