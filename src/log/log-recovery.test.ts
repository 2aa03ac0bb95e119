import { describe, expect, it } from 'vitest'
import type { StoredLog } from '../storage/log-store.ts'
import { MemoryStore } from '../storage/memory-store.ts'
import { SlowStore } from '../storage/slow-store.suite.ts'
import type { Log } from './log.ts'
import { decodeProducers } from './producer-snapshot.ts'
import { openTestLog, produce, producedBatch, records, TEST_ID } from './test-log.suite.ts'
import { decodeAborted } from './transaction-index.ts'

/** Counts the reads of batches, and gives access to what lies beside the log. */
class WatchedStore extends MemoryStore {
  reads: bigint[] = []
  stored: StoredLog | undefined

  override open(...args: Parameters<MemoryStore['open']>): ReturnType<MemoryStore['open']> {
    const stored = super.open(...args)
    const read = stored.read.bind(stored)
    stored.read = (from, maxBytes, upTo) => {
      this.reads.push(from)
      return read(from, maxBytes, upTo)
    }
    this.stored = stored
    return stored
  }

  get beside(): StoredLog {
    return this.open(TEST_ID, 0)
  }
}

/** Segments of three batches. */
const SMALL = { segmentBytes: 300 }
const BATCH_BYTES = batchOf(1n, 0).length

function batchOf(producerId: bigint, baseSequence: number, isTransactional = true): Buffer {
  return producedBatch(records(2), { producerId, producerEpoch: 0, baseSequence, isTransactional })
}

async function setUp(config = SMALL) {
  const store = new WatchedStore()
  const test = await openTestLog(config, store)
  return { ...test, store }
}

async function append(log: Log, producerId: bigint, baseSequence: number): Promise<void> {
  await produce(log, batchOf(producerId, baseSequence))
}

function end(log: Log, producerId: bigint, commit = false): void {
  log.appendMarker({ producerId, producerEpoch: 0, coordinatorEpoch: 7, commit, transactionVersion: 1 }, 0)
}

/** Three producers, several aborted transactions, one that is open; eight segments or so. */
async function history(log: Log): Promise<void> {
  for (let round = 0; round < 6; round++) {
    for (const id of [1n, 2n]) await append(log, id, 2 * round)
    end(log, 1n, round % 3 === 0)
    end(log, 2n)
  }
  await append(log, 3n, 0)
  await produce(log, producedBatch(records(1)))
}

/** All that recovery has to win back. */
async function known(log: Log): Promise<unknown> {
  const views = await log.read(0n, 1 << 20, log.endOffset)
  log.highWatermarkMoved(log.endOffset)
  return {
    offsets: [log.startOffset, log.endOffset, log.sizeBytes, log.latestEpoch],
    epochs: [0, 1, 2].map((epoch) => log.endOffsetForEpoch(epoch)),
    producers: log.activeProducers(),
    unstable: log.firstUnstableOffset,
    aborted: log.abortedTransactions(0n, views),
    latest: await log.maxTimestampOffset(),
  }
}

async function expectRecovered(
  test: Awaited<ReturnType<typeof setUp>>,
  before: Log = test.log,
): Promise<Log> {
  const expected = await known(before)
  const again = await test.reopen()
  expect(await known(again)).toEqual(expected)
  return again
}

describe('log: opened anew', () => {
  it('after it was closed it is not read at all', async () => {
    const test = await setUp()
    await history(test.log)
    const expected = await known(test.log)
    await test.log.close()
    test.store.reads = []
    const again = await test.reopen()
    expect(test.store.reads).toEqual([])
    expect(await known(again)).toEqual(expected)
    await append(again, 3n, 2)
    expect(again.firstUnstableOffset).toBe(36n)
  })

  it('after a crash it is read from where its last segment began', async () => {
    const test = await setUp()
    await history(test.log)
    const expected = await known(test.log)
    const bases = test.store.beside.segments.map(({ baseOffset }) => baseOffset)
    test.store.reads = []
    const again = await test.reopen()
    expect(bases.length).toBeGreaterThan(6)
    expect(test.store.reads).toEqual([bases.at(-1)])
    expect(await known(again)).toEqual(expected)
  })

  it('goes on recognizing the last five batches of a producer', async () => {
    const test = await setUp()
    for (let sequence = 0; sequence < 12; sequence += 2) await produce(test.log, batchOf(9n, sequence, false))
    await test.log.close()
    const again = await test.reopen()
    for (let index = 1; index < 6; index++) {
      const repeated = await produce(again, batchOf(9n, 2 * index, false))
      expect(repeated).toMatchObject({ duplicate: true, baseOffset: BigInt(2 * index) })
    }
    await expect(produce(again, batchOf(9n, 0, false))).rejects.toThrow(/sequence 0/)
    await produce(again, batchOf(9n, 12, false))
  })

  it('sequences that have wrapped are known again', async () => {
    const test = await setUp()
    await produce(test.log, batchOf(9n, 2 ** 31 - 1, false))
    await test.log.close()
    const again = await test.reopen()
    expect(await produce(again, batchOf(9n, 2 ** 31 - 1, false))).toMatchObject({ duplicate: true })
    await produce(again, batchOf(9n, 1, false))
  })

  it.each([
    ['cut', (bytes: Buffer) => bytes.subarray(0, -1)],
    ['empty', () => Buffer.alloc(0)],
    [
      'changed',
      (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 12), Buffer.from([99]), bytes.subarray(13)]),
    ],
  ])('ignores a snapshot that is %s, and takes the one before', async (_what, garble) => {
    const test = await setUp()
    await history(test.log)
    const expected = await known(test.log)
    const { beside } = test.store
    const offsets = await beside.segmentSidecars('producers')
    const [before, newest] = offsets.slice(-2) as [bigint, bigint]
    const sidecar = beside.segmentSidecar('producers', newest)
    await sidecar.replace(garble((await sidecar.read()) as Buffer))
    test.store.reads = []
    const again = await test.reopen()
    expect(test.store.reads[0]).toBe(before)
    expect(await known(again)).toEqual(expected)
  })

  it('reads everything when no snapshot is left', async () => {
    const test = await setUp()
    await history(test.log)
    const { beside } = test.store
    for (const offset of await beside.segmentSidecars('producers')) {
      await beside.segmentSidecar('producers', offset).replace(Buffer.from('no snapshot'))
    }
    await expectRecovered(test)
  })

  it('reads everything when the leader epochs are not readable', async () => {
    const test = await setUp()
    test.log.assignEpoch(0)
    await produce(test.log, batchOf(1n, 0), 0)
    await produce(test.log, batchOf(2n, 0), 2)
    await history(test.log)
    await test.log.close()
    await test.store.beside.sidecar('leader-epochs').replace(Buffer.from('rubbish'))
    const expected = await known(test.log).catch(() => null)
    expect(expected).toBeNull()
    const again = await test.reopen()
    expect(again.endOffsetForEpoch(0)).toEqual({ epoch: 0, endOffset: 2n })
  })

  it('finds the aborted transactions of a garbled index in the log, and writes it anew', async () => {
    const test = await setUp()
    await history(test.log)
    const { beside } = test.store
    const [base] = (await beside.segmentSidecars('aborted-transactions')) as [bigint]
    const sidecar = beside.segmentSidecar('aborted-transactions', base)
    const right = await sidecar.read()
    await sidecar.replace(Buffer.from('garbled'))
    await expectRecovered(test)
    expect(await test.store.beside.segmentSidecar('aborted-transactions', base).read()).toEqual(right)
  })

  it('forgets what a crash has taken back, before it is written over', async () => {
    const test = await setUp()
    await history(test.log)
    await test.log.close()
    const { beside } = test.store
    const end = beside.endOffset
    const aborted = (await beside.segmentSidecars('aborted-transactions')).at(-1) as bigint
    const bytes = (await beside.segmentSidecar('aborted-transactions', aborted).read()) as Buffer
    const snapshot = (await beside.segmentSidecar('producers', end).read()) as Buffer
    // As if the tail had not reached the disk, though what lies beside the log did.
    await beside.truncate(aborted)
    await beside.segmentSidecar('producers', end).replace(snapshot)
    await beside.segmentSidecar('aborted-transactions', aborted).replace(bytes)
    const again = await test.reopen()
    expect(again.endOffset).toBeLessThan(end)
    expect((await test.store.beside.segmentSidecars('producers')).at(-1)).toBeLessThanOrEqual(again.endOffset)
    expect(await test.store.beside.segmentSidecar('aborted-transactions', aborted).read()).toBeNull()
    const log = await test.reopen()
    while (log.endOffset < end + 4n) await produce(log, producedBatch(records(1)))
    const expected = await known(log)
    expect(await known(await test.reopen())).toEqual(expected)
  })
})

describe('log: beside it', () => {
  it('there is a snapshot where each segment begins, and where it was closed', async () => {
    const test = await setUp()
    await history(test.log)
    const bases = test.store.beside.segments.map(({ baseOffset }) => baseOffset).slice(1)
    expect(await test.store.beside.segmentSidecars('producers')).toEqual(bases)
    const log = await test.reopen()
    const { endOffset } = log
    await log.close()
    expect(await test.store.beside.segmentSidecars('producers')).toEqual([...bases, endOffset])
    // The next one takes the place of that: no segment begins there.
    const again = await test.reopen()
    await append(again, 3n, 2)
    await again.close()
    expect(await test.store.beside.segmentSidecars('producers')).toEqual([...bases, again.endOffset])
    const bytes = await test.store.beside.segmentSidecar('producers', again.endOffset).read()
    expect(decodeProducers(bytes as Buffer)?.at(-1)).toMatchObject({
      producerId: 3n,
      lastSequence: 3,
      currentTransactionFirstOffset: 36n,
    })
  })

  it('nothing is written by a log that is closed as it was opened', async () => {
    const test = await setUp()
    await history(test.log)
    await test.log.close()
    const again = await test.reopen()
    const beside = test.store.stored as StoredLog
    beside.segmentSidecar = () => {
      throw new Error('nothing is to be written')
    }
    await again.close()
  })

  it('the aborted transactions lie with the segment that has their markers', async () => {
    const test = await setUp({ segmentBytes: 2 * BATCH_BYTES })
    await append(test.log, 1n, 0)
    await append(test.log, 2n, 0)
    end(test.log, 1n)
    end(test.log, 2n)
    await append(test.log, 2n, 2)
    const { beside } = test.store
    expect(beside.segments.map(({ baseOffset }) => baseOffset)).toEqual([0n, 4n, 6n])
    expect(await beside.segmentSidecars('aborted-transactions')).toEqual([4n])
    const bytes = (await beside.segmentSidecar('aborted-transactions', 4n).read()) as Buffer
    expect(decodeAborted(bytes, 4n)).toEqual([
      { producerId: 1n, firstOffset: 0n, lastOffset: 4n, lastStableOffset: 2n },
      { producerId: 2n, firstOffset: 2n, lastOffset: 5n, lastStableOffset: 6n },
    ])
  })

  it('goes what belongs to segments that are dropped', async () => {
    const test = await setUp()
    await history(test.log)
    const { segments } = test.store.beside
    const kept = segments.at(-2)?.baseOffset as bigint
    const log = await test.reopen()
    await log.deleteRecordsBefore(kept)
    expect((await test.store.beside.segmentSidecars('producers'))[0]).toBeGreaterThanOrEqual(kept)
    for (const base of await test.store.beside.segmentSidecars('aborted-transactions')) {
      expect(base).toBeGreaterThanOrEqual(kept)
    }
  })

  it('a truncation leaves what is below it, and the state is that of then', async () => {
    const test = await setUp()
    await history(test.log)
    const { segments } = test.store.beside
    const log = await test.reopen()
    const cut = (segments.at(-2)?.baseOffset as bigint) + 1n
    await log.truncateTo(cut)
    const snapshots = await test.store.beside.segmentSidecars('producers')
    expect(snapshots.at(-1)).toBeLessThanOrEqual(cut)
    await expectRecovered(test, await test.reopen())
    for (let sequence = 0; sequence < 8; sequence += 2) await append(await test.reopen(), 50n, sequence)
    const last = await test.reopen()
    await last.close()
    expect(await known(await test.reopen())).toMatchObject({ unstable: expect.anything() })
  })

  it('a snapshot waits until what was noted before it would survive a loss of power', async () => {
    const store = new SlowStore(new MemoryStore())
    const { log } = await openTestLog({ segmentBytes: 2 * BATCH_BYTES, segmentMs: 2 ** 60 }, store)
    const afterwards = async (act: () => Promise<unknown> | undefined): Promise<readonly string[]> => {
      const before = store.calls.length
      await act()
      for (let turn = 0; turn < 50; turn++) await null
      return store.calls.slice(before)
    }
    const appending = (producerId: bigint, baseSequence: number) => () =>
      produce(log, batchOf(producerId, baseSequence))
    await afterwards(appending(1n, 0))
    await afterwards(async () => end(log, 1n))
    const index = 'aborted-transactions 0'
    expect(await afterwards(appending(1n, 2))).toEqual([index, 'roll 3', 'flush', 'append 1', 'producers 3'])
    await afterwards(appending(1n, 4))
    // Nothing has been noted since.
    expect(await afterwards(appending(1n, 6))).toEqual(['roll 7', 'producers 7', 'append 1'])
    await afterwards(async () => end(log, 1n))
    expect(await afterwards(async () => log.close())).toEqual([
      'aborted-transactions 7',
      'flush',
      'producers 10',
    ])
  })

  it('a snapshot whose flush is not done when the log is closed is not written', async () => {
    const store = new SlowStore(new MemoryStore())
    const { log } = await openTestLog({ segmentBytes: 2 * BATCH_BYTES, segmentMs: 2 ** 60 }, store)
    log.assignEpoch(1)
    for (const sequence of [0, 2]) await produce(log, batchOf(1n, sequence))
    store.held = true
    const { durable } = log.append(await log.prepare(batchOf(1n, 4)), 0)
    while (!store.waiting.includes('flush')) await store.release()
    const closing = log.discard()
    while (store.waiting.length > 0) await store.release()
    await closing
    await durable
    expect(store.calls.filter((call) => call.startsWith('producers'))).toEqual([])
    expect(log.offline).toBe(false)
  })

  it('a leader epoch is noted with its first record: to start is to write nothing', async () => {
    const store = new SlowStore(new MemoryStore())
    const test = await openTestLog({}, store)
    test.log.assignEpoch(4)
    await test.log.close()
    expect(store.calls).toEqual([])
    const log = await test.reopen()
    log.assignEpoch(5)
    await produce(log, batchOf(1n, 0), 5)
    expect(store.calls).toEqual(['leader-epochs', 'append 1'])
    log.assignEpoch(6)
    expect([log.latestEpoch, (await test.reopen()).latestEpoch]).toEqual([6, 5])
  })

  it('a discarded log leaves no snapshot', async () => {
    const test = await setUp()
    await append(test.log, 1n, 0)
    await test.log.discard()
    expect(await test.store.beside.segmentSidecars('producers')).toEqual([])
  })
})
