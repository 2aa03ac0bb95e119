/**
 * The records of a batch: walked without an object for any of them, read as values, or put into a new batch.
 * Compressed ones are decompressed on the way, piece by piece.
 */
import * as batch from './batch.ts'
import { type Compressor, compress, decompress } from './compression.ts'
import {
  assemble,
  assemblePlain,
  type BatchOptions,
  encodeRecords,
  type NewRecord,
} from './record-builder.ts'
import type { RecordCursor, RecordVisitor } from './record-cursor.ts'
import { RecordParser, type WalkStart, walkRecords } from './record-parser.ts'
import { RecordStreamWalker } from './record-stream.ts'

export interface RecordHeader {
  readonly key: string
  readonly value: Buffer | null
}

/** A record as a value. Key, value and header values are views of what was read. */
export interface RecordValue {
  readonly offset: bigint
  /** Milliseconds since 1970. */
  readonly timestamp: bigint
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

/**
 * Walks the records of the batch at `position`, as Kafka's broker does when they are produced to it. It is done
 * when this returns, unless a promise comes back: a compressed batch that is large when decompressed is walked piece
 * by piece, and others get their turn in between. A batch that counts no records has none, whatever its bytes.
 * @param start which records need not be walked, if they are not compressed: `scanUsualRecords` has looked at them.
 * @throws RecordsError INVALID_RECORD when a record is malformed, or there are more or less than the batch counts.
 * @throws CompressionError when the bytes are not what the codec makes.
 */
export function walkBatch(
  buffer: Buffer,
  position: number,
  visit: RecordVisitor,
  start?: WalkStart,
): void | Promise<void> {
  const count = batch.recordsCount(buffer, position)
  if (count === 0) return
  const payload = batch.recordsPayload(buffer, position)
  const codec = batch.compressionCodec(buffer, position)
  if (codec === batch.Codec.NONE) return walkRecords(payload, count, visit, start)
  const walker = new RecordStreamWalker(count, visit)
  const pieces = decompress(codec, payload)
  if (!Buffer.isBuffer(pieces)) return walkPieces(pieces, walker)
  walker.push(pieces)
  walker.end()
}

/**
 * The records of the batch at `position` as values, with their offsets and timestamps.
 * @throws RecordsError and CompressionError as `walkBatch` does.
 */
export function readRecords(buffer: Buffer, position = 0): RecordValue[] | Promise<RecordValue[]> {
  const codec = batch.compressionCodec(buffer, position)
  const payload = batch.recordsPayload(buffer, position)
  if (codec === batch.Codec.NONE || batch.recordsCount(buffer, position) === 0) {
    return readPayload(buffer, position, payload)
  }
  const pieces = decompress(codec, payload)
  if (Buffer.isBuffer(pieces)) return readPayload(buffer, position, pieces)
  return collect(pieces).then((whole) => readPayload(buffer, position, whole))
}

/**
 * Makes a batch of records as they are, at once. The base timestamp is the first record's.
 * Without records it is an empty batch, of which only the header remains (as compaction leaves it).
 */
export function buildBatch(
  records: readonly NewRecord[],
  options: BatchOptions = {},
  compressor?: Compressor,
): Buffer {
  if (compressor === undefined) return assemblePlain(records, options)
  return assemble(records, options, compressor.codec, compressor.compress(encodeRecords(records, options)))
}

/** Makes a batch of compressed records: at once where the codec is quick with them. */
export function buildCompressedBatch(
  records: readonly NewRecord[],
  codec: batch.Codec,
  options: BatchOptions = {},
  level?: number,
): Buffer | Promise<Buffer> {
  const payload = compress(codec, encodeRecords(records, options), level)
  return Buffer.isBuffer(payload)
    ? assemble(records, options, codec, payload)
    : payload.then((bytes) => assemble(records, options, codec, bytes))
}

/** Puts pieces together that are each valid only until the next is asked for. */
async function collect(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const copies: Buffer[] = []
  for await (const piece of pieces) copies.push(Buffer.from(piece))
  return Buffer.concat(copies)
}

async function walkPieces(pieces: AsyncIterable<Buffer>, walker: RecordStreamWalker): Promise<void> {
  for await (const piece of pieces) walker.push(piece)
  walker.end()
}

/** @param payload the records of the batch at `position`, decompressed. */
function readPayload(buffer: Buffer, position: number, payload: Buffer): RecordValue[] {
  const baseOffset = batch.baseOffset(buffer, position)
  const baseTimestamp = batch.baseTimestamp(buffer, position)
  const logAppendTime =
    batch.timestampType(buffer, position) === batch.TimestampType.LOG_APPEND_TIME
      ? batch.maxTimestamp(buffer, position)
      : null
  const records: RecordValue[] = []
  walkRecords(payload, batch.recordsCount(buffer, position), (record) => {
    records.push({
      offset: baseOffset + BigInt(record.offsetDelta),
      timestamp: logAppendTime ?? BigInt.asIntN(64, baseTimestamp + record.exactTimestampDelta()),
      key: view(payload, record.keyPosition, record.keyBytes),
      value: view(payload, record.valuePosition, record.valueBytes),
      headers: readHeaders(payload, record),
    })
  })
  return records
}

function view(payload: Buffer, position: number, bytes: number): Buffer | null {
  return bytes < 0 ? null : payload.subarray(position, position + bytes)
}

function readHeaders(payload: Buffer, record: RecordCursor): readonly RecordHeader[] {
  const headers: RecordHeader[] = []
  const parser = new RecordParser(payload, record.headersPosition)
  for (let index = 0; index < record.headersCount; index++) {
    const keyBytes = parser.varint()
    const key = payload.toString('utf8', parser.position, parser.position + keyBytes)
    parser.skip(keyBytes)
    const valueBytes = parser.varint()
    headers.push({ key, value: view(payload, parser.position, valueBytes) })
    parser.skip(valueBytes)
  }
  return headers
}
