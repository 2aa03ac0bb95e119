/** What a log keeps in memory of its stored batches, and how it is won back from them. */
import type { StoredLog } from '../storage/log-store.ts'
import * as batch from '../wire/batch.ts'
import { AbortedTransactions } from './aborted-transactions.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import type { LogConfig } from './log-config.ts'
import { LogSegment } from './log-segment.ts'
import { ProducerState } from './producer-state.ts'
import { readEpochs, readLogStart } from './sidecars.ts'

/** How much is read at a time. */
const READ_BYTES = 1024 * 1024

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

/**
 * Reads the whole log, headers only. For a log that has nothing in it, in a store that answers at once, it is done
 * when this returns.
 */
export function replay(stored: StoredLog, config: LogConfig, nowMs: number): LogState | Promise<LogState> {
  const epochs = readEpochs(stored)
  const start = readLogStart(stored)
  if (epochs instanceof Promise || start instanceof Promise || stored.startOffset !== stored.endOffset) {
    return replayBatches(stored, config, nowMs)
  }
  return trimEpochs(emptyState(stored, nowMs, new LeaderEpochs(epochs), start))
}

async function replayBatches(stored: StoredLog, config: LogConfig, nowMs: number): Promise<LogState> {
  const epochs = new LeaderEpochs(await readEpochs(stored))
  const state = emptyState(stored, nowMs, epochs, await readLogStart(stored))
  let segment = 0
  let from = stored.startOffset
  while (from < stored.endOffset) {
    const views = await stored.read(from, READ_BYTES, stored.endOffset)
    if (views.length === 0) break
    for (const view of views) {
      for (const position of batch.wholeBatches(view)) {
        const baseOffset = batch.baseOffset(view, position)
        while ((state.segments[segment + 1]?.baseOffset ?? state.endOffset) <= baseOffset) segment++
        from = replayBatch(view, position, state, state.segments[segment] as LogSegment, config)
      }
    }
  }
  return trimEpochs(state)
}

/** Returns the offset behind the batch. */
function replayBatch(
  view: Buffer,
  position: number,
  state: LogState,
  segment: LogSegment,
  config: LogConfig,
): bigint {
  const facts = {
    baseOffset: batch.baseOffset(view, position),
    lastOffset: batch.lastOffset(view, position),
    bytes: batch.LOG_OVERHEAD_BYTES + batch.batchLength(view, position),
    maxTimestamp: batch.maxTimestamp(view, position),
  }
  segment.add(facts, config.indexIntervalBytes)
  state.sizeBytes += facts.bytes
  const epoch = batch.leaderEpoch(view, position)
  if (epoch > state.epochs.latest) state.epochs.assign(epoch, facts.baseOffset)
  if (batch.hasProducerId(view, position)) {
    const aborted = state.producers.update(view, position)
    if (aborted !== null) state.aborted.add(aborted)
  }
  return facts.lastOffset + 1n
}

/** What was noted beside the log may be older, or newer, than its batches. */
function trimEpochs(state: LogState): LogState {
  state.epochs.truncateFromEnd(state.endOffset)
  state.epochs.truncateFromStart(state.startOffset)
  return state
}

function emptyState(stored: StoredLog, nowMs: number, epochs: LeaderEpochs, start: bigint): LogState {
  return {
    startOffset: start > stored.startOffset ? start : stored.startOffset,
    endOffset: stored.endOffset,
    sizeBytes: 0,
    segments: stored.segments.map(({ baseOffset }) => new LogSegment(baseOffset, nowMs)),
    epochs,
    producers: new ProducerState(),
    aborted: new AbortedTransactions(),
  }
}
