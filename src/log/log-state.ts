/** What a log keeps in memory of its stored batches. */
import type { StoredLog } from '../storage/log-store.ts'
import { AbortedTransactions } from './aborted-transactions.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import { LogSegment } from './log-segment.ts'
import { ProducerState } from './producer-state.ts'

export interface LogState {
  startOffset: bigint
  endOffset: bigint
  sizeBytes: number
  /** The same segments that the store has, the last one active. */
  readonly segments: LogSegment[]
  readonly epochs: LeaderEpochs
  readonly producers: ProducerState
  readonly aborted: AbortedTransactions
}

/** Of a log of which nothing has been read. */
export function unreadState(stored: StoredLog, nowMs: number): LogState {
  return {
    startOffset: stored.startOffset,
    endOffset: stored.endOffset,
    sizeBytes: 0,
    segments: stored.segments.map(({ baseOffset }) => new LogSegment(baseOffset, nowMs)),
    epochs: new LeaderEpochs(),
    producers: new ProducerState(),
    aborted: new AbortedTransactions(),
  }
}
