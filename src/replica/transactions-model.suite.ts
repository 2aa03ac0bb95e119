/** What tests share that hold a partition and its transactions against a plain list of batches. */
import fc from 'fast-check'
import { expect } from 'vitest'
import { ManualClock, type Random, seededRandom } from '../clock.ts'
import type { Log } from '../log/log.ts'
import { defaultLogConfig } from '../log/log-config.ts'
import { openLog } from '../log/open-log.ts'
import { producedBatch, records, TEST_ID } from '../log/test-log.suite.ts'
import { readMarker } from '../log/transaction-marker.ts'
import type { LogStore } from '../storage/log-store.ts'
import * as batch from '../wire/batch.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { ListOffsetsTimestamp } from './offset-lookup.ts'
import { Isolation, Partition, type PartitionRead } from './partition.ts'

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

export class Model {
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

/** Where a log is kept, and what becomes of it. */
export interface Backing {
  readonly store: LogStore
  readonly flushMessages?: number
  /** From now on changes wait for `release`. */
  hold(held: boolean): void
  /** Lets so many changes happen, by default all. */
  release(count?: number): Promise<void>
  /** Loses what is lost when the broker dies, by chance. Returns up to where nothing may be lost. */
  crash(log: Log, random: Random): Promise<bigint>
  /** Stops as it should, after the log has been closed, and starts anew. */
  restart(log: Log): Promise<void>
}

export class Subject {
  readonly backing: Backing
  readonly clock: ManualClock = new ManualClock(0)
  log!: Log
  partition!: Partition

  constructor(backing: Backing) {
    this.backing = backing
  }

  async open(): Promise<void> {
    const { store, flushMessages = defaultLogConfig.flushMessages } = this.backing
    const config = {
      ...defaultLogConfig,
      segmentBytes: 500,
      messageTimestampAfterMaxMs: 2 ** 63,
      flushMessages,
    }
    this.use(await openLog({ store, id: TEST_ID, epoch: 0, clock: this.clock, config: () => config }))
  }

  use(log: Log): void {
    this.log = log
    const registration = { index: 0, replicas: [1], isr: [1], leader: 1, leaderEpoch: 0, partitionEpoch: 0 }
    this.partition = new Partition({ name: TEST_ID.topic, id: TEST_ID.topicId }, registration, log)
  }
}

export interface Step {
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
  subject.backing.hold(held)
  if (!held) await subject.backing.release()
})

const release = step('release', fc.integer({ min: 1, max: 3 }), (count, subject) =>
  subject.backing.release(count),
)

const truncate = step('truncate', fc.nat(12), async (back, subject, model) => {
  await subject.backing.release()
  const offset = model.end - BigInt(back)
  if (offset < model.start) return
  await subject.log.truncateTo(offset)
  subject.use(subject.log)
  if (offset < model.end) model.cut(offset)
})

const deleteRecords = step('delete', share, async (part, subject, model) => {
  await subject.backing.release()
  const offset = BigInt(Math.floor(part * part * Number(subject.partition.highWatermark)))
  await subject.partition.deleteRecordsBefore(offset)
  if (offset > model.start) model.start = offset
})

const crash = step('crash', fc.nat(), async (seed, subject, model) => {
  const safeEnd = await subject.backing.crash(subject.log, seededRandom(seed))
  await subject.open()
  await subject.backing.release()
  const { endOffset } = subject.log
  expect(endOffset >= safeEnd && endOffset <= model.end).toBe(true)
  model.cut(endOffset)
})

const restart = step('restart', fc.constant(null), async (_none, subject) => {
  await subject.backing.release()
  await subject.log.close()
  await subject.backing.restart(subject.log)
  await subject.open()
})

export const steps: Readonly<Record<string, fc.Arbitrary<Step>>> = {
  append,
  end,
  hold,
  release,
  truncate,
  deleteRecords,
  crash,
  restart,
}

/** Histories of the given steps, each with its weight, hold the partition against the model after each step. */
export function agree(
  weights: Readonly<Record<string, number>>,
  makeBacking: () => Promise<Backing>,
): fc.IAsyncProperty<[readonly Step[]]> {
  const weighted = Object.entries(weights).map(([name, weight]) => ({
    weight,
    arbitrary: steps[name] as fc.Arbitrary<Step>,
  }))
  return fc.asyncProperty(fc.array(fc.oneof(...weighted), { maxLength: 60 }), async (history) => {
    const subject = new Subject(await makeBacking())
    await subject.open()
    const model = new Model()
    for (const one of history) {
      await one.run(subject, model)
      for (let turn = 0; turn < 100; turn++) await null
      await expectSame(subject, model)
    }
  })
}

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
