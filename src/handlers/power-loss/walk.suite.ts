/** A log as its batches tell it: a naive reading, without any of the state that the broker keeps. */
import * as batch from '../../wire/batch.ts'
import { errorName } from '../../wire/error-codes.ts'
import { readRecords } from '../../wire/records.ts'
import { fetchHandler } from '../fetch.ts'
import { fetchRequest, type TestBroker } from '../harness.suite.ts'

export interface WalkedRecord {
  readonly offset: bigint
  readonly key: string | null
  readonly value: string
  /** Of the transaction that it belongs to: its first offset in this log. */
  readonly transaction: WalkedTransaction | null
}

export interface WalkedTransaction {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly firstOffset: bigint
  /** Null while it is open. */
  marker: { readonly offset: bigint; readonly commit: boolean } | null
}

export interface WalkedProducer {
  epoch: number
  /** Null behind a marker of a new epoch. */
  lastSequence: number | null
  transaction: WalkedTransaction | null
}

export interface WalkedLog {
  readonly startOffset: bigint
  readonly endOffset: bigint
  readonly highWatermark: bigint
  readonly lastStableOffset: bigint
  /** Those of the batch that holds the start offset are among them. */
  readonly records: readonly WalkedRecord[]
  readonly transactions: readonly WalkedTransaction[]
  readonly producers: ReadonlyMap<bigint, WalkedProducer>
  /** What the broker says is aborted. */
  readonly abortedTold: readonly string[]
}

/** What there is in a log, by what the broker answers; each batch is looked at closely. */
export async function walkLog(broker: TestBroker, topic: string, partition: number): Promise<WalkedLog> {
  const first = await fetchAll(broker, topic, partition, 0)
  const committed = await fetchAll(broker, topic, partition, 1)
  const walk = new Walk(`${topic}-${partition}`, first.startOffset)
  for (const view of first.views) {
    for (const at of batch.wholeBatches(view)) await walk.add(view, at)
  }
  return {
    startOffset: first.startOffset,
    endOffset: walk.endOffset,
    highWatermark: first.highWatermark,
    lastStableOffset: committed.lastStableOffset,
    records: walk.records,
    transactions: walk.transactions,
    producers: walk.producers,
    abortedTold: [...committed.aborted],
  }
}

/** `<producer id> from <first offset>` */
export const abortedName = (transaction: {
  readonly producerId: bigint
  readonly firstOffset: bigint
}): string => `${transaction.producerId} from ${transaction.firstOffset}`

const COMMIT = 1

class Walk {
  readonly records: WalkedRecord[] = []
  readonly transactions: WalkedTransaction[] = []
  readonly producers = new Map<bigint, WalkedProducer>()
  readonly #log: string
  endOffset: bigint
  #isFirst = true

  constructor(log: string, startOffset: bigint) {
    this.#log = log
    this.endOffset = startOffset
  }

  async add(view: Buffer, at: number): Promise<void> {
    const base = batch.baseOffset(view, at)
    const where = `${this.#log}, the batch at ${base}`
    if (!batch.isCrcValid(view, at)) throw new Error(`${where} has a wrong checksum`)
    if (base < this.endOffset && !this.#isFirst) throw new Error(`${where} lies below ${this.endOffset}`)
    this.#isFirst = false
    this.endOffset = batch.lastOffset(view, at) + 1n
    const records = await readRecords(view, at)
    if (batch.isControlBatch(view, at)) {
      // The key holds its version and the type, of two bytes each; compaction may have left none.
      const [type] = records.map(({ key }) => key?.readInt16BE(2))
      if (type !== undefined) this.#end(view, at, type === COMMIT)
      return
    }
    const transaction = this.#follow(view, at)
    let before = base - 1n
    for (const { offset, key, value } of records) {
      if (offset <= before || offset >= this.endOffset)
        throw new Error(`${where} has offset ${offset} out of place`)
      before = offset
      this.records.push({ offset, key: key === null ? null : String(key), value: String(value), transaction })
    }
  }

  #end(view: Buffer, at: number, commit: boolean): void {
    const producer = this.#producer(view, at)
    const epoch = batch.producerEpoch(view, at)
    if (epoch > producer.epoch) producer.lastSequence = null
    if (producer.transaction !== null) {
      producer.transaction.marker = { offset: batch.baseOffset(view, at), commit }
    }
    producer.epoch = epoch
    producer.transaction = null
  }

  /** Answers the transaction that a batch belongs to. */
  #follow(view: Buffer, at: number): WalkedTransaction | null {
    const producerId = batch.producerId(view, at)
    if (producerId < 0n) return null
    const producer = this.#producer(view, at)
    producer.epoch = batch.producerEpoch(view, at)
    producer.lastSequence = batch.lastSequence(view, at)
    if (!batch.isTransactional(view, at)) return null
    if (producer.transaction === null) {
      const firstOffset = batch.baseOffset(view, at)
      producer.transaction = { producerId, producerEpoch: producer.epoch, firstOffset, marker: null }
      this.transactions.push(producer.transaction)
    }
    return producer.transaction
  }

  #producer(view: Buffer, at: number): WalkedProducer {
    const producerId = batch.producerId(view, at)
    const epoch = batch.producerEpoch(view, at)
    const known = this.producers.get(producerId) ?? { epoch, lastSequence: null, transaction: null }
    this.producers.set(producerId, known)
    return known
  }
}

interface Fetched {
  readonly views: readonly Buffer[]
  readonly startOffset: bigint
  readonly highWatermark: bigint
  readonly lastStableOffset: bigint
  readonly aborted: ReadonlySet<string>
}

async function fetchAll(
  broker: TestBroker,
  topic: string,
  partition: number,
  isolationLevel: number,
): Promise<Fetched> {
  const views: Buffer[] = []
  const aborted = new Set<string>()
  const found = broker.services.metadata.topic(topic)
  if (found === undefined) throw new Error(`there is no topic ${topic}`)
  let offset = broker.services.replicas.get(found, partition).logStartOffset
  const startOffset = offset
  for (;;) {
    const request = fetchRequest([{ topic, partition, offset }], { isolationLevel })
    const { responses } = await broker.ask(fetchHandler, 12, request)
    const answer = responses[0]?.partitions[0]
    if (answer?.errorCode !== 0) {
      throw new Error(
        `${topic}-${partition} cannot be read at ${offset}: ${errorName(answer?.errorCode ?? -1)}`,
      )
    }
    for (const transaction of answer.abortedTransactions ?? []) aborted.add(abortedName(transaction))
    const bytes = Buffer.concat([answer.records ?? []].flat())
    const last = [...batch.wholeBatches(bytes)].at(-1)
    if (last === undefined) {
      const { highWatermark, lastStableOffset = -1n } = answer
      return { views, startOffset, highWatermark, lastStableOffset, aborted }
    }
    views.push(bytes)
    offset = batch.lastOffset(bytes, last) + 1n
  }
}
