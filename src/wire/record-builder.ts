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

/** The batch of `records`, whose bytes are `payload`. */
export function assemble(
  records: readonly NewRecord[],
  options: BatchOptions,
  codec: batch.Codec,
  payload: Buffer,
): Buffer {
  const bytes = Buffer.allocUnsafe(batch.BATCH_HEADER_BYTES + payload.length)
  bytes.writeBigInt64BE(options.baseOffset ?? 0n, batch.BatchField.BASE_OFFSET)
  bytes.writeInt32BE(bytes.length - batch.LOG_OVERHEAD_BYTES, batch.BatchField.BATCH_LENGTH)
  bytes.writeInt32BE(
    options.leaderEpoch ?? batch.NO_PARTITION_LEADER_EPOCH,
    batch.BatchField.PARTITION_LEADER_EPOCH,
  )
  bytes.writeInt8(batch.MAGIC_V2, batch.BatchField.MAGIC)
  bytes.writeUInt16BE(attributesOf(options, codec), batch.BatchField.ATTRIBUTES)
  const last = records.length === 0 ? -1 : (records[records.length - 1]?.offsetDelta ?? records.length - 1)
  bytes.writeInt32BE(options.lastOffsetDelta ?? last, batch.BatchField.LAST_OFFSET_DELTA)
  bytes.writeBigInt64BE(baseTimestampOf(records, options), batch.BatchField.BASE_TIMESTAMP)
  bytes.writeBigInt64BE(options.maxTimestamp ?? latest(records), batch.BatchField.MAX_TIMESTAMP)
  bytes.writeBigInt64BE(options.producerId ?? batch.NO_PRODUCER_ID, batch.BatchField.PRODUCER_ID)
  bytes.writeInt16BE(options.producerEpoch ?? batch.NO_PRODUCER_EPOCH, batch.BatchField.PRODUCER_EPOCH)
  bytes.writeInt32BE(options.baseSequence ?? batch.NO_SEQUENCE, batch.BatchField.BASE_SEQUENCE)
  bytes.writeInt32BE(records.length, batch.BatchField.RECORDS_COUNT)
  payload.copy(bytes, batch.BatchField.RECORDS)
  batch.setCrc(bytes)
  return bytes
}

/** The records' bytes, not compressed. */
export function encodeRecords(records: readonly NewRecord[], options: BatchOptions): Buffer {
  const baseTimestamp = baseTimestampOf(records, options)
  const out = new Bytes()
  records.forEach((record, index) => {
    const body = new Bytes()
    body.byte(0)
    body.varlong((record.timestamp ?? batch.NO_TIMESTAMP) - baseTimestamp)
    body.varint(record.offsetDelta ?? index)
    body.nullable(record.key ?? null)
    body.nullable(record.value ?? null)
    const headers = record.headers ?? []
    body.varint(headers.length)
    for (const header of headers) {
      body.nullable(Buffer.from(header.key))
      body.nullable(header.value)
    }
    out.varint(body.length)
    out.append(body)
  })
  return out.concat()
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

/** Bytes that are still being written: small ones together, the rest as they are. */
class Bytes {
  readonly #chunks: Uint8Array[] = []
  #small: number[] = []
  #length = 0

  get length(): number {
    return this.#length
  }

  byte(value: number): void {
    this.#small.push(value)
    this.#length++
  }

  varint(value: number): void {
    let left = ((value << 1) ^ (value >> 31)) >>> 0
    for (; left >= 0x80; left >>>= 7) this.byte((left & 0x7f) | 0x80)
    this.byte(left)
  }

  varlong(value: bigint): void {
    let left = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
    for (; left >= 0x80n; left >>= 7n) this.byte(Number(left & 0x7fn) | 0x80)
    this.byte(Number(left))
  }

  nullable(bytes: Uint8Array | null): void {
    this.varint(bytes === null ? -1 : bytes.length)
    if (bytes !== null) this.#chunk(bytes)
  }

  append(other: Bytes): void {
    other.#flush()
    for (const chunk of other.#chunks) this.#chunk(chunk)
  }

  concat(): Buffer {
    this.#flush()
    return Buffer.concat(this.#chunks, this.#length)
  }

  #chunk(bytes: Uint8Array): void {
    this.#flush()
    this.#chunks.push(bytes)
    this.#length += bytes.length
  }

  #flush(): void {
    if (this.#small.length === 0) return
    this.#chunks.push(Uint8Array.from(this.#small))
    this.#small = []
  }
}
