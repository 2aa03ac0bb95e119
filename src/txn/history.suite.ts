/** A small world for random histories: partitions that keep what is written, clients that do not know of each other. */
import type { TransactionMarker } from '../log/transaction-marker.ts'
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID } from '../wire/batch.ts'
import { ErrorCode, errorName } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type { TransactionCoordinator } from './transaction-coordinator.ts'
import type { WriteMarkers } from './txn-services.ts'

type Entry =
  | { readonly producerId: bigint; readonly producerEpoch: number; readonly value: number }
  | { readonly producerId: bigint; readonly producerEpoch: number; readonly commit: boolean }

/** A data partition, as naive as it can be: a list, and the epoch that it knows of each producer. */
export class DataPartition {
  readonly entries: Entry[] = []
  readonly #epochs = new Map<bigint, number>()
  offline = false
  deleted = false

  produce(producerId: bigint, producerEpoch: number, value: number): void {
    this.#check(producerId, producerEpoch)
    this.entries.push({ producerId, producerEpoch, value })
  }

  mark({ producerId, producerEpoch, commit }: TransactionMarker): void {
    this.#check(producerId, producerEpoch)
    this.entries.push({ producerId, producerEpoch, commit })
  }

  /** What readers of committed records see. @throws when a transaction is still open. */
  committed(): Set<number> {
    const open = new Map<bigint, number[]>()
    const seen = new Set<number>()
    for (const entry of this.entries) {
      if ('value' in entry) {
        open.set(entry.producerId, [...(open.get(entry.producerId) ?? []), entry.value])
        continue
      }
      if (entry.commit) for (const value of open.get(entry.producerId) ?? []) seen.add(value)
      open.delete(entry.producerId)
    }
    if (open.size > 0) throw new Error(`transactions of ${[...open.keys()]} are open`)
    return seen
  }

  #check(producerId: bigint, producerEpoch: number): void {
    if (this.deleted) throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 'deleted')
    if (this.offline) throw new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, 'offline')
    const known = this.#epochs.get(producerId) ?? -1
    if (producerEpoch < known)
      throw new KafkaError(ErrorCode.INVALID_PRODUCER_EPOCH, `${producerEpoch} < ${known}`)
    this.#epochs.set(producerId, producerEpoch)
  }
}

/** One life of the broker: when it is over, nothing that it does reaches anything any more. */
export interface Life {
  over: boolean
}

const NEVER = new Promise<never>(() => {})

/** Partitions of topics of one partition each: `t0`, `t1`, ... */
export class DataPartitions {
  readonly all: DataPartition[]
  /** Markers wait for `release()` when set. */
  slow = false
  readonly #waiting: (() => void)[] = []

  constructor(count: number) {
    this.all = Array.from({ length: count }, () => new DataPartition())
  }

  at(topic: string): DataPartition | undefined {
    const partition = this.all[Number(topic.slice(1))]
    return partition?.deleted ? undefined : partition
  }

  release(): void {
    for (const release of this.#waiting.splice(0)) release()
  }

  markers(life: Life): WriteMarkers {
    const mark = (topic: string, marker: TransactionMarker): void => {
      const partition = this.at(topic)
      if (partition === undefined) throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, topic)
      partition.mark(marker)
    }
    return {
      write: (topic, _, marker) => {
        if (life.over) return NEVER
        // A log takes what it is given in order; how long it takes to be durable is another matter.
        mark(topic, marker)
        return this.slow ? new Promise((resolve) => this.#waiting.push(resolve)) : undefined
      },
    }
  }
}

/** What one client tried to do at once, and what it knows of how that ended. */
export interface Attempt {
  readonly values: { readonly partition: DataPartition; readonly value: number }[]
  outcome: 'open' | 'committed' | 'aborted' | 'unknown'
}

/** What refuses a request for good: nothing of the transaction can be committed any more. */
const FINAL: ReadonlySet<string> = new Set([
  'PRODUCER_FENCED',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
  'INVALID_TXN_STATE',
])

/** A transactional producer that speaks one of the two protocols, and does one thing at a time. */
export class Client {
  readonly transactionalId: string
  readonly second: boolean
  readonly attempts: Attempt[] = []
  /** Every answer so far: NONE, or the name of an error. */
  readonly answers: string[] = []
  busy = false
  producer: { readonly producerId: bigint; readonly producerEpoch: number } | null = null
  /** The end that it has asked for without an answer. */
  unanswered: boolean | null = null
  #attempt: Attempt | null = null

  constructor(transactionalId: string, second: boolean) {
    this.transactionalId = transactionalId
    this.second = second
  }

  get hasTransaction(): boolean {
    return this.#attempt !== null
  }

  /** @param resume asks with what it has (KIP-360). */
  init(transactions: TransactionCoordinator, life: Life, resume: boolean): Promise<void> {
    const had = resume ? this.producer : null
    this.#giveUp()
    this.producer = null
    return this.#ask(life, async () => {
      const answer = await transactions.initProducerId(
        {
          transactionalId: this.transactionalId,
          transactionTimeoutMs: 20_000,
          producerId: had?.producerId ?? NO_PRODUCER_ID,
          producerEpoch: had?.producerEpoch ?? NO_PRODUCER_EPOCH,
          enable2Pc: false,
          keepPreparedTxn: false,
        },
        { version: 5, clientId: null },
      )
      const { producerId = NO_PRODUCER_ID, producerEpoch } = answer
      return () => {
        this.producer = { producerId, producerEpoch }
      }
    })
  }

  produce(
    transactions: TransactionCoordinator,
    life: Life,
    topic: string,
    partition: DataPartition,
    value: number,
  ): Promise<void> {
    const { producer } = this
    if (producer === null) return Promise.resolve()
    const { producerId, producerEpoch } = producer
    const asked = [{ topic, partition: 0 }]
    return this.#ask(life, async () => {
      if (!this.second) await this.#addFirst(transactions, topic)
      const errors = await transactions.verifyOrAdd(
        this.transactionalId,
        producerId,
        producerEpoch,
        asked,
        !this.second,
      )
      for (const error of errors) if (error !== null) throw error
      return () => {
        partition.produce(producerId, producerEpoch, value)
        this.#attempt ??= this.#begin()
        this.#attempt.values.push({ partition, value })
      }
    })
  }

  end(transactions: TransactionCoordinator, life: Life, committed: boolean): Promise<void> {
    const { producer } = this
    if (producer === null) return Promise.resolve()
    const attempt = this.#attempt
    this.unanswered = committed
    return this.#ask(life, async () => {
      const answer = await transactions.endTransaction(
        { transactionalId: this.transactionalId, ...producer, committed },
        { version: this.second ? 5 : 4, clientId: null },
      )
      return () => {
        if (attempt !== null) attempt.outcome = committed ? 'committed' : 'aborted'
        this.#attempt = null
        this.unanswered = null
        const { producerId = producer.producerId, producerEpoch = producer.producerEpoch } = answer
        if (this.second) this.producer = { producerId, producerEpoch }
      }
    })
  }

  /** Nothing more is asked. */
  leave(): void {
    this.#giveUp()
  }

  /** The connection is gone: what was asked may have been heard or not. */
  disconnect(): void {
    this.busy = false
  }

  async #addFirst(transactions: TransactionCoordinator, topic: string): Promise<void> {
    const { producerId, producerEpoch } = this.producer ?? { producerId: -1n, producerEpoch: -1 }
    const answer = await transactions.addPartitions(
      {
        transactions: [],
        v3AndBelowTransactionalId: this.transactionalId,
        v3AndBelowProducerId: producerId,
        v3AndBelowProducerEpoch: producerEpoch,
        v3AndBelowTopics: [{ name: topic, partitions: [0] }],
      },
      { version: 3, clientId: null },
    )
    const code = answer.resultsByTopicV3AndBelow[0]?.resultsByPartition[0]?.partitionErrorCode ?? 0
    if (code !== 0) throw new KafkaError(code as ErrorCode, 'not added')
  }

  /** @param request gives what is to be done when its answer arrives, which it does not once the broker is gone. */
  async #ask(life: Life, request: () => Promise<() => void>): Promise<void> {
    this.busy = true
    try {
      const arrived = await request()
      if (life.over) return
      arrived()
      this.answers.push('NONE')
    } catch (error) {
      if (life.over) return
      if (!(error instanceof KafkaError)) throw error
      this.#refused(errorName(error.code))
    }
    this.busy = false
  }

  #refused(error: string): void {
    this.answers.push(error)
    if (!FINAL.has(error)) return
    // A commit that was heard before may still have been what decided it.
    const asked = this.unanswered === true
    const knownLost = error === 'INVALID_TXN_STATE'
    if (this.#attempt !== null) this.#attempt.outcome = asked && !knownLost ? 'unknown' : 'aborted'
    this.#attempt = null
    this.unanswered = null
    this.producer = null
  }

  #begin(): Attempt {
    const attempt: Attempt = { values: [], outcome: 'open' }
    this.attempts.push(attempt)
    return attempt
  }

  #giveUp(): void {
    if (this.#attempt !== null) this.#attempt.outcome = this.unanswered === true ? 'unknown' : 'aborted'
    this.#attempt = null
    this.unanswered = null
  }
}
