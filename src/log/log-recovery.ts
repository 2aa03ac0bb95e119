/**
 * How a log's state is won back from its store: from what was noted beside it, and from the headers of the batches that
 * came after. What was noted may be missing, garbled, or of batches that a crash has taken back; then more is read.
 */
import type { Segment, StoredLog } from '../storage/log-store.ts'
import * as batch from '../wire/batch.ts'
import { type EpochEntry, LeaderEpochs } from './leader-epochs.ts'
import type { LogConfig } from './log-config.ts'
import { LogSegment } from './log-segment.ts'
import { type LogState, unreadState } from './log-state.ts'
import { decodeProducers, type ProducerEntry } from './producer-snapshot.ts'
import { readEpochs, readLogStart } from './sidecars.ts'
import { decodeAborted } from './transaction-index.ts'
import type { AbortedTransaction } from './transaction-marker.ts'

export interface RecoveredLog {
  readonly state: LogState
  /** The offsets of the producer snapshots that are beside the log, in order. */
  readonly snapshots: readonly bigint[]
  /** Segments, by their base offsets, whose list of aborted transactions is not what it should be. */
  readonly wrongIndexes: readonly bigint[]
}

/** How much is read at a time. */
const READ_BYTES = 1024 * 1024

/** What was noted beside a log. */
interface Notes {
  readonly epochs: readonly EpochEntry[]
  readonly startOffset: bigint
  readonly snapshots: readonly bigint[]
  readonly indexes: readonly bigint[]
}

/** For a log that has nothing in it, in a store that answers at once, it is done when this returns. */
export function recoverLog(
  stored: StoredLog,
  config: LogConfig,
  nowMs: number,
): RecoveredLog | Promise<RecoveredLog> {
  const epochs = readEpochs(stored)
  const startOffset = readLogStart(stored)
  const snapshots = stored.segmentSidecars('producers')
  const indexes = stored.segmentSidecars('aborted-transactions')
  if (
    epochs instanceof Promise ||
    startOffset instanceof Promise ||
    snapshots instanceof Promise ||
    indexes instanceof Promise
  ) {
    return Promise.all([epochs, startOffset, snapshots, indexes]).then((notes) =>
      recover(
        stored,
        { epochs: notes[0], startOffset: notes[1], snapshots: notes[2], indexes: notes[3] },
        config,
        nowMs,
      ),
    )
  }
  return recover(stored, { epochs, startOffset, snapshots, indexes }, config, nowMs)
}

function recover(
  stored: StoredLog,
  notes: Notes,
  config: LogConfig,
  nowMs: number,
): RecoveredLog | Promise<RecoveredLog> {
  const unread = unreadState(stored, nowMs)
  const startOffset = notes.startOffset > stored.startOffset ? notes.startOffset : stored.startOffset
  const state = { ...unread, startOffset, epochs: new LeaderEpochs(notes.epochs) }
  if (stored.startOffset === stored.endOffset && notes.snapshots.length + notes.indexes.length === 0) {
    trimEpochs(state)
    return { state, snapshots: [], wrongIndexes: [] }
  }
  return recoverWritten(stored, notes, state, config, nowMs)
}

async function recoverWritten(
  stored: StoredLog,
  notes: Notes,
  state: LogState,
  config: LogConfig,
  nowMs: number,
): Promise<RecoveredLog> {
  const indexes = await readIndexes(stored, notes.indexes)
  // Epochs that are not noted are found in the batches.
  const usableUpTo = notes.epochs.length === 0 ? stored.startOffset : indexes.rightUpTo
  const snapshot = await readSnapshot(stored, notes.snapshots, usableUpTo)
  const from = snapshot?.offset ?? stored.startOffset
  if (snapshot !== null) state.producers.restore(snapshot.entries)
  for (const transaction of indexes.aborted) {
    if (transaction.lastOffset < from) state.aborted.add(transaction)
  }
  const segments = stored.segments.map((segment) => segmentOf(segment, from, config, nowMs))
  state.segments.splice(0, state.segments.length, ...segments)
  await replay(stored, state, from, config)
  trimEpochs(state)
  state.sizeBytes = segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  return { state, snapshots: notes.snapshots, wrongIndexes: indexes.wrong }
}

/** One whose batches are all replayed is counted from nothing. */
function segmentOf(segment: Segment, replayedFrom: bigint, config: LogConfig, nowMs: number): LogSegment {
  return segment.baseOffset >= replayedFrom
    ? new LogSegment(segment.baseOffset, nowMs)
    : LogSegment.of(segment, nowMs, config.indexIntervalBytes)
}

interface Indexes {
  readonly aborted: readonly AbortedTransaction[]
  /** Below this offset none is missing for all that can be known. */
  readonly rightUpTo: bigint
  readonly wrong: readonly bigint[]
}

async function readIndexes(stored: StoredLog, bases: readonly bigint[]): Promise<Indexes> {
  const { endOffset, segments } = stored
  const wrong: bigint[] = []
  const aborted: AbortedTransaction[] = []
  let rightUpTo = endOffset
  for (const base of bases) {
    const bytes = await stored.segmentSidecar('aborted-transactions', base).read()
    const found = bytes === null ? [] : decodeAborted(bytes, base)
    if (found === null && base < rightUpTo) rightUpTo = base
    const isOfSegment = segments.some(({ baseOffset }) => baseOffset === base)
    const kept = isOfSegment ? (found?.filter(({ lastOffset }) => lastOffset < endOffset) ?? []) : []
    if (found === null || kept.length < found.length || !isOfSegment) wrong.push(base)
    for (const transaction of kept) aborted.push(transaction)
  }
  return { aborted, rightUpTo, wrong }
}

/** The newest one that can be read and says nothing of what came after `upTo`. */
async function readSnapshot(
  stored: StoredLog,
  offsets: readonly bigint[],
  upTo: bigint,
): Promise<{ readonly offset: bigint; readonly entries: readonly ProducerEntry[] } | null> {
  for (const offset of offsets.toReversed()) {
    if (offset > upTo || offset < stored.startOffset) continue
    const bytes = await stored.segmentSidecar('producers', offset).read()
    const entries = bytes === null ? null : decodeProducers(bytes)
    if (entries !== null) return { offset, entries }
  }
  return null
}

/** Reads the batches from `from` on, headers only. */
async function replay(stored: StoredLog, state: LogState, from: bigint, config: LogConfig): Promise<void> {
  let at = 0
  let next = from
  while (next < stored.endOffset) {
    const views = await stored.read(next, READ_BYTES, stored.endOffset)
    if (views.length === 0) return
    for (const view of views) {
      for (const position of batch.wholeBatches(view)) {
        const baseOffset = batch.baseOffset(view, position)
        while ((state.segments[at + 1]?.baseOffset ?? state.endOffset) <= baseOffset) at++
        const segment = state.segments[at] as LogSegment
        replayBatch(view, position, state, segment.baseOffset >= from ? segment : null, config)
        next = batch.lastOffset(view, position) + 1n
      }
    }
  }
}

/** @param segment which the batch counts for; null where it is counted already. */
function replayBatch(
  view: Buffer,
  position: number,
  state: LogState,
  segment: LogSegment | null,
  config: LogConfig,
): void {
  const baseOffset = batch.baseOffset(view, position)
  const lastOffset = batch.lastOffset(view, position)
  const bytes = batch.LOG_OVERHEAD_BYTES + batch.batchLength(view, position)
  const maxTimestamp = batch.maxTimestamp(view, position)
  segment?.add({ baseOffset, lastOffset, bytes, maxTimestamp }, config.indexIntervalBytes)
  const epoch = batch.leaderEpoch(view, position)
  if (epoch > state.epochs.latest) state.epochs.assign(epoch, baseOffset)
  if (!batch.hasProducerId(view, position)) return
  const aborted = state.producers.update(view, position)
  if (aborted !== null) state.aborted.add(aborted)
}

/** What was noted may be older, or newer, than the batches. */
function trimEpochs(state: LogState): void {
  state.epochs.truncateFromEnd(state.endOffset)
  state.epochs.truncateFromStart(state.startOffset)
}
