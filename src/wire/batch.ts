/**
 * Record batches of format 2, the one that Kafka has written since 0.11 (KIP-98), as functions over
 * (buffer, position): nothing is copied and no object is made for a batch. `position` is where the batch starts;
 * everything but `batchBytes` and `wholeBatches` takes for granted that a whole batch is there.
 */
import { crc32c } from './crc32c.ts'
import { corruptMessage } from './records-error.ts'

/** Where a batch's fields stand, counted from its start. */
export const BatchField = {
  BASE_OFFSET: 0,
  BATCH_LENGTH: 8,
  PARTITION_LEADER_EPOCH: 12,
  MAGIC: 16,
  CRC: 17,
  ATTRIBUTES: 21,
  LAST_OFFSET_DELTA: 23,
  BASE_TIMESTAMP: 27,
  MAX_TIMESTAMP: 35,
  PRODUCER_ID: 43,
  PRODUCER_EPOCH: 51,
  BASE_SEQUENCE: 53,
  RECORDS_COUNT: 57,
  RECORDS: 61,
} as const

/** Base offset and batch length: what the batch length itself does not count. */
export const LOG_OVERHEAD_BYTES = 12
/** The size of a batch without records. */
export const BATCH_HEADER_BYTES = 61
/** The format that this file reads and writes; 0 and 1 are the message sets of before Kafka 0.11. */
export const MAGIC_V2 = 2

export const NO_PRODUCER_ID = -1n
export const NO_PRODUCER_EPOCH = -1
export const NO_SEQUENCE = -1
export const NO_TIMESTAMP = -1n
export const NO_PARTITION_LEADER_EPOCH = -1

/** The compression codecs, by the number in a batch's attributes; 5, 6 and 7 name none. */
export const Codec = { NONE: 0, GZIP: 1, SNAPPY: 2, LZ4: 3, ZSTD: 4 } as const
export type Codec = (typeof Codec)[keyof typeof Codec]

/** Whose clock a batch's timestamps come from: the producer's or the broker's. */
export const TimestampType = { CREATE_TIME: 0, LOG_APPEND_TIME: 1 } as const
export type TimestampType = (typeof TimestampType)[keyof typeof TimestampType]

/** The bits of a batch's attributes. Kafka reads only the low byte, and clears the rest when it rewrites them. */
export const AttributeBits = {
  CODEC: 0x07,
  TIMESTAMP_TYPE: 0x08,
  TRANSACTIONAL: 0x10,
  CONTROL: 0x20,
  DELETE_HORIZON: 0x40,
} as const

/** What a message set of format 0 takes at least behind its size: the lower bound that Kafka checks first. */
const MIN_MESSAGE_BYTES = 14

/**
 * The size of the batch at `position`, or 0 where the bytes up to `end` hold no whole one.
 * The size may be below BATCH_HEADER_BYTES, and the magic 0 or 1: those are for the caller to refuse.
 * @throws RecordsError CORRUPT_MESSAGE when the length is below that of any message, or the magic is unknown.
 */
export function batchBytes(buffer: Buffer, position = 0, end: number = buffer.length): number {
  const remaining = end - position
  if (remaining < LOG_OVERHEAD_BYTES) return 0
  const length = buffer.readInt32BE(position + BatchField.BATCH_LENGTH)
  if (length < MIN_MESSAGE_BYTES) {
    throw corruptMessage(`batch length ${length} is below the least of ${MIN_MESSAGE_BYTES}`)
  }
  if (remaining <= BatchField.MAGIC) return 0
  const foundMagic = magic(buffer, position)
  if (foundMagic < 0 || foundMagic > MAGIC_V2) {
    throw corruptMessage(`batch with unknown magic ${foundMagic}`)
  }
  const size = LOG_OVERHEAD_BYTES + length
  return size > remaining ? 0 : size
}

/**
 * The positions of the consecutive whole batches from `start` on; a cut one at the end is left out.
 * @throws RecordsError as `batchBytes` does.
 */
export function* wholeBatches(buffer: Buffer, start = 0, end: number = buffer.length): Generator<number> {
  let position = start
  for (;;) {
    const size = batchBytes(buffer, position, end)
    if (size === 0) return
    yield position
    position += size
  }
}

export function baseOffset(buffer: Buffer, position = 0): bigint {
  return buffer.readBigInt64BE(position + BatchField.BASE_OFFSET)
}

/** The offset of the last record that the batch was made with (compaction may have removed it since). */
export function lastOffset(buffer: Buffer, position = 0): bigint {
  return baseOffset(buffer, position) + BigInt(lastOffsetDelta(buffer, position))
}

/** What the header says, unchecked: the bytes behind this field. */
export function batchLength(buffer: Buffer, position = 0): number {
  return buffer.readInt32BE(position + BatchField.BATCH_LENGTH)
}

export function leaderEpoch(buffer: Buffer, position = 0): number {
  return buffer.readInt32BE(position + BatchField.PARTITION_LEADER_EPOCH)
}

export function magic(buffer: Buffer, position = 0): number {
  return buffer.readInt8(position + BatchField.MAGIC)
}

/** The checksum that the batch carries, unsigned. */
export function crc(buffer: Buffer, position = 0): number {
  return buffer.readUInt32BE(position + BatchField.CRC)
}

/** All 16 bits of the attributes, unsigned. */
export function attributes(buffer: Buffer, position = 0): number {
  return buffer.readUInt16BE(position + BatchField.ATTRIBUTES)
}

/** The codec's number, 0 to 7: above 4 it is none that exists (`isCodec`). */
export function compressionCodec(buffer: Buffer, position = 0): number {
  return attributes(buffer, position) & AttributeBits.CODEC
}

export function isCodec(codec: number): codec is Codec {
  return codec >= Codec.NONE && codec <= Codec.ZSTD
}

export function timestampType(buffer: Buffer, position = 0): TimestampType {
  return (attributes(buffer, position) & AttributeBits.TIMESTAMP_TYPE) === 0
    ? TimestampType.CREATE_TIME
    : TimestampType.LOG_APPEND_TIME
}

export function isTransactional(buffer: Buffer, position = 0): boolean {
  return (attributes(buffer, position) & AttributeBits.TRANSACTIONAL) !== 0
}

/** A control batch holds markers of transactions or of a quorum, which consumers do not get to see. */
export function isControlBatch(buffer: Buffer, position = 0): boolean {
  return (attributes(buffer, position) & AttributeBits.CONTROL) !== 0
}

/** When compaction may drop the batch's tombstones, or null; it then stands in the base timestamp's place (KIP-534). */
export function deleteHorizonMs(buffer: Buffer, position = 0): bigint | null {
  const has = (attributes(buffer, position) & AttributeBits.DELETE_HORIZON) !== 0
  return has ? baseTimestamp(buffer, position) : null
}

export function lastOffsetDelta(buffer: Buffer, position = 0): number {
  return buffer.readInt32BE(position + BatchField.LAST_OFFSET_DELTA)
}

/** Milliseconds since 1970, from which the records' timestamp deltas count; -1 in an empty batch. */
export function baseTimestamp(buffer: Buffer, position = 0): bigint {
  return buffer.readBigInt64BE(position + BatchField.BASE_TIMESTAMP)
}

/** Milliseconds since 1970: the latest of the records, or, for log append time, of every one of them. */
export function maxTimestamp(buffer: Buffer, position = 0): bigint {
  return buffer.readBigInt64BE(position + BatchField.MAX_TIMESTAMP)
}

export function producerId(buffer: Buffer, position = 0): bigint {
  return buffer.readBigInt64BE(position + BatchField.PRODUCER_ID)
}

export function hasProducerId(buffer: Buffer, position = 0): boolean {
  return producerId(buffer, position) > NO_PRODUCER_ID
}

export function producerEpoch(buffer: Buffer, position = 0): number {
  return buffer.readInt16BE(position + BatchField.PRODUCER_EPOCH)
}

export function baseSequence(buffer: Buffer, position = 0): number {
  return buffer.readInt32BE(position + BatchField.BASE_SEQUENCE)
}

/** The sequence of the last record, or NO_SEQUENCE. */
export function lastSequence(buffer: Buffer, position = 0): number {
  const first = baseSequence(buffer, position)
  return first === NO_SEQUENCE ? NO_SEQUENCE : incrementSequence(first, lastOffsetDelta(buffer, position))
}

/** Sequences run from 0 to 2^31 - 1 and start over. */
export function incrementSequence(sequence: number, increment: number): number {
  return (sequence + increment) % 2 ** 31
}

export function recordsCount(buffer: Buffer, position = 0): number {
  return buffer.readInt32BE(position + BatchField.RECORDS_COUNT)
}

/** The records as they stand there, compressed or not: a view. */
export function recordsPayload(buffer: Buffer, position = 0): Buffer {
  return buffer.subarray(position + BatchField.RECORDS, batchEnd(buffer, position))
}

/** Leaves the checksum as it is: it does not cover the base offset. */
export function setBaseOffset(buffer: Buffer, position: number, offset: bigint): void {
  buffer.writeBigInt64BE(offset, position + BatchField.BASE_OFFSET)
}

/** Leaves the checksum as it is: it does not cover the leader epoch. */
export function setLeaderEpoch(buffer: Buffer, position: number, epoch: number): void {
  buffer.writeInt32BE(epoch, position + BatchField.PARTITION_LEADER_EPOCH)
}

/** The checksum is wrong until `setCrc` follows. */
function setMaxTimestamp(buffer: Buffer, position: number, timestampMs: bigint): void {
  buffer.writeBigInt64BE(timestampMs, position + BatchField.MAX_TIMESTAMP)
}

/** Clears the attribute bits that have no meaning, as Kafka does. The checksum is wrong until `setCrc` follows. */
function setTimestampType(buffer: Buffer, position: number, type: TimestampType): void {
  const kept =
    AttributeBits.CODEC | AttributeBits.TRANSACTIONAL | AttributeBits.CONTROL | AttributeBits.DELETE_HORIZON
  const bit = type === TimestampType.LOG_APPEND_TIME ? AttributeBits.TIMESTAMP_TYPE : 0
  buffer.writeUInt16BE((attributes(buffer, position) & kept) | bit, position + BatchField.ATTRIBUTES)
}

/**
 * Gives the batch a timestamp type and a latest timestamp, and the checksum that goes with them. Where it has both
 * already nothing is touched, unknown attribute bits included.
 * @returns whether anything was changed.
 */
export function stampBatch(
  buffer: Buffer,
  position: number,
  type: TimestampType,
  maxTimestampMs: bigint,
): boolean {
  if (timestampType(buffer, position) === type && maxTimestamp(buffer, position) === maxTimestampMs) {
    return false
  }
  setTimestampType(buffer, position, type)
  setMaxTimestamp(buffer, position, maxTimestampMs)
  setCrc(buffer, position)
  return true
}

/** The checksum that the batch should carry: CRC-32C from the attributes to the batch's end. */
function computeCrc(buffer: Buffer, position = 0): number {
  return crc32c(buffer.subarray(position + BatchField.ATTRIBUTES, batchEnd(buffer, position)))
}

/** Whether the batch is long enough for a header and carries the right checksum. */
export function isCrcValid(buffer: Buffer, position = 0): boolean {
  return (
    batchLength(buffer, position) >= BATCH_HEADER_BYTES - LOG_OVERHEAD_BYTES &&
    crc(buffer, position) === computeCrc(buffer, position)
  )
}

/** Writes the checksum that the batch should carry. */
export function setCrc(buffer: Buffer, position = 0): void {
  buffer.writeUInt32BE(computeCrc(buffer, position), position + BatchField.CRC)
}

function batchEnd(buffer: Buffer, position: number): number {
  return position + LOG_OVERHEAD_BYTES + batchLength(buffer, position)
}
