/** What a coordinator keeps its state in: one partition of an internal topic, as records with a key. */

/** One record of `__consumer_offsets` or `__transaction_state`; a null value is a tombstone. */
export interface CoordinatorRecord {
  readonly key: Buffer
  readonly value: Buffer | null
}

/** One partition of such a topic, led here. */
export interface CoordinatorLog {
  /**
   * Appends all of `records` in this order, or none of them. Returns when they are committed: at once, or by the
   * promise. Appends made later commit later.
   * @throws KafkaError, also as a rejection: nothing is known of the log any more, its coordinator reads it again.
   */
  append(records: readonly CoordinatorRecord[]): void | Promise<void>
  /** Every committed record from the first on, tombstones included. */
  read(): Iterable<CoordinatorRecord> | AsyncIterable<CoordinatorRecord>
}
