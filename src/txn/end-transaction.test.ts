import { describe, expect, it } from 'vitest'
import { TxnHarness } from './harness.suite.ts'

async function ongoing(producer = '1000/1'): Promise<TxnHarness> {
  const txn = new TxnHarness()
  await txn.init()
  await txn.init()
  await txn.add(producer)
  return txn
}

/** A producer whose epoch is the last that clients get. */
async function exhausted(): Promise<TxnHarness> {
  const txn = new TxnHarness()
  await txn.init()
  txn.log.records[0]?.value?.writeInt16BE(32766, 10)
  txn.restart()
  return txn
}

describe('EndTxn by the first protocol', () => {
  it.each([
    ['another producer id', '999/1', 'INVALID_PRODUCER_ID_MAPPING'],
    ['an older epoch', '1000/0', 'PRODUCER_FENCED'],
    ['a newer epoch', '1000/2', 'PRODUCER_FENCED'],
    ['the right producer', '1000/1', 'NONE'],
  ])('of %s', async (_, producer, error) => {
    const older = error === 'PRODUCER_FENCED' ? 'INVALID_PRODUCER_EPOCH' : error
    for (const [version, answer] of [
      [0, older],
      [1, older],
      [2, error],
      [4, error],
    ] as const) {
      expect(await (await ongoing()).end(producer, true, version)).toBe(answer)
    }
  })

  it('does not know an id that never began, or has none', async () => {
    const txn = new TxnHarness()
    expect(await txn.end('1000/0', true, 4)).toBe('INVALID_PRODUCER_ID_MAPPING')
    await txn.init()
    expect(await txn.end('1000/0', true, 4)).toBe('INVALID_TXN_STATE')
    expect(await txn.end('1000/0', false, 4)).toBe('INVALID_TXN_STATE')
  })

  it('answers the same end again, and refuses the opposite', async () => {
    for (const committed of [true, false]) {
      const txn = await ongoing()
      expect(await txn.end('1000/1', committed, 4)).toBe('NONE')
      expect(await txn.end('1000/1', committed, 4)).toBe('NONE')
      expect(await txn.end('1000/1', !committed, 4)).toBe('INVALID_TXN_STATE')
      expect(txn.markers.written).toHaveLength(1)
    }
  })

  it('says so in the markers', async () => {
    const txn = await ongoing()
    await txn.end('1000/1', false, 4)
    expect(txn.markers.written).toEqual([
      {
        at: 't-0',
        marker: {
          producerId: 1000n,
          producerEpoch: 1,
          coordinatorEpoch: 3,
          commit: false,
          transactionVersion: 0,
        },
      },
    ])
  })
})

describe('EndTxn by the second protocol', () => {
  it.each([
    ['another producer id', '999/1', 'INVALID_PRODUCER_ID_MAPPING'],
    ['an older epoch', '1000/0', 'PRODUCER_FENCED'],
    ['a newer epoch', '1000/2', 'PRODUCER_FENCED'],
    ['the right producer', '1000/1', '1000/2'],
  ])('of %s', async (_, producer, answer) => {
    expect(await (await ongoing()).end(producer, true)).toBe(answer)
  })

  it('bumps the epoch, and knows a repeated end by the epoch before', async () => {
    for (const committed of [true, false]) {
      const txn = await ongoing()
      expect(await txn.end('1000/1', committed)).toBe('1000/2')
      expect(await txn.end('1000/1', committed)).toBe('1000/2')
      expect(await txn.end('1000/1', !committed)).toBe('INVALID_TXN_STATE')
      expect(await txn.end('1000/0', committed)).toBe('PRODUCER_FENCED')
      expect(txn.markers.take()).toEqual([`t-0 ${committed ? 'commit' : 'abort'} 1000/2`])
      expect(await txn.add('1000/1')).toBe('t-0 PRODUCER_FENCED')
    }
  })

  it('writes markers of its version', async () => {
    const txn = await ongoing()
    await txn.end('1000/1', true)
    expect(txn.markers.written[0]?.marker).toMatchObject({ transactionVersion: 2, coordinatorEpoch: 3 })
  })

  it('aborts nothing, and bumps the epoch for it, but commits nothing', async () => {
    const txn = new TxnHarness()
    await txn.init()
    expect(await txn.end('1000/0', true)).toBe('INVALID_TXN_STATE')
    expect(await txn.end('1000/0', false)).toBe('1000/1')
    expect(txn.state()).toBe('CompleteAbort 1000/1')
    expect(txn.describe().transactionStartTimeMs).toBe(BigInt(txn.clock.now()))
    expect(await txn.end('1000/0', false)).toBe('1000/1')
    expect(await txn.end('1000/0', true)).toBe('INVALID_TXN_STATE')
    expect(await txn.end('1000/1', true)).toBe('INVALID_TXN_STATE')
    expect(await txn.end('1000/1', false)).toBe('1000/2')
    await txn.add('1000/2')
    expect(await txn.end('1000/2', true)).toBe('1000/3')
    expect(await txn.end('1000/3', true)).toBe('INVALID_TXN_STATE')
    expect(await txn.end('1000/3', false)).toBe('1000/4')
    expect(txn.markers.take()).toEqual(['t-0 commit 1000/3'])
    expect(txn.log.states().slice(1, 3)).toEqual(['PrepareAbort', 'CompleteAbort'])
  })

  it('gives a new producer id when the epochs are used up, also to a repeated end', async () => {
    for (const committed of [true, false]) {
      const txn = await exhausted()
      await txn.add('1000/32766')
      expect(await txn.end('1000/32766', committed)).toBe('1001/0')
      expect(txn.markers.take()).toEqual([`t-0 ${committed ? 'commit' : 'abort'} 1000/32767`])
      expect(txn.state()).toBe(`Complete${committed ? 'Commit' : 'Abort'} 1001/0`)
      expect(await txn.end('1000/32766', committed)).toBe('1001/0')
      expect(await txn.end('1000/32766', !committed)).toBe('INVALID_TXN_STATE')
      await txn.add('1001/0')
      expect(await txn.end('1000/32766', committed)).toBe('INVALID_PRODUCER_ID_MAPPING')
      expect(await txn.end('1001/0', true)).toBe('1001/1')
    }
  })

  it('gives the new producer id after a crash too', async () => {
    const txn = await exhausted()
    await txn.add('1000/32766')
    await txn.end('1000/32766', true)
    txn.log.records.pop()
    txn.restart()
    expect(txn.state()).toBe('CompleteCommit 1001/0')
    expect(await txn.end('1000/32766', true)).toBe('1001/0')
  })

  it('is what its client speaks, whatever the cluster has finalized', async () => {
    const txn = new TxnHarness({ transactionVersion: 1 })
    await txn.init()
    await txn.add('1000/0')
    expect(await txn.end('1000/0', true)).toBe('1000/1')
    const older = new TxnHarness({ transactionVersion: 2 })
    await older.init()
    await older.add('1000/0')
    expect(await older.end('1000/0', true, 4)).toBe('NONE')
    expect(older.state()).toBe('CompleteCommit 1000/0')
  })
})
