import { describe, expect, it } from 'vitest'
import { settle, TestLog, TxnHarness, watch } from './harness.suite.ts'

describe('a coordinator that reads its log', () => {
  it('refuses until it has read it, then knows what it says', async () => {
    const txn = new TxnHarness()
    await txn.init()
    await txn.add('1000/0')
    txn.transactions.stop()
    const entries = txn.log.read()
    let release = (): void => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    txn.transactions = txn.coordinator()
    const loaded = txn.transactions.load(
      0,
      Object.assign(new TestLog(), {
        async *read() {
          await released
          yield* entries
        },
      }),
      4,
    )
    expect(await txn.init()).toBe('COORDINATOR_LOAD_IN_PROGRESS')
    expect(txn.state()).toBe('COORDINATOR_LOAD_IN_PROGRESS')
    expect(() => txn.list()).toThrow('still being read')
    release()
    await loaded
    expect(txn.state()).toBe('Ongoing 1000/0 t-0')
    expect(await txn.end('1000/0', true)).toBe('1000/1')
    expect(txn.markers.written[0]?.marker.coordinatorEpoch).toBe(4)
  })

  it('completes what was decided: the markers are written again', async () => {
    for (const committed of [true, false]) {
      const txn = new TxnHarness()
      await txn.init()
      await txn.add('1000/0', [0, 1])
      await txn.end('1000/0', committed)
      txn.log.records.pop()
      txn.markers.take()
      txn.restart()
      expect(txn.state()).toBe(`Complete${committed ? 'Commit' : 'Abort'} 1000/1`)
      const what = committed ? 'commit' : 'abort'
      expect(txn.markers.take()).toEqual([`t-0 ${what} 1000/1`, `t-1 ${what} 1000/1`])
      expect(await txn.end('1000/0', committed)).toBe('1000/1')
    }
  })

  it('lets requests wait for that', async () => {
    const txn = new TxnHarness()
    await txn.init()
    await txn.add('1000/0')
    await txn.end('1000/0', true)
    txn.log.records.pop()
    txn.markers.manual = true
    txn.restart()
    const init = watch(txn.init())
    await settle()
    expect([init.value, txn.state()]).toEqual([undefined, 'PrepareCommit 1000/1 t-0'])
    txn.markers.release()
    await settle()
    expect(init.value).toBe('1000/2')
  })

  it('is none when the log cannot be read', async () => {
    const txn = new TxnHarness()
    const broken = Object.assign(new TestLog(), {
      read() {
        throw new Error('unreadable')
      },
    })
    expect(() => txn.transactions.load(0, broken, 5)).toThrow('unreadable')
    expect(await txn.init()).toBe('NOT_COORDINATOR')
  })

  it('ignores records that it does not know', async () => {
    const txn = new TxnHarness()
    await txn.init()
    txn.log.records.push({ key: Buffer.from([0, 9, 1, 2, 3]), value: Buffer.from([1]) })
    const [record] = txn.log.records
    if (record?.value != null) {
      const newer = Buffer.from(record.value)
      newer.writeInt16BE(2, 0)
      txn.log.records.push({ key: record.key, value: newer })
    }
    txn.restart()
    expect(txn.state()).toBe('Empty 1000/0')
  })

  it('is none for what it does not lead', async () => {
    const txn = new TxnHarness({ partitionCount: 50 })
    expect(await txn.init()).toBe('NOT_COORDINATOR')
    expect(txn.state()).toBe('NOT_COORDINATOR')
    expect(txn.transactions.partitionFor('my-group')).toBe(12)
    void txn.transactions.load(txn.transactions.partitionFor('txn'), new TestLog(), 0)
    expect(await txn.init()).toBe('1000/0')
  })
})
