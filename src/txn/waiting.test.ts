import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { settle, TxnHarness, watch } from './harness.suite.ts'

async function ongoing(config = {}): Promise<TxnHarness> {
  const txn = new TxnHarness(config)
  await txn.init()
  await txn.add('1000/0')
  return txn
}

const storageError = new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, 'the disk is full')

describe('nobody waits without need', () => {
  it('ends a transaction before anybody else is heard', async () => {
    const txn = await ongoing()
    const ended = txn.end('1000/0', true)
    const added = txn.add('1000/1')
    expect([await ended, await added]).toEqual(['1000/1', 't-0 NONE'])
    expect(txn.clock.pending).toBe(2)
  })

  it('has the next request wait for markers that take their time, and not be refused', async () => {
    const txn = await ongoing()
    txn.markers.manual = true
    const ended = watch(txn.end('1000/0', true, 4))
    const added = watch(txn.add('1000/0', [1]))
    const verified = watch(txn.verifyOrAdd('1000/0', [1], true))
    await settle()
    expect([ended.value, added.value, verified.value]).toEqual([undefined, undefined, undefined])
    expect(txn.state()).toBe('PrepareCommit 1000/0 t-0')
    txn.markers.release()
    await settle()
    expect([ended.value, added.value, verified.value]).toEqual(['NONE', 't-0 NONE'.replace('0', '1'), 'NONE'])
    expect(txn.state()).toBe('Ongoing 1000/0 t-1')
  })

  it('has them wait for a log that takes its time, in their order', async () => {
    const txn = new TxnHarness()
    txn.log.manual = true
    const first = watch(txn.init())
    const second = watch(txn.init())
    await settle()
    expect(txn.log.pending).toBe(1)
    expect(txn.state()).toBe('TRANSACTIONAL_ID_NOT_FOUND')
    txn.log.commit()
    await settle()
    expect([first.value, second.value]).toEqual(['1000/0', undefined])
    txn.log.commit()
    await settle()
    expect(second.value).toBe('1000/1')
    expect(txn.clock.pending).toBe(2)
  })

  it('tells the client of the end that was decided when markers take too long', async () => {
    const txn = await ongoing()
    txn.markers.manual = true
    const ended = watch(txn.end('1000/0', true))
    await txn.clock.advance(4_999)
    expect(ended.value).toBe(undefined)
    const added = watch(txn.add('1000/1'))
    await txn.clock.advance(1)
    expect([ended.value, added.value]).toEqual(['1000/1', undefined])
    await txn.clock.advance(5_000)
    expect(added.value).toBe('t-0 CONCURRENT_TRANSACTIONS')
    txn.markers.release()
    await settle()
    expect(txn.state()).toBe('CompleteCommit 1000/1')
  })

  it('does not let anybody wait for a partition that cannot be written now', async () => {
    const txn = await ongoing()
    await txn.add('1000/0', [1])
    txn.markers.failures.set('t-0', storageError)
    expect(await txn.end('1000/0', true)).toBe('1000/1')
    expect(await txn.add('1000/1')).toBe('t-0 CONCURRENT_TRANSACTIONS')
    expect(await txn.init()).toBe('CONCURRENT_TRANSACTIONS')
    expect(await txn.end('1000/0', true)).toBe('CONCURRENT_TRANSACTIONS')
    expect(await txn.end('1000/9', true, 4)).toBe('PRODUCER_FENCED')
    expect(await txn.verifyOrAdd('1000/1', [0], true)).toBe('CONCURRENT_TRANSACTIONS')
    expect(txn.state()).toBe('PrepareCommit 1000/1 t-0')
    await txn.clock.advance(60_000)
    expect(txn.state()).toBe('PrepareCommit 1000/1 t-0')
    expect(txn.logged).toHaveLength(1)
    txn.markers.failures.clear()
    await txn.clock.advance(5_000)
    expect(txn.state()).toBe('CompleteCommit 1000/1')
    expect(txn.markers.take()).toEqual(['t-0 commit 1000/1', 't-1 commit 1000/1'])
    expect(await txn.add('1000/1')).toBe('t-0 NONE')
  })

  it.each([
    ['is deleted', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ['knows a newer epoch', ErrorCode.INVALID_PRODUCER_EPOCH],
    ['knows a newer coordinator', ErrorCode.TRANSACTION_COORDINATOR_FENCED],
  ])('leaves out a partition that %s', async (_, code) => {
    const txn = await ongoing()
    txn.markers.failures.set('t-0', new KafkaError(code, 'no'))
    expect(await txn.end('1000/0', false)).toBe('1000/1')
    expect(txn.state()).toBe('CompleteAbort 1000/1')
  })
})

describe('ottla.realistic', () => {
  it('answers an end before its markers are written', async () => {
    const txn = await ongoing({ realistic: true })
    expect(await txn.end('1000/0', true)).toBe('1000/1')
    expect(txn.state()).toBe('PrepareCommit 1000/1 t-0')
    expect(await txn.add('1000/1')).toBe('t-0 CONCURRENT_TRANSACTIONS')
    expect(await txn.addOffsets('1000/1')).toBe('CONCURRENT_TRANSACTIONS')
    expect(await txn.verifyOrAdd('1000/1', [0], true)).toBe('CONCURRENT_TRANSACTIONS')
    expect(await txn.init()).toBe('CONCURRENT_TRANSACTIONS')
    expect(await txn.end('1000/0', true)).toBe('CONCURRENT_TRANSACTIONS')
    expect(await txn.end('1000/0', true, 4)).toBe('PRODUCER_FENCED')
    expect(await txn.end('999/0', true, 4)).toBe('INVALID_PRODUCER_ID_MAPPING')
    expect(txn.markers.take()).toEqual([])
    await txn.clock.advance(10)
    expect(txn.markers.take()).toEqual(['t-0 commit 1000/1'])
    expect(txn.state()).toBe('CompleteCommit 1000/1')
    expect(await txn.end('1000/0', true)).toBe('1000/1')
  })

  it('has a second producer come again', async () => {
    const txn = await ongoing({ realistic: true })
    expect(await txn.init()).toBe('CONCURRENT_TRANSACTIONS')
    expect(await txn.init()).toBe('CONCURRENT_TRANSACTIONS')
    await txn.clock.advance(10)
    expect(await txn.init()).toBe('1000/2')
    expect(txn.markers.take()).toEqual(['t-0 abort 1000/1'])
  })

  it('refuses while a record is on its way', async () => {
    const txn = await ongoing({ realistic: true })
    txn.log.manual = true
    const added = watch(txn.add('1000/0', [1]))
    expect(await txn.add('1000/0', [2])).toBe('t-2 CONCURRENT_TRANSACTIONS')
    expect(await txn.verifyOrAdd('1000/0', [0, 1], true)).toBe('NONE, TRANSACTION_ABORTABLE')
    txn.log.commit()
    await settle()
    expect(added.value).toBe('t-1 NONE')
  })
})

describe('when the broker stops, or leads no more', () => {
  it('answers whoever waits for the log', async () => {
    for (const [give, error] of [
      [(txn: TxnHarness) => txn.transactions.stop(), 'COORDINATOR_NOT_AVAILABLE'],
      [(txn: TxnHarness) => txn.transactions.unload(0), 'NOT_COORDINATOR'],
    ] as const) {
      const txn = await ongoing()
      txn.log.manual = true
      const waiting = [txn.add('1000/0', [1]), txn.add('1000/0', [2]), txn.end('1000/0', true), txn.init()]
      await settle()
      give(txn)
      expect(await Promise.all(waiting)).toEqual([`t-1 ${error}`, `t-2 ${error}`, error, error])
      expect(await txn.init()).toBe(error)
      expect(await txn.end('1000/0', true)).toBe(error)
      expect(await txn.verifyOrAdd('1000/0', [0], true)).toBe(error)
      expect(txn.state()).toBe(error)
      expect(txn.clock.pending).toBe(error === 'NOT_COORDINATOR' ? 2 : 0)
    }
  })

  it('tells of an end that is decided, and writes no more markers', async () => {
    const txn = await ongoing()
    txn.markers.manual = true
    const ended = txn.end('1000/0', true)
    const second = txn.init()
    await settle()
    txn.transactions.stop()
    expect(await ended).toBe('1000/1')
    expect(await second).toBe('COORDINATOR_NOT_AVAILABLE')
    txn.markers.release()
    await settle()
    expect(txn.log.states().at(-1)).toBe('PrepareCommit')
    expect(txn.clock.pending).toBe(0)
  })

  it('tries no marker again, and leaves no timer', async () => {
    for (const realistic of [false, true]) {
      const txn = await ongoing({ realistic })
      txn.markers.failures.set('t-0', storageError)
      await txn.end('1000/0', true)
      txn.transactions.stop()
      expect(txn.clock.pending).toBe(0)
    }
  })
})

describe('when its log fails', () => {
  it('answers NOT_COORDINATOR, reads it again, and goes on', async () => {
    const txn = await ongoing()
    txn.log.failure = storageError
    expect(await txn.end('1000/0', true)).toBe('NOT_COORDINATOR')
    expect(txn.state()).toBe('Ongoing 1000/0 t-0')
    expect(await txn.end('1000/0', true)).toBe('1000/1')
  })

  it('answers everybody who waits for it', async () => {
    const txn = await ongoing()
    txn.log.manual = true
    const waiting = [txn.add('1000/0', [1]), txn.end('1000/0', true)]
    await settle()
    txn.log.fail(storageError)
    expect(await Promise.all(waiting)).toEqual(['t-1 NOT_COORDINATOR', 'NOT_COORDINATOR'])
    txn.log.manual = false
    expect(await txn.end('1000/0', true)).toBe('1000/1')
  })

  it('completes what was decided once it can be written again', async () => {
    const txn = await ongoing()
    txn.markers.manual = true
    const ended = watch(txn.end('1000/0', true, 4))
    await settle()
    txn.log.failure = storageError
    txn.markers.release()
    txn.markers.manual = false
    await settle()
    expect(ended.value).toBe('NONE')
    expect(txn.state()).toBe('CompleteCommit 1000/0')
    expect(txn.markers.take()).toEqual(['t-0 commit 1000/0', 't-0 commit 1000/0'])
  })

  it('does not read it again and again while nothing can be written', async () => {
    const txn = await ongoing()
    const append = txn.log.append.bind(txn.log)
    let tries = 0
    let full = true
    txn.log.append = (records) => {
      if (txn.log.states().at(-1) === 'PrepareCommit' && full) {
        tries++
        throw storageError
      }
      return append(records)
    }
    expect(await txn.end('1000/0', true, 4)).toBe('NOT_COORDINATOR')
    expect(tries).toBe(2)
    await txn.clock.advance(5_000)
    expect(tries).toBeLessThan(9)
    full = false
    await txn.clock.advance(1_000)
    expect(txn.state()).toBe('CompleteCommit 1000/0')
    expect(await txn.add('1000/0')).toBe('t-0 NONE')
  })

  it('says that it is not there when it takes longer than the transaction may', async () => {
    const txn = await ongoing()
    txn.log.manual = true
    const added = watch(txn.add('1000/0', [1]))
    await txn.clock.advance(60_000)
    expect(added.value).toBe('t-1 COORDINATOR_NOT_AVAILABLE')
    txn.log.manual = false
    txn.log.commit()
    await settle()
    expect(txn.state()).toBe('Ongoing 1000/0 t-0 t-1')
  })

  it('refuses a record that is too large, and nothing else', async () => {
    const txn = await ongoing()
    txn.log.failure = new KafkaError(ErrorCode.MESSAGE_TOO_LARGE, 'too large')
    expect(await txn.add('1000/0', [1])).toBe('t-1 UNKNOWN_SERVER_ERROR')
    expect(await txn.add('1000/0', [2])).toBe('t-2 NONE')
    expect(txn.state()).toBe('Ongoing 1000/0 t-0 t-2')
  })
})
