import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { TxnHarness } from './harness.suite.ts'

describe('InitProducerId', () => {
  it.each([
    ['an empty transactional id', { transactionalId: '' }, 'INVALID_REQUEST'],
    ['an id without an epoch', { producerId: 5n }, 'INVALID_REQUEST'],
    ['an epoch without an id', { producerEpoch: 5 }, 'INVALID_REQUEST'],
    [
      'an id without an epoch and no transactional id',
      { transactionalId: null, producerId: 5n },
      'INVALID_REQUEST',
    ],
    ['a timeout of 0', { transactionTimeoutMs: 0 }, 'INVALID_TRANSACTION_TIMEOUT'],
    ['a negative timeout', { transactionTimeoutMs: -1 }, 'INVALID_TRANSACTION_TIMEOUT'],
    ['a timeout above the maximum', { transactionTimeoutMs: 900_001 }, 'INVALID_TRANSACTION_TIMEOUT'],
    ['the largest timeout', { transactionTimeoutMs: 900_000 }, '1000/0'],
    ['two-phase commit', { enable2Pc: true }, 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'],
    ['prepared transactions to be kept', { keepPreparedTxn: true }, 'UNSUPPORTED_VERSION'],
    ['no transactional id', { transactionalId: null, transactionTimeoutMs: -7 }, '1000/0'],
    ['an unknown transactional id with a producer id of old', { producerId: 5n, producerEpoch: 9 }, '1000/0'],
  ])('of %s', async (_, request, answer) => {
    expect(await new TxnHarness().init(request, 6)).toBe(answer)
  })

  it('takes any timeout for two-phase commit, and never aborts it', async () => {
    const txn = new TxnHarness({ twoPhaseCommit: true, abortTimedOutIntervalMs: 86_400_000 })
    expect(await txn.init({ enable2Pc: true, transactionTimeoutMs: -1 }, 6)).toBe('1000/0')
    await txn.add('1000/0')
    await txn.clock.advance(30 * 86_400_000)
    expect(txn.describe().transactionTimeoutMs).toBe(2 ** 31 - 1)
    expect(txn.state()).toBe('Ongoing 1000/0 t-0')
  })

  it('bumps the epoch each time, and records the new timeout', async () => {
    const txn = new TxnHarness()
    expect(await txn.init()).toBe('1000/0')
    expect(await txn.init({ transactionTimeoutMs: 5 })).toBe('1000/1')
    expect(txn.describe()).toMatchObject({ transactionTimeoutMs: 5, transactionStartTimeMs: -1n })
    expect(txn.log.states()).toEqual(['Empty', 'Empty'])
  })

  it.each([4, 3, 0])('fences a producer that it does not know as version %i says it', async (version) => {
    const txn = new TxnHarness()
    const fenced = version >= 4 ? 'PRODUCER_FENCED' : 'INVALID_PRODUCER_EPOCH'
    await txn.init()
    expect(await txn.init({ producerId: 999n, producerEpoch: 0 }, version)).toBe(fenced)
    expect(await txn.init({ producerId: 1000n, producerEpoch: 7 }, version)).toBe(fenced)
  })

  describe('with what the producer has (KIP-360)', () => {
    it('bumps the epoch, and knows the same request again', async () => {
      const txn = new TxnHarness()
      await txn.init()
      const request = { producerId: 1000n, producerEpoch: 0 }
      expect(await txn.init(request)).toBe('1000/1')
      expect(await txn.init(request)).toBe('1000/1')
      expect(await txn.init({ producerId: 1000n, producerEpoch: 1 })).toBe('1000/2')
      expect(await txn.init(request)).toBe('PRODUCER_FENCED')
    })

    it('does not know it any more once another producer has come', async () => {
      const txn = new TxnHarness()
      await txn.init()
      await txn.init({ producerId: 1000n, producerEpoch: 0 })
      expect(await txn.init()).toBe('1000/2')
      expect(await txn.init({ producerId: 1000n, producerEpoch: 0 })).toBe('PRODUCER_FENCED')
      expect(await txn.init({ producerId: 1000n, producerEpoch: 1 })).toBe('PRODUCER_FENCED')
    })

    it('aborts its open transaction', async () => {
      const txn = new TxnHarness()
      await txn.init()
      await txn.add('1000/0')
      expect(await txn.init({ producerId: 1000n, producerEpoch: 0 })).toBe('1000/1')
      expect(txn.markers.take()).toEqual(['t-0 abort 1000/1'])
    })
  })

  describe('when the epochs are used up', () => {
    /** Puts the epoch where it is wanted, as a record says it. */
    async function withEpoch(epoch: number, transactionVersion: number): Promise<TxnHarness> {
      const txn = new TxnHarness({ transactionVersion })
      await txn.init()
      const value = txn.log.records[0]?.value
      value?.writeInt16BE(epoch, 10)
      txn.restart()
      expect(txn.state()).toBe(`Empty 1000/${epoch}`)
      return txn
    }

    it('gives a new producer id', async () => {
      const txn = await withEpoch(32766, 2)
      expect(await txn.init()).toBe('1001/0')
      expect(await txn.init({ producerId: 1000n, producerEpoch: 32766 })).toBe('PRODUCER_FENCED')
    })

    it('gives it to the producer that has the last epoch, also when that asks again', async () => {
      const txn = await withEpoch(32766, 2)
      const request = { producerId: 1000n, producerEpoch: 32766 }
      expect(await txn.init(request)).toBe('1001/0')
      expect(await txn.init(request)).toBe('1001/0')
    })

    it('gives it after the abort of an open transaction, by either protocol', async () => {
      for (const transactionVersion of [0, 1, 2]) {
        const txn = await withEpoch(32766, transactionVersion)
        expect(await txn.add('1000/32766')).toBe('t-0 NONE')
        // The abort of the second protocol rotates the id itself, and the new producer bumps its epoch.
        expect(await txn.init()).toBe(transactionVersion === 2 ? '1001/1' : '1001/0')
        expect(txn.markers.take()).toEqual(['t-0 abort 1000/32767'])
      }
    })

    it('goes up to the last one before that', async () => {
      const txn = await withEpoch(32765, 2)
      expect(await txn.init()).toBe('1000/32766')
    })
  })

  it('has the client come again while no producer id can be had', async () => {
    const txn = new TxnHarness()
    txn.producerIds.failure = new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, 'no disk')
    expect(await txn.init()).toBe('COORDINATOR_LOAD_IN_PROGRESS')
    expect(await txn.init({ transactionalId: null })).toBe('COORDINATOR_LOAD_IN_PROGRESS')
    txn.producerIds.failure = null
    expect(await txn.init()).toBe('1000/0')
  })
})
