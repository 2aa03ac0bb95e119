/** What a cleaning knows of the transactions that it comes through (KIP-98). */
import * as batch from '../wire/batch.ts'
import { type AbortedTransaction, readMarker } from './transaction-marker.ts'

interface Aborted {
  readonly transaction: AbortedTransaction
  /** Whether a batch of it was there. */
  observed: boolean
}

/**
 * Goes with a cleaning from batch to batch, in the order of their offsets, and tells which records belong to aborted
 * transactions, and which markers nobody needs any more: those of transactions of which no batch is left.
 */
export class CleanedTransactions {
  readonly #committed = new Set<bigint>()
  readonly #aborted = new Map<bigint, Aborted>()
  /** Not reached yet; the one that began first is the last. */
  #ahead: AbortedTransaction[] = []
  #kept: AbortedTransaction[] = []

  /** The aborted transactions that have records in the segment that comes next. */
  expect(transactions: readonly AbortedTransaction[]): void {
    if (transactions.length === 0) return
    this.#ahead.push(...transactions)
    this.#ahead.sort((left, right) => (left.firstOffset > right.firstOffset ? -1 : 1))
  }

  /** The aborted transactions of which something is left, since the last time that this was asked. */
  takeKept(): readonly AbortedTransaction[] {
    const kept = this.#kept
    this.#kept = []
    return kept
  }

  /** Whether the batch, which has no markers, belongs to an aborted transaction. */
  isAborted(view: Buffer, position: number): boolean {
    this.#reach(batch.lastOffset(view, position))
    if (!batch.isTransactional(view, position)) return false
    const producerId = batch.producerId(view, position)
    const aborted = this.#aborted.get(producerId)
    if (aborted === undefined) this.#committed.add(producerId)
    else aborted.observed = true
    return aborted !== undefined
  }

  /** Whether nobody needs the control batch any more: its transaction has no batch left, or it is empty itself. */
  isMarkerObsolete(view: Buffer, position: number): boolean {
    this.#reach(batch.lastOffset(view, position))
    if (batch.recordsCount(view, position) === 0) return true
    const marker = readMarker(view, position)
    if (marker === null) return false
    const producerId = batch.producerId(view, position)
    if (marker.commit) return !this.#committed.delete(producerId)
    const aborted = this.#aborted.get(producerId)
    this.#aborted.delete(producerId)
    if (aborted?.observed !== true) return true
    this.#kept.push(aborted.transaction)
    return false
  }

  #reach(offset: bigint): void {
    for (let next = this.#ahead.at(-1); next !== undefined; next = this.#ahead.at(-1)) {
      if (next.firstOffset > offset) return
      this.#ahead.pop()
      if (!this.#aborted.has(next.producerId)) {
        this.#aborted.set(next.producerId, { transaction: next, observed: false })
      }
    }
  }
}
