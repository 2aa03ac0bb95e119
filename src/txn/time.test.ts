import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { TxnHarness } from './harness.suite.ts'

const DAY_MS = 86_400_000

/** So that days pass quickly. */
const RARELY = { abortTimedOutIntervalMs: 7 * DAY_MS }

describe('transactions that take too long', () => {
  it.each([0, 1, 2])(
    'are aborted and their producer fenced, at transaction.version %i',
    async (transactionVersion) => {
      const txn = new TxnHarness({ transactionVersion })
      await txn.init({ transactionTimeoutMs: 15_000 })
      await txn.add('1000/0')
      await txn.clock.advance(10_000)
      await txn.add('1000/0', [1])
      await txn.clock.advance(9_999)
      expect(txn.state()).toBe('Ongoing 1000/0 t-0 t-1')
      await txn.clock.advance(1)
      expect(txn.state()).toBe('CompleteAbort 1000/1')
      expect(txn.markers.take()).toEqual(['t-0 abort 1000/1', 't-1 abort 1000/1'])
      expect(await txn.add('1000/0')).toBe('t-0 PRODUCER_FENCED')
      expect(await txn.end('1000/0', true, 4)).toBe('PRODUCER_FENCED')
      expect(await txn.init()).toBe('1000/2')
    },
  )

  it('count from their beginning, and by the millisecond', async () => {
    const txn = new TxnHarness()
    await txn.init({ transactionTimeoutMs: 10_000 })
    await txn.add('1000/0')
    await txn.clock.advance(10_000)
    expect(txn.state()).toBe('Ongoing 1000/0 t-0')
    await txn.clock.advance(10_000)
    expect(txn.state()).toBe('CompleteAbort 1000/1')
  })

  it('are aborted a moment later where markers are', async () => {
    const txn = new TxnHarness({ realistic: true })
    await txn.init({ transactionTimeoutMs: 1 })
    await txn.add('1000/0')
    await txn.clock.advance(10_000)
    expect(txn.state()).toBe('PrepareAbort 1000/1 t-0')
    await txn.clock.advance(10)
    expect(txn.state()).toBe('CompleteAbort 1000/1')
  })

  it('let a producer that ends too late know, which may begin anew', async () => {
    const txn = new TxnHarness()
    await txn.init({ transactionTimeoutMs: 1 })
    await txn.add('1000/0')
    await txn.clock.advance(10_000)
    // As in Kafka: to the second protocol this looks like the abort asked for before.
    expect(await txn.end('1000/0', false)).toBe('1000/1')
    expect(await txn.end('1000/0', true)).toBe('INVALID_TXN_STATE')
  })

  it('are tried again when no producer id can be had for one', async () => {
    const txn = new TxnHarness()
    await txn.init({ transactionTimeoutMs: 1 })
    txn.log.records[0]?.value?.writeInt16BE(32766, 10)
    txn.restart()
    await txn.add('1000/32766')
    txn.producerIds.failure = new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, 'no disk')
    await txn.clock.advance(10_000)
    expect(txn.state()).toBe('Ongoing 1000/32766 t-0')
    txn.producerIds.failure = null
    await txn.clock.advance(10_000)
    expect(txn.state()).toBe('CompleteAbort 1001/0')
  })
})

describe('transactional ids that nobody uses', () => {
  it('are forgotten after transactional.id.expiration.ms', async () => {
    const txn = new TxnHarness(RARELY)
    await txn.init()
    await txn.clock.advance(3 * DAY_MS)
    await txn.add('1000/0')
    await txn.end('1000/0', true)
    await txn.init({ transactionalId: 'other' })
    await txn.clock.advance(7 * DAY_MS - 3_600_000)
    expect(txn.list()).toEqual(['txn CompleteCommit', 'other Empty'])
    await txn.clock.advance(3_600_000)
    expect(txn.list()).toEqual([])
    expect(txn.log.states().slice(-2)).toEqual(['-', '-'])
    expect(await txn.add('1000/1')).toBe('t-0 INVALID_PRODUCER_ID_MAPPING')
    expect(await txn.init()).toBe('1002/0')
    txn.restart()
    expect(txn.list()).toEqual(['txn Empty'])
  })

  it('are kept while they have a transaction', async () => {
    const txn = new TxnHarness({ ...RARELY, maxTimeoutMs: 2 ** 31 - 2 })
    await txn.init({ transactionTimeoutMs: 2 ** 31 - 2 })
    await txn.add('1000/0')
    await txn.clock.advance(20 * DAY_MS)
    expect(txn.state()).toBe('Ongoing 1000/0 t-0')
  })

  it('are forgotten in batches that a log takes', async () => {
    const txn = new TxnHarness(RARELY)
    const ids = Array.from({ length: 500 }, (_, at) => `${'x'.repeat(100)}-${at}`)
    for (const transactionalId of ids) await txn.init({ transactionalId })
    let largest = 0
    const append = txn.log.append.bind(txn.log)
    txn.log.append = (records) => {
      largest = Math.max(largest, records.length)
      return append(records)
    }
    await txn.clock.advance(8 * DAY_MS)
    expect(txn.list()).toEqual([])
    expect(largest).toBeLessThan(200)
  })

  it('wait for nobody when they cannot be forgotten now', async () => {
    const txn = new TxnHarness(RARELY)
    await txn.init()
    await txn.clock.advance(7 * DAY_MS - 1)
    txn.log.failure = new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, 'no disk')
    await txn.clock.advance(1)
    expect(txn.list()).toEqual(['txn Empty'])
    expect(await txn.init()).toBe('1000/1')
  })
})
