/** What an append did. */
export interface AppendResult {
  readonly baseOffset: bigint
  readonly lastOffset: bigint
  /** The broker's timestamp on a LogAppendTime topic, the stored batch's latest one for a duplicate, otherwise -1. */
  readonly logAppendTimeMs: bigint
  /** The batch had been appended before (idempotence): nothing was added, and the offsets are those of then. */
  readonly duplicate: boolean
  readonly logStartOffset: bigint
  /**
   * Undefined when the batch is durable already, otherwise settles when it is; rejects with KAFKA_STORAGE_ERROR when
   * the store failed. It may be left alone: a rejection that nobody waits for is not reported as unhandled.
   */
  readonly durable: undefined | Promise<void>
}
