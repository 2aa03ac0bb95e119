/** How a transaction ends in a log (KIP-98): a control batch of one record, and what readers are told of aborted ones. */
import * as batch from '../wire/batch.ts'
import { buildBatch } from '../wire/records.ts'

/** What a coordinator writes into each partition of a transaction. */
export interface TransactionMarker {
  readonly producerId: bigint
  readonly producerEpoch: number
  /** The leader epoch of the coordinator's own partition: markers of an earlier one are refused. */
  readonly coordinatorEpoch: number
  /** Commit or abort. */
  readonly commit: boolean
  /** The transaction.version that the transaction was ended with; 2 demands a higher epoch than its records have. */
  readonly transactionVersion: number
}

/** A transaction that was aborted, as readers of committed records are told of it. */
export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: bigint
  /** The offset of its marker. */
  readonly lastOffset: bigint
  /** The last stable offset when the marker was written. */
  readonly lastStableOffset: bigint
}

/** What the value and the key of a marker say. */
export interface EndOfTransaction {
  readonly coordinatorEpoch: number
  readonly commit: boolean
}

const KEY_VERSION = 0
const VALUE_VERSION = 0
/** The types of control records that are markers. */
const ABORT = 0
const COMMIT = 1
const KEY_BYTES = 4
const VALUE_BYTES = 6
/** The size of the batch that is a marker. */
export const MARKER_BYTES = 78

/** The batch that a log gets. */
export function buildMarker(
  marker: TransactionMarker,
  nowMs: number,
  timestampType: batch.TimestampType,
): Buffer {
  const key = Buffer.alloc(KEY_BYTES)
  key.writeInt16BE(KEY_VERSION, 0)
  key.writeInt16BE(marker.commit ? COMMIT : ABORT, 2)
  const value = Buffer.alloc(VALUE_BYTES)
  value.writeInt16BE(VALUE_VERSION, 0)
  value.writeInt32BE(marker.coordinatorEpoch, 2)
  const { producerId, producerEpoch } = marker
  return buildBatch([{ key, value, timestamp: BigInt(nowMs) }], {
    producerId,
    producerEpoch,
    timestampType,
    isTransactional: true,
    isControl: true,
  })
}

/** What the marker in the control batch at `position` says; null where it is none, or compaction has removed it. */
export function readMarker(view: Buffer, position = 0): EndOfTransaction | null {
  if (batch.recordsCount(view, position) !== 1) return null
  const payload = batch.recordsPayload(view, position)
  const at = keyPosition(payload)
  if (at + KEY_BYTES + 1 + VALUE_BYTES > payload.length) return null
  const type = payload.readInt16BE(at + 2)
  if (type !== ABORT && type !== COMMIT) return null
  // The key's length was 4, and the value's length is one byte too.
  return { commit: type === COMMIT, coordinatorEpoch: payload.readInt32BE(at + KEY_BYTES + 1 + 2) }
}

/** Behind the record's length, attributes, deltas, and the length of the key. */
function keyPosition(payload: Buffer): number {
  let at = skipVarint(payload, 0) + 1
  at = skipVarint(payload, at)
  at = skipVarint(payload, at)
  return skipVarint(payload, at)
}

function skipVarint(payload: Buffer, from: number): number {
  let at = from
  while (at < payload.length && (payload[at] as number) >= 0x80) at++
  return at + 1
}
