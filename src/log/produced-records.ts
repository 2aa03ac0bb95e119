/** What Kafka checks of a Produce request's records before it looks at the partition they are for. */
import * as batch from '../wire/batch.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'

/** The first version of Produce that may carry zstd (KIP-110). */
const FIRST_ZSTD_VERSION = 7
/** Kafka trips over a batch that is shorter, looking for its producer id. */
const PRODUCER_ID_END = batch.BatchField.PRODUCER_EPOCH

/**
 * Whether the first batch is transactional. Kafka asks this of every partition before anything else, so what it
 * throws concerns the whole request: its code and, unlike other errors of a Produce, its message go to all of the
 * request's partitions.
 * @throws KafkaError CORRUPT_MESSAGE when no batch can be cut out, UNKNOWN_SERVER_ERROR when its size is beyond 2^31-1.
 */
export function isTransactionalRequest(records: Buffer | null): boolean {
  if (records === null) throw new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, 'a partition without records')
  if (firstBatchBytes(records) === 0 || batch.magic(records) !== batch.MAGIC_V2) return false
  return batch.isTransactional(records)
}

/**
 * Checks that records are in the one shape that Produce takes: a single batch of format 2, whose codec the version of
 * the request allows. The answer to what it throws has the fillers of an error, log start -1 included.
 * @param version the version of the Produce request.
 * @throws KafkaError INVALID_RECORD, CORRUPT_MESSAGE, UNSUPPORTED_COMPRESSION_TYPE or UNKNOWN_SERVER_ERROR.
 */
export function checkProducedRecords(records: Buffer, version: number): void {
  const bytes = firstBatchBytes(records)
  if (bytes === 0) throw new KafkaError(ErrorCode.INVALID_RECORD, 'no whole batch')
  const magic = batch.magic(records)
  if (magic !== batch.MAGIC_V2) {
    throw new KafkaError(ErrorCode.INVALID_RECORD, `a batch of magic ${magic} in Produce version ${version}`)
  }
  if (version < FIRST_ZSTD_VERSION && batch.compressionCodec(records) === batch.Codec.ZSTD) {
    throw new KafkaError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, `zstd in Produce version ${version}`)
  }
  if (bytes < records.length && firstBatchBytes(records.subarray(bytes)) > 0) {
    throw new KafkaError(ErrorCode.INVALID_RECORD, 'more than one batch')
  }
  if (bytes < PRODUCER_ID_END) {
    throw new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, `a batch of ${bytes} bytes has no producer id`)
  }
}

/** The message that Kafka gives for what it cannot cut out reaches the client, so it has Kafka's words. */
function firstBatchBytes(records: Buffer): number {
  if (records.length < batch.LOG_OVERHEAD_BYTES) return 0
  const length = batch.batchLength(records)
  if (length < MIN_BATCH_LENGTH) {
    throw new KafkaError(
      ErrorCode.CORRUPT_MESSAGE,
      `Record size ${length} is less than the minimum record overhead (${MIN_BATCH_LENGTH})`,
    )
  }
  if (records.length <= batch.BatchField.MAGIC) return 0
  const magic = batch.magic(records)
  if (magic < 0 || magic > batch.MAGIC_V2) {
    throw new KafkaError(ErrorCode.CORRUPT_MESSAGE, `Invalid magic found in record: ${magic}`)
  }
  const bytes = batch.LOG_OVERHEAD_BYTES + length
  if (bytes > MAX_INT32) {
    throw new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, `a batch of ${bytes} bytes`)
  }
  return bytes > records.length ? 0 : bytes
}

const MIN_BATCH_LENGTH = 14
const MAX_INT32 = 2 ** 31 - 1
