/** How a transaction ends in a log (KIP-98): a control batch of one record, and what readers are told of aborted ones. */

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
