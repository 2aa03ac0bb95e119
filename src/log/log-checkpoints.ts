/**
 * What is kept beside a log of its producers and its aborted transactions, so that it need not be read as a whole when
 * it is opened: a snapshot of the producers where each segment begins and where the log was closed, and for each
 * segment but the active one the transactions that were aborted in it.
 */
import type { StoredLog } from '../storage/log-store.ts'
import type { RecoveredLog } from './log-recovery.ts'
import type { LogState } from './log-state.ts'
import { encodeProducers } from './producer-snapshot.ts'
import type { StoreQueue } from './store-queue.ts'
import { encodeAborted } from './transaction-index.ts'
import type { AbortedTransaction } from './transaction-marker.ts'

export class LogCheckpoints {
  readonly #stored: StoredLog
  readonly #queue: StoreQueue
  /** Where the newest snapshot is; -1 for none. */
  #newest: bigint
  /** Snapshots that no segment begins at: of when the log was closed. */
  #strays: readonly bigint[]

  /** Puts right, before anything else is written, what a crash or a truncation has left wrong. */
  constructor(stored: StoredLog, queue: StoreQueue, { state, snapshots, wrongIndexes }: RecoveredLog) {
    this.#stored = stored
    this.#queue = queue
    const isSegment = (offset: bigint) => state.segments.some(({ baseOffset }) => baseOffset === offset)
    const kept = snapshots.filter((offset) => offset <= state.endOffset)
    this.#newest = kept.at(-1) ?? -1n
    this.#strays = kept.filter((offset) => !isSegment(offset))
    for (const offset of snapshots) {
      if (offset > state.endOffset) queue.post(() => stored.segmentSidecar('producers', offset).remove())
    }
    for (const base of wrongIndexes) {
      const aborted = isSegment(base) ? abortedIn(state, base) : []
      queue.post(() => this.saveAborted(base, aborted))
    }
  }

  /** Notes which transactions were aborted in the active segment, which is about to be closed. */
  segmentEnds(state: LogState): void {
    const base = state.segments.at(-1)?.baseOffset ?? state.startOffset
    const aborted = abortedIn(state, base)
    if (aborted.length > 0) this.#queue.post(() => this.saveAborted(base, aborted))
  }

  /** Notes the producers as they are at the log's end. */
  takeSnapshot(state: LogState): void {
    const offset = state.endOffset
    const bytes = encodeProducers(state.producers.entries())
    this.#queue.post(() => this.#stored.segmentSidecar('producers', offset).replace(bytes))
    this.#newest = offset
    for (const stray of this.#strays) {
      if (stray === offset) continue
      this.#queue.post(() => this.#stored.segmentSidecar('producers', stray).remove())
    }
    this.#strays = []
  }

  /** Notes all that a log needs to be opened without being read. */
  close(state: LogState): void {
    // Of thousands of logs that nothing was ever written to, none is worth a file.
    if (state.endOffset <= this.#newest || state.endOffset === 0n) return
    this.segmentEnds(state)
    this.takeSnapshot(state)
    this.#strays = [state.endOffset]
  }

  /** Notes beside a segment which transactions were aborted in it. */
  saveAborted(baseOffset: bigint, aborted: readonly AbortedTransaction[]): void | Promise<void> {
    const sidecar = this.#stored.segmentSidecar('aborted-transactions', baseOffset)
    return aborted.length === 0 ? sidecar.remove() : sidecar.replace(encodeAborted(aborted))
  }
}

/** Those whose markers are in the segment. */
function abortedIn({ segments, aborted, endOffset }: LogState, base: bigint): readonly AbortedTransaction[] {
  const next = segments.find(({ baseOffset }) => baseOffset > base)
  return aborted.endedBetween(base, next?.baseOffset ?? endOffset)
}
