/** Gives a produced batch the codec that its topic asks for (compression.type). */
import * as batch from '../wire/batch.ts'
import { decompress } from '../wire/compression.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { buildCompressedBatch, type RecordValue, readRecords, walkBatch } from '../wire/records.ts'
import type { LogConfig } from './log-config.ts'
import type { RecordCheck } from './record-check.ts'
import type { BatchRules, ValidatedBatch } from './validate-batch.ts'

/**
 * Checks the records and builds the batch anew, as Kafka does: offsets count up from 0, attributes of single records
 * are gone, the base timestamp is the first record's.
 * @throws RecordsError, CompressionError, KafkaError.
 */
export async function recompress(
  frame: Buffer,
  codec: batch.Codec,
  check: RecordCheck,
  { config, nowMs }: BatchRules,
): Promise<ValidatedBatch> {
  checkCount(frame)
  await checkSize(frame, codec === batch.Codec.NONE ? config.maxMessageBytes : MAX_RECORDS_BYTES)
  await walkBatch(frame, 0, (record) => check.visit(record))
  const records = await readRecords(frame)
  check.throwRecordErrors()
  checkTimestamps(records)
  const type = config.messageTimestampType
  const byBroker = type === batch.TimestampType.LOG_APPEND_TIME
  const maxTimestamp = byBroker ? BigInt(nowMs) : check.maxTimestamp
  const rebuilt = await buildCompressedBatch(
    records,
    codec,
    {
      timestampType: type,
      maxTimestamp,
      producerId: batch.producerId(frame),
      producerEpoch: batch.producerEpoch(frame),
      baseSequence: batch.baseSequence(frame),
      isTransactional: batch.isTransactional(frame),
    },
    levelOf(codec, config),
  )
  return { frame: rebuilt, maxTimestamp, logAppendTimeMs: byBroker ? maxTimestamp : batch.NO_TIMESTAMP }
}

/** What is compressed anew is in memory as a whole for a moment, whatever a few bytes pretend to be. */
const MAX_RECORDS_BYTES = 128 * 1024 * 1024
/** Each record is an object for that moment: many small ones take far more memory than their bytes. */
const MAX_RECORDS = 1_000_000

function checkCount(frame: Buffer): void {
  const count = batch.recordsCount(frame)
  if (count <= MAX_RECORDS) return
  throw new KafkaError(
    ErrorCode.MESSAGE_TOO_LARGE,
    `${count} records to be compressed anew, at most ${MAX_RECORDS} are`,
  )
}

async function checkSize(frame: Buffer, maxBytes: number): Promise<void> {
  const pieces = decompress(batch.compressionCodec(frame), batch.recordsPayload(frame))
  if (Buffer.isBuffer(pieces)) return
  let bytes = 0
  for await (const piece of pieces) {
    bytes += piece.length
    if (bytes <= maxBytes) continue
    throw new KafkaError(
      ErrorCode.MESSAGE_TOO_LARGE,
      `records of more than ${maxBytes} bytes to be compressed anew`,
    )
  }
}

/** Kafka cannot build a batch with a timestamp below -1, and says no more than that it failed. */
function checkTimestamps(records: readonly RecordValue[]): void {
  const negative = records.find(({ timestamp }) => timestamp < batch.NO_TIMESTAMP)
  if (negative === undefined) return
  throw new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, `record with timestamp ${negative.timestamp}`)
}

function levelOf(codec: batch.Codec, config: LogConfig): number | undefined {
  if (codec === batch.Codec.GZIP) return config.compressionGzipLevel
  if (codec === batch.Codec.LZ4) return config.compressionLz4Level
  if (codec === batch.Codec.ZSTD) return config.compressionZstdLevel
  return undefined
}
