/**
 * What is kept beside a log, so that it need not be read as a whole when it is opened: its leader epochs, a snapshot of
 * its producers where each segment begins and where it was closed, and for each segment but the active one the
 * transactions that were aborted in it.
 *
 * A snapshot says that nothing below it has to be read. So it must not outlive, when the power goes away, what was noted
 * before it: that is flushed first.
 */
import type { StoredLog } from '../storage/log-store.ts'
import type { EpochEntry } from './leader-epochs.ts'
import type { RecoveredLog } from './log-recovery.ts'
import type { LogState } from './log-state.ts'
import { encodeProducers } from './producer-snapshot.ts'
import { writeEpochs } from './sidecars.ts'
import type { StoreQueue } from './store-queue.ts'
import { encodeAborted } from './transaction-index.ts'
import type { AbortedTransaction } from './transaction-marker.ts'

export class LogCheckpoints {
  readonly #stored: StoredLog
  readonly #queue: StoreQueue
  /** Where the newest snapshot is; where there is none, where it would be that of an empty log. */
  #newest: bigint
  /** Snapshots that no segment begins at: of when the log was closed. */
  #strays: readonly bigint[]
  /** Whether there is a leader epoch that has not been saved, since it has no records. */
  epochsMoved = false
  /** How much has been noted, and how much of it has been flushed. */
  #notes = 0
  #flushedNotes = 0
  #stopped = false

  /** Puts right, before anything else is written, what a crash or a truncation has left wrong. */
  constructor(stored: StoredLog, queue: StoreQueue, { state, snapshots, wrongIndexes }: RecoveredLog) {
    this.#stored = stored
    this.#queue = queue
    const isSegment = (offset: bigint) => state.segments.some(({ baseOffset }) => baseOffset === offset)
    const kept = snapshots.filter((offset) => offset <= state.endOffset)
    this.#newest = kept.at(-1) ?? stored.startOffset
    this.#strays = kept.filter((offset) => !isSegment(offset))
    for (const offset of snapshots) {
      if (offset > state.endOffset) queue.post(() => stored.segmentSidecar('producers', offset).remove())
    }
    for (const base of wrongIndexes) {
      const aborted = isSegment(base) ? abortedIn(state, base) : []
      queue.post(() => this.saveAborted(base, aborted))
    }
  }

  saveEpochs(entries: readonly EpochEntry[]): void {
    this.epochsMoved = false
    this.#notes++
    this.#queue.post(() => writeEpochs(this.#stored, entries))
  }

  /**
   * The active segment ends at the log's end: notes which transactions were aborted in it, has the next one begun, and
   * notes the producers as they are. Nobody waits for the flush that may have to come before that.
   */
  roll(state: LogState): void {
    const offset = state.endOffset
    this.#noteAborted(state)
    this.#queue.post(() => this.#stored.roll(offset))
    const bytes = encodeProducers(state.producers.entries())
    const notes = this.#notes
    if (notes > this.#flushedNotes) this.#queue.post(() => this.#flushThenWrite(offset, bytes, notes))
    else this.#writeSnapshot(offset, bytes)
  }

  /** Notes all that a log needs to be opened without being read. */
  close(state: LogState): void {
    if (state.endOffset > this.#newest) {
      this.#noteAborted(state)
      if (this.#notes > this.#flushedNotes) this.#queue.flush()
      this.#writeSnapshot(state.endOffset, encodeProducers(state.producers.entries()))
    }
    this.stop()
  }

  /** From here on nothing is noted any more: the log is closed, or cut. */
  stop(): void {
    this.#stopped = true
  }

  /** Notes beside a segment which transactions were aborted in it. */
  saveAborted(baseOffset: bigint, aborted: readonly AbortedTransaction[]): void | Promise<void> {
    this.#notes++
    return this.#writeAborted(baseOffset, aborted)
  }

  #noteAborted(state: LogState): void {
    const base = state.segments.at(-1)?.baseOffset ?? state.startOffset
    const aborted = abortedIn(state, base)
    if (aborted.length === 0) return
    this.#notes++
    this.#queue.post(() => this.#writeAborted(base, aborted))
  }

  #writeAborted(baseOffset: bigint, aborted: readonly AbortedTransaction[]): void | Promise<void> {
    const sidecar = this.#stored.segmentSidecar('aborted-transactions', baseOffset)
    return aborted.length === 0 ? sidecar.remove() : sidecar.replace(encodeAborted(aborted))
  }

  /** Returns when the flush has begun. */
  #flushThenWrite(offset: bigint, bytes: Buffer, notes: number): void {
    const flushed = this.#stored.flush()
    const write = (): void => {
      this.#flushedNotes = notes
      this.#writeSnapshot(offset, bytes)
    }
    if (flushed instanceof Promise) {
      flushed.then(write).catch((error: unknown) => {
        if (!this.#stopped) this.#queue.fail(error)
      })
    } else {
      write()
    }
  }

  #writeSnapshot(offset: bigint, bytes: Buffer): void {
    if (this.#stopped || this.#queue.failure !== null) return
    this.#queue.post(() => this.#stored.segmentSidecar('producers', offset).replace(bytes))
    this.#newest = offset
    for (const stray of this.#strays) {
      if (stray !== offset) this.#queue.post(() => this.#stored.segmentSidecar('producers', stray).remove())
    }
    this.#strays = []
  }
}

/** Those whose markers are in the segment. */
function abortedIn({ segments, aborted, endOffset }: LogState, base: bigint): readonly AbortedTransaction[] {
  const next = segments.find(({ baseOffset }) => baseOffset > base)
  return aborted.endedBetween(base, next?.baseOffset ?? endOffset)
}
