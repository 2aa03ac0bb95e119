/** A partition of an internal topic as the log of a coordinator. */
import type { Clock } from '../clock.ts'
import { readMarker } from '../log/transaction-marker.ts'
import type { Partition } from '../replica/partition.ts'
import * as batch from '../wire/batch.ts'
import type { Compressor } from '../wire/compression.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { buildBatch, readRecords } from '../wire/records.ts'
import type { CoordinatorLog, CoordinatorRecord, LogEntry, VerifiedProducer } from './coordinator-log.ts'

/** How much is read at a time when a coordinator replays its log. */
const READ_BYTES = 1 << 20

/** What batches of a coordinator are like. */
export interface CoordinatorBatches {
  /** What stands where a producer would count. */
  readonly baseSequence: number
  /** They are not compressed without one. */
  readonly compressor?: Compressor | undefined
}

export function partitionLog(
  partition: Partition,
  clock: Clock,
  batches: CoordinatorBatches,
): CoordinatorLog {
  return {
    append(records, producer) {
      const frame = batchOf(records, producer, BigInt(clock.now()), batches)
      if (frame.length > partition.maxMessageBytes) {
        throw new KafkaError(
          ErrorCode.MESSAGE_TOO_LARGE,
          `${records.length} records of ${frame.length} bytes for ${partition}, which takes ${partition.maxMessageBytes}`,
        )
      }
      return partition.appendOwn(frame, producer?.guard).durable
    },
    appendMarker: (marker) => partition.appendMarker(marker).durable,
    read: () => entriesOf(partition),
  }
}

function batchOf(
  records: readonly CoordinatorRecord[],
  producer: VerifiedProducer | undefined,
  timestamp: bigint,
  { baseSequence, compressor }: CoordinatorBatches,
): Buffer {
  return buildBatch(
    records.map(({ key, value }) => ({ key, value, timestamp })),
    producer === undefined
      ? { baseSequence }
      : {
          producerId: producer.producerId,
          producerEpoch: producer.producerEpoch,
          baseSequence,
          isTransactional: true,
        },
    compressor,
  )
}

async function* entriesOf(partition: Partition): AsyncGenerator<LogEntry> {
  let offset = partition.logStartOffset
  for (;;) {
    const position = { offset, maxBytes: READ_BYTES, currentLeaderEpoch: -1, lastFetchedEpoch: -1 }
    const { records } = await partition.read(position, READ_BYTES, 0, true)
    if (records.length === 0) return
    for (const buffer of records) {
      for (const at of batch.wholeBatches(buffer)) {
        offset = batch.lastOffset(buffer, at) + 1n
        const producer = batch.isTransactional(buffer, at)
          ? { producerId: batch.producerId(buffer, at), producerEpoch: batch.producerEpoch(buffer, at) }
          : null
        if (batch.isControlBatch(buffer, at)) {
          const end = readMarker(buffer, at)
          if (producer !== null && end !== null) yield { kind: 'marker', marker: { ...producer, ...end } }
          continue
        }
        for (const { key, value } of await readRecords(buffer, at)) {
          if (key !== null) yield { kind: 'record', record: { key, value }, producer }
        }
      }
    }
  }
}
