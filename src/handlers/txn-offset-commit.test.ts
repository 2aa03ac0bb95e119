import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type { TxnOffsetCommitRequest } from '../wire/messages/txn-offset-commit.ts'
import { addOffsetsToTxnHandler } from './add-offsets-to-txn.ts'
import { describeTransactionsHandler } from './describe-transactions.ts'
import { endTxnHandler } from './end-txn.ts'
import { findCoordinatorHandler } from './find-coordinator.ts'
import { type TestBroker, testBroker } from './harness.suite.ts'
import { initProducerIdHandler } from './init-producer-id.ts'
import { txnOffsetCommitHandler } from './txn-offset-commit.ts'

const NO_OFFSETS_TOPIC = { withGroups: false }

describe('offsets of a transaction', () => {
  it.each([
    [0, ErrorCode.INVALID_TXN_STATE],
    [3, ErrorCode.INVALID_TXN_STATE],
    [4, ErrorCode.TRANSACTION_ABORTABLE],
    [5, ErrorCode.NONE],
  ])('that they were not announced to, in version %i', async (version, code) => {
    const { commit, partitions } = await setUp()
    expect(await commit(version)).toEqual([code])
    expect(await partitions()).toEqual(code === ErrorCode.NONE ? ['__consumer_offsets'] : [])
  })

  it.each([0, 1, 2, 3, 4, 5])('that they were announced to, in version %i', async (version) => {
    const { commit, announce } = await setUp()
    await announce()
    expect(await commit(version)).toEqual([ErrorCode.NONE])
    expect(await commit(version)).toEqual([ErrorCode.NONE])
  })

  it.each([
    ['an epoch that is over', 5, { producerEpoch: -1 }, ErrorCode.INVALID_PRODUCER_EPOCH],
    ['an epoch that is over', 3, { producerEpoch: -1 }, ErrorCode.INVALID_PRODUCER_EPOCH],
    ['another producer id', 5, { producerId: 1_000n }, ErrorCode.INVALID_PRODUCER_ID_MAPPING],
    ['another producer id', 3, { producerId: 1_000n }, ErrorCode.INVALID_PRODUCER_ID_MAPPING],
    [
      'a transactional id that nobody has',
      5,
      { transactionalId: 'x' },
      ErrorCode.INVALID_PRODUCER_ID_MAPPING,
    ],
    ['no transactional id', 5, { transactionalId: '' }, ErrorCode.INVALID_REQUEST],
    ['a generation that is not', 5, { generationId: 1, memberId: 'm' }, ErrorCode.ILLEGAL_GENERATION],
  ])('with %s are refused (v%i)', async (_, version, wrong, code) => {
    const { commit } = await setUp()
    expect(await commit(version, wrong)).toEqual([code])
  })

  it('are verified once: the partition then knows that the transaction goes on', async () => {
    const { commit, broker } = await setUp()
    expect(await commit(5)).toEqual([ErrorCode.NONE])
    broker.services.transactions.stop()
    expect(await commit(5)).toEqual([ErrorCode.NONE])
    expect(await commit(5, { producerEpoch: 1 })).toEqual([ErrorCode.COORDINATOR_NOT_AVAILABLE])
  })

  it('of the producer before are refused when another has its place', async () => {
    const { commit, initialize } = await setUp()
    await commit(5)
    await initialize()
    expect(await commit(5)).toEqual([ErrorCode.INVALID_PRODUCER_EPOCH])
    expect(await commit(3)).toEqual([ErrorCode.INVALID_PRODUCER_EPOCH])
  })

  it('are not verified where that is switched off, but in version 5 are added all the same', async () => {
    const { commit, partitions } = await setUp({
      config: { 'transaction.partition.verification.enable': 'false' },
    })
    expect(await commit(4)).toEqual([ErrorCode.NONE])
    expect(await partitions()).toEqual([])
    const other = await setUp({ config: { 'transaction.partition.verification.enable': 'false' } })
    expect(await other.commit(5)).toEqual([ErrorCode.NONE])
    expect(await other.partitions()).toEqual(['__consumer_offsets'])
  })

  it.each([0, 5])('have no coordinator before there is any group (v%i)', async (version) => {
    const { commit } = await setUp(NO_OFFSETS_TOPIC)
    expect(await commit(version)).toEqual([ErrorCode.COORDINATOR_NOT_AVAILABLE])
  })

  it('that do not fit into a batch leave the transaction as it was', async () => {
    const { commit, end } = await setUp({ config: { 'offset.metadata.max.bytes': '2000000' } })
    const large = { name: 't', partitions: [{ ...PARTITION, committedMetadata: 'x'.repeat(30_000) }] }
    const topics = Array.from({ length: 40 }, () => large)
    expect(new Set(await commit(5, { topics }))).toEqual(new Set([ErrorCode.UNKNOWN_SERVER_ERROR]))
    expect(await commit(5)).toEqual([ErrorCode.NONE])
    expect(await end(true)).toBe(ErrorCode.NONE)
  })

  it('are refused as a whole in the way of the API', async () => {
    const { request, broker } = await setUp()
    const error = new KafkaError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
    const fail = (version: number) => txnOffsetCommitHandler.fail(request(), error, broker.call(version))
    const answer = (errorCode: number) => ({
      throttleTimeMs: 0,
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, errorCode }] }],
    })
    expect(fail(1)).toEqual(answer(ErrorCode.COORDINATOR_NOT_AVAILABLE))
    expect(fail(2)).toEqual(answer(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS))
  })
})

const PARTITION = {
  partitionIndex: 0,
  committedOffset: 1n,
  committedLeaderEpoch: -1,
  committedMetadata: null as string | null,
}

async function setUp({
  config = {},
  withGroups = true,
}: {
  config?: Record<string, string>
  withGroups?: boolean
} = {}) {
  const broker = await testBroker({
    topics: ['t'],
    config: { 'offsets.topic.num.partitions': '1', 'transaction.state.log.num.partitions': '1', ...config },
  })
  for (const keyType of withGroups ? [0, 1] : [1]) {
    await broker.ask(findCoordinatorHandler, 4, { key: '', keyType, coordinatorKeys: ['any'] })
  }
  const { producerId, producerEpoch } = await initialize(broker)
  const identity = { transactionalId: 'tx', producerId: producerId ?? -1n, producerEpoch }
  const request = (more: Partial<TxnOffsetCommitRequest> = {}): TxnOffsetCommitRequest => ({
    ...identity,
    groupId: 'g',
    generationId: -1,
    memberId: '',
    groupInstanceId: null,
    topics: [{ name: 't', partitions: [PARTITION] }],
    ...more,
  })
  return {
    broker,
    request,
    initialize: () => initialize(broker),
    async commit(version: number, more: Partial<TxnOffsetCommitRequest> = {}): Promise<number[]> {
      const answer = await broker.ask(txnOffsetCommitHandler, version, request(more))
      return answer.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode))
    },
    announce: () => broker.ask(addOffsetsToTxnHandler, 4, { ...identity, groupId: 'g' }),
    async end(committed: boolean): Promise<number> {
      return (await broker.ask(endTxnHandler, 5, { ...identity, committed })).errorCode
    },
    /** The topics that the transaction has. */
    async partitions(): Promise<string[]> {
      const answer = await broker.ask(describeTransactionsHandler, 0, { transactionalIds: ['tx'] })
      return (answer.transactionStates[0]?.topics ?? []).map(({ topic }) => topic)
    },
  }
}

function initialize(broker: TestBroker) {
  return broker.ask(initProducerIdHandler, 5, {
    transactionalId: 'tx',
    transactionTimeoutMs: 60_000,
    producerId: -1n,
    producerEpoch: -1,
    enable2Pc: false,
    keepPreparedTxn: false,
  })
}
