/** The transactions of one log that are not decided yet, or were not when somebody may have read (KIP-98). */
import type { AbortedTransaction } from './transaction-marker.ts'

interface Decided {
  readonly firstOffset: bigint
  /** Of the marker. */
  readonly lastOffset: bigint
}

export class Transactions {
  /** Which producer began one at which offset. They begin in the order of their offsets, which the map keeps. */
  readonly #ongoing = new Map<bigint, bigint>()
  /** Those whose marker is not below the high watermark yet, in the order of the markers. */
  #unreplicated: Decided[] = []

  /** The first offset of the oldest transaction that is open, or whose marker may be lost; null for none. */
  get firstUnstableOffset(): bigint | null {
    if (this.#ongoing.size === 0 && this.#unreplicated.length === 0) return null
    let first = this.#firstOngoing()
    for (const { firstOffset } of this.#unreplicated) {
      if (first === null || firstOffset < first) first = firstOffset
    }
    return first
  }

  begin(producerId: bigint, firstOffset: bigint): void {
    this.#ongoing.set(firstOffset, producerId)
  }

  /**
   * A marker has been appended.
   * @returns the transaction, as it is listed when it was aborted.
   */
  end(producerId: bigint, firstOffset: bigint, lastOffset: bigint): AbortedTransaction {
    this.#ongoing.delete(firstOffset)
    this.#unreplicated.push({ firstOffset, lastOffset })
    const lastStableOffset = this.#firstOngoing() ?? lastOffset + 1n
    return { producerId, firstOffset, lastOffset, lastStableOffset }
  }

  /** Everything below `offset` is safe: markers there are not going to be lost. */
  highWatermarkMoved(offset: bigint): void {
    if (this.#unreplicated.length === 0) return
    const kept = this.#unreplicated.findIndex(({ lastOffset }) => lastOffset >= offset)
    this.#unreplicated = kept === -1 ? [] : this.#unreplicated.slice(kept)
  }

  #firstOngoing(): bigint | null {
    const { value } = this.#ongoing.keys().next()
    return value ?? null
  }
}
