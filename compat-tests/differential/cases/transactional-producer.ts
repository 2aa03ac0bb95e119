/** A transactional producer, for cases that need a transaction in a certain state. */
import { addOffsetsToTxnApi } from '../../../src/wire/messages/add-offsets-to-txn.ts'
import { addPartitionsToTxnApi } from '../../../src/wire/messages/add-partitions-to-txn.ts'
import {
  type DescribeTransactionsResponse,
  describeTransactionsApi,
} from '../../../src/wire/messages/describe-transactions.ts'
import { type EndTxnResponse, endTxnApi } from '../../../src/wire/messages/end-txn.ts'
import {
  type InitProducerIdRequest,
  type InitProducerIdResponse,
  initProducerIdApi,
} from '../../../src/wire/messages/init-producer-id.ts'
import {
  type PartitionProduceResponse,
  type ProduceResponse,
  produceApi,
} from '../../../src/wire/messages/produce.ts'
import {
  type TxnOffsetCommitRequest,
  type TxnOffsetCommitResponse,
  txnOffsetCommitApi,
} from '../../../src/wire/messages/txn-offset-commit.ts'
import { type BatchOptions, batch, TRANSACTIONAL } from '../batch.ts'
import type { CaseContext, Topic } from '../case.ts'
import type { Complete, Partially } from '../client.ts'

const NOT_ENOUGH_REPLICAS = 19
const COORDINATOR_LOAD_IN_PROGRESS = 14
const CONCURRENT_TRANSACTIONS = 51
const NOT_YET: readonly number[] = [COORDINATOR_LOAD_IN_PROGRESS, CONCURRENT_TRANSACTIONS]

/** An id that no broker comes to give in a lifetime. */
export const NOBODYS_PRODUCER_ID = 9_000_000_000_000n

/** The last Produce version whose partitions must be added first, and the first that adds them (KIP-890). */
export const EXPLICIT = 11
export const IMPLICIT = 12

export interface Identity {
  readonly transactionalId: string
  readonly producerId: bigint
  readonly producerEpoch: number
}

/** Sends `ask` again for as long as the transaction before is not over, or no producer id is there to be given. */
export async function settled<T extends { readonly errorCode: number }>(
  t: CaseContext,
  ask: () => Promise<T>,
): Promise<T> {
  let answer = await ask()
  await t.poll('the transaction before to be over', async () => {
    if (NOT_YET.includes(answer.errorCode)) answer = await ask()
    return !NOT_YET.includes(answer.errorCode)
  })
  return answer
}

/** Records of a transactional producer: of now, as its markers are, so that no marker begins a new segment. */
export function transactionalBatch(
  { producerId, producerEpoch }: Pick<Identity, 'producerId' | 'producerEpoch'>,
  baseSequence: number,
  options: BatchOptions = {},
  values: readonly string[] = ['x', 'y'],
): Buffer {
  const baseTimestamp = BigInt(Date.now())
  return batch(values, {
    attributes: TRANSACTIONAL,
    producerId,
    producerEpoch,
    baseSequence,
    baseTimestamp,
    ...options,
  })
}

export class TransactionalProducer {
  readonly transactionalId: string
  producerId = -1n
  producerEpoch = -1
  readonly #t: CaseContext

  private constructor(t: CaseContext, transactionalId: string) {
    this.#t = t
    this.transactionalId = transactionalId
  }

  /** One that has been initialized. */
  static async start(
    t: CaseContext,
    suffix = 'txn',
    more: Partially<InitProducerIdRequest> = {},
  ): Promise<TransactionalProducer> {
    const producer = new TransactionalProducer(t, await t.transactionalId(suffix))
    await producer.restart(more)
    return producer
  }

  get identity(): Identity {
    const { transactionalId, producerId, producerEpoch } = this
    return { transactionalId, producerId, producerEpoch }
  }

  /** A copy that knows no more than this one knows now: who becomes a zombie when this one goes on. */
  zombie(): TransactionalProducer {
    const copy = new TransactionalProducer(this.#t, this.transactionalId)
    copy.producerId = this.producerId
    copy.producerEpoch = this.producerEpoch
    return copy
  }

  /** Initializes, and waits until a transaction that is open has been aborted. */
  async restart(more: Partially<InitProducerIdRequest> = {}): Promise<void> {
    const helper = await this.#t.helper()
    const answer = await settled(this.#t, () =>
      helper.send(initProducerIdApi, 5, {
        transactionalId: this.transactionalId,
        transactionTimeoutMs: 60_000,
        ...more,
      }),
    )
    if (answer.errorCode !== 0) throw new Error(`cannot initialize: ${answer.errorCode}`)
    this.producerId = answer.producerId
    this.producerEpoch = answer.producerEpoch
  }

  /** Initializes until the epoch is this one. 32,767 is the last that there is, and nobody gets it. */
  async useUpEpochs(epoch: number): Promise<void> {
    const helper = await this.#t.helper()
    const { transactionalId } = this
    const request = { transactionalId, transactionTimeoutMs: 60_000 }
    for (let left = epoch - this.producerEpoch - 1; left > 0; left -= 300) {
      const count = Math.min(left, 300)
      await Promise.all(Array.from({ length: count }, () => helper.send(initProducerIdApi, 5, request)))
    }
    await this.restart()
    if (this.producerEpoch !== epoch) throw new Error(`the epoch is ${this.producerEpoch}, not ${epoch}`)
  }

  init(
    version: number,
    more: Partially<InitProducerIdRequest> = {},
  ): Promise<Complete<InitProducerIdResponse>> {
    const { transactionalId } = this
    return this.#t.send(initProducerIdApi, version, {
      transactionalId,
      transactionTimeoutMs: 60_000,
      ...more,
    })
  }

  /** Adds partitions of a topic to the transaction; fails when that cannot be done. */
  async add(topic: Topic | string, partitions: readonly number[] = [0]): Promise<void> {
    const helper = await this.#t.helper()
    const answer = await settled(this.#t, async () => {
      const { resultsByTopicV3AndBelow } = await helper.send(addPartitionsToTxnApi, 3, {
        v3AndBelowTransactionalId: this.transactionalId,
        v3AndBelowProducerId: this.producerId,
        v3AndBelowProducerEpoch: this.producerEpoch,
        v3AndBelowTopics: [{ name: typeof topic === 'string' ? topic : topic.name, partitions }],
      })
      return { errorCode: resultsByTopicV3AndBelow[0]?.resultsByPartition[0]?.partitionErrorCode ?? -1 }
    })
    if (answer.errorCode !== 0) throw new Error(`cannot add partitions: ${answer.errorCode}`)
  }

  /** Adds a group's offsets to the transaction; fails when that cannot be done. */
  async addOffsets(groupId: string): Promise<void> {
    const helper = await this.#t.helper()
    const answer = await settled(this.#t, () =>
      helper.send(addOffsetsToTxnApi, 3, { ...this.identity, groupId }),
    )
    if (answer.errorCode !== 0) throw new Error(`cannot add offsets: ${answer.errorCode}`)
  }

  /** Commits an offset of partition 0 in the transaction; from version 5 on that adds it first. */
  async commitOffset(groupId: string, topic: Topic, offset: bigint, version = 4): Promise<void> {
    const helper = await this.#t.helper()
    const answer = await settled(this.#t, async () => {
      const { topics } = await helper.send(
        txnOffsetCommitApi,
        version,
        this.#offsets(groupId, topic, offset, {}),
      )
      return { errorCode: topics[0]?.partitions[0]?.errorCode ?? -1 }
    })
    if (answer.errorCode !== 0) throw new Error(`cannot commit offsets: ${answer.errorCode}`)
  }

  sendOffset(
    version: number,
    groupId: string,
    topic: Topic,
    offset: bigint,
    more: Partially<TxnOffsetCommitRequest> = {},
  ): Promise<Complete<TxnOffsetCommitResponse>> {
    return this.#t.send(txnOffsetCommitApi, version, this.#offsets(groupId, topic, offset, more))
  }

  #offsets(
    groupId: string,
    topic: Topic,
    committedOffset: bigint,
    more: Partially<TxnOffsetCommitRequest>,
  ): Partially<TxnOffsetCommitRequest> {
    const partitions = [
      { partitionIndex: 0, committedOffset, committedLeaderEpoch: 0, committedMetadata: 'note' },
    ]
    return { ...this.identity, groupId, topics: [{ name: topic.name, partitions }], ...more }
  }

  /** Sends records and answers what comes of it. */
  send(
    version: number,
    topic: Topic,
    records: Buffer,
    partition = 0,
    transactionalId: string | null = this.transactionalId,
  ): Promise<Complete<ProduceResponse>> {
    const topicData = [
      { name: topic.name, topicId: topic.topicId, partitionData: [{ index: partition, records }] },
    ]
    return this.#t.send(produceApi, version, { transactionalId, acks: -1, timeoutMs: 10_000, topicData })
  }

  /** Writes records from this sequence on, and fails when they are not taken; version 12 adds the partition first. */
  async write(topic: Topic, baseSequence = 0, version: number = EXPLICIT, partition = 0): Promise<bigint> {
    const helper = await this.#t.helper()
    let done: Complete<PartitionProduceResponse> | undefined
    await this.#t.poll('the records to be taken', async () => {
      const records = transactionalBatch(this, baseSequence)
      const { transactionalId } = this
      const topicData = [{ name: topic.name, partitionData: [{ index: partition, records }] }]
      const request = { transactionalId, acks: -1, timeoutMs: 10_000, topicData }
      done = (await helper.send(produceApi, version, request)).responses[0]?.partitionResponses[0]
      return done?.errorCode !== NOT_ENOUGH_REPLICAS && done?.errorCode !== CONCURRENT_TRANSACTIONS
    })
    if (done?.errorCode !== 0) throw new Error(`cannot write: ${done?.errorCode} ${done?.errorMessage}`)
    return done.baseOffset
  }

  sendEnd(version: number, committed: boolean): Promise<Complete<EndTxnResponse>> {
    return this.#t.send(endTxnApi, version, { ...this.identity, committed })
  }

  /** Ends the transaction and waits until that is done everywhere; from version 5 on the epoch is a new one. */
  async end(committed: boolean, version = 4): Promise<void> {
    const helper = await this.#t.helper()
    const answer = await settled(this.#t, () =>
      helper.send(endTxnApi, version, { ...this.identity, committed }),
    )
    if (answer.errorCode !== 0) throw new Error(`cannot end: ${answer.errorCode}`)
    if (version >= 5) {
      this.producerId = answer.producerId
      this.producerEpoch = answer.producerEpoch
    }
    await this.ended()
  }

  /** What the coordinator tells of it. */
  describe(): Promise<Complete<DescribeTransactionsResponse>> {
    return this.#t.send(describeTransactionsApi, 0, { transactionalIds: [this.transactionalId] })
  }

  /** Waits until no end is on its way. */
  async ended(): Promise<void> {
    await this.#t.poll(`${this.transactionalId} to have ended`, async () => {
      const state = await this.#state()
      return state === 'CompleteCommit' || state === 'CompleteAbort' || state === 'Empty'
    })
  }

  async #state(): Promise<string | undefined> {
    const helper = await this.#t.helper()
    const { transactionStates } = await helper.send(describeTransactionsApi, 0, {
      transactionalIds: [this.transactionalId],
    })
    return transactionStates[0]?.transactionState
  }
}
