/** What a request, or time, leads to: a function of what is known, the request and the time; it changes nothing. */
import type { Transaction } from './transaction.ts'

/** What a decision may look at beside the transaction and the request. */
export interface DecisionContext {
  /** Milliseconds since 1970. */
  readonly now: bigint
  /** The finalized level of transaction.version. */
  readonly transactionVersion: number
  /** A producer id to give away, once one was asked for. */
  readonly newProducerId: bigint | null
}

export type Decision<R> =
  /** Nothing changes. */
  | { readonly kind: 'answer'; readonly response: R }
  /** Answered when `next` is recorded. */
  | { readonly kind: 'record'; readonly next: Transaction; readonly response: R }
  /**
   * The transaction ends: `prepared` is recorded, then the markers are written, then that it is complete. Without a
   * response the same request is decided again after that.
   */
  | { readonly kind: 'end'; readonly prepared: Transaction; readonly response: R | null }
  /** To be decided again with a new producer id in the context. */
  | { readonly kind: 'producer-id' }

/** One request, or what time leads to, that concerns one transactional id. */
export interface TxnRequest<R> {
  /** @throws KafkaError with the code to answer. */
  decide(transaction: Transaction | undefined, context: DecisionContext): Decision<R>
  /**
   * What is to be found out before it is said that an earlier change of the same id is still on its way.
   * @throws KafkaError with the code to answer.
   */
  checkFirst?(transaction: Transaction | undefined): void
  /** Whether it only looks: a record on its way is nothing to wait for, the end of a transaction is. */
  readonly readOnly?: boolean
}

export const NEEDS_PRODUCER_ID: Decision<never> = { kind: 'producer-id' }
