/** Puts records into bytes, and bytes behind the header of a batch. */
import * as batch from './batch.ts'

export interface NewRecord {
  readonly key?: Uint8Array | null
  readonly value?: Uint8Array | null
  readonly headers?: readonly NewHeader[]
  /** Milliseconds since 1970; -1 (none) when left out. */
  readonly timestamp?: bigint
  /** Counted from the base offset; the record's place among the others when left out. */
  readonly offsetDelta?: number
}

export interface NewHeader {
  readonly key: string
  readonly value: Uint8Array | null
}

/** What a batch's header says beside what follows from the records. */
export interface BatchOptions {
  readonly baseOffset?: bigint
  readonly leaderEpoch?: number
  /** CREATE_TIME when left out. */
  readonly timestampType?: batch.TimestampType
  /** The latest of the records' when left out; to be given where the broker's clock counts (LOG_APPEND_TIME). */
  readonly maxTimestamp?: bigint
  /** The last record's when left out; a batch that lost records to compaction keeps what it had. */
  readonly lastOffsetDelta?: number
  readonly producerId?: bigint
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly isTransactional?: boolean
  readonly isControl?: boolean
  /** When tombstones may go (KIP-534): takes the base timestamp's place, and deltas count from it. */
  readonly deleteHorizonMs?: bigint
}

/** The batch of `records`, not compressed. */
export function assemblePlain(records: readonly NewRecord[], options: BatchOptions): Buffer {
  const baseTimestamp = baseTimestampOf(records, options)
  const sizes = bodySizes(records, baseTimestamp)
  const bytes = Buffer.allocUnsafe(batch.BATCH_HEADER_BYTES + totalBytes(sizes))
  writeHeader(bytes, records, options, batch.Codec.NONE)
  writeRecords(bytes, batch.BatchField.RECORDS, records, sizes, baseTimestamp)
  batch.setCrc(bytes)
  return bytes
}

/** The batch of `records`, whose bytes are `payload`. */
export function assemble(
  records: readonly NewRecord[],
  options: BatchOptions,
  codec: batch.Codec,
  payload: Buffer,
): Buffer {
  const bytes = Buffer.allocUnsafe(batch.BATCH_HEADER_BYTES + payload.length)
  writeHeader(bytes, records, options, codec)
  payload.copy(bytes, batch.BatchField.RECORDS)
  batch.setCrc(bytes)
  return bytes
}

/** The records' bytes, not compressed. */
export function encodeRecords(records: readonly NewRecord[], options: BatchOptions): Buffer {
  const baseTimestamp = baseTimestampOf(records, options)
  const sizes = bodySizes(records, baseTimestamp)
  const bytes = Buffer.allocUnsafe(totalBytes(sizes))
  writeRecords(bytes, 0, records, sizes, baseTimestamp)
  return bytes
}

/** All of a batch's header but the checksum. */
function writeHeader(
  bytes: Buffer,
  records: readonly NewRecord[],
  options: BatchOptions,
  codec: batch.Codec,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, batch.BATCH_HEADER_BYTES)
  view.setBigInt64(batch.BatchField.BASE_OFFSET, options.baseOffset ?? 0n)
  view.setInt32(batch.BatchField.BATCH_LENGTH, bytes.length - batch.LOG_OVERHEAD_BYTES)
  view.setInt32(
    batch.BatchField.PARTITION_LEADER_EPOCH,
    options.leaderEpoch ?? batch.NO_PARTITION_LEADER_EPOCH,
  )
  view.setInt8(batch.BatchField.MAGIC, batch.MAGIC_V2)
  view.setUint16(batch.BatchField.ATTRIBUTES, attributesOf(options, codec))
  const last = records.length === 0 ? -1 : (records[records.length - 1]?.offsetDelta ?? records.length - 1)
  view.setInt32(batch.BatchField.LAST_OFFSET_DELTA, options.lastOffsetDelta ?? last)
  view.setBigInt64(batch.BatchField.BASE_TIMESTAMP, baseTimestampOf(records, options))
  view.setBigInt64(batch.BatchField.MAX_TIMESTAMP, options.maxTimestamp ?? latest(records))
  view.setBigInt64(batch.BatchField.PRODUCER_ID, options.producerId ?? batch.NO_PRODUCER_ID)
  view.setInt16(batch.BatchField.PRODUCER_EPOCH, options.producerEpoch ?? batch.NO_PRODUCER_EPOCH)
  view.setInt32(batch.BatchField.BASE_SEQUENCE, options.baseSequence ?? batch.NO_SEQUENCE)
  view.setInt32(batch.BatchField.RECORDS_COUNT, records.length)
}

function attributesOf(options: BatchOptions, codec: batch.Codec): number {
  let attributes: number = codec
  if (options.timestampType === batch.TimestampType.LOG_APPEND_TIME) {
    attributes |= batch.AttributeBits.TIMESTAMP_TYPE
  }
  if (options.isTransactional) attributes |= batch.AttributeBits.TRANSACTIONAL
  if (options.isControl) attributes |= batch.AttributeBits.CONTROL
  if (options.deleteHorizonMs !== undefined) attributes |= batch.AttributeBits.DELETE_HORIZON
  return attributes
}

function baseTimestampOf(records: readonly NewRecord[], options: BatchOptions): bigint {
  return options.deleteHorizonMs ?? records[0]?.timestamp ?? batch.NO_TIMESTAMP
}

function latest(records: readonly NewRecord[]): bigint {
  let latest = batch.NO_TIMESTAMP
  for (const { timestamp } of records) if (timestamp !== undefined && timestamp > latest) latest = timestamp
  return latest
}

/** The size of each record, without the length in front of it. */
function bodySizes(records: readonly NewRecord[], baseTimestamp: bigint): readonly number[] {
  const sizes: number[] = []
  for (let index = 0; index < records.length; index++) {
    const { timestamp, offsetDelta, key, value, headers } = records[index] as NewRecord
    // The attributes come first.
    let size = 1 + varlongBytes((timestamp ?? batch.NO_TIMESTAMP) - baseTimestamp)
    size += varintBytes(offsetDelta ?? index) + nullableBytes(key) + nullableBytes(value)
    size += varintBytes(headers?.length ?? 0)
    if (headers !== undefined) {
      for (const header of headers) {
        const keyBytes = Buffer.byteLength(header.key)
        size += varintBytes(keyBytes) + keyBytes + nullableBytes(header.value)
      }
    }
    sizes.push(size)
  }
  return sizes
}

function totalBytes(sizes: readonly number[]): number {
  let total = 0
  for (const size of sizes) total += varintBytes(size) + size
  return total
}

function writeRecords(
  bytes: Buffer,
  position: number,
  records: readonly NewRecord[],
  sizes: readonly number[],
  baseTimestamp: bigint,
): void {
  let at = position
  for (let index = 0; index < records.length; index++) {
    const { timestamp, offsetDelta, key, value, headers } = records[index] as NewRecord
    at = putVarint(bytes, at, sizes[index] ?? 0)
    bytes[at++] = 0
    at = putVarlong(bytes, at, (timestamp ?? batch.NO_TIMESTAMP) - baseTimestamp)
    at = putVarint(bytes, at, offsetDelta ?? index)
    at = putNullable(bytes, at, key)
    at = putNullable(bytes, at, value)
    at = putVarint(bytes, at, headers?.length ?? 0)
    if (headers === undefined) continue
    for (const header of headers) {
      at = putVarint(bytes, at, Buffer.byteLength(header.key))
      at += bytes.write(header.key, at)
      at = putNullable(bytes, at, header.value)
    }
  }
}

function varintBytes(value: number): number {
  const bits = 32 - Math.clz32((value << 1) ^ (value >> 31))
  return bits <= 7 ? 1 : Math.ceil(bits / 7)
}

function varlongBytes(value: bigint): number {
  let size = 1
  for (let left = zigzag(value) >> 7n; left > 0n; left >>= 7n) size++
  return size
}

function nullableBytes(bytes: Uint8Array | null | undefined): number {
  return bytes ? varintBytes(bytes.length) + bytes.length : 1
}

function putVarint(bytes: Buffer, position: number, value: number): number {
  let at = position
  let left = ((value << 1) ^ (value >> 31)) >>> 0
  for (; left >= 0x80; left >>>= 7) bytes[at++] = (left & 0x7f) | 0x80
  bytes[at++] = left
  return at
}

function putVarlong(bytes: Buffer, position: number, value: bigint): number {
  let at = position
  let left = zigzag(value)
  for (; left >= 0x80n; left >>= 7n) bytes[at++] = Number(left & 0x7fn) | 0x80
  bytes[at++] = Number(left)
  return at
}

function zigzag(value: bigint): bigint {
  return value === 0n ? 0n : BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
}

function putNullable(bytes: Buffer, position: number, part: Uint8Array | null | undefined): number {
  if (!part) return putVarint(bytes, position, -1)
  const at = putVarint(bytes, position, part.length)
  bytes.set(part, at)
  return at + part.length
}
