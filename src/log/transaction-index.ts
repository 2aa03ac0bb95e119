/** Aborted transactions as bytes: Kafka's `<segment>.txnindex`, of those whose markers are in the segment. */
import type { AbortedTransaction } from './transaction-marker.ts'

const VERSION = 0
const ENTRY_BYTES = 34

export function encodeAborted(transactions: readonly AbortedTransaction[]): Buffer {
  const bytes = Buffer.allocUnsafe(transactions.length * ENTRY_BYTES)
  transactions.forEach(({ producerId, firstOffset, lastOffset, lastStableOffset }, index) => {
    const at = index * ENTRY_BYTES
    bytes.writeInt16BE(VERSION, at)
    bytes.writeBigInt64BE(producerId, at + 2)
    bytes.writeBigInt64BE(firstOffset, at + 10)
    bytes.writeBigInt64BE(lastOffset, at + 18)
    bytes.writeBigInt64BE(lastStableOffset, at + 26)
  })
  return bytes
}

/**
 * Null when the bytes are not what `encodeAborted`, or Kafka, makes.
 * @param baseOffset of the segment: its markers are there or above, in order.
 */
export function decodeAborted(bytes: Buffer, baseOffset: bigint): readonly AbortedTransaction[] | null {
  if (bytes.length % ENTRY_BYTES !== 0) return null
  const transactions: AbortedTransaction[] = []
  let least = baseOffset
  for (let at = 0; at < bytes.length; at += ENTRY_BYTES) {
    const lastOffset = bytes.readBigInt64BE(at + 18)
    if (bytes.readInt16BE(at) !== VERSION || lastOffset < least) return null
    least = lastOffset + 1n
    transactions.push({
      producerId: bytes.readBigInt64BE(at + 2),
      firstOffset: bytes.readBigInt64BE(at + 10),
      lastOffset,
      lastStableOffset: bytes.readBigInt64BE(at + 26),
    })
  }
  return transactions
}
