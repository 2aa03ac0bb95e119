import { describe, expect, it } from 'vitest'
import { ManualClock } from '../clock.ts'
import { openTestLog, producedBatch, records } from '../log/test-log.suite.ts'
import type { TransactionMarker } from '../log/transaction-marker.ts'
import { Partition } from '../replica/partition.ts'
import * as batch from '../wire/batch.ts'
import { type Compressor, loadCompressor } from '../wire/compression.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { buildBatch, buildCompressedBatch } from '../wire/records.ts'
import { type CoordinatorLog, type CoordinatorRecord, isRefusal, type LogEntry } from './coordinator-log.ts'
import { partitionLog } from './partition-log.ts'

const PRODUCER = { producerId: 7n, producerEpoch: 2 }

describe('the log of a coordinator', () => {
  it('gives back what was appended, in order: records, transactional ones, markers', async () => {
    const { log } = await setUp()
    await log.append([record('a', '1'), record('b', null)])
    await log.append([record('a', '2')], PRODUCER)
    await log.append([record('c', '3')])
    await log.appendMarker(marker(true))
    await log.append([record('a', '4')], PRODUCER)
    await log.appendMarker(marker(false))
    expect(await entriesOf(log)).toEqual([
      'a=1',
      'b=null',
      'a=2 of 7/2',
      'c=3',
      'commit of 7/2 by 5',
      'a=4 of 7/2',
      'abort of 7/2 by 5',
    ])
  })

  it('gives back what open transactions have, too, and nothing twice', async () => {
    const { log } = await setUp()
    await log.append([record('a', '1')], PRODUCER)
    await log.append([record('b', '1')])
    expect(await entriesOf(log)).toEqual(['a=1 of 7/2', 'b=1'])
  })

  it('writes what Kafka’s coordinators write', async () => {
    const { log, partition } = await setUp()
    await log.append([record('a', '1'), record('b', '2')])
    await log.append([record('a', '2')], PRODUCER)
    const [plain, transactional] = await batchesOf(partition)
    expect(plain).toEqual({ attributes: 0, producerId: -1n, epoch: -1, sequence: 0, count: 2 })
    expect(transactional).toEqual({ attributes: 0x10, producerId: 7n, epoch: 2, sequence: 0, count: 1 })
  })

  it.each(Object.entries(batch.Codec))(
    'writes batches compressed by %s, and reads them',
    async (_, codec) => {
      const { log, partition } = await setUp({}, await loadCompressor(codec))
      const large = 'x'.repeat(200_000)
      await log.append([record('a', '1'), record('b', large)])
      await log.append([record('a', null)], PRODUCER)
      expect((await batchesOf(partition)).map(({ attributes }) => attributes)).toEqual([codec, 0x10 | codec])
      expect(await entriesOf(log)).toEqual(['a=1', `b=${large}`, 'a=null of 7/2'])
    },
  )

  it('refuses what does not fit into one batch, before anything is written', async () => {
    const { log, partition } = await setUp({ maxMessageBytes: 100 })
    const size = buildBatch([{ ...record('a', ''), timestamp: 0n }]).length
    await log.append([record('a', 'x'.repeat(100 - size))])
    expect(() => log.append([record('a', 'x'.repeat(101 - size))])).toThrow(
      expect.objectContaining({ code: ErrorCode.MESSAGE_TOO_LARGE }),
    )
    expect(partition.logEndOffset).toBe(1n)
    await log.append([record('b', '1')])
    expect(await entriesOf(log)).toHaveLength(2)
  })

  it.each([
    [
      'records of an epoch that is over',
      (log: CoordinatorLog) => log.append([record('a', '1')], { ...PRODUCER, producerEpoch: 1 }),
    ],
    [
      'a marker of an epoch that is over',
      (log: CoordinatorLog) => log.appendMarker({ ...marker(true), producerEpoch: 1 }),
    ],
    [
      'a marker of a coordinator that is none any more',
      (log: CoordinatorLog) => log.appendMarker({ ...marker(true), coordinatorEpoch: 4 }),
    ],
    [
      'records that nobody has verified',
      (log: CoordinatorLog) =>
        log.append([record('a', '1')], { producerId: 8n, producerEpoch: 0, guard: null }),
    ],
  ])('refuses %s, and goes on', async (_, act) => {
    const { log, partition } = await setUp()
    await log.append([record('a', '1')], PRODUCER)
    await log.appendMarker(marker(true))
    let error: unknown
    try {
      act(log)
    } catch (caught) {
      error = caught
    }
    expect(isRefusal(error)).toBe(true)
    expect(partition.logEndOffset).toBe(2n)
    await log.append([record('b', '1')])
    expect(await entriesOf(log)).toHaveLength(3)
  })

  it('takes records with the guard that verification gave', async () => {
    const { log, partition } = await setUp()
    const header = buildBatch([], { ...PRODUCER, isTransactional: true })
    const guard = partition.startVerification(header, true)
    await log.append([record('a', '1')], { ...PRODUCER, guard })
    expect(partition.startVerification(header, true)).toBe(null)
    await log.append([record('a', '2')], { ...PRODUCER, guard: null })
    expect(await entriesOf(log)).toEqual(['a=1 of 7/2', 'a=2 of 7/2'])
  })

  it('reads what others have written: compressed batches, records without a key, empty batches', async () => {
    const { log, partition } = await setUp()
    const value = Buffer.from('v')
    const compressed = await buildCompressedBatch(
      [{ key: Buffer.from('z'), value, timestamp: 1n }],
      batch.Codec.GZIP,
    )
    partition.appendOwn(compressed)
    partition.append(await partition.prepare(producedBatch(records(1))))
    partition.appendOwn(buildBatch([], { lastOffsetDelta: 3 }))
    partition.appendOwn(
      buildBatch([], { ...PRODUCER, lastOffsetDelta: 0, isTransactional: true, isControl: true }),
    )
    await log.append([record('a', '1')])
    expect(await entriesOf(log)).toEqual(expect.arrayContaining(['z=v', 'a=1']))
    expect(partition.logEndOffset).toBe(8n)
  })

  it('reads a log that is larger than what is read at a time', async () => {
    const { log } = await setUp()
    for (let at = 0; at < 30; at++) await log.append([record(`k${at}`, 'x'.repeat(100_000))])
    expect(await entriesOf(log)).toHaveLength(30)
  })
})

async function setUp(config: Parameters<typeof openTestLog>[0] = {}, compressor?: Compressor) {
  const { log: opened } = await openTestLog(config)
  const registration = { index: 0, replicas: [1], isr: [1], leader: 1, leaderEpoch: 5, partitionEpoch: 0 }
  const topic = { name: '__consumer_offsets', id: 'dGhpcyBpcyBhbiBpZCAxMQ' }
  const partition = new Partition(topic, registration, opened)
  return { partition, log: partitionLog(partition, new ManualClock(), { baseSequence: 0, compressor }) }
}

function record(key: string, value: string | null): CoordinatorRecord {
  return { key: Buffer.from(key), value: value === null ? null : Buffer.from(value) }
}

function marker(commit: boolean): TransactionMarker {
  return { ...PRODUCER, coordinatorEpoch: 5, commit, transactionVersion: 0 }
}

async function entriesOf(log: CoordinatorLog): Promise<string[]> {
  const found: string[] = []
  for await (const entry of log.read()) found.push(textOf(entry))
  return found
}

function textOf(entry: LogEntry): string {
  if (entry.kind === 'marker') {
    const { producerId, producerEpoch, coordinatorEpoch, commit } = entry.marker
    return `${commit ? 'commit' : 'abort'} of ${producerId}/${producerEpoch} by ${coordinatorEpoch}`
  }
  const { record, producer } = entry
  const text = `${record.key}=${record.value}`
  return producer === null ? text : `${text} of ${producer.producerId}/${producer.producerEpoch}`
}

async function batchesOf(partition: Partition) {
  const position = { offset: 0n, maxBytes: 1 << 20, currentLeaderEpoch: -1, lastFetchedEpoch: -1 }
  const bytes = Buffer.concat((await partition.read(position, 1 << 20, 0, true)).records)
  return Array.from(batch.wholeBatches(bytes), (at) => ({
    attributes: batch.attributes(bytes, at),
    producerId: batch.producerId(bytes, at),
    epoch: batch.producerEpoch(bytes, at),
    sequence: batch.baseSequence(bytes, at),
    count: batch.recordsCount(bytes, at),
  }))
}
