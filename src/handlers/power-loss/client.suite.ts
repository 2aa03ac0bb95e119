/** What clients do in a history: each question and its answer is noted in a ledger. */
import { ErrorCode, errorName } from '../../wire/error-codes.ts'
import { ZERO_UUID } from '../../wire/reader.ts'
import { buildBatch } from '../../wire/records.ts'
import { createPartitionsHandler } from '../create-partitions.ts'
import { createTopicsHandler } from '../create-topics.ts'
import { deleteRecordsHandler } from '../delete-records.ts'
import { deleteTopicsHandler } from '../delete-topics.ts'
import { findCoordinatorHandler } from '../find-coordinator.ts'
import { produceRequest, type TestBroker } from '../harness.suite.ts'
import { incrementalAlterConfigsHandler } from '../incremental-alter-configs.ts'
import { initProducerIdHandler } from '../init-producer-id.ts'
import { offsetCommitHandler } from '../offset-commit.ts'
import { produceHandler } from '../produce.ts'
import { type Protocol, TransactionalProducer } from '../transactional-producer.suite.ts'
import type { Ledger } from './ledger.suite.ts'

/** Whose offsets are committed by themselves, and within transactions; of topic `plain`, partition 0. */
export const PLAIN_GROUP = 'plain-group'
export const TRANSACTIONAL_GROUP = 'transactional-group'
export const OFFSETS_OF = 'plain'

type BatchOptions = NonNullable<Parameters<typeof buildBatch>[1]>
export type Configs = Readonly<Record<string, string>>

export class Client {
  broker: TestBroker
  readonly #ledger: Ledger
  readonly #generations = new Map<string, number>()
  #partitions = new Map<string, number>()
  #transactions = 0

  constructor(broker: TestBroker, ledger: Ledger) {
    this.broker = broker
    this.#ledger = ledger
  }

  /** How the ledger names a log. */
  log(topic: string, partition = 0): string {
    return `${topic}/${this.#generations.get(topic)}-${partition}`
  }

  async create(topic: string, partitions: number, configs: Configs): Promise<void> {
    this.#generations.set(topic, (this.#generations.get(topic) ?? 0) + 1)
    this.#partitions.set(topic, partitions)
    const entries = Object.entries(configs).map(([name, value]) => ({ name, value }))
    await this.#ledger.ask({ kind: 'topic', topic, partitions, configs }, async () => {
      const { topics } = await this.broker.ask(createTopicsHandler, 7, {
        topics: [
          { name: topic, numPartitions: partitions, replicationFactor: 1, assignments: [], configs: entries },
        ],
        timeoutMs: 1_000,
        validateOnly: false,
      })
      check(topics[0]?.errorCode, `creating ${topic}`)
    })
  }

  async delete(topic: string): Promise<void> {
    await this.#ledger.ask({ kind: 'topic', topic, partitions: null, configs: {} }, async () => {
      const request = { topics: [], topicNames: [topic], timeoutMs: 1_000 }
      const { responses } = await this.broker.ask(deleteTopicsHandler, 5, request)
      check(responses[0]?.errorCode, `deleting ${topic}`)
    })
  }

  async grow(topic: string, partitions: number, configs: Configs): Promise<void> {
    this.#partitions.set(topic, partitions)
    await this.#ledger.ask({ kind: 'topic', topic, partitions, configs }, async () => {
      const topics = [{ name: topic, count: partitions, assignments: null }]
      const request = { topics, timeoutMs: 1_000, validateOnly: false }
      const { results } = await this.broker.ask(createPartitionsHandler, 2, request)
      check(results[0]?.errorCode, `adding partitions to ${topic}`)
    })
  }

  /** @param configs all that the topic has then */
  async configure(topic: string, name: string, value: string, configs: Configs): Promise<void> {
    const partitions = this.#partitions.get(topic) ?? 0
    await this.#ledger.ask({ kind: 'topic', topic, partitions, configs }, async () => {
      const resource = {
        resourceType: 2,
        resourceName: topic,
        configs: [{ name, configOperation: 0, value }],
      }
      const request = { resources: [resource], validateOnly: false }
      const { responses } = await this.broker.ask(incrementalAlterConfigsHandler, 1, request)
      check(responses[0]?.errorCode, `changing a config of ${topic}`)
    })
  }

  /** @param values texts; `key=text` for a record with a key. */
  async produce(
    topic: string,
    values: readonly string[],
    partition = 0,
    options: BatchOptions = {},
  ): Promise<void> {
    const log = this.log(topic, partition)
    await this.#ledger.ask({ kind: 'append', log, values, transaction: null }, async () => {
      const records = batchOf(values, this.broker.clock.now(), options)
      const request = produceRequest(topic, partition, records)
      const { responses } = await this.broker.ask(produceHandler, 9, request)
      const [answer] = responses[0]?.partitionResponses ?? []
      check(answer?.errorCode, `producing to ${log}`)
      return answer?.baseOffset ?? -1n
    })
  }

  async deleteRecords(topic: string, offset: bigint, partition = 0): Promise<void> {
    await this.#ledger.ask({ kind: 'delete', log: this.log(topic, partition), offset }, async () => {
      const topics = [{ name: topic, partitions: [{ partitionIndex: partition, offset }] }]
      const answer = await this.broker.ask(deleteRecordsHandler, 1, { topics, timeoutMs: 1_000 })
      check(answer.topics[0]?.partitions[0]?.errorCode, `deleting records of ${topic}`)
    })
  }

  /** A producer id for an idempotent producer. */
  producerId(): Promise<bigint> {
    return this.#ledger.ask({ kind: 'producer' }, () => newProducerId(this.broker))
  }

  async commitOffset(offset: bigint): Promise<void> {
    await this.#ledger.ask({ kind: 'offset', group: PLAIN_GROUP, offset, transaction: null }, async () => {
      check(await commitOffset(this.broker, offset), 'committing an offset')
    })
  }

  /** A producer that has been initialized. */
  async transactional(transactionalId: string, protocol: Protocol): Promise<TransactionalProducer> {
    const producer = new TransactionalProducer(this.broker, protocol, transactionalId)
    await this.#ledger.ask({ kind: 'producer' }, async () => {
      expectNone(await producer.init(), `initializing ${transactionalId}`)
      return producer.producerId
    })
    return producer
  }

  /** Begins a transaction. */
  transaction(producer: TransactionalProducer): Transaction {
    producer.broker = this.broker
    return new Transaction(this, this.#ledger, producer, this.#transactions++)
  }
}

export class Transaction {
  readonly number: number
  readonly #client: Client
  readonly #ledger: Ledger
  readonly #producer: TransactionalProducer

  constructor(client: Client, ledger: Ledger, producer: TransactionalProducer, number: number) {
    this.#client = client
    this.#ledger = ledger
    this.#producer = producer
    this.number = number
  }

  async write(topic: string, ...values: string[]): Promise<void> {
    const log = this.#client.log(topic)
    await this.#ledger.ask({ kind: 'append', log, values, transaction: this.number }, async () => {
      expectNone(await this.#producer.write(topic, values), `writing to ${log}`)
    })
  }

  async commitOffset(offset: bigint): Promise<void> {
    const deed = { kind: 'offset', group: TRANSACTIONAL_GROUP, offset, transaction: this.number } as const
    await this.#ledger.ask(deed, async () => {
      expectNone(
        await this.#producer.commitOffset(TRANSACTIONAL_GROUP, OFFSETS_OF, offset),
        'sending offsets',
      )
    })
  }

  async end(commit: boolean): Promise<void> {
    await this.#ledger.ask({ kind: 'end', transaction: this.number, commit }, async () => {
      expectNone(await this.#producer.end(commit), 'ending a transaction')
    })
  }
}

export function batchOf(values: readonly string[], nowMs: number, options: BatchOptions = {}): Buffer {
  const records = values.map((value) => {
    const [key, text] = value.split('=')
    const timestamp = BigInt(nowMs)
    return text === undefined
      ? { key: null, value: Buffer.from(value), timestamp }
      : { key: Buffer.from(key as string), value: Buffer.from(text), timestamp }
  })
  return buildBatch(records, options)
}

export async function newProducerId(broker: TestBroker): Promise<bigint> {
  const { errorCode, producerId = -1n } = await broker.ask(initProducerIdHandler, 2, {
    transactionalId: null,
    transactionTimeoutMs: 0,
    producerId: -1n,
    producerEpoch: -1,
    enable2Pc: false,
    keepPreparedTxn: false,
  })
  check(errorCode, 'getting a producer id')
  return producerId
}

/** Answers the error code. */
export async function commitOffset(broker: TestBroker, offset: bigint): Promise<number> {
  await broker.ask(findCoordinatorHandler, 4, { key: '', keyType: 0, coordinatorKeys: [PLAIN_GROUP] })
  const partition = {
    partitionIndex: 0,
    committedOffset: offset,
    committedLeaderEpoch: -1,
    committedMetadata: null,
  }
  const { topics } = await broker.ask(offsetCommitHandler, 8, {
    groupId: PLAIN_GROUP,
    generationIdOrMemberEpoch: -1,
    memberId: '',
    groupInstanceId: null,
    retentionTimeMs: -1n,
    topics: [{ name: OFFSETS_OF, topicId: ZERO_UUID, partitions: [partition] }],
  })
  return topics[0]?.partitions[0]?.errorCode ?? -1
}

function check(errorCode: number | undefined, what: string): void {
  if (errorCode !== ErrorCode.NONE) throw new Error(`${what}: ${errorName(errorCode ?? -1)}`)
}

function expectNone(answer: string, what: string): void {
  if (answer !== 'NONE') throw new Error(`${what}: ${answer}`)
}
