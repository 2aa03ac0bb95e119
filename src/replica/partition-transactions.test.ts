import { describe, expect, it } from 'vitest'
import { openTestLog, producedBatch, records } from '../log/test-log.suite.ts'
import { MARKER_BYTES, type TransactionMarker } from '../log/transaction-marker.ts'
import { MemoryStore } from '../storage/memory-store.ts'
import { SlowStore } from '../storage/slow-store.suite.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { ListOffsetsTimestamp } from './offset-lookup.ts'
import { Isolation, Partition } from './partition.ts'

const { READ_COMMITTED, READ_UNCOMMITTED } = Isolation

const REGISTRATION = { index: 0, replicas: [1], isr: [1], leader: 1, leaderEpoch: 0, partitionEpoch: 0 }

async function setUp(store: SlowStore | MemoryStore = new MemoryStore()) {
  const test = await openTestLog({}, store)
  const topic = { name: 'orders', id: 'dGhpcyBpcyBhbiBpZCAxMQ' }
  const partition = new Partition(topic, REGISTRATION, test.log)
  const append = async (producerId: bigint, baseSequence: number) => {
    const batch = producedBatch(records(2), {
      producerId,
      producerEpoch: 0,
      baseSequence,
      isTransactional: true,
    })
    const prepared = await partition.prepare(batch)
    return partition.append(prepared)
  }
  const plain = async () => partition.append(await partition.prepare(producedBatch(records(1))))
  const end = (producerId: bigint, commit = true) => partition.appendMarker(marker(producerId, commit))
  const read = (offset: bigint, isolation: number = READ_COMMITTED) =>
    partition.read(
      { offset, maxBytes: 1 << 20, currentLeaderEpoch: -1, lastFetchedEpoch: -1 },
      1 << 20,
      isolation,
      true,
    )
  return { ...test, partition, append, plain, end, read, topic }
}

function marker(producerId: bigint, commit: boolean): TransactionMarker {
  return { producerId, producerEpoch: 0, coordinatorEpoch: 0, commit, transactionVersion: 1 }
}

describe('partition: the last stable offset', () => {
  it('is the first offset of the oldest open transaction, or the high watermark', async () => {
    const { partition, append, plain, end } = await setUp()
    await plain()
    expect(partition.lastStableOffset).toBe(1n)
    await append(1n, 0)
    await append(2n, 0)
    await plain()
    expect([partition.lastStableOffset, partition.highWatermark]).toEqual([1n, 6n])
    end(1n)
    expect([partition.lastStableOffset, partition.highWatermark]).toEqual([3n, 7n])
    end(2n)
    expect([partition.lastStableOffset, partition.highWatermark]).toEqual([8n, 8n])
  })

  it('bounds what readers of committed records get, and ListOffsets tells them of it', async () => {
    const { partition, append, plain, end, read } = await setUp()
    await append(1n, 0)
    end(1n, false)
    await append(1n, 2)
    await plain()
    expect(await read(0n)).toMatchObject({
      highWatermark: 6n,
      lastStableOffset: 3n,
      abortedTransactions: [{ producerId: 1n, firstOffset: 0n }],
    })
    expect(await read(0n, READ_UNCOMMITTED)).toMatchObject({
      lastStableOffset: 3n,
      abortedTransactions: null,
    })
    expect(await read(3n)).toMatchObject({ records: [], sizeBytes: 0, abortedTransactions: [] })
    expect(await read(5n)).toMatchObject({ records: [], abortedTransactions: [] })
    const latest = (isolation: number) => partition.listOffset(ListOffsetsTimestamp.LATEST, isolation, -1)
    expect(latest(READ_COMMITTED)).toMatchObject({ offset: 3n })
    expect(latest(READ_UNCOMMITTED)).toMatchObject({ offset: 6n })
    expect(await partition.listOffset(ListOffsetsTimestamp.MAX_TIMESTAMP, READ_COMMITTED, -1)).toMatchObject({
      offset: 2n,
    })
    expect(await partition.listOffset(1n, READ_COMMITTED, -1)).toMatchObject({ offset: 0n })
  })

  it('stays while a marker is on its way to the store', async () => {
    const store = new SlowStore(new MemoryStore())
    const { partition, append, end } = await setUp(store)
    await (await append(1n, 0)).durable
    store.held = true
    const { durable } = end(1n)
    expect(partition.hasOngoingTransaction(1n, 0)).toBe(false)
    expect([partition.lastStableOffset, partition.highWatermark]).toEqual([0n, 2n])
    store.held = false
    await store.release()
    await durable
    expect([partition.lastStableOffset, partition.highWatermark]).toEqual([3n, 3n])
  })

  it('does not go beyond records that are on their way, whether of a transaction or not', async () => {
    const store = new SlowStore(new MemoryStore())
    const { partition, append, plain } = await setUp(store)
    await (await plain()).durable
    store.held = true
    await append(1n, 0)
    expect(partition.lastStableOffset).toBe(1n)
    store.held = false
    await store.release()
    expect([partition.lastStableOffset, partition.highWatermark]).toEqual([1n, 3n])
  })

  it('is found again when the log is opened anew, with transactions that are open', async () => {
    const { partition, append, plain, end, reopen, topic } = await setUp()
    await append(1n, 0)
    await append(2n, 0)
    end(2n, false)
    await plain()
    const again = new Partition(topic, REGISTRATION, await reopen())
    expect([again.lastStableOffset, again.highWatermark]).toEqual([0n, 6n])
    expect(partition.activeProducers()).toEqual(again.activeProducers())
    again.appendMarker(marker(1n, true))
    expect(again.lastStableOffset).toBe(7n)
  })

  it('a failed marker does not move it', async () => {
    const store = new SlowStore(new MemoryStore())
    const { partition, append, end } = await setUp(store)
    await (await append(1n, 0)).durable
    store.failNext = new Error('disk full')
    await expect(end(1n).durable).rejects.toMatchObject({ code: ErrorCode.KAFKA_STORAGE_ERROR })
    expect([partition.lastStableOffset, partition.highWatermark]).toEqual([0n, 2n])
  })
})

describe('partition: who watches', () => {
  it('hears how many bytes all can read, and those who read what is committed', async () => {
    const { partition, append, plain, end } = await setUp()
    const heard: [number, number][] = []
    partition.watch({ partitionChanged: (bytes, committedBytes) => heard.push([bytes, committedBytes]) })
    const [plainBytes, bytes] = [producedBatch(records(1)).length, producedBatch(records(2)).length]
    await plain()
    await append(1n, 0)
    await plain()
    await append(2n, 0)
    end(1n)
    end(2n)
    expect(heard.slice(0, 4)).toEqual([
      [plainBytes, plainBytes],
      [bytes, 0],
      [plainBytes, 0],
      [bytes, 0],
    ])
    // Up to the other transaction, at most what has come since the first one began.
    const unstable = 2 * bytes + plainBytes + MARKER_BYTES
    expect(heard[4]).toEqual([MARKER_BYTES, unstable])
    expect(heard[5]?.[0]).toBe(MARKER_BYTES)
    expect(heard[5]?.[1]).toBeGreaterThanOrEqual(bytes + 2 * MARKER_BYTES)
    await plain()
    expect(heard[6]).toEqual([plainBytes, plainBytes])
  })

  it('hears of a transaction that was open when the log was opened', async () => {
    const { append, reopen, topic } = await setUp()
    await append(1n, 0)
    const partition = new Partition(topic, REGISTRATION, await reopen())
    const heard: number[] = []
    partition.watch({ partitionChanged: (_bytes, committedBytes) => heard.push(committedBytes) })
    partition.appendMarker(marker(1n, true))
    expect(heard).toEqual([producedBatch(records(2)).length + MARKER_BYTES])
  })
})
