/** What the clients of the crash test tell, line by line, in the order in which it happened to each of them. */

/** A record where it was found. */
export interface Place {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly value: string
}

export type Event =
  /** The topics are there: from now on the broker may be killed. */
  | { readonly at: 'ready' }
  /** A record is handed to an idempotent producer, which either gets it acknowledged or gives it up. */
  | { readonly at: 'sent'; readonly who: string; readonly topic: string; readonly value: string }
  | ({ readonly at: 'acked'; readonly who: string } & Place)
  | { readonly at: 'refused'; readonly who: string; readonly value: string; readonly reason: string }
  /** A transaction with all that will be written in it, and what its producer was told of its end. */
  | { readonly at: 'began'; readonly who: string; readonly values: readonly string[] }
  | { readonly at: 'committed' | 'aborted'; readonly who: string }
  | { readonly at: 'unknown'; readonly who: string; readonly reason: string }
  /** An offset that the broker has acknowledged; what it answered when asked; what it holds in the end. */
  | {
      readonly at: 'offset' | 'fetched' | 'final'
      readonly who: string
      readonly topic: string
      readonly partition: number
      readonly offset: number
    }
  /** A reader of committed records was given one, at any time. */
  | ({ readonly at: 'observed' } & Place)
  /** What the log holds in the end, for readers of an isolation level. */
  | ({ readonly at: 'held'; readonly isolation: Isolation } & Place)
  /** Where a reader could not get to the end of a log. */
  | {
      readonly at: 'unread'
      readonly isolation: Isolation
      readonly topic: string
      readonly partition: number
      readonly offset: number
    }
  /** A client that did not get on, or had to begin anew. */
  | { readonly at: 'stuck' | 'restarted'; readonly who: string; readonly reason: string }
  | { readonly at: 'end' }

export type Isolation = 'read_uncommitted' | 'read_committed'

export const PLAIN = 'plain'
export const TRANSACTIONAL = 'transactional'
export const COPIED = 'copied'
/** Where the broker keeps what groups have committed. */
export const OFFSETS_LOG = '__consumer_offsets'
