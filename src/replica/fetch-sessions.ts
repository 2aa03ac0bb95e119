/**
 * Fetch sessions (KIP-227): the broker remembers what a consumer fetches, so that the consumer only says what changes.
 *
 * A session listens to its partitions and keeps a set of those that may have something to say. An incremental fetch
 * visits that set alone, however many partitions the session holds.
 */
import type { Clock, Random } from '../clock.ts'
import type { FetchSelection } from './fetch-selection.ts'

/** A session id or epoch that says: no session. */
export const NO_SESSION = 0
/** The epoch of a full fetch that asks for a session. */
export const INITIAL_EPOCH = 0
/** The epoch of a full fetch that wants no session, and closes the one that it names. */
export const FINAL_EPOCH = -1

const MAX_EPOCH = 0x7fffffff

export interface FetchSession {
  readonly id: number
  /** The epoch that the next incremental fetch must carry. */
  epoch: number
  /** From Fetch v13 on topics are named by id; a session sticks to what it began with. */
  readonly usesTopicIds: boolean
  readonly selection: FetchSelection
  readonly createdMs: number
  lastUsedMs: number
}

export interface FetchSessionsOptions {
  readonly clock: Clock
  readonly random: Random
  /** max.incremental.fetch.session.cache.slots */
  readonly maxSessions: number
  /** A session that was idle for longer gives way to a new one, milliseconds. */
  readonly evictAfterMs: number
}

/** Kafka's default for how long a session is safe from being evicted. */
export const EVICT_AFTER_MS = 120_000

export class FetchSessions {
  readonly #options: FetchSessionsOptions
  /**
   * In any order: to keep them in that of their use, each fetch would take its session out and put it in again, and of
   * a map that this is done to V8 leaves behind tables that are collected only with what is old.
   */
  readonly #sessions = new Map<number, FetchSession>()

  constructor(options: FetchSessionsOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#sessions.size
  }

  find(id: number): FetchSession | undefined {
    return this.#sessions.get(id)
  }

  /** Makes a session of what a full fetch selected; undefined when there is no room for it. */
  open(selection: FetchSelection, usesTopicIds: boolean): FetchSession | undefined {
    const nowMs = this.#options.clock.now()
    if (!this.#makeRoom(selection.size, nowMs)) return undefined
    const session = {
      id: this.#newId(),
      epoch: nextEpoch(INITIAL_EPOCH),
      usesTopicIds,
      selection,
      createdMs: nowMs,
      lastUsedMs: nowMs,
    }
    this.#sessions.set(session.id, session)
    selection.listen()
    return session
  }

  /** Notes that the session is in use and moves it on to its next epoch. */
  advance(session: FetchSession): void {
    session.lastUsedMs = this.#options.clock.now()
    session.epoch = nextEpoch(session.epoch)
  }

  close(id: number): void {
    const session = this.#sessions.get(id)
    if (session === undefined) return
    this.#sessions.delete(id)
    session.selection.release()
  }

  /**
   * Kafka's rule: an idle session gives way to any; one that has had its time (it is older than the eviction time)
   * gives way to one with more partitions.
   */
  #makeRoom(newSize: number, nowMs: number): boolean {
    const { maxSessions, evictAfterMs } = this.#options
    if (maxSessions <= 0) return false
    if (this.#sessions.size < maxSessions) return true
    let oldest: FetchSession | undefined
    let smallest: FetchSession | undefined
    for (const session of this.#sessions.values()) {
      if (oldest === undefined || session.lastUsedMs < oldest.lastUsedMs) oldest = session
      if (session.lastUsedMs - session.createdMs <= evictAfterMs) continue
      if (smallest === undefined || session.selection.size < smallest.selection.size) smallest = session
    }
    if (oldest !== undefined && nowMs - oldest.lastUsedMs > evictAfterMs) {
      this.close(oldest.id)
      return true
    }
    if (smallest === undefined || smallest.selection.size >= newSize) return false
    this.close(smallest.id)
    return true
  }

  #newId(): number {
    for (;;) {
      const id = this.#options.random.bytes(4).readInt32BE(0) & 0x7fffffff
      if (id !== NO_SESSION && !this.#sessions.has(id)) return id
    }
  }
}

/** Epochs wrap past the largest int32 to 1, since 0 opens a session. */
export function nextEpoch(epoch: number): number {
  return epoch === MAX_EPOCH ? 1 : epoch + 1
}
