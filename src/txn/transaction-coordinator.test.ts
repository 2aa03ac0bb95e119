import { describe, expect, it } from 'vitest'
import { TxnHarness } from './harness.suite.ts'

describe('a transaction from end to end', () => {
  it('commits by the first protocol, in one step', async () => {
    const txn = new TxnHarness()
    expect(await txn.init()).toBe('1000/0')
    expect(await txn.add('1000/0', [0, 1])).toBe('t-0 NONE, t-1 NONE')
    expect(await txn.addOffsets('1000/0')).toBe('NONE')
    expect(txn.state()).toBe('Ongoing 1000/0 __consumer_offsets-7 t-0 t-1')
    expect(await txn.end('1000/0', true, 4)).toBe('NONE')
    expect(txn.markers.take()).toEqual([
      '__consumer_offsets-7 commit 1000/0',
      't-0 commit 1000/0',
      't-1 commit 1000/0',
    ])
    expect(txn.state()).toBe('CompleteCommit 1000/0')
    expect(txn.log.states()).toEqual(['Empty', 'Ongoing', 'Ongoing', 'PrepareCommit', 'CompleteCommit'])
    expect(await txn.add('1000/0')).toBe('t-0 NONE')
    expect(await txn.end('1000/0', false, 4)).toBe('NONE')
    expect(txn.markers.take()).toEqual(['t-0 abort 1000/0'])
    expect(txn.state()).toBe('CompleteAbort 1000/0')
  })

  it('bumps the epoch with each end by the second', async () => {
    const txn = new TxnHarness()
    expect(await txn.init()).toBe('1000/0')
    expect(await txn.verifyOrAdd('1000/0', [0, 1], false)).toBe('NONE, NONE')
    expect(await txn.end('1000/0', true)).toBe('1000/1')
    expect(txn.markers.take()).toEqual(['t-0 commit 1000/1', 't-1 commit 1000/1'])
    expect(await txn.verifyOrAdd('1000/1', [1], false)).toBe('NONE')
    expect(await txn.end('1000/1', false)).toBe('1000/2')
    expect(txn.markers.take()).toEqual(['t-1 abort 1000/2'])
  })

  it('aborts the open transaction of a second producer’s forerunner, and fences it', async () => {
    const txn = new TxnHarness()
    await txn.init()
    await txn.add('1000/0')
    expect(await txn.init()).toBe('1000/2')
    expect(txn.markers.take()).toEqual(['t-0 abort 1000/1'])
    expect(await txn.add('1000/0')).toBe('t-0 PRODUCER_FENCED')
    expect(await txn.end('1000/0', true)).toBe('PRODUCER_FENCED')
  })
})
