/**
 * Record batches, written and read by hand: an oracle that shares nothing with the broker's own code, and that
 * can write every wrong batch a case asks for.
 */
import { crc32, gzipSync } from 'node:zlib'
import crc32c from 'crc-32/crc32c.js'
import { markOrigin } from './normalize.ts'

export interface RecordOptions {
  readonly key?: string | null
  readonly value?: string | Buffer | null
  readonly headers?: ReadonlyArray<readonly [name: string, value: string | null]>
  /** Milliseconds after the batch's base timestamp. */
  readonly timestampDelta?: number
  readonly offsetDelta?: number
}

export interface BatchOptions {
  readonly baseOffset?: bigint
  readonly leaderEpoch?: number
  readonly magic?: number
  /** What is added to the right checksum. */
  readonly crcError?: number
  readonly attributes?: number
  readonly lastOffsetDelta?: number
  readonly baseTimestamp?: bigint
  readonly maxTimestamp?: bigint
  readonly producerId?: bigint
  readonly producerEpoch?: number
  readonly baseSequence?: number
  /** The record count in the header, when it shall be wrong. */
  readonly count?: number
  /** What is added to the right length. */
  readonly lengthError?: number
  /** What stands in place of the records' bytes, compressed already. */
  readonly payload?: Buffer
}

/** The time of every record that does not say otherwise: 2024-01-01T00:00:00Z, always in the past. */
export const BASE_TIMESTAMP = 1_704_067_200_000n

/** One record batch of magic 2. Strings stand for records with that value and no key. */
export function batch(
  records: ReadonlyArray<string | RecordOptions> = ['v'],
  options: BatchOptions = {},
): Buffer {
  const list = records.map((record) => (typeof record === 'string' ? { value: record } : record))
  const body = options.payload ?? compress(options.attributes ?? 0, encodeRecords(list))
  const out = Buffer.alloc(61 + body.length)
  const base = options.baseTimestamp ?? BASE_TIMESTAMP
  const maxDelta = Math.max(0, ...list.map((record) => record.timestampDelta ?? 0))
  out.writeBigInt64BE(options.baseOffset ?? 0n, 0)
  out.writeInt32BE(49 + body.length + (options.lengthError ?? 0), 8)
  out.writeInt32BE(options.leaderEpoch ?? -1, 12)
  out.writeInt8(options.magic ?? 2, 16)
  out.writeInt16BE(options.attributes ?? 0, 21)
  out.writeInt32BE(options.lastOffsetDelta ?? list.length - 1, 23)
  out.writeBigInt64BE(base, 27)
  out.writeBigInt64BE(options.maxTimestamp ?? base + BigInt(maxDelta), 35)
  out.writeBigInt64BE(options.producerId ?? -1n, 43)
  out.writeInt16BE(options.producerEpoch ?? -1, 51)
  out.writeInt32BE(options.baseSequence ?? -1, 53)
  out.writeInt32BE(options.count ?? list.length, 57)
  body.copy(out, 61)
  out.writeInt32BE((crc32c.buf(out.subarray(21), 0) + (options.crcError ?? 0)) | 0, 17)
  return out
}

/** A message of the formats before magic 2: what clients of Kafka 0.10 and older sent. */
export function oldMessage(magic: 0 | 1, value: string): Buffer {
  const body = Buffer.from(value)
  const out = Buffer.alloc((magic === 0 ? 26 : 34) + body.length)
  out.writeInt32BE(out.length - 12, 8)
  out.writeInt8(magic, 16)
  let position = 18
  if (magic === 1) {
    out.writeBigInt64BE(BASE_TIMESTAMP, position)
    position += 8
  }
  out.writeInt32BE(-1, position)
  out.writeInt32BE(body.length, position + 4)
  body.copy(out, position + 8)
  out.writeUInt32BE(crc32(out.subarray(16)), 12)
  return out
}

/** The codecs of a batch's attributes. */
export const Codec = { NONE: 0, GZIP: 1, SNAPPY: 2, LZ4: 3, ZSTD: 4 } as const

/** The attribute bits besides the codec. */
export const LOG_APPEND_TIME = 0x08
export const TRANSACTIONAL = 0x10
export const CONTROL = 0x20

export function encodeRecords(records: readonly RecordOptions[]): Buffer {
  return Buffer.concat(records.map((record, index) => encodeRecord(record, index)))
}

function encodeRecord(record: RecordOptions, index: number): Buffer {
  const body = Buffer.concat([
    Buffer.from([0]),
    varint(record.timestampDelta ?? 0),
    varint(record.offsetDelta ?? index),
    field(record.key ?? null),
    field(record.value === undefined ? null : record.value),
    varint(record.headers?.length ?? 0),
    ...(record.headers ?? []).flatMap(([name, value]) => [field(name), field(value)]),
  ])
  return Buffer.concat([varint(body.length), body])
}

function field(value: string | Buffer | null): Buffer {
  if (value === null) return varint(-1)
  const bytes = Buffer.from(value)
  return Buffer.concat([varint(bytes.length), bytes])
}

/** A zigzag varint. */
export function varint(value: number): Buffer {
  const out: number[] = []
  let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n))
  while (rest > 0x7fn) {
    out.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  out.push(Number(rest))
  return Buffer.from(out)
}

/**
 * Compresses without any codec library: gzip is Node's own, the others are written as literals, which every
 * decoder takes (LZ4 frames and zstd frames have an uncompressed block for it).
 */
function compress(attributes: number, body: Buffer): Buffer {
  switch (attributes & 7) {
    case Codec.GZIP:
      return gzipSync(body)
    case Codec.SNAPPY:
      return snappyLiteral(body)
    case Codec.LZ4:
      return lz4Raw(body)
    case Codec.ZSTD:
      return zstdRaw(body)
    default:
      return body
  }
}

function snappyLiteral(body: Buffer): Buffer {
  const length: number[] = []
  let rest = body.length
  while (rest > 0x7f) {
    length.push((rest & 0x7f) | 0x80)
    rest >>>= 7
  }
  length.push(rest)
  const size = Buffer.alloc(3)
  size[0] = 61 << 2
  size.writeUInt16LE(body.length - 1, 1)
  return Buffer.concat([Buffer.from(length), size, body])
}

/** Version 1, independent blocks, no checksums, blocks of at most 64 kB; 0x82 is the header's own checksum. */
function lz4Raw(body: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32LE((body.length | 0x80000000) >>> 0, 0)
  return Buffer.concat([Buffer.from('04224d18604082', 'hex'), size, body, Buffer.alloc(4)])
}

/** A single segment with a content size of four bytes, and one raw block. */
function zstdRaw(body: Buffer): Buffer {
  const head = Buffer.alloc(12)
  head.writeUInt32BE(0x28b52ffd, 0)
  head[4] = 0xa0
  head.writeUInt32LE(body.length, 5)
  head.writeUIntLE((body.length << 3) | 1, 9, 3)
  return Buffer.concat([head, body])
}

/** A batch as it is stored, in words: what a case shows of fetched records. */
export interface BatchView {
  readonly [field: string]: unknown
}

/** Reads fetched records: every whole batch field by field, and how many bytes of a cut one follow. */
export function readBatches(records: Buffer | null): unknown {
  if (records === null) return null
  const out: BatchView[] = []
  let position = 0
  while (records.length - position >= 61) {
    const length = 12 + records.readInt32BE(position + 8)
    if (position + length > records.length) break
    out.push(markOrigin(readBatch(records.subarray(position, position + length)), 'batch'))
    position += length
  }
  return { batches: out, cutBytes: records.length - position }
}

function readBatch(bytes: Buffer): BatchView {
  const attributes = bytes.readInt16BE(21)
  const codec = attributes & 7
  return {
    baseOffset: bytes.readBigInt64BE(0),
    length: bytes.readInt32BE(8),
    leaderEpoch: bytes.readInt32BE(12),
    magic: bytes[16],
    checksum: crc32c.buf(bytes.subarray(21), 0) === bytes.readInt32BE(17) ? 'right' : 'wrong',
    attributes,
    lastOffsetDelta: bytes.readInt32BE(23),
    baseTimestamp: bytes.readBigInt64BE(27),
    maxTimestamp: bytes.readBigInt64BE(35),
    producerId: bytes.readBigInt64BE(43),
    producerEpoch: bytes.readInt16BE(51),
    baseSequence: bytes.readInt32BE(53),
    count: bytes.readInt32BE(57),
    payload: codec === Codec.NONE ? bytes.subarray(61) : `codec ${codec}`,
  }
}
