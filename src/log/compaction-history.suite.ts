/** A compacted log, and a list of everything that was ever appended to it. */
import { scheduler } from 'node:timers/promises'
import { expect } from 'vitest'
import * as batch from '../wire/batch.ts'
import {
  append,
  batchesOf,
  type FoundRecord,
  framesOf,
  limits,
  recordsIn,
  recordsOf,
} from './cleaning.suite.ts'
import type { Log } from './log.ts'
import type { TestLog, TestRecord } from './test-log.suite.ts'
import { type AbortedTransaction, readMarker } from './transaction-marker.ts'

/** mulberry32 */
export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
  }

  oneOf<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T
  }
}

type Aborted = Pick<AbortedTransaction, 'producerId' | 'lastOffset'>

interface Transaction {
  state: 'open' | 'committed' | 'aborted'
}

interface ModelRecord extends FoundRecord {
  /** Null outside transactions. */
  readonly transaction: Transaction | null
}

interface Producer {
  readonly id: bigint
  sequence: number
  transaction: Transaction | null
}

/** Everything that was appended, and what may be gone. */
export class History {
  readonly records: ModelRecord[] = []
  readonly producers: readonly Producer[] = [1n, 2n, 3n].map((id) => ({
    id,
    sequence: 0,
    transaction: null,
  }))
  /** Nothing at or above may be missing. */
  cleanedUpTo = 0n
  readonly #chance: Chance
  #test: TestLog
  log: Log
  #values = 0

  constructor(test: TestLog, chance: Chance) {
    this.#test = test
    this.#chance = chance
    this.log = test.log
  }

  async append(): Promise<void> {
    const chance = this.#chance
    const timestamp = BigInt(this.#test.clock.now())
    const records: TestRecord[] = Array.from({ length: 1 + chance.below(4) }, () => ({
      key: chance.oneOf(['a', 'b', 'c', 'd', 'a key that is longer than others', 'e']),
      value: chance.below(4) === 0 ? null : `${this.#values++}${'.'.repeat(chance.below(60))}`,
      timestamp: timestamp - BigInt(chance.below(50)),
    }))
    const producer = chance.below(2) === 0 ? null : chance.oneOf(this.producers)
    const isTransactional = producer !== null && (producer.transaction !== null || chance.below(3) > 0)
    const codec = chance.oneOf([0, 0, 0, 1, 2, 3, 4] as const)
    const ofProducer =
      producer === null
        ? {}
        : { producerId: producer.id, producerEpoch: 0, baseSequence: producer.sequence, isTransactional }
    const base = await append(this.log, records, { codec, ...ofProducer })
    if (producer !== null) producer.sequence += records.length
    if (producer !== null && isTransactional) producer.transaction ??= { state: 'open' }
    records.forEach(({ key = null, value = null, timestamp: own = -1n }, index) => {
      const transaction = isTransactional ? (producer?.transaction ?? null) : null
      this.records.push({ offset: base + BigInt(index), key, value, timestamp: own, transaction })
    })
  }

  async endTransaction(): Promise<void> {
    const producer = this.producers.find(({ transaction }) => transaction !== null)
    if (producer?.transaction == null) return
    const commit = this.#chance.below(2) === 0
    const { id: producerId } = producer
    const marker = { producerId, producerEpoch: 0, coordinatorEpoch: 0, commit, transactionVersion: 0 }
    await this.log.appendMarker(marker, 0).durable
    this.log.highWatermarkMoved(this.log.endOffset)
    producer.transaction.state = commit ? 'committed' : 'aborted'
    producer.transaction = null
  }

  /** @param meanwhile whether others append while it is going on. */
  async compact(meanwhile = true): Promise<void> {
    const { log } = this
    const range = await log.cleaning.cleanable(log.firstUnstableOffset ?? log.endOffset)
    if (range === null) return
    const chance = this.#chance
    // Should it fail, nobody knows how far it got.
    if (!meanwhile) this.#cleaned(range.firstUncleanableOffset)
    let busy = true
    const compacting = log.cleaning
      .compact(range, {
        ...limits,
        readBytes: chance.oneOf([1, 500, 64 * 1024]),
        mapBytes: chance.oneOf([24 * 20, 1024 * 1024]),
        pause: () => scheduler.yield(),
      })
      .finally(() => {
        busy = false
      })
    compacting.catch(() => {})
    for (let turn = 0; busy; turn++) {
      const others = meanwhile && turn < 60
      if (others && chance.below(4) === 0) await this.append()
      if (others && chance.below(9) === 0) await this.endTransaction()
      await scheduler.yield()
    }
    const { endOffset } = await compacting
    expect(endOffset).toBeGreaterThan(range.firstDirtyOffset)
    expect(endOffset).toBeLessThanOrEqual(range.firstUncleanableOffset)
    this.#cleaned(endOffset)
  }

  #cleaned(endOffset: bigint): void {
    if (endOffset > this.cleanedUpTo) this.cleanedUpTo = endOffset
  }

  async deleteRecords(): Promise<void> {
    const { startOffset, endOffset } = this.log
    await this.log.deleteRecordsBefore(startOffset + (endOffset - startOffset) / 3n)
  }

  /** Goes on with what is found after a crash. */
  async recover(test: TestLog): Promise<void> {
    this.#test = test
    this.log = test.log
    this.log.highWatermarkMoved(this.log.endOffset)
    await this.check()
  }

  async reopen(): Promise<void> {
    const before = await batchesOf(this.log)
    const producers = this.log.activeProducers()
    const aborted = await abortedOf(this.log)
    await this.log.close()
    this.log = await this.#test.reopen()
    this.log.highWatermarkMoved(this.log.endOffset)
    expect(await batchesOf(this.log)).toEqual(before)
    expect(await abortedOf(this.log)).toEqual(aborted)
    expect(sorted(this.log.activeProducers())).toEqual(sorted(producers))
  }

  async check(): Promise<void> {
    const start = this.log.startOffset
    const appended = new Map(this.records.map((record) => [record.offset, record]))
    const found = await recordsOf(this.log)
    for (const { offset, key, value, timestamp } of found) {
      expect(appended.get(offset)).toMatchObject({ key, value, timestamp })
    }
    const offsets = new Set(found.map(({ offset }) => offset))
    const untouched = this.records.filter(({ offset }) => offset >= this.cleanedUpTo && offset >= start)
    expect(untouched.filter(({ offset }) => !offsets.has(offset))).toEqual([])
    await this.#checkReader(start)
    await this.#checkReader(start + BigInt(this.#chance.below(Number(this.log.endOffset - start) + 1)))
  }

  /** A reader of committed records, from an offset on, ends with the same values as one that had seen everything. */
  async #checkReader(from: bigint): Promise<void> {
    const stable = this.log.firstUnstableOffset ?? this.log.endOffset
    const committed = this.records.filter(
      ({ offset, transaction }) =>
        offset >= from && offset < stable && (transaction?.state ?? 'committed') === 'committed',
    )
    const read = await readCommitted(this.log, from, stable)
    const allowed = new Set(committed.map(({ offset }) => offset))
    expect(read.filter(({ offset }) => !allowed.has(offset))).toEqual([])
    expect(valuesAfter(read)).toEqual(valuesAfter(committed))
  }
}

/**
 * All aborted transactions that some reader may have to know. Where they began may be told differently when the batches
 * from there on are gone: a log that is recovered finds the first one that is left.
 */
async function abortedOf(log: Log): Promise<readonly Aborted[]> {
  const found = new Map<bigint, Aborted>()
  for (const { base, frame } of await batchesOf(log)) {
    const from = base < log.startOffset ? log.startOffset : base
    for (const { producerId, lastOffset } of log.abortedTransactions(from, [frame])) {
      found.set(lastOffset, { producerId, lastOffset })
    }
  }
  return [...found.values()]
}

function sorted<T extends { readonly producerId: bigint }>(producers: readonly T[]): readonly T[] {
  return producers.toSorted((left, right) => Number(left.producerId - right.producerId))
}

/** What is in a table that is kept by its keys; one that was deleted counts as one that never was. */
function valuesAfter(records: readonly FoundRecord[]): Record<string, string> {
  const values: Record<string, string> = {}
  for (const { key, value } of records) {
    if (value === null) delete values[key ?? '']
    else values[key ?? ''] = value
  }
  return values
}

/** As consumers do it: by the list of aborted transactions, and the markers that they come through. */
async function readCommitted(log: Log, from: bigint, stable: bigint): Promise<FoundRecord[]> {
  const inAborted = new Set<bigint>()
  const read: FoundRecord[] = []
  for (let next = from; next < stable; ) {
    const views = await log.read(next, 1 << 24, stable)
    if (views.length === 0) break
    const aborted = log
      .abortedTransactions(next, views)
      .toSorted((left, right) => Number(left.firstOffset - right.firstOffset))
    for (const frame of framesOf(views)) {
      next = batch.lastOffset(frame) + 1n
      while (aborted[0] !== undefined && aborted[0].firstOffset < next) {
        inAborted.add(aborted.shift()?.producerId ?? -1n)
      }
      const producerId = batch.producerId(frame)
      if (batch.isControlBatch(frame)) {
        if (readMarker(frame)?.commit === false) inAborted.delete(producerId)
      } else if (!batch.isTransactional(frame) || !inAborted.has(producerId)) {
        read.push(...(await recordsIn(frame)))
      }
    }
  }
  return read.filter(({ offset }) => offset >= from)
}
