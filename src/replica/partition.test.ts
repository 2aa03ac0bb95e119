import { expect, it } from 'vitest'
import { openTestLog, producedBatch, records } from '../log/test-log.suite.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { ListOffsetsTimestamp } from './offset-lookup.ts'
import { type FetchPosition, Partition } from './partition.ts'

const FROM_START: FetchPosition = {
  offset: 0n,
  maxBytes: 1 << 20,
  currentLeaderEpoch: -1,
  lastFetchedEpoch: -1,
}

/** A partition in leader epoch 3 that holds one batch of two records. */
async function setUp() {
  const { log } = await openTestLog()
  const registration = { index: 0, replicas: [1], isr: [1], leader: 1, leaderEpoch: 3, partitionEpoch: 0 }
  const partition = new Partition({ name: 'orders', id: 'dGhpcyBpcyBhbiBpZCAxMQ' }, registration, log)
  partition.append(await partition.prepare(producedBatch(records(2))))
  const heard: number[] = []
  const watcher = { partitionChanged: (bytes: number) => heard.push(bytes) }
  partition.watch(watcher)
  return { partition, heard, watcher }
}

it('tells those who watch how many bytes have come, and of other changes', async () => {
  const { partition, heard, watcher } = await setUp()
  const batch = producedBatch(records(1))
  partition.append(await partition.prepare(Buffer.from(batch)))
  partition.appendOwn(Buffer.from(batch))
  expect(heard).toEqual([batch.length, batch.length])
  expect(await partition.deleteRecordsBefore(1n)).toBe(1n)
  expect(await partition.deleteRecordsBefore(1n)).toBe(1n)
  expect(heard).toEqual([batch.length, batch.length, 0])
  await partition.delete()
  expect(heard).toHaveLength(4)
  expect(partition.watcherCount).toBe(0)
  partition.unwatch(watcher)
})

it('a duplicate moves nothing', async () => {
  const { partition, heard } = await setUp()
  const batch = producedBatch(records(1), { producerId: 7n, producerEpoch: 0, baseSequence: 0 })
  const first = partition.append(await partition.prepare(Buffer.from(batch)))
  const again = partition.append(await partition.prepare(Buffer.from(batch)))
  expect(again).toMatchObject({ duplicate: true, baseOffset: first.baseOffset })
  expect(heard).toHaveLength(1)
})

it.each([
  [-1, null],
  [3, null],
  [2, ErrorCode.FENCED_LEADER_EPOCH],
  [4, ErrorCode.UNKNOWN_LEADER_EPOCH],
])('a reader in leader epoch %i', async (currentLeaderEpoch, code) => {
  const { partition } = await setUp()
  const read = () => partition.read({ ...FROM_START, currentLeaderEpoch }, 1 << 20, 0, true)
  const list = () => partition.listOffset(ListOffsetsTimestamp.LATEST, 0, currentLeaderEpoch)
  if (code === null) {
    expect(read()).toMatchObject({ highWatermark: 2n, lastStableOffset: 2n, logStartOffset: 0n })
    expect(list()).toEqual({ timestamp: -1n, offset: 2n, leaderEpoch: 3 })
  } else {
    expect(read).toThrow(expect.objectContaining({ code }))
    expect(list).toThrow(expect.objectContaining({ code }))
  }
})

it('a reader whose log has parted from this one hears where (KIP-595)', async () => {
  const { partition } = await setUp()
  const read = (offset: bigint, lastFetchedEpoch: number) =>
    partition.read({ ...FROM_START, offset, lastFetchedEpoch }, 1 << 20, 0, true)
  expect(read(1n, 3)).toMatchObject({ divergingEpoch: null })
  expect(read(5n, 3)).toMatchObject({
    divergingEpoch: { epoch: 3, endOffset: 2n },
    records: [],
    sizeBytes: 0,
  })
  expect(() => read(1n, 4)).toThrow(expect.objectContaining({ code: ErrorCode.OFFSET_OUT_OF_RANGE }))
})

it('records are deleted up to the high watermark, and no further', async () => {
  const { partition } = await setUp()
  for (const offset of [3n, -2n]) {
    await expect(partition.deleteRecordsBefore(offset)).rejects.toMatchObject({
      code: ErrorCode.OFFSET_OUT_OF_RANGE,
    })
  }
  expect(await partition.deleteRecordsBefore(-1n)).toBe(2n)
  expect(() => partition.read(FROM_START, 1 << 20, 0, true)).toThrow(
    expect.objectContaining({ code: ErrorCode.OFFSET_OUT_OF_RANGE }),
  )
})

it('a deleted partition takes and gives nothing', async () => {
  const { partition } = await setUp()
  const batch = await partition.prepare(producedBatch(records(1)))
  await partition.delete()
  const gone = expect.objectContaining({ code: ErrorCode.NOT_LEADER_OR_FOLLOWER })
  expect(() => partition.append(batch)).toThrow(gone)
  expect(() => partition.read(FROM_START, 1 << 20, 0, true)).toThrow(gone)
  expect(() => partition.listOffset(ListOffsetsTimestamp.LATEST, 0, -1)).toThrow(gone)
})
