/** Takes the steps of a random history, and holds the coordinator to what a naive look at its logs says. */
import { expect } from 'vitest'
import { ManualClock } from '../clock.ts'
import type { CoordinatorRecord } from '../coordinator/coordinator-log.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { settle, TestLog } from './harness.suite.ts'
import { type Attempt, Client, DataPartitions, type Life } from './history.suite.ts'
import { decodeRecord } from './records.ts'
import { isPrepared, STATE_NAMES, type Transaction, TransactionState } from './transaction.ts'
import { TransactionCoordinator } from './transaction-coordinator.ts'

export type Step =
  | { readonly do: 'init'; readonly who: number; readonly resume: boolean }
  | { readonly do: 'produce'; readonly who: number; readonly to: number }
  | { readonly do: 'end'; readonly who: number; readonly commit: boolean }
  | { readonly do: 'wait'; readonly ms: number }
  /** The broker dies when so many more records have reached the log; at once for 0. */
  | { readonly do: 'crash'; readonly records: number }
  | { readonly do: 'slow'; readonly log: boolean; readonly markers: boolean }
  | { readonly do: 'arrive'; readonly what: 'log' | 'markers' }
  | { readonly do: 'fail' }
  | { readonly do: 'offline'; readonly which: number; readonly offline: boolean }
  | { readonly do: 'delete'; readonly which: number }

export interface Temper {
  readonly realistic: boolean
  readonly transactionVersion: number
}

/** Which states may follow which, by their ids. */
const FOLLOWS: readonly (readonly TransactionState[])[] = [
  [TransactionState.EMPTY, TransactionState.ONGOING, TransactionState.PREPARE_ABORT],
  [TransactionState.ONGOING, TransactionState.PREPARE_COMMIT, TransactionState.PREPARE_ABORT],
  [TransactionState.COMPLETE_COMMIT],
  [TransactionState.COMPLETE_ABORT],
  [TransactionState.EMPTY, TransactionState.ONGOING, TransactionState.PREPARE_ABORT],
  [TransactionState.EMPTY, TransactionState.ONGOING, TransactionState.PREPARE_ABORT],
]

const PARTITIONS = 3

class CrashingLog extends TestLog {
  life: Life = { over: false }
  /** The broker dies with the record that makes it 0. */
  left = Number.POSITIVE_INFINITY

  override append(records: readonly CoordinatorRecord[]): void | Promise<void> {
    if (this.life.over) return new Promise(() => {})
    const durable = super.append(records)
    const recorded = (): void => {
      this.left -= records.length
      if (this.left <= 0) this.life.over = true
    }
    return durable === undefined ? recorded() : durable.then(recorded)
  }
}

export class World {
  readonly #clock = new ManualClock(Date.UTC(2026, 0, 1))
  readonly #log = new CrashingLog()
  readonly #partitions = new DataPartitions(PARTITIONS)
  readonly #temper: Temper
  readonly #clients: readonly Client[]
  #life: Life = { over: false }
  #transactions: TransactionCoordinator
  #producerId = 0n
  #value = 0
  /** Nothing was ever slow, broken or gone. */
  #calm = true

  constructor(temper: Temper) {
    this.#temper = temper
    this.#log.life = this.#life
    // Both of an id speak the same protocol: by Kafka's rules the commit of a fenced producer of the second passes for
    // a repeated one when its successor has just committed by the first.
    this.#clients = [0, 1, 2, 3].map((at) => new Client(at < 2 ? 'one' : 'two', at < 2))
    this.#transactions = this.#start()
  }

  async take(step: Step): Promise<void> {
    await this.#act(step)
    await settle()
    if (this.#life.over) this.#restart()
    await settle()
    this.#check()
  }

  /** Everything works again, everybody leaves, and overdue transactions are aborted: what is seen by readers? */
  async end(): Promise<void> {
    this.#log.left = Number.POSITIVE_INFINITY
    this.#log.manual = false
    this.#partitions.slow = false
    for (const partition of this.#partitions.all) partition.offline = false
    for (let round = 0; round < 12; round++) {
      while (this.#log.pending > 0) this.#log.commit()
      this.#partitions.release()
      await this.#clock.advance(5_000)
    }
    this.#check()
    for (const client of this.#clients) {
      expect(client.busy, 'somebody was never answered').toBe(false)
      client.leave()
      if (this.#calm && !this.#temper.realistic)
        expect(client.answers).not.toContain('CONCURRENT_TRANSACTIONS')
    }
    const seen = new Map(
      this.#partitions.all
        .filter(({ deleted }) => !deleted)
        .map((partition) => [partition, partition.committed()]),
    )
    for (const client of this.#clients) {
      for (const { outcome, values } of client.attempts) {
        const visible = values.flatMap(({ partition, value }) => seen.get(partition)?.has(value) ?? [])
        expect(allowed(outcome, visible), `${outcome}: ${visible}`).toBe(true)
      }
    }
    this.#checkRecords()
  }

  async #act(step: Step): Promise<void> {
    switch (step.do) {
      case 'wait':
        return this.#clock.advance(step.ms)
      case 'crash':
        if (step.records === 0) this.#life.over = true
        this.#log.left = step.records === 0 ? Number.POSITIVE_INFINITY : step.records
        return
      case 'slow':
        this.#log.manual = step.log
        this.#partitions.slow = step.markers
        this.#calm = false
        return
      case 'arrive':
        if (step.what === 'markers') this.#partitions.release()
        else if (this.#log.pending > 0) this.#log.commit()
        return
      case 'fail': {
        const error = new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, 'the disk is full')
        if (this.#log.pending > 0) this.#log.fail(error)
        else this.#log.failure = error
        this.#calm = false
        return
      }
      case 'offline':
      case 'delete': {
        const partition = this.#partitions.all[step.which]
        if (partition === undefined) return
        if (step.do === 'delete') partition.deleted = true
        else partition.offline = step.offline
        this.#calm = false
        return
      }
      default:
        this.#ask(step)
    }
  }

  #ask(step: Extract<Step, { who: number }>): void {
    const client = this.#clients[step.who]
    if (client === undefined || client.busy) return
    // Nobody waits here: an answer may need other steps.
    const failed = (error: unknown): void => {
      throw error
    }
    const { unanswered } = client
    const begins = client.producer === null && unanswered === null
    const resume = step.do === 'init' && step.resume
    if (step.do === 'init' || begins) client.init(this.#transactions, this.#life, resume).catch(failed)
    else if (unanswered !== null) client.end(this.#transactions, this.#life, unanswered).catch(failed)
    else if (step.do === 'end') client.end(this.#transactions, this.#life, step.commit).catch(failed)
    else {
      const topic = `t${step.to}`
      const partition = this.#partitions.at(topic)
      if (partition === undefined) return
      client.produce(this.#transactions, this.#life, topic, partition, this.#value++).catch(failed)
    }
  }

  #start(): TransactionCoordinator {
    const transactions = new TransactionCoordinator({
      clock: this.#clock,
      logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} } as never,
      config: {
        partitionCount: 1,
        maxTimeoutMs: 900_000,
        expirationMs: 300_000,
        abortTimedOutIntervalMs: 10_000,
        removeExpiredIntervalMs: 60_000,
        twoPhaseCommit: false,
        ...this.#temper,
      },
      producerIds: { next: () => this.#producerId++ },
      writeMarkers: this.#partitions.markers(this.#life),
      topics: { partitionCount: (topic) => (this.#partitions.at(topic) === undefined ? 0 : 1) },
      groupPartitionFor: () => 0,
    })
    void transactions.load(0, this.#log, 0)
    return transactions
  }

  #restart(): void {
    this.#life = { over: false }
    this.#log.life = this.#life
    this.#log.left = Number.POSITIVE_INFINITY
    this.#log.failure = null
    while (this.#log.pending > 0) this.#log.fail(new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, 'gone'))
    for (const client of this.#clients) client.disconnect()
    this.#transactions.stop()
    this.#transactions = this.#start()
  }

  /** What is told of each id is what its records say. */
  #check(): void {
    const replayed = this.#log.replayed()
    for (const transactionalId of ['one', 'two']) {
      const [described] = this.#transactions.describe({
        transactionalIds: [transactionalId],
      }).transactionStates
      const transaction = replayed.get(transactionalId)
      if (transaction === undefined) {
        expect(described?.errorCode).toBe(ErrorCode.TRANSACTIONAL_ID_NOT_FOUND)
        continue
      }
      expect(described).toMatchObject({
        errorCode: 0,
        transactionState: STATE_NAMES[transaction.state],
        transactionTimeoutMs: transaction.timeoutMs,
        transactionStartTimeMs: transaction.startTimestamp,
        producerId: transaction.producerId,
        producerEpoch: transaction.producerEpoch,
      })
      const topics = described?.topics.map(({ topic }) => topic).sort() ?? []
      const recorded = [...transaction.partitions.keys()].sort()
      if (isPrepared(transaction)) expect(recorded).toEqual(expect.arrayContaining(topics))
      else expect(topics).toEqual(recorded)
    }
  }

  /** No record follows another that it cannot, and no epoch goes back. */
  #checkRecords(): void {
    const last = new Map<string, Transaction>()
    for (const record of this.#log.records) {
      const { transactionalId = '', transaction = null } = decodeRecord(record) ?? {}
      const before = last.get(transactionalId)
      if (transaction === null) {
        last.delete(transactionalId)
        continue
      }
      last.set(transactionalId, transaction)
      if (before === undefined) continue
      expect(FOLLOWS[before.state]).toContain(transaction.state)
      if (before.producerId === transaction.producerId) {
        expect(transaction.producerEpoch).toBeGreaterThanOrEqual(before.producerEpoch)
      } else {
        expect(transaction.producerId).toBeGreaterThan(before.producerId)
      }
    }
  }
}

function allowed(outcome: Attempt['outcome'], visible: readonly boolean[]): boolean {
  const none = visible.every((one) => !one)
  const all = visible.every((one) => one)
  switch (outcome) {
    case 'committed':
      return all
    case 'unknown':
      return all || none
    default:
      return none
  }
}
