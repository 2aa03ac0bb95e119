/** An application that reads, transforms and writes in transactions, as a client of either protocol does it. */
import * as batch from '../wire/batch.ts'
import { ErrorCode, errorName } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import { buildBatch, readRecords } from '../wire/records.ts'
import { addOffsetsToTxnHandler } from './add-offsets-to-txn.ts'
import { addPartitionsToTxnHandler } from './add-partitions-to-txn.ts'
import { endTxnHandler } from './end-txn.ts'
import { fetchHandler } from './fetch.ts'
import type { Handler } from './handler.ts'
import { fetchRequest, type TestBroker } from './harness.suite.ts'
import { initProducerIdHandler } from './init-producer-id.ts'
import { offsetFetchHandler } from './offset-fetch.ts'
import { produceHandler } from './produce.ts'
import { txnOffsetCommitHandler } from './txn-offset-commit.ts'

const GROUP = 'app'
const READ_COMMITTED = 1
/** How often a request is sent again before something must be wrong. */
const MAX_TRIES = 50

const RETRIABLE: ReadonlySet<number> = new Set([
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.CONCURRENT_TRANSACTIONS,
  ErrorCode.NOT_ENOUGH_REPLICAS,
  ErrorCode.UNSTABLE_OFFSET_COMMIT,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.NETWORK_EXCEPTION,
])

/** Which of the two protocols (KIP-98, KIP-890) an application speaks. */
export type Protocol = 'V1' | 'V2'

/** A client was told something that it cannot try again after. */
export class RefusedError extends Error {
  readonly code: number

  constructor(what: string, code: number) {
    super(`${what} was refused: ${errorName(code)}`)
    this.code = code
  }
}

export interface ProcessorOptions {
  readonly protocol: Protocol
  /** Gives the broker for the next request: it may be another one each time. */
  readonly broker: () => Promise<TestBroker>
  /** Whether the transaction that took these records along is to be aborted. */
  readonly aborts: (values: readonly string[]) => boolean
}

/** Takes the records of topic `in`, two at a time, and writes each to topic `out` in upper case. */
export class Processor {
  readonly #options: ProcessorOptions
  #producerId = -1n
  #producerEpoch = -1
  #sequence = 0

  constructor(options: ProcessorOptions) {
    this.#options = options
  }

  /** Begins where its predecessor stopped, and goes on until all records have been processed. */
  async run(): Promise<void> {
    await this.#initialize()
    let position = await this.#committed()
    for (;;) {
      const records = (await this.#read('in', position)).records.slice(0, 2)
      if (records.length === 0) return
      const values = records.map(({ value }) => value)
      const next = (records.at(-1)?.offset ?? -1n) + 1n
      await this.#begin()
      await this.#write(values.map((value) => value.toUpperCase()))
      await this.#commitOffset(next)
      const aborts = this.#options.aborts(values)
      await this.#end(!aborts)
      position = aborts ? await this.#committed() : next
    }
  }

  /** What a reader of committed records finds in a topic. */
  async read(topic: string): Promise<string[]> {
    const found: string[] = []
    for (let position = 0n; ; ) {
      const { records, next } = await this.#read(topic, position)
      if (next === position) return found
      for (const { value } of records) found.push(value)
      position = next
    }
  }

  /** The offset of topic `in` that is committed: a stable one. */
  committed(): Promise<bigint> {
    return this.#committed()
  }

  get #isV2(): boolean {
    return this.#options.protocol === 'V2'
  }

  get #identity(): { transactionalId: string; producerId: bigint; producerEpoch: number } {
    return { transactionalId: 'tx', producerId: this.#producerId, producerEpoch: this.#producerEpoch }
  }

  async #initialize(): Promise<void> {
    const request = {
      transactionalId: 'tx',
      transactionTimeoutMs: 60_000,
      producerId: -1n,
      producerEpoch: -1,
      enable2Pc: false,
      keepPreparedTxn: false,
    }
    const answer = await this.#ask(initProducerIdHandler, this.#isV2 ? 5 : 4, request, (a) => a.errorCode)
    this.#producerId = answer.producerId ?? -1n
    this.#producerEpoch = answer.producerEpoch
    this.#sequence = 0
  }

  async #begin(): Promise<void> {
    if (this.#isV2) return
    const { transactionalId, producerId, producerEpoch } = this.#identity
    const request = {
      transactions: [],
      v3AndBelowTransactionalId: transactionalId,
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: [{ name: 'out', partitions: [0] }],
    }
    await this.#ask(
      addPartitionsToTxnHandler,
      3,
      request,
      (a) => a.resultsByTopicV3AndBelow[0]?.resultsByPartition[0]?.partitionErrorCode,
    )
  }

  async #write(values: readonly string[]): Promise<void> {
    const { transactionalId, ...producer } = this.#identity
    const options = { ...producer, baseSequence: this.#sequence, isTransactional: true }
    const request = () => {
      const records = buildBatch(
        values.map((value) => ({ key: null, value: Buffer.from(value), timestamp: 1n })),
        options,
      )
      const topic = { name: 'out', topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }
      return { transactionalId, acks: -1, timeoutMs: 1_000, topicData: [topic] }
    }
    await this.#ask(
      produceHandler,
      this.#isV2 ? 12 : 11,
      request,
      (a) => a.responses[0]?.partitionResponses[0]?.errorCode,
    )
    this.#sequence += values.length
  }

  async #commitOffset(offset: bigint): Promise<void> {
    if (!this.#isV2) {
      const request = { ...this.#identity, groupId: GROUP }
      await this.#ask(addOffsetsToTxnHandler, 4, request, (a) => a.errorCode)
    }
    const partition = { partitionIndex: 0, committedOffset: offset, committedLeaderEpoch: -1 }
    const request = {
      ...this.#identity,
      groupId: GROUP,
      generationId: -1,
      memberId: '',
      groupInstanceId: null,
      topics: [{ name: 'in', partitions: [{ ...partition, committedMetadata: null }] }],
    }
    await this.#ask(
      txnOffsetCommitHandler,
      this.#isV2 ? 5 : 4,
      request,
      (a) => a.topics[0]?.partitions[0]?.errorCode,
    )
  }

  async #end(committed: boolean): Promise<void> {
    const request = { ...this.#identity, committed }
    const answer = await this.#ask(endTxnHandler, this.#isV2 ? 5 : 4, request, (a) => a.errorCode)
    if (!this.#isV2) return
    this.#producerId = answer.producerId ?? -1n
    this.#producerEpoch = answer.producerEpoch ?? -1
    this.#sequence = 0
  }

  async #committed(): Promise<bigint> {
    const topics = [{ name: 'in', topicId: ZERO_UUID, partitionIndexes: [0] }]
    const group = { groupId: GROUP, memberId: null, memberEpoch: -1, topics }
    const request = { groupId: '', topics: null, groups: [group], requireStable: true }
    const answer = await this.#ask(
      offsetFetchHandler,
      8,
      request,
      (a) => a.groups?.[0]?.errorCode || a.groups?.[0]?.topics[0]?.partitions[0]?.errorCode,
    )
    const offset = answer.groups?.[0]?.topics[0]?.partitions[0]?.committedOffset ?? -1n
    return offset === -1n ? 0n : offset
  }

  async #read(topic: string, position: bigint): Promise<ReadRecords> {
    const request = fetchRequest([{ topic, offset: position }], { isolationLevel: READ_COMMITTED })
    const answer = await this.#ask(fetchHandler, 12, request, (a) => a.responses[0]?.partitions[0]?.errorCode)
    const read = answer.responses[0]?.partitions[0]
    const bytes = Buffer.concat([read?.records ?? []].flat())
    return recordsFrom(bytes, position, read?.abortedTransactions ?? [])
  }

  /** Sends a request until there is an answer to rely on. */
  async #ask<Req, Res>(
    handler: Handler<Req, Res>,
    version: number,
    request: Req | (() => Req),
    codeOf: (answer: Res) => number | undefined,
  ): Promise<Res> {
    for (let tries = 0; ; tries++) {
      const broker = await this.#options.broker()
      const asked = typeof request === 'function' ? (request as () => Req)() : request
      let code: number
      try {
        const answer = await broker.ask(handler, version, asked)
        code = codeOf(answer) ?? ErrorCode.NONE
        if (code === ErrorCode.NONE) return answer
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        code = error.code
      }
      if (!RETRIABLE.has(code) || tries === MAX_TRIES) throw new RefusedError(handler.api.name, code)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

interface ReadRecords {
  readonly records: readonly { readonly offset: bigint; readonly value: string }[]
  /** Where to read on: there may have been batches without records for the reader. */
  readonly next: bigint
}

/** What a consumer of committed records hands on of a fetch's answer. */
async function recordsFrom(
  bytes: Buffer,
  position: bigint,
  aborted: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[],
): Promise<ReadRecords> {
  const begins = [...aborted].sort((left, right) => (left.firstOffset < right.firstOffset ? -1 : 1))
  const open = new Set<bigint>()
  const records: { offset: bigint; value: string }[] = []
  let next = position
  for (const at of batch.wholeBatches(bytes)) {
    const producerId = batch.producerId(bytes, at)
    next = batch.lastOffset(bytes, at) + 1n
    while (begins[0] !== undefined && begins[0].firstOffset < next) {
      open.add(begins.shift()?.producerId ?? -1n)
    }
    // Every marker ends what the list of aborted ones has begun: only those of aborted transactions are in it.
    if (batch.isControlBatch(bytes, at)) open.delete(producerId)
    else if (!batch.isTransactional(bytes, at) || !open.has(producerId)) {
      for (const { offset, value } of await readRecords(bytes, at)) {
        if (offset >= position) records.push({ offset, value: value?.toString() ?? '' })
      }
    }
  }
  return { records, next }
}
