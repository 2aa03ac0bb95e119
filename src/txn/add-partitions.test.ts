import { describe, expect, it } from 'vitest'
import { TxnHarness } from './harness.suite.ts'

async function started(): Promise<TxnHarness> {
  const txn = new TxnHarness()
  await txn.init()
  await txn.init()
  return txn
}

describe('AddPartitionsToTxn', () => {
  it.each([
    ['another producer id', '999/1', 'INVALID_PRODUCER_ID_MAPPING'],
    ['an older epoch', '1000/0', 'PRODUCER_FENCED'],
    ['a newer epoch', '1000/2', 'PRODUCER_FENCED'],
    ['the right producer', '1000/1', 'NONE'],
  ])('of %s', async (_, producer, error) => {
    const txn = await started()
    for (const version of [2, 3, 4, 5]) {
      expect(await txn.add(producer, [0], version)).toBe(`t-0 ${error}`)
    }
    const older = error === 'PRODUCER_FENCED' ? 'INVALID_PRODUCER_EPOCH' : error
    expect(await txn.add(producer, [0], 0)).toBe(`t-0 ${older}`)
    expect(await txn.add(producer, [0], 1)).toBe(`t-0 ${older}`)
    expect(await txn.addOffsets(producer, 1)).toBe(older)
    expect(await txn.addOffsets(producer, 2)).toBe(error)
    expect(await txn.verifyOrAdd(producer, [0], false)).toBe(error)
  })

  it('knows nothing of an id that never began', async () => {
    const txn = new TxnHarness()
    expect(await txn.add('1000/0')).toBe('t-0 INVALID_PRODUCER_ID_MAPPING')
    expect(await txn.addOffsets('1000/0')).toBe('INVALID_PRODUCER_ID_MAPPING')
    expect(await txn.verifyOrAdd('1000/0', [0], true)).toBe('INVALID_PRODUCER_ID_MAPPING')
  })

  it('adds none when one does not exist', async () => {
    const txn = await started()
    const topics = [
      { name: 't', partitions: [0, 10] },
      { name: 'missing', partitions: [0] },
    ]
    expect(await txn.addTo(topics, '1000/1')).toBe(
      'missing-0 UNKNOWN_TOPIC_OR_PARTITION, t-0 OPERATION_NOT_ATTEMPTED, t-10 UNKNOWN_TOPIC_OR_PARTITION',
    )
    expect(txn.state()).toBe('Empty 1000/1')
  })

  it('lets clients not name internal topics, but brokers', async () => {
    const txn = await started()
    const topics = [{ name: '__consumer_offsets', partitions: [0] }]
    expect(await txn.addTo(topics, '1000/1', 3)).toBe('__consumer_offsets-0 TOPIC_AUTHORIZATION_FAILED')
    expect(await txn.addTo(topics, '1000/1', 4)).toBe('__consumer_offsets-0 NONE')
  })

  it('records nothing that is there already', async () => {
    const txn = await started()
    await txn.add('1000/1', [0, 1])
    await txn.clock.advance(5)
    await txn.add('1000/1', [1])
    expect(txn.log.states()).toEqual(['Empty', 'Empty', 'Ongoing'])
    await txn.add('1000/1', [2])
    expect(txn.state()).toBe('Ongoing 1000/1 t-0 t-1 t-2')
    expect(txn.describe().transactionStartTimeMs).toBe(BigInt(txn.clock.now() - 5))
  })

  it('begins a transaction without partitions when none are named', async () => {
    const txn = await started()
    expect(await txn.addTo([], '1000/1')).toBe('')
    expect(txn.state()).toBe('Ongoing 1000/1')
    expect(await txn.end('1000/1', true, 4)).toBe('NONE')
  })

  it('only looks when it is to verify', async () => {
    const txn = await started()
    expect(await txn.verifyOrAdd('1000/1', [0, 1], true)).toBe('TRANSACTION_ABORTABLE, TRANSACTION_ABORTABLE')
    await txn.add('1000/1', [1])
    expect(await txn.verifyOrAdd('1000/1', [0, 1], true)).toBe('TRANSACTION_ABORTABLE, NONE')
    expect(await txn.addTo([{ name: 't', partitions: [0, 1] }], '1000/1', 4, true)).toBe(
      't-0 TRANSACTION_ABORTABLE, t-1 NONE',
    )
    expect(txn.state()).toBe('Ongoing 1000/1 t-1')
  })

  it('answers many transactions at once, each for itself', async () => {
    const txn = await started()
    const topics = [{ name: 't', partitions: [3] }]
    const answer = await txn.transactions.addPartitions(
      {
        transactions: ['txn', 'other', ''].map((transactionalId) => ({
          transactionalId,
          producerId: 1000n,
          producerEpoch: 1,
          verifyOnly: false,
          topics,
        })),
        v3AndBelowTransactionalId: '',
        v3AndBelowProducerId: 0n,
        v3AndBelowProducerEpoch: 0,
        v3AndBelowTopics: [],
      },
      { version: 5, clientId: null },
    )
    const result = (partitionErrorCode: number) => [
      { name: 't', resultsByPartition: [{ partitionIndex: 3, partitionErrorCode }] },
    ]
    expect(answer).toEqual({
      throttleTimeMs: 0,
      errorCode: 0,
      resultsByTransaction: [
        { transactionalId: 'txn', topicResults: result(0) },
        { transactionalId: 'other', topicResults: result(49) },
        { transactionalId: '', topicResults: result(42) },
      ],
      resultsByTopicV3AndBelow: [],
    })
  })
})
