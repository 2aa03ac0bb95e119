import { beforeEach, describe, expect, it } from 'vitest'
import { outcome, TxnHarness } from './harness.suite.ts'

describe('ListTransactions', () => {
  let txn: TxnHarness
  beforeEach(async () => {
    txn = new TxnHarness()
    await txn.init()
    await txn.init({ transactionalId: 'other' })
    await txn.add('1000/0')
    await txn.clock.advance(100)
  })

  it.each([
    [{}, ['txn Ongoing', 'other Empty']],
    [{ stateFilters: ['Ongoing'] }, ['txn Ongoing']],
    [{ stateFilters: ['Empty', 'Nonsense'] }, ['other Empty']],
    [{ stateFilters: ['Nonsense'] }, []],
    [{ stateFilters: ['ongoing'] }, []],
    [{ producerIdFilters: [1001n] }, ['other Empty']],
    [{ producerIdFilters: [1001n], stateFilters: ['Ongoing'] }, []],
    [{ durationFilter: 99n }, ['txn Ongoing', 'other Empty']],
    [{ durationFilter: 100n }, ['other Empty']],
    [{ durationFilter: -5n }, ['txn Ongoing', 'other Empty']],
    [{ transactionalIdPattern: '' }, ['txn Ongoing', 'other Empty']],
    [{ transactionalIdPattern: 'o.*' }, ['other Empty']],
    [{ transactionalIdPattern: 'o' }, []],
  ])('by $0', (request, listed) => {
    expect(txn.list(request)).toEqual(listed)
  })

  it('names states that there are not', () => {
    const request = { producerIdFilters: [], durationFilter: -1n, transactionalIdPattern: null }
    const stateFilters = ['Dead', 'Nonsense', 'PrepareEpochFence']
    expect(txn.transactions.list({ ...request, stateFilters })).toMatchObject({
      errorCode: 0,
      unknownStateFilters: ['Nonsense'],
      transactionStates: [],
    })
  })

  it('refuses a pattern that is none, and everything once the broker stops', async () => {
    expect(await outcome(() => txn.list({ transactionalIdPattern: '(' }).join())).toBe(
      'INVALID_REGULAR_EXPRESSION',
    )
    txn.transactions.stop()
    expect(await outcome(() => txn.list().join())).toBe('COORDINATOR_NOT_AVAILABLE')
  })
})

describe('DescribeTransactions', () => {
  it('tells of each id', async () => {
    const txn = new TxnHarness()
    await txn.init()
    await txn.add('1000/0', [0, 1])
    const start = BigInt(txn.clock.now())
    await txn.clock.advance(5)
    expect(txn.describe()).toEqual({
      errorCode: 0,
      transactionalId: 'txn',
      transactionState: 'Ongoing',
      transactionTimeoutMs: 60_000,
      transactionStartTimeMs: start,
      producerId: 1000n,
      producerEpoch: 0,
      topics: [{ topic: 't', partitions: expect.toSatisfy((all: number[]) => all.length === 2) }],
    })
    expect(txn.state('nobody')).toBe('TRANSACTIONAL_ID_NOT_FOUND')
    expect(txn.state('')).toBe('INVALID_REQUEST')
    expect(txn.describe('nobody')).toMatchObject({ transactionState: '', topics: [] })
    await txn.end('1000/0', true)
    expect(txn.describe()).toMatchObject({ transactionStartTimeMs: start, topics: [] })
  })

  it('leaves out the partitions that have their marker', async () => {
    const txn = new TxnHarness()
    await txn.init()
    await txn.add('1000/0', [0, 1])
    txn.markers.failures.set('t-0', new Error('no disk'))
    await txn.end('1000/0', true)
    expect(txn.state()).toBe('PrepareCommit 1000/1 t-0')
  })
})
