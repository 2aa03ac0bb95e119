/**
 * Stores that break a promise, each in one way: to see that the checker of the crash test notices. Each stands before
 * a store that keeps its promises.
 */
import type { Frame, LogId, LogStore, StoredLog } from '../../src/storage/log-store.ts'
import * as batch from '../../src/wire/batch.ts'
import { OFFSETS_LOG, PLAIN, TRANSACTIONAL } from './history.ts'

/** What is wrong with a store: how it opens a log. */
type Bug = (log: StoredLog, id: LogId) => StoredLog | Promise<StoredLog>

export type BugName =
  | 'acknowledged before it is durable'
  | 'a lost tail'
  | 'a duplicate after replay'
  | 'a missing marker'
  | 'an offset that goes back'

const bugs: Readonly<Record<BugName, Bug>> = {
  'acknowledged before it is durable': (log, { topic }) => (topic === PLAIN ? acknowledgingEarly(log) : log),
  'a lost tail': (log, { topic }) => (topic === PLAIN ? withoutLastBatch(log) : log),
  'a duplicate after replay': (log, { topic }) => (topic === PLAIN ? withLastBatchTwice(log) : log),
  'a missing marker': (log, { topic }) => (topic === TRANSACTIONAL ? withoutMarkers(log) : log),
  'an offset that goes back': (log, { topic }) => (topic === OFFSETS_LOG ? withoutLastBatch(log) : log),
}

export function plant(bug: BugName, store: LogStore): LogStore {
  return withOther(store, {
    open: async (id: LogId, epoch: number) => bugs[bug](await store.open(id, epoch), id),
  })
}

/** How long what has been acknowledged is kept back. */
const EARLY_MS = 100

function acknowledgingEarly(log: StoredLog): StoredLog {
  let waiting: Frame[] = []
  let end = log.endOffset
  const write = async (): Promise<void> => {
    const frames = waiting
    await log.append(frames)
    waiting = waiting.slice(frames.length)
  }
  return withOther(log, {
    get endOffset() {
      return end
    },
    append: (frames: readonly Frame[]) => {
      if (waiting.length === 0) setTimeout(write, EARLY_MS)
      // What the frames are views of may change as soon as this returns.
      waiting = [...waiting, ...frames.map((frame) => Buffer.from(frame))]
      end = batch.lastOffset(waiting.at(-1) as Frame) + 1n
    },
    read: (from: bigint, maxBytes: number, upTo: bigint) => {
      if (from < log.endOffset) return log.read(from, maxBytes, upTo)
      return waiting.filter((frame) => batch.lastOffset(frame) >= from).slice(0, 1)
    },
  })
}

async function lastBatch(log: StoredLog): Promise<Buffer | undefined> {
  const [view] = await log.read(log.endOffset - 1n, 1, log.endOffset)
  return view
}

async function withoutLastBatch(log: StoredLog): Promise<StoredLog> {
  const last = await lastBatch(log)
  if (last !== undefined) await log.truncate(batch.baseOffset(last))
  return log
}

async function withLastBatchTwice(log: StoredLog): Promise<StoredLog> {
  const last = await lastBatch(log)
  if (last !== undefined) {
    const again = Buffer.from(last)
    batch.setBaseOffset(again, 0, log.endOffset)
    await log.append([again])
  }
  return log
}

function withoutMarkers(log: StoredLog): StoredLog {
  let end = log.endOffset
  return withOther(log, {
    get endOffset() {
      return end
    },
    append: (frames: readonly Frame[]) => {
      const last = frames.at(-1)
      if (last !== undefined) end = batch.lastOffset(last) + 1n
      const kept = frames.filter((frame) => !batch.isControlBatch(frame))
      return kept.length > 0 ? log.append(kept) : undefined
    },
  })
}

/** `inner` with some of its methods and properties replaced. */
function withOther<T extends object>(inner: T, other: Partial<T>): T {
  return new Proxy(inner, {
    get(target, name) {
      if (name in other) return Reflect.get(other, name)
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
