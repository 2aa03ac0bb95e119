/** The aborted transactions of one log, of which readers of committed records are told (KIP-98). */
import type { AbortedTransaction } from './transaction-marker.ts'

export class AbortedTransactions {
  /** In the order of their markers. */
  #transactions: AbortedTransaction[] | null = null

  get size(): number {
    return this.#transactions?.length ?? 0
  }

  add(transaction: AbortedTransaction): void {
    this.#transactions ??= []
    this.#transactions.push(transaction)
  }

  /** Whether any transaction was aborted at `offset` or above it. */
  reach(offset: bigint): boolean {
    const last = this.#transactions?.at(-1)
    return last !== undefined && last.lastOffset >= offset
  }

  /** Those that have records from `from` on and below `end`, in the order of their markers. */
  between(from: bigint, end: bigint): readonly AbortedTransaction[] {
    const found: AbortedTransaction[] = []
    const transactions = this.#transactions ?? []
    for (let at = this.#firstEndingAt(from); at < transactions.length; at++) {
      const transaction = transactions[at] as AbortedTransaction
      if (transaction.firstOffset < end) found.push(transaction)
      // No transaction that was decided later has records below that.
      if (transaction.lastStableOffset >= end) break
    }
    return found
  }

  /** Forgets those that ended below `offset`: their records are gone. */
  dropBefore(offset: bigint): void {
    const kept = this.#firstEndingAt(offset)
    if (kept > 0) this.#transactions?.splice(0, kept)
  }

  /** Those whose markers are from `from` on and below `end`, in the order of their markers. */
  endedBetween(from: bigint, end: bigint): readonly AbortedTransaction[] {
    return this.#transactions?.slice(this.#firstEndingAt(from), this.#firstEndingAt(end)) ?? []
  }

  /** Puts others in the place of those that `endedBetween` answers: what a compaction has left of them. */
  replaceBetween(from: bigint, end: bigint, kept: readonly AbortedTransaction[]): void {
    const first = this.#firstEndingAt(from)
    this.#transactions?.splice(first, this.#firstEndingAt(end) - first, ...kept)
  }

  #firstEndingAt(offset: bigint): number {
    const transactions = this.#transactions ?? []
    let low = 0
    let high = transactions.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((transactions[middle] as AbortedTransaction).lastOffset < offset) low = middle + 1
      else high = middle
    }
    return low
  }
}
