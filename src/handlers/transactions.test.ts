/** Transactions from end to end, by both protocols: what clients are answered, and what readers of committed records see. */
import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../storage/memory-store.ts'
import { SlowStore } from '../storage/slow-store.suite.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import { buildBatch } from '../wire/records.ts'
import { batchOf, isSettled, produce, type TestBroker, testBroker } from './harness.suite.ts'
import { listTransactionsHandler } from './list-transactions.ts'
import { produceHandler } from './produce.ts'
import {
  ask,
  committedOffset,
  committedValues,
  type Protocol,
  TransactionalProducer,
} from './transactional-producer.suite.ts'
import { updateFeaturesHandler } from './update-features.ts'
import { writeTxnMarkersHandler } from './write-txn-markers.ts'

async function setUp(protocol: Protocol, config: Readonly<Record<string, string>> = {}) {
  const broker = await testBroker({ topics: [{ name: 'a', partitions: 2 }, 'b'], config })
  const producer = new TransactionalProducer(broker, protocol)
  expect(await producer.init()).toBe('NONE')
  return { broker, producer }
}

const transactional = (producerId: bigint, producerEpoch: number): Buffer =>
  buildBatch([{ key: null, value: Buffer.from('x'), timestamp: 1n }], {
    producerId,
    producerEpoch,
    baseSequence: 0,
    isTransactional: true,
  })

/** Asks until it is done, as clients do while the broker shows its races. */
async function retried(broker: TestBroker, step: () => Promise<string>): Promise<string> {
  for (;;) {
    const answer = await step()
    if (!['COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR', 'CONCURRENT_TRANSACTIONS'].includes(answer))
      return answer
    await broker.clock.advance(10)
  }
}

describe.each(['V1', 'V2'] as const)('transactions %s', (protocol) => {
  it('are seen when they are committed', async () => {
    const { broker, producer } = await setUp(protocol)
    expect(await producer.write('a', ['1', '2'])).toBe('NONE')
    expect(await producer.send('a', ['3'])).toBe('NONE')
    expect(await producer.write('b', ['4'])).toBe('NONE')
    await produce(broker, 'a', batchOf('plain'))
    expect(await committedValues(broker, 'a')).toEqual([])
    expect(await producer.end(true)).toBe('NONE')
    expect(await committedValues(broker, 'a')).toEqual(['1', '2', '3', 'plain'])
    expect(await committedValues(broker, 'b')).toEqual(['4'])
    expect(await producer.state()).toBe('CompleteCommit')
    expect(broker.lines).toEqual([])
  })

  it('are not seen when they are aborted', async () => {
    const { broker, producer } = await setUp(protocol)
    expect(await producer.write('a', ['1'])).toBe('NONE')
    expect(await producer.end(false)).toBe('NONE')
    expect(await producer.write('a', ['2'])).toBe('NONE')
    expect(await producer.end(true)).toBe('NONE')
    expect(await producer.write('a', ['3'])).toBe('NONE')
    expect(await producer.end(false)).toBe('NONE')
    expect(await committedValues(broker, 'a')).toEqual(['2'])
    expect(await producer.state()).toBe('CompleteAbort')
  })

  it('take offsets along', async () => {
    const { broker, producer } = await setUp(protocol)
    expect(await producer.commitOffset('g', 'a', 5n)).toBe('NONE')
    expect(await committedOffset(broker, 'g', 'a')).toBe('UNSTABLE_OFFSET_COMMIT')
    expect(await producer.end(true)).toBe('NONE')
    expect(await committedOffset(broker, 'g', 'a')).toBe(5n)
    expect(await producer.commitOffset('g', 'a', 9n)).toBe('NONE')
    expect(await producer.end(false)).toBe('NONE')
    expect(await committedOffset(broker, 'g', 'a')).toBe(5n)
  })

  it('of a zombie are fenced', async () => {
    const { broker, producer } = await setUp(protocol)
    expect(await producer.write('a', ['lost'])).toBe('NONE')
    const zombie = producer.zombie()
    expect(await producer.init()).toBe('NONE')
    expect(await zombie.send('a', ['late'])).toBe('INVALID_PRODUCER_EPOCH')
    expect(await zombie.send('a', ['late'], 1)).toBe('INVALID_PRODUCER_EPOCH')
    expect(await zombie.add('a', 1)).toBe('PRODUCER_FENCED')
    expect(await zombie.addOffsets('g')).toBe('PRODUCER_FENCED')
    expect(await zombie.end(true)).toBe('PRODUCER_FENCED')
    expect(await producer.write('a', ['kept'])).toBe('NONE')
    expect(await producer.end(true)).toBe('NONE')
    expect(await committedValues(broker, 'a')).toEqual(['kept'])
  })

  it('are aborted when they take too long', async () => {
    const { broker, producer } = await setUp(protocol)
    expect(await producer.init(5_000)).toBe('NONE')
    expect(await producer.write('a', ['slow'])).toBe('NONE')
    expect(await producer.commitOffset('g', 'a', 5n)).toBe('NONE')
    await broker.clock.advance(4_000)
    expect(await producer.state()).toBe('Ongoing')
    await broker.clock.advance(60_000)
    expect(await producer.state()).toBe('CompleteAbort')
    expect(await producer.send('a', ['late'])).toBe('INVALID_PRODUCER_EPOCH')
    expect(await committedOffset(broker, 'g', 'a')).toBe(-1n)
    expect(await producer.init()).toBe('NONE')
    expect(await producer.write('a', ['quick'])).toBe('NONE')
    expect(await producer.end(true)).toBe('NONE')
    expect(await committedValues(broker, 'a')).toEqual(['quick'])
  })

  it('go on where the coordinator cannot be asked, in partitions that have them', async () => {
    const { broker, producer } = await setUp(protocol)
    expect(await producer.write('a', ['1'])).toBe('NONE')
    const { transactions } = broker.services
    transactions.unload(transactions.partitionFor('txn'))
    expect(await producer.send('a', ['2'])).toBe('NONE')
    const asking = producer.send('a', ['3'], 1)
    await broker.clock.advance(1_000)
    expect(await asking).toBe('NOT_ENOUGH_REPLICAS')
  })

  it('of a topic that is gone end all the same', async () => {
    const { broker, producer } = await setUp(protocol)
    expect(await producer.write('a', ['1'])).toBe('NONE')
    expect(await producer.write('b', ['2'])).toBe('NONE')
    const topicId = broker.services.metadata.topic('a')?.id ?? ''
    await broker.services.controller.commit([{ name: 'RemoveTopicRecord', value: { topicId } }])
    expect(await producer.end(true)).toBe('NONE')
    expect(await producer.state()).toBe('CompleteCommit')
    expect(await committedValues(broker, 'b')).toEqual(['2'])
  })
})

it('a partition that was not added is refused, in the words that the version knows', async () => {
  const { broker, producer } = await setUp('V1')
  expect(await producer.send('a', ['x'])).toBe('TRANSACTION_ABORTABLE')
  const { transactionalId, producerId, producerEpoch } = producer
  const send = async (version: number, batch: Buffer) => {
    const { responses } = await ask(broker, produceHandler, version, {
      transactionalId,
      acks: -1,
      timeoutMs: 1_000,
      topicData: [{ name: 'a', topicId: ZERO_UUID, partitionData: [{ index: 0, records: batch }] }],
    })
    return responses[0]?.partitionResponses[0]
  }
  const refused = await send(10, transactional(producerId, producerEpoch))
  expect(refused).toMatchObject({ errorCode: ErrorCode.INVALID_TXN_STATE, logStartOffset: -1n })
  expect(refused?.errorMessage).toContain('a-0')
  expect((await send(10, batchOf('plain')))?.errorCode).toBe(ErrorCode.NONE)
  expect((await send(10, transactional(4711n, 0)))?.errorCode).toBe(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
})

it('without verification every transactional batch is taken', async () => {
  const { broker, producer } = await setUp('V1', { 'transaction.partition.verification.enable': 'false' })
  expect(await producer.send('a', ['x'])).toBe('NONE')
  expect(await producer.state()).toBe('Empty')
  expect(await committedValues(broker, 'a')).toEqual([])
})

it('batches of two producers fail the whole request', async () => {
  const { broker, producer } = await setUp('V2')
  const records = [transactional(producer.producerId, producer.producerEpoch), transactional(4711n, 0)]
  const { responses } = await ask(broker, produceHandler, 12, {
    transactionalId: producer.transactionalId,
    acks: -1,
    timeoutMs: 1_000,
    topicData: [
      {
        name: 'a',
        topicId: ZERO_UUID,
        partitionData: records.map((batch, index) => ({ index, records: batch })),
      },
    ],
  })
  const codes = responses[0]?.partitionResponses.map(({ errorCode }) => errorCode)
  expect(codes).toEqual([ErrorCode.INVALID_PRODUCER_ID_MAPPING, ErrorCode.INVALID_PRODUCER_ID_MAPPING])
  expect(await producer.state()).toBe('Empty')
})

describe('a record of the next transaction, while the end of the one before is on its way', () => {
  /** The end has been decided, but its marker waits for the store. */
  async function setUpEnding() {
    const store = new SlowStore(new MemoryStore())
    const broker = await testBroker({ store, topics: ['a'], config: { 'ottla.realistic': 'true' } })
    const producer = new TransactionalProducer(broker, 'V2')
    await retried(broker, () => producer.init())
    expect(await producer.write('a', ['1'])).toBe('NONE')
    store.held = true
    const ending = producer.end(true)
    while (!(await isSettled(ending))) await store.release()
    expect(await producer.state()).toBe('PrepareCommit')
    return { store, broker, producer }
  }

  it('waits a moment for it', async () => {
    const { store, broker, producer } = await setUpEnding()
    const waiting = producer.send('a', ['2'])
    await broker.clock.advance(50)
    expect(await isSettled(waiting)).toBe(false)
    store.held = false
    while (store.waiting.length > 0) await store.release()
    await broker.clock.advance(20)
    expect(await waiting).toBe('NONE')
    expect(await retried(broker, () => producer.end(true))).toBe('NONE')
    while ((await producer.state()) !== 'CompleteCommit') await broker.clock.advance(10)
    expect(await committedValues(broker, 'a')).toEqual(['1', '2'])
  })

  it('is to be sent again when that takes longer', async () => {
    const { store, broker, producer } = await setUpEnding()
    const waiting = producer.send('a', ['2'])
    await broker.clock.advance(120)
    expect(await waiting).toBe('NOT_ENOUGH_REPLICAS')
    store.held = false
    while (store.waiting.length > 0) await store.release()
    expect(await producer.send('a', ['2'])).toBe('NONE')
  })
})

it('markers are written for other coordinators, and for administrators', async () => {
  const { broker, producer } = await setUp('V1')
  expect(await producer.write('a', ['hangs'])).toBe('NONE')
  const marker = {
    producerId: producer.producerId,
    producerEpoch: producer.producerEpoch,
    transactionResult: false,
    coordinatorEpoch: 0,
    transactionVersion: 0,
    topics: [
      { name: 'a', partitionIndexes: [0, 9] },
      { name: 'nowhere', partitionIndexes: [0] },
    ],
  }
  const wrong = { ...marker, producerId: -1n, topics: [{ name: 'b', partitionIndexes: [0] }] }
  const { markers } = await broker.ask(writeTxnMarkersHandler, 1, { markers: [marker, wrong] })
  const codes = markers.flatMap(({ topics }) =>
    topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, errorCode }) => `${name}-${partitionIndex} ${errorCode}`),
    ),
  )
  expect(codes.sort()).toEqual(['a-0 0', 'a-9 3', 'b-0 -1', 'nowhere-0 3'])
  await produce(broker, 'a', batchOf('read'))
  expect(await committedValues(broker, 'a')).toEqual(['read'])
})

it('transactions are listed', async () => {
  const { broker, producer } = await setUp('V2')
  expect(await producer.write('a', ['x'])).toBe('NONE')
  const other = new TransactionalProducer(broker, 'V2', 'other')
  expect(await other.init()).toBe('NONE')
  const list = async (stateFilters: readonly string[], transactionalIdPattern: string | null = null) => {
    const request = { stateFilters, producerIdFilters: [], durationFilter: -1n, transactionalIdPattern }
    return ask(broker, listTransactionsHandler, 2, request)
  }
  const ids = async (...states: string[]) =>
    (await list(states)).transactionStates.map(({ transactionalId }) => transactionalId).sort()
  expect(await ids()).toEqual(['other', 'txn'])
  expect(await ids('Ongoing')).toEqual(['txn'])
  expect((await list(['Nonsense'])).unknownStateFilters).toEqual(['Nonsense'])
  expect((await list([], '(')).errorCode).toBe(ErrorCode.INVALID_REGULAR_EXPRESSION)
})

it('at level 0 of transaction.version clients of the second protocol are refused', async () => {
  const { broker, producer } = await setUp('V2')
  const feature = { feature: 'transaction.version', maxVersionLevel: 0, allowDowngrade: true, upgradeType: 2 }
  await broker.ask(updateFeaturesHandler, 1, {
    timeoutMs: 1_000,
    featureUpdates: [feature],
    validateOnly: false,
  })
  expect(await producer.write('a', ['x'])).toBe('UNSUPPORTED_VERSION')
  expect(await producer.commitOffset('g', 'a', 1n)).toBe('UNSUPPORTED_VERSION')
  expect(await producer.end(false)).toBe('UNSUPPORTED_VERSION')
  const older = new TransactionalProducer(broker, 'V1')
  expect(await older.init()).toBe('NONE')
  expect(await older.write('a', ['y'])).toBe('NONE')
  expect(await older.end(true)).toBe('NONE')
  expect(await committedValues(broker, 'a')).toEqual(['y'])
})

it('a broker that stops coordinates nothing any more', async () => {
  const { broker, producer } = await setUp('V2')
  broker.services.transactions.stop()
  expect(await producer.init()).toBe('COORDINATOR_NOT_AVAILABLE')
  expect(await producer.end(true)).toBe('COORDINATOR_NOT_AVAILABLE')
  expect(await producer.add('a')).toBe('COORDINATOR_NOT_AVAILABLE')
  expect(await producer.addOffsets('g')).toBe('COORDINATOR_NOT_AVAILABLE')
})
