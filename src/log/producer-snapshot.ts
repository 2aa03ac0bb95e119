/**
 * What a log knows of its producers, as bytes: Kafka's `<offset>.snapshot` (ProducerSnapshot, version 1). Kafka keeps
 * the last batch of each producer alone. Here a producer has an entry for each batch that is remembered, the last one
 * last, which is the one that Kafka goes by: a batch that was in flight when the broker died is then known again.
 */
import { crc32c } from '../wire/crc32c.ts'

export interface ProducerEntry {
  readonly producerId: bigint
  readonly producerEpoch: number
  /** Of the batch; -1 for none, as are its offsets then. */
  readonly lastSequence: number
  readonly lastOffset: bigint
  readonly offsetDelta: number
  readonly timestamp: bigint
  readonly coordinatorEpoch: number
  readonly currentTransactionFirstOffset: bigint
}

const VERSION = 1
const CRC_POSITION = 2
const ENTRIES_POSITION = 6
const HEADER_BYTES = 10
const ENTRY_BYTES = 46

export function encodeProducers(entries: readonly ProducerEntry[]): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + entries.length * ENTRY_BYTES)
  bytes.writeInt16BE(VERSION, 0)
  bytes.writeInt32BE(entries.length, ENTRIES_POSITION)
  let at = HEADER_BYTES
  for (const entry of entries) {
    bytes.writeBigInt64BE(entry.producerId, at)
    bytes.writeInt16BE(entry.producerEpoch, at + 8)
    bytes.writeInt32BE(entry.lastSequence, at + 10)
    bytes.writeBigInt64BE(entry.lastOffset, at + 14)
    bytes.writeInt32BE(entry.offsetDelta, at + 22)
    bytes.writeBigInt64BE(entry.timestamp, at + 26)
    bytes.writeInt32BE(entry.coordinatorEpoch, at + 34)
    bytes.writeBigInt64BE(entry.currentTransactionFirstOffset, at + 38)
    at += ENTRY_BYTES
  }
  bytes.writeUInt32BE(crc32c(bytes.subarray(ENTRIES_POSITION)), CRC_POSITION)
  return bytes
}

/** Null when the bytes are not what `encodeProducers`, or Kafka, makes. */
export function decodeProducers(bytes: Buffer): readonly ProducerEntry[] | null {
  if (bytes.length < HEADER_BYTES || bytes.readInt16BE(0) !== VERSION) return null
  const count = bytes.readInt32BE(ENTRIES_POSITION)
  if (count < 0 || bytes.length !== HEADER_BYTES + count * ENTRY_BYTES) return null
  if (bytes.readUInt32BE(CRC_POSITION) !== crc32c(bytes.subarray(ENTRIES_POSITION))) return null
  return Array.from({ length: count }, (_, index) => {
    const at = HEADER_BYTES + index * ENTRY_BYTES
    return {
      producerId: bytes.readBigInt64BE(at),
      producerEpoch: bytes.readInt16BE(at + 8),
      lastSequence: bytes.readInt32BE(at + 10),
      lastOffset: bytes.readBigInt64BE(at + 14),
      offsetDelta: bytes.readInt32BE(at + 22),
      timestamp: bytes.readBigInt64BE(at + 26),
      coordinatorEpoch: bytes.readInt32BE(at + 34),
      currentTransactionFirstOffset: bytes.readBigInt64BE(at + 38),
    }
  })
}
