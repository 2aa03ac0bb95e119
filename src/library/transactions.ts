import type { TopicPartition } from './group-handle.ts'
import { checkRunning, type LibraryContext } from './library-context.ts'

export interface TransactionInfo {
  readonly transactionalId: string
  /** `Empty`, `Ongoing`, `PrepareCommit`, `PrepareAbort`, `CompleteCommit`, `CompleteAbort`, `PrepareEpochFence`. */
  readonly state: string
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly timeoutMs: number
  /** When it began, in milliseconds since 1970; null before the first one. */
  readonly startedMs: number | null
  /** What it has written to, offsets of groups in `__consumer_offsets` included. */
  readonly partitions: readonly TopicPartition[]
}

/** The last transaction of each transactional id, open or not. */
export function transactionsOf(context: LibraryContext): TransactionInfo[] {
  checkRunning(context)
  const { transactions } = context.services
  const all = { stateFilters: [], producerIdFilters: [], durationFilter: -1n, transactionalIdPattern: null }
  const transactionalIds = transactions.list(all).transactionStates.map((each) => each.transactionalId)
  return transactions.describe({ transactionalIds }).transactionStates.map((each) => ({
    transactionalId: each.transactionalId,
    state: each.transactionState,
    producerId: each.producerId,
    producerEpoch: each.producerEpoch,
    timeoutMs: each.transactionTimeoutMs,
    startedMs: each.transactionStartTimeMs < 0n ? null : Number(each.transactionStartTimeMs),
    partitions: each.topics.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => ({ topic, partition })),
    ),
  }))
}
