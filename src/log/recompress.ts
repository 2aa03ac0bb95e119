/** Gives a produced batch the codec that its topic asks for (compression.type). */
import { usableMemoryBytes } from '../config/usable-memory.ts'
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
  const limitBytes = codec === batch.Codec.NONE ? config.maxMessageBytes : MAX_RECORDS_BYTES
  const isLarge = await checkSize(frame, Math.min(limitBytes, MAX_RECORDS_BYTES))
  const build = (): Promise<ValidatedBatch> => rebuild(frame, codec, check, config, nowMs)
  return isLarge ? oneAtATime(build) : build()
}

async function rebuild(
  frame: Buffer,
  codec: batch.Codec,
  check: RecordCheck,
  config: LogConfig,
  nowMs: number,
): Promise<ValidatedBatch> {
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

/** What is compressed anew is in memory as a whole for a moment, twice, whatever a few bytes pretend to be. */
const MAX_RECORDS_BYTES = Math.min(128 * 1024 * 1024, Math.max(8 * 1024 * 1024, usableMemoryBytes() / 16))
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

/** Says whether the records take much memory. */
async function checkSize(frame: Buffer, maxBytes: number): Promise<boolean> {
  const pieces = decompress(batch.compressionCodec(frame), batch.recordsPayload(frame))
  if (Buffer.isBuffer(pieces)) return pieces.length > LARGE_BYTES
  let bytes = 0
  for await (const piece of pieces) {
    bytes += piece.length
    if (bytes <= maxBytes) continue
    throw new KafkaError(
      ErrorCode.MESSAGE_TOO_LARGE,
      `records of more than ${maxBytes} bytes to be compressed anew`,
    )
  }
  return true
}

/** Larger ones wait for each other. */
const LARGE_BYTES = 1024 * 1024
let previous: Promise<unknown> = Promise.resolve()

/** Begins when all that were given before have ended, whatever became of them. */
function oneAtATime<T>(act: () => Promise<T>): Promise<T> {
  const result = previous.then(act)
  previous = result.catch(() => {})
  return result
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
