/** A partition and its transactions against a plain list of batches: whatever is done to both, readers see the same. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../clock.ts'
import type { Log } from '../log/log.ts'
import { defaultLogConfig } from '../log/log-config.ts'
import { openLog } from '../log/open-log.ts'
import { producedBatch, records, TEST_ID } from '../log/test-log.suite.ts'
import { readMarker } from '../log/transaction-marker.ts'
import { MemoryStore } from '../storage/memory-store.ts'
import { SlowStore } from '../storage/slow-store.suite.ts'
import * as batch from '../wire/batch.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { Isolation, ListOffsetsTimestamp, Partition, type PartitionRead } from './partition.ts'

interface ModelBatch {
  readonly base: bigint
  readonly last: bigint
  /** -1 for a batch without a producer. */
  readonly producerId: bigint
  readonly epoch: number
  /** Of the last record; -1 for a marker. */
  readonly sequence: number
  readonly kind: 'plain' | 'transactional' | 'commit' | 'abort'
}

interface Transaction {
  readonly producerId: bigint
  readonly first: bigint
  /** Null while it is open. */
  readonly marker: bigint | null
  readonly committed: boolean
}

class Model {
  batches: ModelBatch[] = []
  start = 0n
  end = 0n

  append(batch: Omit<ModelBatch, 'base' | 'last'>, count: number): void {
    this.batches.push({ ...batch, base: this.end, last: this.end + BigInt(count) - 1n })
    this.end += BigInt(count)
  }

  cut(offset: bigint): void {
    this.batches = this.batches.filter(({ last }) => last < offset)
    this.end = offset
  }

  /** What the producer's next batch has to have, by its last one and the markers since. */
  next(producerId: bigint): { readonly epoch: number; readonly sequence: number } {
    const own = this.batches.filter((one) => one.producerId === producerId)
    const epoch = own.at(-1)?.epoch ?? 0
    const data = own.findLast((one) => one.epoch === epoch && one.sequence >= 0)
    return { epoch, sequence: data === undefined ? 0 : data.sequence + 1 }
  }

  transactions(): Transaction[] {
    const open = new Map<bigint, bigint>()
    const ended: Transaction[] = []
    for (const { kind, producerId, base } of this.batches) {
      const first = open.get(producerId)
      if (kind === 'transactional') open.set(producerId, first ?? base)
      if ((kind !== 'commit' && kind !== 'abort') || first === undefined) continue
      ended.push({ producerId, first, marker: base, committed: kind === 'commit' })
      open.delete(producerId)
    }
    for (const [producerId, first] of open) ended.push({ producerId, first, marker: null, committed: false })
    return ended
  }

  lastStable(highWatermark: bigint): bigint {
    let stable = highWatermark
    for (const { first, marker } of this.transactions()) {
      if ((marker === null || marker >= highWatermark) && first < stable) stable = first
    }
    return stable > this.start ? stable : this.start
  }

  /** The base offsets of what a reader of committed records gets to see. */
  visible(from: bigint, stable: bigint): bigint[] {
    const decided = this.transactions().filter(({ committed }) => committed)
    return this.batches
      .filter(({ base, last, kind, producerId }) => {
        if (last < from || last >= stable || kind === 'commit' || kind === 'abort') return false
        if (kind === 'plain') return true
        return decided.some(
          (one) => one.producerId === producerId && one.first <= base && (one.marker ?? 0n) > base,
        )
      })
      .map(({ base }) => base)
  }
}

class Subject {
  readonly store: SlowStore | MemoryStore
  readonly inner = new MemoryStore()
  readonly clock = new ManualClock(0)
  log!: Log
  partition!: Partition

  constructor(slow: boolean) {
    this.store = slow ? new SlowStore(this.inner) : this.inner
  }

  async open(): Promise<void> {
    const config = { ...defaultLogConfig, segmentBytes: 500, messageTimestampAfterMaxMs: 2 ** 63 }
    const { store, clock } = this
    const log = openLog({ store, id: TEST_ID, epoch: 0, clock, config: () => config })
    await this.use(await log)
  }

  async use(log: Log): Promise<void> {
    this.log = log
    const registration = { index: 0, replicas: [1], isr: [1], leader: 1, leaderEpoch: 0, partitionEpoch: 0 }
    this.partition = new Partition({ name: TEST_ID.topic, id: TEST_ID.topicId }, registration, log)
  }

  hold(held: boolean): void {
    if (this.store instanceof SlowStore) this.store.held = held
  }

  /** Lets so many calls reach the store, or all. */
  async release(count = Number.POSITIVE_INFINITY): Promise<void> {
    const { store } = this
    if (!(store instanceof SlowStore)) return
    for (let left = count; left > 0 && store.waiting.length > 0; left--) await store.release()
    if (count === Number.POSITIVE_INFINITY) {
      store.held = false
      for (let turn = 0; turn < 200; turn++) await null
    }
  }
}

interface Step {
  run(subject: Subject, model: Model): Promise<void>
  readonly [fc.toStringMethod]: () => string
}

function step<T>(
  name: string,
  spec: fc.Arbitrary<T>,
  run: (spec: T, ...given: Given) => Promise<void>,
): fc.Arbitrary<Step> {
  return spec.map((drawn) => ({
    run: (subject, model) => run(drawn, subject, model),
    [fc.toStringMethod]: () => `${name} ${fc.stringify(drawn)}`,
  }))
}
type Given = [subject: Subject, model: Model]

const producerId = fc.bigInt({ min: 1n, max: 4n })
const share = fc.double({ min: 0, max: 1, noNaN: true })

const append = step(
  'append',
  fc.record({
    producerId,
    count: fc.integer({ min: 1, max: 4 }),
    kind: fc.constantFrom('plain', 'own', 'transactional', 'transactional'),
  }),
  async ({ producerId: id, count, kind }, { partition }, model) => {
    const { epoch, sequence } = model.next(id)
    const isTransactional = kind === 'transactional'
    const options =
      kind === 'plain'
        ? {}
        : { producerId: id, producerEpoch: epoch, baseSequence: sequence, isTransactional }
    const frame = producedBatch(records(count), options)
    const isOpen = model.transactions().some((one) => one.producerId === id && one.marker === null)
    const guard = isTransactional ? partition.startVerification(frame, true) : undefined
    if (isTransactional) expect(guard === null).toBe(isOpen)
    const appending = async () => partition.append(await partition.prepare(frame), guard)
    if (kind === 'own' && isOpen) {
      await expect(appending()).rejects.toBeInstanceOf(KafkaError)
      return
    }
    const { durable } = await appending()
    durable?.catch(() => {})
    const base = { epoch, sequence: sequence + count - 1 }
    if (kind === 'plain') model.append({ producerId: -1n, epoch: -1, sequence: -1, kind: 'plain' }, count)
    else model.append({ producerId: id, ...base, kind: isTransactional ? 'transactional' : 'plain' }, count)
  },
)

const end = step(
  'end',
  fc.record({ producerId, commit: fc.boolean(), transactionVersion: fc.constantFrom(1, 2) }),
  async ({ producerId: id, commit, transactionVersion }, { partition }, model) => {
    const { epoch } = model.next(id)
    const producerEpoch = transactionVersion === 2 ? epoch + 1 : epoch
    const marker = { producerId: id, producerEpoch, coordinatorEpoch: 0, commit, transactionVersion }
    partition.appendMarker(marker).durable?.catch(() => {})
    model.append({ producerId: id, epoch: producerEpoch, sequence: -1, kind: commit ? 'commit' : 'abort' }, 1)
  },
)

const hold = step('hold', fc.boolean(), async (held, subject) => {
  subject.hold(held)
  if (!held) await subject.release()
})

const release = step('release', fc.integer({ min: 1, max: 3 }), (count, subject) => subject.release(count))

const truncate = step('truncate', fc.nat(12), async (back, subject, model) => {
  await subject.release()
  const offset = model.end - BigInt(back)
  if (offset < model.start) return
  await subject.log.truncateTo(offset)
  await subject.use(subject.log)
  if (offset < model.end) model.cut(offset)
})

const deleteRecords = step('delete', share, async (part, subject, model) => {
  await subject.release()
  const offset = BigInt(Math.floor(part * part * Number(subject.partition.highWatermark)))
  await subject.partition.deleteRecordsBefore(offset)
  if (offset > model.start) model.start = offset
})

/** What waits has not reached the store, and never will. */
const crash = step('crash', fc.constant(null), async (_none, subject, model) => {
  const { durableEndOffset } = subject.log
  const { store } = subject
  if (store instanceof SlowStore) {
    await subject.open()
    await subject.release()
  } else {
    await subject.open()
  }
  model.cut(durableEndOffset)
})

const restart = step('restart', fc.constant(null), async (_none, subject) => {
  await subject.release()
  await subject.log.close()
  await subject.open()
})

const histories = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: append },
    { weight: 6, arbitrary: end },
    { weight: 2, arbitrary: hold },
    { weight: 2, arbitrary: release },
    { weight: 1, arbitrary: truncate },
    { weight: 1, arbitrary: deleteRecords },
    { weight: 1, arbitrary: crash },
    { weight: 1, arbitrary: restart },
  ),
  { maxLength: 60 },
)

/** What a consumer makes of an answer, as Kafka's do: the base offsets of the batches that it hands on. */
function consumed({ records, abortedTransactions }: PartitionRead): bigint[] {
  const ahead = [...(abortedTransactions ?? [])].sort((one, other) =>
    one.firstOffset < other.firstOffset ? -1 : 1,
  )
  const aborted = new Set<bigint>()
  const handed: bigint[] = []
  for (const view of records) {
    for (const position of batch.wholeBatches(view)) {
      const id = batch.producerId(view, position)
      while ((ahead[0]?.firstOffset ?? 2n ** 63n) <= batch.lastOffset(view, position)) {
        aborted.add(ahead.shift()?.producerId ?? -1n)
      }
      if (batch.isControlBatch(view, position)) {
        if (readMarker(view, position)?.commit === false) aborted.delete(id)
      } else if (!batch.isTransactional(view, position) || !aborted.has(id)) {
        handed.push(batch.baseOffset(view, position))
      }
    }
  }
  return handed
}

async function expectSame({ partition, log }: Subject, model: Model): Promise<void> {
  expect([partition.logStartOffset, partition.logEndOffset]).toEqual([model.start, model.end])
  const { highWatermark } = partition
  const stable = model.lastStable(highWatermark)
  expect({ highWatermark, stable: partition.lastStableOffset }).toEqual({
    highWatermark: log.durableEndOffset,
    stable,
  })
  const latest = await partition.listOffset(ListOffsetsTimestamp.LATEST, Isolation.READ_COMMITTED, -1)
  expect(latest.offset).toBe(stable)
  for (const offset of [model.start, model.start + (model.end - model.start) / 2n]) {
    for (const maxBytes of [1 << 20, 300]) {
      const position = { offset, maxBytes, currentLeaderEpoch: -1, lastFetchedEpoch: -1 }
      const read = await partition.read(position, maxBytes, Isolation.READ_COMMITTED, true)
      const last = read.records.findLast((view) => endOf(view) !== null)
      const readUpTo = (last === undefined ? null : endOf(last)) ?? offset
      expect(read.lastStableOffset).toBe(stable)
      expect(consumed(read)).toEqual(model.visible(offset, readUpTo < stable ? readUpTo : stable))
      if (maxBytes === 300) continue
      const readTo = await endOfReads(partition, offset)
      const left = model.batches.filter(({ base, last: end }) => base >= readTo && end < stable)
      expect(left).toEqual([])
    }
  }
  const open = model.transactions().filter(({ marker }) => marker === null)
  const told = log.activeProducers().filter(({ currentTransactionFirstOffset: first }) => first >= 0n)
  const inOrder = (pairs: [bigint, bigint][]) => pairs.sort(([one], [other]) => (one < other ? -1 : 1))
  expect(inOrder(told.map((one) => [one.producerId, one.currentTransactionFirstOffset]))).toEqual(
    inOrder(open.map((one) => [one.producerId, one.first])),
  )
}

/** Where a reader of committed records gets to, segment by segment. */
async function endOfReads(partition: Partition, from: bigint): Promise<bigint> {
  const position = { offset: from, maxBytes: 1 << 20, currentLeaderEpoch: -1, lastFetchedEpoch: -1 }
  const { records } = await partition.read(position, 1 << 20, Isolation.READ_COMMITTED, true)
  const end = records.map(endOf).findLast((one) => one !== null)
  return end === undefined || end === null || end <= from ? from : endOfReads(partition, end)
}

/** Null where there is no whole batch. */
function endOf(view: Buffer): bigint | null {
  const last = [...batch.wholeBatches(view)].at(-1)
  return last === undefined ? null : batch.lastOffset(view, last) + 1n
}

function check(slow: boolean): fc.IAsyncProperty<[readonly Step[]]> {
  return fc.asyncProperty(histories, async (steps) => {
    const subject = new Subject(slow)
    await subject.open()
    const model = new Model()
    for (const one of steps) {
      await one.run(subject, model)
      for (let turn = 0; turn < 100; turn++) await null
      await expectSame(subject, model)
    }
  })
}

describe('transactions of a partition, against a plain list of batches', () => {
  it('readers see the same', async () => {
    await fc.assert(check(false), { numRuns: 150 })
  })

  it('readers see the same on a store that is slow, and loses what it has not got', async () => {
    await fc.assert(check(true), { numRuns: 120 })
  })
})
