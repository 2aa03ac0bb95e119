/** A transactional producer that does one step at a time and is told what each is answered: the name of its error. */
import * as batch from '../wire/batch.ts'
import { errorName } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import { buildBatch, readRecords } from '../wire/records.ts'
import { addOffsetsToTxnHandler } from './add-offsets-to-txn.ts'
import { addPartitionsToTxnHandler } from './add-partitions-to-txn.ts'
import { describeTransactionsHandler } from './describe-transactions.ts'
import { endTxnHandler } from './end-txn.ts'
import { fetchHandler } from './fetch.ts'
import { findCoordinatorHandler } from './find-coordinator.ts'
import type { Handler } from './handler.ts'
import { fetchRequest, type TestBroker } from './harness.suite.ts'
import { initProducerIdHandler } from './init-producer-id.ts'
import { offsetFetchHandler } from './offset-fetch.ts'
import { produceHandler } from './produce.ts'
import { txnOffsetCommitHandler } from './txn-offset-commit.ts'

const READ_COMMITTED = 1

/** How a step is sent: the first protocol adds partitions and groups first, the second one (KIP-890) does not. */
export const versions = {
  V1: { produce: 11, offsets: 4, end: 4 },
  V2: { produce: 12, offsets: 5, end: 5 },
} as const
export type Protocol = keyof typeof versions

/** Asks, and answers errors as the API does. */
export async function ask<Req, Res>(
  broker: TestBroker,
  handler: Handler<Req, Res>,
  version: number,
  request: Req,
): Promise<Res> {
  try {
    return await broker.ask(handler, version, request)
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    const answer = handler.fail(request, error, broker.call(version))
    if (answer === null) throw new Error('the connection would be closed')
    return answer
  }
}

export class TransactionalProducer {
  readonly transactionalId: string
  readonly protocol: Protocol
  broker: TestBroker
  producerId = -1n
  producerEpoch = -1
  #sequences = new Map<string, number>()

  constructor(broker: TestBroker, protocol: Protocol, transactionalId = 'txn') {
    this.broker = broker
    this.protocol = protocol
    this.transactionalId = transactionalId
  }

  /** One that knows what this one knows now. */
  zombie(): TransactionalProducer {
    const copy = new TransactionalProducer(this.broker, this.protocol, this.transactionalId)
    copy.producerId = this.producerId
    copy.producerEpoch = this.producerEpoch
    copy.#sequences = new Map(this.#sequences)
    return copy
  }

  async init(transactionTimeoutMs = 60_000): Promise<string> {
    const key = { key: '', keyType: 1, coordinatorKeys: [this.transactionalId] }
    await this.broker.ask(findCoordinatorHandler, 4, key)
    const answer = await ask(this.broker, initProducerIdHandler, 5, {
      transactionalId: this.transactionalId,
      transactionTimeoutMs,
      producerId: -1n,
      producerEpoch: -1,
      enable2Pc: false,
      keepPreparedTxn: false,
    })
    if (answer.errorCode === 0) this.#become(answer.producerId ?? -1n, answer.producerEpoch)
    return errorName(answer.errorCode)
  }

  async add(topic: string, partition = 0): Promise<string> {
    const { resultsByTopicV3AndBelow } = await ask(this.broker, addPartitionsToTxnHandler, 3, {
      transactions: [],
      v3AndBelowTransactionalId: this.transactionalId,
      v3AndBelowProducerId: this.producerId,
      v3AndBelowProducerEpoch: this.producerEpoch,
      v3AndBelowTopics: [{ name: topic, partitions: [partition] }],
    })
    return errorName(resultsByTopicV3AndBelow[0]?.resultsByPartition[0]?.partitionErrorCode ?? -1)
  }

  async send(topic: string, values: readonly string[], partition = 0): Promise<string> {
    const { transactionalId, producerId, producerEpoch } = this
    const key = `${topic}-${partition}`
    const baseSequence = this.#sequences.get(key) ?? 0
    const timestamp = BigInt(this.broker.clock.now())
    const records = buildBatch(
      values.map((value) => ({ key: null, value: Buffer.from(value), timestamp })),
      { producerId, producerEpoch, baseSequence, isTransactional: true },
    )
    const partitionData = [{ index: partition, records }]
    const { responses } = await ask(this.broker, produceHandler, versions[this.protocol].produce, {
      transactionalId,
      acks: -1,
      timeoutMs: 1_000,
      topicData: [{ name: topic, topicId: ZERO_UUID, partitionData }],
    })
    const errorCode = responses[0]?.partitionResponses[0]?.errorCode ?? -1
    if (errorCode === 0) this.#sequences.set(key, baseSequence + values.length)
    return errorName(errorCode)
  }

  /** Adds what the first protocol has to add, then sends. */
  async write(topic: string, values: readonly string[], partition = 0): Promise<string> {
    const added = this.protocol === 'V1' ? await this.add(topic, partition) : 'NONE'
    return added === 'NONE' ? this.send(topic, values, partition) : added
  }

  async addOffsets(groupId: string): Promise<string> {
    const { transactionalId, producerId, producerEpoch } = this
    const request = { transactionalId, producerId, producerEpoch, groupId }
    return errorName((await ask(this.broker, addOffsetsToTxnHandler, 3, request)).errorCode)
  }

  /** Adds the group where the first protocol has to, then commits an offset of partition 0. */
  async commitOffset(groupId: string, topic: string, committedOffset: bigint): Promise<string> {
    await this.broker.ask(findCoordinatorHandler, 4, { key: '', keyType: 0, coordinatorKeys: [groupId] })
    const added = this.protocol === 'V1' ? await this.addOffsets(groupId) : 'NONE'
    if (added !== 'NONE') return added
    const { transactionalId, producerId, producerEpoch } = this
    const partition = {
      partitionIndex: 0,
      committedOffset,
      committedLeaderEpoch: -1,
      committedMetadata: null,
    }
    const { topics } = await ask(this.broker, txnOffsetCommitHandler, versions[this.protocol].offsets, {
      transactionalId,
      groupId,
      producerId,
      producerEpoch,
      generationId: -1,
      memberId: '',
      groupInstanceId: null,
      topics: [{ name: topic, partitions: [partition] }],
    })
    return errorName(topics[0]?.partitions[0]?.errorCode ?? -1)
  }

  async end(committed: boolean): Promise<string> {
    const { transactionalId, producerId, producerEpoch } = this
    const request = { transactionalId, producerId, producerEpoch, committed }
    const answer = await ask(this.broker, endTxnHandler, versions[this.protocol].end, request)
    if (answer.errorCode === 0 && this.protocol === 'V2') {
      this.#become(answer.producerId ?? -1n, answer.producerEpoch ?? -1)
    }
    return errorName(answer.errorCode)
  }

  async state(): Promise<string> {
    const { transactionalId } = this
    const { transactionStates } = await ask(this.broker, describeTransactionsHandler, 0, {
      transactionalIds: [transactionalId],
    })
    return transactionStates[0]?.transactionState ?? ''
  }

  #become(producerId: bigint, producerEpoch: number): void {
    if (producerEpoch !== this.producerEpoch || producerId !== this.producerId) this.#sequences.clear()
    this.producerId = producerId
    this.producerEpoch = producerEpoch
  }
}

/** What a consumer of committed records makes of a partition: the values that it would be given. */
export async function committedValues(
  broker: TestBroker,
  topic: string,
  partition = 0,
  from = 0n,
): Promise<string[]> {
  const values: string[] = []
  let offset = from
  for (;;) {
    const request = fetchRequest([{ topic, partition, offset }], { isolationLevel: READ_COMMITTED })
    const { responses } = await broker.ask(fetchHandler, 12, request)
    const { errorCode = -1, records, abortedTransactions } = responses[0]?.partitions[0] ?? {}
    if (errorCode !== 0) throw new Error(`${topic}-${partition} cannot be read: ${errorName(errorCode)}`)
    const bytes = Buffer.concat([records ?? []].flat())
    const next = await consume(bytes, abortedTransactions ?? [], values)
    if (next === null || next <= offset) return values
    offset = next
  }
}

/** @returns the offset behind the last batch; null when there is none. */
async function consume(
  bytes: Buffer,
  abortedTransactions: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[],
  values: string[],
): Promise<bigint | null> {
  const aborted = new Set<bigint>()
  const coming = [...abortedTransactions].sort((one, other) => Number(one.firstOffset - other.firstOffset))
  let next: bigint | null = null
  for (const at of batch.wholeBatches(bytes)) {
    const producerId = batch.producerId(bytes, at)
    const last = batch.lastOffset(bytes, at)
    for (let one = coming[0]; one !== undefined && one.firstOffset <= last; one = coming[0]) {
      aborted.add(one.producerId)
      coming.shift()
    }
    next = last + 1n
    if (batch.isControlBatch(bytes, at)) {
      // A marker ends the transaction; another aborted one of the producer begins behind it.
      aborted.delete(producerId)
      continue
    }
    if (batch.isTransactional(bytes, at) && aborted.has(producerId)) continue
    for (const { value } of await readRecords(bytes, at)) values.push(String(value))
  }
  return next
}

/** A group's committed offset of partition 0; the name of the error where it is not stable. */
export async function committedOffset(
  broker: TestBroker,
  groupId: string,
  topic: string,
): Promise<bigint | string> {
  const topics = [{ name: topic, topicId: ZERO_UUID, partitionIndexes: [0] }]
  const { groups } = await ask(broker, offsetFetchHandler, 8, {
    groupId: '',
    topics: null,
    groups: [{ groupId, memberId: null, memberEpoch: -1, topics }],
    requireStable: true,
  })
  const { errorCode = 0, committedOffset = -1n } = groups?.[0]?.topics[0]?.partitions[0] ?? {}
  return errorCode === 0 ? committedOffset : errorName(errorCode)
}
