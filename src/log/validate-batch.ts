/** Kafka's checks of a produced batch, in Kafka's order, and what the broker changes in it. */
import * as batch from '../wire/batch.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { walkBatch } from '../wire/records.ts'
import type { LogConfig } from './log-config.ts'
import { targetCodec } from './log-config.ts'
import { recompress } from './recompress.ts'
import { RecordCheck } from './record-check.ts'

/** A batch that has passed the checks, and what the log needs to know of it. */
export interface ValidatedBatch {
  /** The batch as it will be stored, but for its base offset and leader epoch. */
  readonly frame: Buffer
  readonly maxTimestamp: bigint
  /** The broker's timestamp where the topic wants it, otherwise -1. */
  readonly logAppendTimeMs: bigint
}

/** What a batch is held against. */
export interface BatchRules {
  /** Name and partition, as error messages name them: `orders-0`. */
  readonly topicPartition: string
  readonly config: LogConfig
  readonly nowMs: number
}

/**
 * Checks the batch that a client produced and makes it what will be stored: timestamps, checksum, compression.
 * It is done when this returns, unless a promise comes back: then something large had to be decompressed.
 * @param records what has passed `checkProducedRecords`. Its header is changed in place where the rules demand it;
 * bytes behind the batch are left out.
 * @throws RecordValidationError for single records (KIP-467), otherwise KafkaError with INVALID_RECORD,
 * MESSAGE_TOO_LARGE, CORRUPT_MESSAGE, or UNKNOWN_SERVER_ERROR for what cannot be decompressed.
 */
export function validateBatch(records: Buffer, rules: BatchRules): ValidatedBatch | Promise<ValidatedBatch> {
  checkHeader(records, rules)
  const frame = records.subarray(0, batch.LOG_OVERHEAD_BYTES + batch.batchLength(records))
  checkCounts(frame, rules)
  const sourceCodec = batch.compressionCodec(frame) as batch.Codec
  const codec = targetCodec(rules.config.compressionType, sourceCodec)
  const check = new RecordCheck(frame, rules, codec === sourceCodec && codec !== batch.Codec.NONE)
  if (codec !== sourceCodec) return recompressed(frame, codec, check, rules)
  const start = codec === batch.Codec.NONE ? check.passUsual() : undefined
  const walking = walkBatch(frame, 0, (record) => check.visit(record), start)
  return walking === undefined
    ? stamped(frame, check, rules)
    : walking.then(() => stamped(frame, check, rules))
}

/** What Kafka checks before it looks for a record: the parts of the header that need no more than the header. */
function checkHeader(records: Buffer, { topicPartition, config }: BatchRules): void {
  const baseOffset = batch.baseOffset(records)
  if (baseOffset !== 0n) {
    throw invalid(`base offset ${baseOffset} in a batch for ${topicPartition}, where 0 is expected`)
  }
  const bytes = batch.LOG_OVERHEAD_BYTES + batch.batchLength(records)
  if (bytes > config.maxMessageBytes) {
    throw new KafkaError(
      ErrorCode.MESSAGE_TOO_LARGE,
      `a batch of ${bytes} bytes for ${topicPartition}, which takes ${config.maxMessageBytes}`,
    )
  }
  if (!batch.isCrcValid(records)) {
    throw new KafkaError(ErrorCode.CORRUPT_MESSAGE, `a batch for ${topicPartition} with a wrong checksum`)
  }
  const codec = batch.compressionCodec(records)
  if (!batch.isCodec(codec)) throw new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, `codec ${codec} is none`)
}

/** What the header says of its records, and what a client may not say at all. */
function checkCounts(frame: Buffer, { topicPartition }: BatchRules): void {
  const offsets = batch.lastOffsetDelta(frame) + 1
  const count = batch.recordsCount(frame)
  if (offsets <= 0 || count <= 0 || offsets !== count) {
    throw invalid(`a batch for ${topicPartition} with ${offsets} offsets and ${count} records`)
  }
  if (batch.isControlBatch(frame)) throw invalid(`a control batch of a client for ${topicPartition}`)
  const sequence = batch.baseSequence(frame)
  if (batch.hasProducerId(frame) && sequence < 0) {
    throw invalid(`sequence ${sequence} of producer ${batch.producerId(frame)} for ${topicPartition}`)
  }
}

/** The end of the way for a batch whose records stay as they are. */
function stamped(frame: Buffer, check: RecordCheck, rules: BatchRules): ValidatedBatch {
  check.throwRecordErrors()
  if (check.hasForeignOffsets) {
    // Kafka means to rebuild such a batch, but has skipped over its keys and values by then, and fails.
    throw new KafkaError(
      ErrorCode.UNKNOWN_SERVER_ERROR,
      'compressed records whose offsets do not count up from 0',
    )
  }
  const { messageTimestampType: type } = rules.config
  const byBroker = type === batch.TimestampType.LOG_APPEND_TIME
  const maxTimestamp = byBroker ? BigInt(rules.nowMs) : check.maxTimestamp
  batch.stampBatch(frame, 0, type, maxTimestamp)
  return { frame, maxTimestamp, logAppendTimeMs: byBroker ? maxTimestamp : batch.NO_TIMESTAMP }
}

/** The way of a batch whose codec is not the topic's. */
async function recompressed(
  frame: Buffer,
  codec: batch.Codec,
  check: RecordCheck,
  rules: BatchRules,
): Promise<ValidatedBatch> {
  const rebuilt = await recompress(frame, codec, check, rules)
  if (rebuilt.frame.length > rules.config.maxMessageBytes) {
    throw new KafkaError(
      ErrorCode.MESSAGE_TOO_LARGE,
      `a batch of ${rebuilt.frame.length} bytes, compressed anew, for ${rules.topicPartition}`,
    )
  }
  return rebuilt
}

function invalid(message: string): KafkaError {
  return new KafkaError(ErrorCode.INVALID_RECORD, message)
}
