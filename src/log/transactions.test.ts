import { describe, expect, it } from 'vitest'
import { ManualClock } from '../clock.ts'
import * as batch from '../wire/batch.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { readRecords } from '../wire/records.ts'
import type { Log } from './log.ts'
import { openTestLog, produce, producedBatch, records } from './test-log.suite.ts'
import { MARKER_BYTES, readMarker, type TransactionMarker } from './transaction-marker.ts'
import type { VerificationGuard } from './verifications.ts'

const failsWith = (code: number) => expect.objectContaining({ code })
const fenced = failsWith(ErrorCode.INVALID_PRODUCER_EPOCH)
const outOfOrder = failsWith(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
const notOngoing = failsWith(ErrorCode.INVALID_TXN_STATE)

/** A batch of a producer, in a transaction unless it is said otherwise. */
function of(producerId: bigint, baseSequence: number, more: batchOptions = {}): Buffer {
  const { count = 2, ...options } = more
  return producedBatch(records(count), {
    producerId,
    producerEpoch: 0,
    baseSequence,
    isTransactional: true,
    ...options,
  })
}
type batchOptions = Parameters<typeof producedBatch>[1] & { readonly count?: number }

function marker(producerId: bigint, more: Partial<TransactionMarker> = {}): TransactionMarker {
  return { producerId, producerEpoch: 0, coordinatorEpoch: 0, commit: true, transactionVersion: 1, ...more }
}

async function appendGuarded(
  log: Log,
  frame: Buffer,
  guard: VerificationGuard | null | undefined,
): Promise<bigint> {
  return log.append(await log.prepare(frame), 0, guard).baseOffset
}

describe('log: markers', () => {
  it('writes them as Kafka does, byte for byte', async () => {
    const { log } = await openTestLog({}, undefined, new ManualClock(1_795_382_623_317))
    const first = log.appendMarker(marker(554n, { commit: false }), 0)
    expect(first).toMatchObject({ baseOffset: 0n, lastOffset: 0n, duplicate: false })
    const [view] = await log.read(0n, 1000, 1n)
    // As it stood at offset 6 of the reference's log.
    const kafkas =
      '0000000000000006000000420000000002de91df9b003000000000000001a20524bc55000001a20524bc55' +
      '000000000000022a0000ffffffff000000012000000008000000000c00000000000000'
    batch.setBaseOffset(view as Buffer, 0, 6n)
    expect((view as Buffer).toString('hex')).toBe(kafkas)
    expect(view).toHaveLength(MARKER_BYTES)
  })

  it('stamps them with the time of append where the topic wants that', async () => {
    const test = await openTestLog({ messageTimestampType: batch.TimestampType.LOG_APPEND_TIME })
    test.log.appendMarker(marker(1n, { coordinatorEpoch: 9 }), 0)
    const [view] = (await test.log.read(0n, 1000, 1n)) as [Buffer]
    expect(batch.attributes(view)).toBe(0x38)
    expect(readMarker(view)).toEqual({ commit: true, coordinatorEpoch: 9 })
    expect(await readRecords(view)).toMatchObject([{ timestamp: BigInt(test.clock.now()) }])
  })

  it('takes one of a producer that nobody knows, and remembers it', async () => {
    const { log } = await openTestLog()
    log.appendMarker(marker(77n, { producerEpoch: 3, coordinatorEpoch: 9 }), 0)
    expect(log.activeProducers()).toMatchObject([
      {
        producerId: 77n,
        producerEpoch: 3,
        lastSequence: -1,
        coordinatorEpoch: 9,
        currentTransactionFirstOffset: -1n,
      },
    ])
    expect(log.firstUnstableOffset).toBeNull()
  })

  it('takes the same one again, and refuses a coordinator of before', async () => {
    const { log } = await openTestLog()
    await produce(log, of(1n, 0))
    log.appendMarker(marker(1n, { coordinatorEpoch: 3 }), 0)
    log.appendMarker(marker(1n, { coordinatorEpoch: 3 }), 0)
    expect(log.endOffset).toBe(4n)
    expect(() => log.appendMarker(marker(1n, { coordinatorEpoch: 2 }), 0)).toThrow(
      failsWith(ErrorCode.TRANSACTION_COORDINATOR_FENCED),
    )
    log.appendMarker(marker(1n, { coordinatorEpoch: 4 }), 0)
    expect(log.endOffset).toBe(5n)
  })

  it.each([
    { transactionVersion: 1, open: true, epochs: { 4: false, 5: true, 6: true } },
    { transactionVersion: 1, open: false, epochs: { 4: false, 5: true, 6: true } },
    { transactionVersion: 2, open: true, epochs: { 4: false, 5: false, 6: true } },
    { transactionVersion: 2, open: false, epochs: { 4: false, 5: true, 6: true } },
  ])(
    'with transaction.version $transactionVersion, open: $open',
    async ({ transactionVersion, open, epochs }) => {
      for (const [epoch, taken] of Object.entries(epochs)) {
        const { log } = await openTestLog()
        await produce(log, of(1n, 0, { producerEpoch: 5, isTransactional: open }))
        const append = () =>
          log.appendMarker(marker(1n, { producerEpoch: Number(epoch), transactionVersion }), 0)
        if (taken) append()
        else expect(append).toThrow(fenced)
        expect(log.endOffset).toBe(taken ? 3n : 2n)
      }
    },
  )

  it('takes one of the last epoch there is, which cannot be raised', async () => {
    const { log } = await openTestLog()
    await produce(log, of(1n, 0, { producerEpoch: 32767 }))
    log.appendMarker(marker(1n, { producerEpoch: 32767, transactionVersion: 2 }), 0)
    expect(log.firstUnstableOffset).toBe(0n)
    log.highWatermarkMoved(3n)
    expect(log.firstUnstableOffset).toBeNull()
  })
})

describe('log: transactions', () => {
  it('are unstable from their first record until their marker is below the high watermark', async () => {
    const { log } = await openTestLog()
    await produce(log, producedBatch(records(1)))
    expect(log.firstUnstableOffset).toBeNull()
    await produce(log, of(1n, 0))
    await produce(log, of(2n, 0))
    await produce(log, of(1n, 2))
    expect(log.firstUnstableOffset).toBe(1n)
    expect(log.hasOngoingTransaction(1n, 0)).toBe(true)
    expect(log.hasOngoingTransaction(1n, 1)).toBe(false)
    expect(log.hasOngoingTransaction(3n, 0)).toBe(false)
    log.appendMarker(marker(1n), 0)
    expect(log.hasOngoingTransaction(1n, 0)).toBe(false)
    expect(log.firstUnstableOffset).toBe(1n)
    log.highWatermarkMoved(7n)
    expect(log.firstUnstableOffset).toBe(1n)
    log.highWatermarkMoved(8n)
    expect(log.firstUnstableOffset).toBe(3n)
    log.appendMarker(marker(2n, { commit: false }), 0)
    log.highWatermarkMoved(9n)
    expect(log.firstUnstableOffset).toBeNull()
  })

  it('begin at the log start where their first records have been deleted', async () => {
    const { log } = await openTestLog()
    await produce(log, of(1n, 0, { count: 5 }))
    await log.deleteRecordsBefore(3n)
    expect(log.firstUnstableOffset).toBe(3n)
  })

  it('take no batch that is not part of them', async () => {
    const { log } = await openTestLog()
    await produce(log, of(1n, 0))
    await expect(produce(log, of(1n, 2, { isTransactional: false }))).rejects.toEqual(notOngoing)
    log.appendMarker(marker(1n), 0)
    await produce(log, of(1n, 2, { isTransactional: false }))
    expect(log.firstUnstableOffset).toBe(0n)
  })

  it('tell of themselves to DescribeProducers', async () => {
    const { log } = await openTestLog()
    await produce(log, producedBatch(records(1)))
    await produce(log, of(1n, 0))
    expect(log.activeProducers()).toMatchObject([{ coordinatorEpoch: -1, currentTransactionFirstOffset: 1n }])
  })

  it('keep their producers from being forgotten', async () => {
    const { log, clock } = await openTestLog({ producerIdExpirationMs: 1000 })
    await produce(log, of(1n, 0))
    await produce(log, of(2n, 0, { isTransactional: false }))
    await clock.advance(2000)
    log.expireProducers()
    expect(log.activeProducers()).toMatchObject([{ producerId: 1n }])
    log.appendMarker(marker(1n), 0)
    await clock.advance(1000)
    log.expireProducers()
    expect(log.producerCount).toBe(0)
  })

  it('that were aborted are told to those who read their records, in the order of their markers', async () => {
    // Three that overlap, as measured on the reference: 1 at 0 and 2 at 2 are aborted, 3 at 4 goes on to 11.
    const { log } = await openTestLog()
    for (const id of [1n, 2n, 3n]) await produce(log, of(id, 0))
    log.appendMarker(marker(2n, { commit: false }), 0)
    await produce(log, of(3n, 2))
    log.appendMarker(marker(1n, { commit: false }), 0)
    const told = async (from: bigint, maxBytes = 1 << 20, upTo = log.endOffset) =>
      log
        .abortedTransactions(from, await log.read(from, maxBytes, upTo))
        .map(({ producerId, firstOffset, lastOffset, lastStableOffset }) =>
          [producerId, firstOffset, lastOffset, lastStableOffset].map(Number),
        )
    const first = [2, 2, 6, 0]
    const second = [1, 0, 9, 4]
    expect(await told(0n)).toEqual([first, second])
    expect(await told(3n, 0)).toEqual([first, second])
    expect(await told(7n)).toEqual([second])
    expect(await told(4n, 1000, 4n)).toEqual([])
    log.appendMarker(marker(3n), 0)
    expect(await told(7n)).toEqual([second])
    expect(await told(10n)).toEqual([])
  })

  it('that were aborted behind a read in a segment that is not small are not told', async () => {
    const { log } = await openTestLog({ indexIntervalBytes: 100 })
    for (let index = 0; index < 20; index++) {
      await produce(log, of(1n, index * 2))
      log.appendMarker(marker(1n, { commit: false }), 0)
    }
    const told = async (from: bigint, maxBytes: number) =>
      log
        .abortedTransactions(from, await log.read(from, maxBytes, log.endOffset))
        .map(({ firstOffset }) => Number(firstOffset))
    expect(await told(0n, 0)).toEqual([0])
    expect(await told(2n, 300)).toEqual([0, 3])
    expect(await told(57n, 1000)).toEqual([57])
    expect(await told(0n, 1 << 20)).toHaveLength(20)
  })

  it('are forgotten with the segments that held them', async () => {
    const { log } = await openTestLog({ segmentBytes: 400 })
    for (let index = 0; index < 20; index++) {
      await produce(log, of(1n, index * 2))
      log.appendMarker(marker(1n, { commit: false }), 0)
    }
    await log.deleteRecordsBefore(31n)
    const views = await log.read(31n, 1 << 20, log.endOffset)
    expect(log.abortedTransactions(31n, views)).toHaveLength(10)
  })
})

describe('log: verification (KIP-890)', () => {
  it('lets a transaction begin only with a guard, and go on without', async () => {
    const { log } = await openTestLog()
    await expect(appendGuarded(log, of(1n, 0), null)).rejects.toEqual(notOngoing)
    const guard = log.startVerification(of(1n, 0), false)
    expect(guard).not.toBeNull()
    await expect(appendGuarded(log, of(1n, 0), null)).rejects.toEqual(notOngoing)
    await expect(appendGuarded(log, of(1n, 0), { producerId: 1n })).rejects.toEqual(notOngoing)
    expect(await appendGuarded(log, of(1n, 0), guard)).toBe(0n)
    expect(log.startVerification(of(1n, 2), false)).toBeNull()
    expect(await appendGuarded(log, of(1n, 2), null)).toBe(2n)
  })

  it('lets the batches that asked meanwhile share a guard', async () => {
    const { log } = await openTestLog()
    const guard = log.startVerification(of(1n, 0), false)
    expect(log.startVerification(of(1n, 2), false)).toBe(guard)
    expect(await appendGuarded(log, of(1n, 0), guard)).toBe(0n)
    expect(await appendGuarded(log, of(1n, 2), guard)).toBe(2n)
  })

  it('a marker that comes between the question and the append ends what was asked for', async () => {
    const { log } = await openTestLog()
    const guard = log.startVerification(of(1n, 0), false)
    log.appendMarker(marker(1n, { commit: false }), 0)
    await expect(appendGuarded(log, of(1n, 0), guard)).rejects.toEqual(notOngoing)
    const another = log.startVerification(of(1n, 0), false)
    expect(another).not.toBe(guard)
    await expect(appendGuarded(log, of(1n, 0), guard)).rejects.toEqual(notOngoing)
    expect(await appendGuarded(log, of(1n, 0), another)).toBe(1n)
  })

  it('a transaction of another epoch is not the one that goes on', async () => {
    const { log } = await openTestLog()
    await produce(log, of(1n, 0))
    expect(log.startVerification(of(1n, 0, { producerEpoch: 1 }), true)).not.toBeNull()
    await expect(appendGuarded(log, of(1n, 0, { producerEpoch: 1 }), null)).rejects.toEqual(notOngoing)
    await produce(log, of(2n, 0, { producerEpoch: 4 }))
    expect(() => log.startVerification(of(2n, 0, { producerEpoch: 3 }), true)).toThrow(fenced)
  })

  it('a duplicate needs no transaction any more', async () => {
    const { log } = await openTestLog()
    await produce(log, of(1n, 0))
    log.appendMarker(marker(1n), 0)
    expect(await appendGuarded(log, of(1n, 0), null)).toBe(0n)
    expect(log.endOffset).toBe(3n)
  })

  it('the first batch of a producer in transactions V2 has sequence 0', async () => {
    const { log } = await openTestLog()
    const first = log.startVerification(of(1n, 5), true)
    await expect(appendGuarded(log, of(1n, 5), first)).rejects.toEqual(outOfOrder)
    const second = log.startVerification(of(1n, 0), true)
    expect(await appendGuarded(log, of(1n, 0), second)).toBe(0n)
    log.appendMarker(marker(1n, { producerEpoch: 1, transactionVersion: 2 }), 0)
    const bumped = { producerEpoch: 1 }
    const third = log.startVerification(of(1n, 2, bumped), true)
    await expect(appendGuarded(log, of(1n, 2, bumped), third)).rejects.toEqual(outOfOrder)
    // Without transactions V2 a producer that is not known may start anywhere.
    expect(await appendGuarded(log, of(2n, 5), log.startVerification(of(2n, 5), false))).toBe(3n)
  })

  it('a later batch does not overtake an earlier one that has to come again', async () => {
    const { log } = await openTestLog()
    log.startVerification(of(1n, 4), false)
    const guard = log.startVerification(of(1n, 2), false)
    await expect(appendGuarded(log, of(1n, 4), guard)).rejects.toEqual(outOfOrder)
    expect(await appendGuarded(log, of(1n, 2), guard)).toBe(0n)
    expect(await appendGuarded(log, of(1n, 4), guard)).toBe(2n)
    const bumped = log.startVerification(of(2n, 1), false)
    expect(log.startVerification(of(2n, 7, { producerEpoch: 1 }), false)).toBe(bumped)
    expect(await appendGuarded(log, of(2n, 7, { producerEpoch: 1 }), bumped)).toBe(4n)
  })

  it('a question that is never answered is forgotten', async () => {
    const { log, clock } = await openTestLog({ producerIdExpirationMs: 1000 })
    const guard = log.startVerification(of(1n, 0), false)
    await clock.advance(1000)
    log.expireProducers()
    await expect(appendGuarded(log, of(1n, 0), guard)).rejects.toEqual(notOngoing)
  })

  it("the broker's own batches have no sequence, but an epoch and a transaction", async () => {
    const { log } = await openTestLog()
    const own = (more: batchOptions = {}) => of(1n, -1, more)
    expect(() => log.appendOwn(own(), 0, null)).toThrow(notOngoing)
    log.appendOwn(own(), 0, log.startVerification(own(), true))
    log.appendOwn(own(), 0)
    expect(() => log.appendOwn(own({ isTransactional: false }), 0)).toThrow(notOngoing)
    log.appendMarker(marker(1n, { producerEpoch: 1, transactionVersion: 2 }), 0)
    expect(() => log.appendOwn(own(), 0)).toThrow(fenced)
    log.appendOwn(own({ producerEpoch: 1 }), 0)
    expect(log.firstUnstableOffset).toBe(0n)
  })
})
