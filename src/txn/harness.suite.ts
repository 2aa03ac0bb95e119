/** What the tests of transactions share: a coordinator over logs in memory, on a clock that stands still. */
import { ManualClock } from '../clock.ts'
import type { CoordinatorLog, CoordinatorRecord, LogEntry } from '../coordinator/coordinator-log.ts'
import type { TransactionMarker } from '../log/transaction-marker.ts'
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID } from '../wire/batch.ts'
import { ErrorCode, errorName } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type { TransactionState as DescribedTransaction } from '../wire/messages/describe-transactions.ts'
import type { InitProducerIdRequest } from '../wire/messages/init-producer-id.ts'
import type { ListTransactionsRequest } from '../wire/messages/list-transactions.ts'
import { decodeRecord } from './records.ts'
import { STATE_NAMES, type Transaction } from './transaction.ts'
import { TransactionCoordinator } from './transaction-coordinator.ts'
import type { TxnConfig } from './txn-services.ts'

/** A log in memory that commits at once, or when it is told to. */
export class TestLog implements CoordinatorLog {
  readonly records: CoordinatorRecord[] = []
  /** Commits wait for `commit()` when set. */
  manual = false
  /** What the next append throws. */
  failure: Error | null = null
  readonly #pending: { records: readonly CoordinatorRecord[]; settle: (error: Error | null) => void }[] = []

  append(records: readonly CoordinatorRecord[]): void | Promise<void> {
    const { failure } = this
    this.failure = null
    if (failure !== null) throw failure
    // What is appended later commits later.
    if (!this.manual && this.#pending.length === 0) {
      this.records.push(...records)
      return
    }
    return new Promise((resolve, reject) => {
      this.#pending.push({ records, settle: (error) => (error === null ? resolve() : reject(error)) })
    })
  }

  appendMarker(): void {
    throw new Error('nobody ends transactions in this topic')
  }

  read(): LogEntry[] {
    return this.records.map((record) => ({ kind: 'record', record, producer: null }))
  }

  get pending(): number {
    return this.#pending.length
  }

  /** Commits the oldest append that waits. */
  commit(): void {
    const next = this.#pending.shift()
    if (next === undefined) throw new Error('nothing to commit')
    this.records.push(...next.records)
    next.settle(null)
  }

  /** Fails every append that waits. */
  fail(error: Error): void {
    for (const { settle } of this.#pending.splice(0)) settle(error)
  }

  /** What the records amount to. */
  replayed(): Map<string, Transaction> {
    const transactions = new Map<string, Transaction>()
    for (const record of this.records) {
      const decoded = decodeRecord(record)
      if (decoded === null) continue
      if (decoded.transaction === null) transactions.delete(decoded.transactionalId)
      else transactions.set(decoded.transactionalId, decoded.transaction)
    }
    return transactions
  }

  /** The names of the states that have been recorded, with `-` for a tombstone. */
  states(): string[] {
    return this.records.map((record) => {
      const transaction = decodeRecord(record)?.transaction
      return transaction == null ? '-' : (STATE_NAMES[transaction.state] ?? '?')
    })
  }
}

/** Where markers go: takes them at once, later, or not at all. */
export class TestMarkers {
  readonly written: { readonly at: string; readonly marker: TransactionMarker }[] = []
  /** What a write into the partition (`topic-0`) throws. */
  readonly failures: Map<string, Error> = new Map()
  /** Writes wait for `release()` when set. */
  manual = false
  readonly #waiting: (() => void)[] = []

  write(topic: string, partition: number, marker: TransactionMarker): void | Promise<void> {
    const at = `${topic}-${partition}`
    const failure = this.failures.get(at)
    if (failure !== undefined) throw failure
    const done = (): void => void this.written.push({ at, marker })
    if (!this.manual) return done()
    return new Promise((resolve) => {
      this.#waiting.push(() => {
        done()
        resolve()
      })
    })
  }

  get waiting(): number {
    return this.#waiting.length
  }

  release(): void {
    for (const release of this.#waiting.splice(0)) release()
  }

  /** `topic-0 commit 7/0`, each marker so far; they are forgotten. */
  take(): string[] {
    return this.written
      .splice(0)
      .map(
        ({ at, marker }) =>
          `${at} ${marker.commit ? 'commit' : 'abort'} ${marker.producerId}/${marker.producerEpoch}`,
      )
      .sort()
  }
}

const CONFIG: TxnConfig = {
  partitionCount: 1,
  maxTimeoutMs: 900_000,
  expirationMs: 604_800_000,
  abortTimedOutIntervalMs: 10_000,
  removeExpiredIntervalMs: 3_600_000,
  twoPhaseCommit: false,
  transactionVersion: 2,
  realistic: false,
}

/** Every topic has ten partitions, but for those that are called `missing`. */
const PARTITIONS = 10

export class TxnHarness {
  readonly clock: ManualClock = new ManualClock(Date.UTC(2026, 0, 1))
  readonly log: TestLog = new TestLog()
  readonly markers: TestMarkers = new TestMarkers()
  readonly logged: unknown[] = []
  readonly config: { -readonly [K in keyof TxnConfig]: TxnConfig[K] }
  readonly producerIds: { given: bigint; failure: Error | null; next(): bigint } = {
    given: 1000n,
    failure: null,
    next: (): bigint => {
      if (this.producerIds.failure !== null) throw this.producerIds.failure
      return this.producerIds.given++
    },
  }
  transactions: TransactionCoordinator

  constructor(config: Partial<TxnConfig> = {}) {
    this.config = { ...CONFIG, ...config }
    this.transactions = this.coordinator()
    void this.load()
  }

  coordinator(): TransactionCoordinator {
    const say = (entry: unknown): void => void this.logged.push(entry)
    return new TransactionCoordinator({
      clock: this.clock,
      logger: { debug: () => {}, info: () => {}, warn: say, error: say } as never,
      config: this.config,
      producerIds: this.producerIds,
      writeMarkers: this.markers,
      topics: { partitionCount: (name) => (name.startsWith('missing') ? 0 : PARTITIONS) },
      groupPartitionFor: () => 7,
    })
  }

  load(coordinatorEpoch = 3): void | Promise<void> {
    return this.transactions.load(0, this.log, coordinatorEpoch)
  }

  /** The broker goes away at once and comes back: what the log does not have is forgotten. */
  restart(): void {
    this.transactions.stop()
    this.transactions = this.coordinator()
    void this.load()
  }

  /** `7/0`, or the name of the error. */
  init(request: Partial<InitProducerIdRequest> = {}, version = 5): Promise<string> {
    return outcome(async () => {
      const answer = await this.transactions.initProducerId(
        {
          transactionalId: 'txn',
          transactionTimeoutMs: 60_000,
          producerId: NO_PRODUCER_ID,
          producerEpoch: NO_PRODUCER_EPOCH,
          enable2Pc: false,
          keepPreparedTxn: false,
          ...request,
        },
        context(version),
      )
      return `${answer.producerId}/${answer.producerEpoch}`
    })
  }

  /** The error of each partition of topic `t`, or NONE, comma-separated. */
  add(producer: string, partitions: readonly number[] = [0], version = 3): Promise<string> {
    return this.addTo([{ name: 't', partitions }], producer, version)
  }

  addTo(
    topics: readonly { readonly name: string; readonly partitions: readonly number[] }[],
    producer: string,
    version = 3,
    verifyOnly = false,
  ): Promise<string> {
    return outcome(async () => {
      const { producerId, producerEpoch } = parse(producer)
      const answer = await this.transactions.addPartitions(
        {
          transactions: [{ transactionalId: 'txn', producerId, producerEpoch, verifyOnly, topics }],
          v3AndBelowTransactionalId: 'txn',
          v3AndBelowProducerId: producerId,
          v3AndBelowProducerEpoch: producerEpoch,
          v3AndBelowTopics: topics,
        },
        context(version),
      )
      const results =
        version >= 4 ? answer.resultsByTransaction[0]?.topicResults : answer.resultsByTopicV3AndBelow
      return (results ?? [])
        .flatMap(({ name, resultsByPartition }) =>
          resultsByPartition.map(
            ({ partitionIndex, partitionErrorCode }) =>
              `${name}-${partitionIndex} ${errorName(partitionErrorCode)}`,
          ),
        )
        .sort()
        .join(', ')
    })
  }

  addOffsets(producer: string, version = 3): Promise<string> {
    return outcome(async () => {
      const request = { transactionalId: 'txn', groupId: 'group', ...parse(producer) }
      return errorName((await this.transactions.addOffsets(request, context(version))).errorCode)
    })
  }

  /** What the producer is after it (v5), NONE, or the name of the error. */
  end(producer: string, committed: boolean, version = 5): Promise<string> {
    return outcome(async () => {
      const request = { transactionalId: 'txn', committed, ...parse(producer) }
      const answer = await this.transactions.endTransaction(request, context(version))
      return version >= 5 ? `${answer.producerId}/${answer.producerEpoch}` : errorName(answer.errorCode)
    })
  }

  verifyOrAdd(producer: string, partitions: readonly number[], verifyOnly: boolean): Promise<string> {
    return outcome(async () => {
      const { producerId, producerEpoch } = parse(producer)
      const asked = partitions.map((partition) => ({ topic: 't', partition }))
      const errors = await this.transactions.verifyOrAdd('txn', producerId, producerEpoch, asked, verifyOnly)
      return errors.map((error) => errorName(error?.code ?? ErrorCode.NONE)).join(', ')
    })
  }

  describe(transactionalId = 'txn'): DescribedTransaction {
    const [state] = this.transactions.describe({ transactionalIds: [transactionalId] }).transactionStates
    if (state === undefined) throw new Error('nothing was described')
    return state
  }

  /** `Ongoing 7/0 t-0 t-1` */
  state(transactionalId = 'txn'): string {
    const described = this.describe(transactionalId)
    if (described.errorCode !== 0) return errorName(described.errorCode)
    const partitions = described.topics.flatMap(({ topic, partitions: indexes }) =>
      indexes.map((index) => `${topic}-${index}`),
    )
    const { transactionState, producerId, producerEpoch } = described
    return [transactionState, `${producerId}/${producerEpoch}`, ...partitions.sort()].join(' ')
  }

  list(request: Partial<ListTransactionsRequest> = {}): string[] {
    const answer = this.transactions.list({
      stateFilters: [],
      producerIdFilters: [],
      durationFilter: -1n,
      transactionalIdPattern: null,
      ...request,
    })
    return answer.transactionStates.map(
      ({ transactionalId, transactionState }) => `${transactionalId} ${transactionState}`,
    )
  }
}

/** Lets whatever can go on do so. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Whether a promise has been settled, and how. */
export function watch<T>(promise: Promise<T>): { value: T | undefined } {
  const watched: { value: T | undefined } = { value: undefined }
  void promise.then((value) => {
    watched.value = value
  })
  return watched
}

export function parse(producer: string): { producerId: bigint; producerEpoch: number } {
  const [id, epoch] = producer.split('/')
  return { producerId: BigInt(id ?? ''), producerEpoch: Number(epoch) }
}

export async function outcome(run: () => string | Promise<string>): Promise<string> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof KafkaError) return errorName(error.code)
    throw error
  }
}

function context(version: number): { version: number; clientId: string } {
  return { version, clientId: 'client' }
}
