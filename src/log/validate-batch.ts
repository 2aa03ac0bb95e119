/** Kafka's checks of a produced batch, and what the broker changes in it. */

/** A batch that has passed the checks, and what the log needs to know of it. */
export interface ValidatedBatch {
  /** The batch as it will be stored, but for its base offset and leader epoch. */
  readonly frame: Buffer
  readonly lastOffsetDelta: number
  readonly maxTimestamp: bigint
  /** The broker's timestamp where the topic wants it, otherwise -1. */
  readonly logAppendTimeMs: bigint
}

/**
 * Checks that records are in the one shape that Produce takes: a single batch of format 2, whose codec the version of
 * the request allows. Kafka does this before it looks at the partition.
 * @param version the version of the Produce request.
 * @throws KafkaError INVALID_RECORD, CORRUPT_MESSAGE, UNSUPPORTED_COMPRESSION_TYPE.
 */
export declare function checkProducedRecords(records: Buffer | null, version: number): void
