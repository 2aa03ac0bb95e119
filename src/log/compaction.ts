/**
 * Compaction (cleanup.policy=compact): of each key the latest record stays, and of those that came after the part that
 * is being cleaned, all. Offsets never change.
 */
import * as batch from '../wire/batch.ts'
import type { RecordCursor } from '../wire/record-cursor.ts'
import { batchPayload, type Pause, visitRecords } from './batch-payload.ts'
import { CleanedTransactions } from './cleaned-transactions.ts'
import type { OffsetMap } from './offset-map.ts'
import type { LastRecord } from './producer-state.ts'
import { emptyBatch, type KeptRecords, rebuildBatch } from './rebuild-batch.ts'
import type { AbortedTransaction } from './transaction-marker.ts'

/** The log that is compacted, as far as that has to do with it. */
export interface CompactionSource {
  /** Batches, as a store reads them. */
  read(from: bigint, maxBytes: number, upTo: bigint): readonly Buffer[] | Promise<readonly Buffer[]>
  /** The aborted transactions that have records from `from` on and below `end`. */
  abortedBetween(from: bigint, end: bigint): readonly AbortedTransaction[]
  /** Of the producers that the log remembers, by their ids. */
  lastRecords(): ReadonlyMap<bigint, LastRecord>
}

/** A stretch of the log: a segment's base, and that of the next one. */
export interface Stretch {
  readonly baseOffset: bigint
  readonly endOffset: bigint
}

export interface CompactionOptions {
  readonly source: CompactionSource
  /** The keys of the dirty part, their offsets counted from `firstDirtyOffset`. */
  readonly map: OffsetMap
  readonly firstDirtyOffset: bigint
  /** Where the part ends that may be cleaned. */
  readonly firstUncleanableOffset: bigint
  readonly nowMs: number
  readonly deleteRetentionMs: number
  /** How much is read at a time. */
  readonly readBytes: number
  readonly pause: Pause
}

/**
 * One compaction, in two passes: `mapKeys` goes through the dirty part, then `clean` through everything before and in
 * it, a group of segments at a time. Each pass throws what reading and decompressing throws, and what `pause` does.
 */
export class Compaction {
  readonly #options: CompactionOptions
  readonly #transactions = new CleanedTransactions()
  #mappedUpTo: bigint

  constructor(options: CompactionOptions) {
    this.#options = options
    this.#mappedUpTo = options.firstDirtyOffset
  }

  /** Everything below counts as clean afterwards: less than what is dirty when the map could not take all keys. */
  get endOffset(): bigint {
    return this.#mappedUpTo
  }

  /** The aborted transactions of which something is left in what `clean` has gone through since the last time. */
  takeAborted(): readonly AbortedTransaction[] {
    return this.#transactions.takeKept()
  }

  async mapKeys(dirty: readonly Stretch[]): Promise<void> {
    const { source, firstDirtyOffset, firstUncleanableOffset } = this.#options
    const transactions = new CleanedTransactions()
    transactions.expect(source.abortedBetween(firstDirtyOffset, firstUncleanableOffset))
    for (const { baseOffset, endOffset } of dirty) {
      const from = baseOffset > firstDirtyOffset ? baseOffset : firstDirtyOffset
      for await (const view of this.#views(from, endOffset)) {
        for (const position of batch.wholeBatches(view)) {
          const mapping = !isData(view, position, transactions) || this.#mapBatch(view, position)
          if (!(mapping instanceof Promise ? await mapping : mapping)) return
          this.#mappedUpTo = batch.lastOffset(view, position) + 1n
        }
      }
      // Offsets that are missing at the end of a segment count as gone through.
      this.#mappedUpTo = endOffset
    }
  }

  /** What stays of a group of segments, batch by batch. */
  async *clean(group: readonly Stretch[]): AsyncGenerator<Buffer> {
    const lastRecords = this.#options.source.lastRecords()
    for (const { baseOffset, endOffset } of group) {
      this.#transactions.expect(this.#options.source.abortedBetween(baseOffset, endOffset))
      for await (const view of this.#views(baseOffset, endOffset)) {
        for (const position of batch.wholeBatches(view)) {
          const kept = this.#cleanBatch(view, position, lastRecords)
          const frame = kept instanceof Promise ? await kept : kept
          if (frame !== null) yield frame
        }
      }
    }
  }

  /** Buffers of batches, the last of which may be cut; it is there again in the next. */
  async *#views(from: bigint, endOffset: bigint): AsyncGenerator<Buffer> {
    const { source, readBytes, pause } = this.#options
    let next = from
    while (next < endOffset) {
      const reading = source.read(next, readBytes, endOffset)
      const views = reading instanceof Promise ? await reading : reading
      if (views.length === 0) return
      for (const view of views) {
        yield view
        next = endOf(view) ?? next
        const pausing = pause(view.length)
        if (pausing instanceof Promise) await pausing
      }
    }
  }

  /** False when a key found no place in the map any more. */
  #mapBatch(view: Buffer, position: number): boolean | Promise<boolean> {
    const { map, firstDirtyOffset, pause } = this.#options
    const base = Number(batch.baseOffset(view, position) - firstDirtyOffset)
    const count = batch.recordsCount(view, position)
    const put = (payload: Buffer): boolean | Promise<boolean> => {
      let full = false
      const visiting = visitRecords(
        payload,
        count,
        ({ keyBytes, keyPosition, offsetDelta }) => {
          const offset = base + offsetDelta
          if (full || keyBytes < 0 || offset < 0) return
          full = !map.put(payload, keyPosition, keyBytes, offset)
        },
        pause,
      )
      return visiting instanceof Promise ? visiting.then(() => !full) : !full
    }
    const payload = batchPayload(view, position)
    return payload instanceof Promise ? payload.then(put) : put(payload)
  }

  #cleanBatch(
    view: Buffer,
    position: number,
    lastRecords: ReadonlyMap<bigint, LastRecord>,
  ): Buffer | null | Promise<Buffer | null> {
    const transactions = this.#transactions
    const isControl = batch.isControlBatch(view, position)
    const isObsolete = isControl
      ? transactions.isMarkerObsolete(view, position)
      : transactions.isAborted(view, position)
    // A marker stays as long as a tombstone: a reader that saw records of its transaction still has to come to it.
    const goes = isControl ? isObsolete && this.#hasPassedHorizon(view, position) : isObsolete
    const staysEmpty = this.#isNeededEmpty(view, position, lastRecords)
    if (goes || batch.recordsCount(view, position) === 0)
      return staysEmpty ? emptyBatch(view, position) : null
    if (isControl) return this.#cleanMarker(view, position, isObsolete)
    return this.#cleanRecords(view, position, staysEmpty)
  }

  /** Whether the batch stays although none of its records does. */
  #isNeededEmpty(view: Buffer, position: number, lastRecords: ReadonlyMap<bigint, LastRecord>): boolean {
    const lastOffset = batch.lastOffset(view, position)
    // The last one that is cleaned tells where the log goes on.
    if (lastOffset + 1n === this.#options.firstUncleanableOffset) return true
    if (!batch.hasProducerId(view, position)) return false
    const last = lastRecords.get(batch.producerId(view, position))
    if (last === undefined) return false
    // The producer's last batch has the sequence that the next one follows; without one its marker has its epoch.
    if (last.lastDataOffset !== null) return lastOffset === last.lastDataOffset
    return batch.isControlBatch(view, position) && batch.producerEpoch(view, position) === last.producerEpoch
  }

  #cleanMarker(view: Buffer, position: number, isObsolete: boolean): Buffer | Promise<Buffer> {
    if (!isObsolete || horizonOf(view, position) !== null) return wholeBatch(view, position)
    const payload = batch.recordsPayload(view, position)
    const kept = Uint8Array.of(1)
    const records = { payload, kept, keptCount: 1, keptBytes: payload.length }
    return rebuildBatch(view, position, records, this.#nextHorizon(), this.#options.pause)
  }

  #cleanRecords(view: Buffer, position: number, staysEmpty: boolean): Buffer | null | Promise<Buffer | null> {
    const payload = batchPayload(view, position)
    return payload instanceof Promise
      ? payload.then((whole) => this.#cleanPayload(view, position, whole, staysEmpty))
      : this.#cleanPayload(view, position, payload, staysEmpty)
  }

  #cleanPayload(
    view: Buffer,
    position: number,
    payload: Buffer,
    staysEmpty: boolean,
  ): Buffer | null | Promise<Buffer | null> {
    const { pause } = this.#options
    const count = batch.recordsCount(view, position)
    const selection = new Selection(this.#options, view, position, payload, this.#mappedUpTo)
    const finish = (): Buffer | null | Promise<Buffer> => {
      if (selection.keptCount === 0) return staysEmpty ? emptyBatch(view, position) : null
      const horizon = horizonOf(view, position)
      const setsHorizon = selection.hasTombstones && horizon === null
      if (selection.keptCount === count && !setsHorizon) return wholeBatch(view, position)
      return rebuildBatch(view, position, selection, setsHorizon ? this.#nextHorizon() : horizon, pause)
    }
    const visiting = visitRecords(payload, count, (record, end) => selection.visit(record, end), pause)
    return visiting instanceof Promise ? visiting.then(finish) : finish()
  }

  #hasPassedHorizon(view: Buffer, position: number): boolean {
    const horizon = horizonOf(view, position)
    return horizon !== null && horizon <= BigInt(this.#options.nowMs)
  }

  #nextHorizon(): bigint {
    const { nowMs, deleteRetentionMs } = this.#options
    const horizon = BigInt(nowMs) + BigInt(deleteRetentionMs)
    return horizon < MAX_TIMESTAMP ? horizon : MAX_TIMESTAMP
  }
}

const MAX_TIMESTAMP = 2n ** 63n - 1n

/** Which records of a batch stay, found by visiting all of them. */
class Selection implements KeptRecords {
  readonly payload: Buffer
  readonly kept: Uint8Array
  keptCount = 0
  keptBytes = 0
  hasTombstones = false
  readonly #map: OffsetMap
  /** The batch's base offset, as the map counts. */
  readonly #base: number
  readonly #mappedUpTo: number
  readonly #tombstonesGo: boolean
  #end = 0

  constructor(
    { map, firstDirtyOffset, nowMs }: CompactionOptions,
    view: Buffer,
    position: number,
    payload: Buffer,
    mappedUpTo: bigint,
  ) {
    this.payload = payload
    // Each record takes a byte at least, whatever the header counts.
    this.kept = new Uint8Array(Math.min(payload.length, batch.recordsCount(view, position)))
    this.#map = map
    this.#base = Number(batch.baseOffset(view, position) - firstDirtyOffset)
    this.#mappedUpTo = Number(mappedUpTo - firstDirtyOffset)
    const horizon = horizonOf(view, position)
    this.#tombstonesGo = horizon !== null && BigInt(nowMs) >= horizon
  }

  visit(record: RecordCursor, end: number): void {
    const bytes = end - this.#end
    this.#end = end
    if (!this.#stays(record)) return
    this.kept[record.index] = 1
    this.keptCount++
    this.keptBytes += bytes
    if (record.valueBytes < 0) this.hasTombstones = true
  }

  /** A record without a key, from before the topic was compacted, is the latest of nothing. */
  #stays({ offsetDelta, keyBytes, keyPosition, valueBytes }: RecordCursor): boolean {
    const offset = this.#base + offsetDelta
    if (offset >= this.#mappedUpTo) return true
    if (keyBytes < 0 || (valueBytes < 0 && this.#tombstonesGo)) return false
    return offset >= this.#map.get(this.payload, keyPosition, keyBytes)
  }
}

/** Whether the batch has records that count; markers and aborted ones do not. */
function isData(view: Buffer, position: number, transactions: CleanedTransactions): boolean {
  if (!batch.isControlBatch(view, position)) return !transactions.isAborted(view, position)
  transactions.isMarkerObsolete(view, position)
  return false
}

function horizonOf(view: Buffer, position: number): bigint | null {
  const horizon = batch.deleteHorizonMs(view, position)
  return horizon !== null && horizon >= 0n ? horizon : null
}

function wholeBatch(view: Buffer, position: number): Buffer {
  return view.subarray(position, position + batch.batchBytes(view, position))
}

/** The offset behind the last whole batch. */
function endOf(view: Buffer): bigint | null {
  let end: bigint | null = null
  for (const position of batch.wholeBatches(view)) end = batch.lastOffset(view, position) + 1n
  return end
}
