/** Makes a stored batch anew with some of its records: what compaction leaves of it. */
import * as batch from '../wire/batch.ts'
import { compress } from '../wire/compression.ts'
import type { RecordCursor } from '../wire/record-cursor.ts'
import { type Pause, visitRecords } from './batch-payload.ts'

/** What is to be kept of a batch. */
export interface KeptRecords {
  /** The batch's records, decompressed. */
  readonly payload: Buffer
  /** A 1 for each record that stays. */
  readonly kept: Uint8Array
  readonly keptCount: number
  /** What the kept records take in `payload`. */
  readonly keptBytes: number
}

/** A timestamp delta takes that much more at most, and the record's size with it. */
const GROWTH_BYTES = 16

/**
 * The batch with the records that stay: offsets, last offset delta, sequence, producer, epoch, codec and timestamps are
 * as they were. The base timestamp is the first record's, as in Kafka, or the delete horizon (KIP-534).
 * @param deleteHorizonMs when the batch's tombstones, or its marker, may go; null for none.
 */
export async function rebuildBatch(
  view: Buffer,
  position: number,
  records: KeptRecords,
  deleteHorizonMs: bigint | null,
  pause: Pause,
): Promise<Buffer> {
  const byBroker = batch.timestampType(view, position) === batch.TimestampType.LOG_APPEND_TIME
  const common = byBroker ? batch.maxTimestamp(view, position) : null
  const writer = new RecordWriter(records, batch.baseTimestamp(view, position), common, deleteHorizonMs)
  const count = batch.recordsCount(view, position)
  const visiting = visitRecords(records.payload, count, (record, end) => writer.visit(record, end), pause)
  if (visiting instanceof Promise) await visiting
  const codec = batch.compressionCodec(view, position) as batch.Codec
  const compressed = compress(codec, writer.bytes)
  return withHeader(view, position, compressed instanceof Promise ? await compressed : compressed, {
    attributes: knownAttributes(view, position, deleteHorizonMs !== null),
    baseTimestamp: writer.baseTimestamp,
    maxTimestamp: writer.maxTimestamp,
    recordsCount: records.keptCount,
  })
}

/** The batch without its records: it still tells of its offsets and of its producer's sequence (KIP-98). */
export function emptyBatch(view: Buffer, position: number): Buffer {
  const codec = batch.AttributeBits.CODEC
  return withHeader(view, position, Buffer.alloc(0), {
    attributes: knownAttributes(view, position, false) & ~codec,
    baseTimestamp: batch.NO_TIMESTAMP,
    maxTimestamp: batch.maxTimestamp(view, position),
    recordsCount: 0,
  })
}

interface ChangedHeader {
  readonly attributes: number
  readonly baseTimestamp: bigint
  readonly maxTimestamp: bigint
  readonly recordsCount: number
}

function withHeader(view: Buffer, position: number, payload: Buffer, header: ChangedHeader): Buffer {
  const frame = Buffer.allocUnsafeSlow(batch.BATCH_HEADER_BYTES + payload.length)
  view.copy(frame, 0, position, position + batch.BATCH_HEADER_BYTES)
  payload.copy(frame, batch.BATCH_HEADER_BYTES)
  frame.writeInt32BE(frame.length - batch.LOG_OVERHEAD_BYTES, batch.BatchField.BATCH_LENGTH)
  frame.writeUInt16BE(header.attributes, batch.BatchField.ATTRIBUTES)
  frame.writeBigInt64BE(header.baseTimestamp, batch.BatchField.BASE_TIMESTAMP)
  frame.writeBigInt64BE(header.maxTimestamp, batch.BatchField.MAX_TIMESTAMP)
  frame.writeInt32BE(header.recordsCount, batch.BatchField.RECORDS_COUNT)
  batch.setCrc(frame)
  return frame
}

function knownAttributes(view: Buffer, position: number, hasDeleteHorizon: boolean): number {
  const { CODEC, TIMESTAMP_TYPE, TRANSACTIONAL, CONTROL, DELETE_HORIZON } = batch.AttributeBits
  const kept = batch.attributes(view, position) & (CODEC | TIMESTAMP_TYPE | TRANSACTIONAL | CONTROL)
  return hasDeleteHorizon ? kept | DELETE_HORIZON : kept
}

/** Copies the records that stay; only their timestamp deltas change. */
class RecordWriter {
  readonly #records: KeptRecords
  readonly #out: Buffer
  readonly #baseBefore: bigint
  /** The timestamp of every record, where the broker's clock counts. */
  readonly #common: bigint | null
  #length = 0
  #baseTimestamp: bigint | null
  #maxTimestamp: bigint = batch.NO_TIMESTAMP

  constructor(
    records: KeptRecords,
    baseBefore: bigint,
    common: bigint | null,
    deleteHorizonMs: bigint | null,
  ) {
    this.#records = records
    this.#out = Buffer.allocUnsafeSlow(records.keptBytes + records.keptCount * GROWTH_BYTES)
    this.#baseBefore = baseBefore
    this.#common = common
    this.#baseTimestamp = deleteHorizonMs
  }

  get bytes(): Buffer {
    return this.#out.subarray(0, this.#length)
  }

  get baseTimestamp(): bigint {
    return this.#baseTimestamp ?? batch.NO_TIMESTAMP
  }

  get maxTimestamp(): bigint {
    return this.#common ?? this.#maxTimestamp
  }

  visit(record: RecordCursor, end: number): void {
    const { kept, payload } = this.#records
    if (kept[record.index] !== 1) return
    const timestamp = this.#common ?? BigInt.asIntN(64, this.#baseBefore + record.exactTimestampDelta())
    this.#baseTimestamp ??= timestamp
    if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp
    const delta = zigzag64(timestamp - this.#baseTimestamp)
    const offsetDelta = zigzag32(record.offsetDelta)
    const keyLength = zigzag32(record.keyBytes)
    const keyStart = record.keyPosition
    // From the key's bytes on everything is as it was.
    const size = 1 + varlongBytes(delta) + varintBytes(offsetDelta) + varintBytes(keyLength) + end - keyStart
    this.#varint(zigzag32(size))
    this.#out[this.#length++] = 0
    this.#varlong(delta)
    this.#varint(offsetDelta)
    this.#varint(keyLength)
    this.#length += payload.copy(this.#out, this.#length, keyStart, end)
  }

  #varint(value: number): void {
    let left = value
    for (; left >= 0x80; left >>>= 7) this.#out[this.#length++] = (left & 0x7f) | 0x80
    this.#out[this.#length++] = left
  }

  #varlong(value: bigint): void {
    let left = value
    for (; left > MAX_WORD; left >>= 7n) this.#out[this.#length++] = Number(left & 0x7fn) | 0x80
    this.#varint(Number(left))
  }
}

const MAX_WORD = 0xffff_ffffn

function zigzag32(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0
}

function zigzag64(value: bigint): bigint {
  return BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
}

function varintBytes(value: number): number {
  let bytes = 1
  for (let left = value >>> 7; left > 0; left >>>= 7) bytes++
  return bytes
}

function varlongBytes(value: bigint): number {
  let bytes = 0
  let left = value
  for (; left > MAX_WORD; left >>= 7n) bytes++
  return bytes + varintBytes(Number(left))
}
