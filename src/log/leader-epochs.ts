/** Which leader epoch began at which offset (KIP-101), so that replicas and consumers can find where they diverge. */

/** Where an epoch ends: the greatest epoch up to the one asked for, and the offset behind its last record. */
export interface EpochEnd {
  /** -1 when nothing is known. */
  readonly epoch: number
  /** -1 when nothing is known. */
  readonly endOffset: bigint
}

export interface EpochEntry {
  readonly epoch: number
  readonly startOffset: bigint
}

const UNDEFINED: EpochEnd = { epoch: -1, endOffset: -1n }

/** The epochs of one log, in rising order of both epoch and start offset. */
export class LeaderEpochs {
  #entries: readonly EpochEntry[]

  constructor(entries: readonly EpochEntry[] = []) {
    this.#entries = entries
  }

  get entries(): readonly EpochEntry[] {
    return this.#entries
  }

  /** The epoch of the last entry, or -1. */
  get latest(): number {
    return this.#entries.at(-1)?.epoch ?? -1
  }

  /**
   * Notes that `epoch` begins at `startOffset`. Entries that contradict it (of this or a higher epoch, or at or
   * above this offset) go: they are of records that are not there any more.
   * @returns whether anything changed.
   */
  assign(epoch: number, startOffset: bigint): boolean {
    const last = this.#entries.at(-1)
    if (last !== undefined && last.epoch === epoch && startOffset >= last.startOffset) return false
    let kept = this.#entries.length
    while (kept > 0 && contradicts(this.#entries[kept - 1], epoch, startOffset)) kept--
    this.#entries = [...this.#entries.slice(0, kept), { epoch, startOffset }]
    return true
  }

  /**
   * Where `epoch` ends: at the start of the next higher epoch, or at the log's end for the latest. For one below the
   * first that is known it is where the first starts, under the epoch that was asked for.
   */
  endOffsetFor(epoch: number, logEndOffset: bigint): EpochEnd {
    if (epoch === -1) return UNDEFINED
    if (epoch === this.latest) return { epoch, endOffset: logEndOffset }
    const next = this.#entries.findIndex((entry) => entry.epoch > epoch)
    const higher = this.#entries[next]
    if (higher === undefined) return UNDEFINED
    return { epoch: this.#entries[next - 1]?.epoch ?? epoch, endOffset: higher.startOffset }
  }

  /** The epoch in which the record at `offset` was written, or -1. */
  epochForOffset(offset: bigint): number {
    return this.#entries.findLast((entry) => entry.startOffset <= offset)?.epoch ?? -1
  }

  /** Forgets the epochs that begin at or above `endOffset`. Returns whether anything changed. */
  truncateFromEnd(endOffset: bigint): boolean {
    const kept = this.#entries.filter((entry) => entry.startOffset < endOffset)
    const changed = kept.length < this.#entries.length
    this.#entries = kept
    return changed
  }

  /** Forgets the epochs below `startOffset`; the one that reaches into what is left begins there. */
  truncateFromStart(startOffset: bigint): boolean {
    const reaching = this.#entries.findLastIndex((entry) => entry.startOffset <= startOffset)
    const entry = this.#entries[reaching]
    if (entry === undefined || (reaching === 0 && entry.startOffset === startOffset)) return false
    this.#entries = [{ epoch: entry.epoch, startOffset }, ...this.#entries.slice(reaching + 1)]
    return true
  }
}

function contradicts(entry: EpochEntry | undefined, epoch: number, startOffset: bigint): boolean {
  return entry !== undefined && (entry.epoch >= epoch || entry.startOffset >= startOffset)
}
