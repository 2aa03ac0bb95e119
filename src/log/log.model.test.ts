/** A log against a plain list of batches: whatever is done to both, they answer the same. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../clock.ts'
import { MemoryStore } from '../storage/memory-store.ts'
import { SlowStore } from '../storage/slow-store.suite.ts'
import type * as batch from '../wire/batch.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { buildCompressedBatch } from '../wire/records.ts'
import type { Log } from './log.ts'
import { encoded, openTestLog, produce, type TestLog } from './test-log.suite.ts'

interface ModelBatch {
  readonly base: bigint
  readonly timestamps: readonly bigint[]
  readonly epoch: number
  readonly producer: { readonly id: bigint; readonly sequence: number } | null
  readonly frame: Buffer
}

const last = ({ base, timestamps }: ModelBatch): bigint => base + BigInt(timestamps.length) - 1n

/** The same as a log, with every answer won by looking at everything. */
class Model {
  batches: ModelBatch[] = []
  start = 0n
  end = 0n
  epoch = 0
  /** Cut in the middle of a batch: that is gone, but its epoch still counts as begun, and the log has a gap. */
  ragged = false

  get readable(): ModelBatch[] {
    return this.batches.filter((one) => last(one) >= this.start)
  }

  /** What the producer's last batches are, those that were deleted from the start included. */
  ofProducer(id: bigint): ModelBatch[] {
    return this.batches.filter(({ producer }) => producer?.id === id)
  }

  firstAt(timestamp: bigint): bigint | null {
    for (const { base, timestamps } of this.batches) {
      for (const [delta, own] of timestamps.entries()) {
        const offset = base + BigInt(delta)
        if (own >= timestamp && offset >= this.start) return offset
      }
    }
    return null
  }

  /** By the definition: where the next epoch that has records begins. */
  endOfEpoch(epoch: number): { epoch: number; endOffset: bigint } {
    const readable = this.readable
    const latest = readable.at(-1)?.epoch ?? -1
    if (epoch === latest) return { epoch, endOffset: this.end }
    const next = readable.find((one) => one.epoch > epoch)
    if (next === undefined) return { epoch: -1, endOffset: -1n }
    const before = readable.findLast((one) => one.epoch <= epoch)
    const begins = next === readable[0] ? this.start : next.base
    return { epoch: before?.epoch ?? epoch, endOffset: begins }
  }
}

interface Step {
  readonly name: string
  run(test: TestLog, log: Log, model: Model): Promise<Log>
  /** So that a failing history can be read. */
  readonly [fc.toStringMethod]: () => string
}

function step(name: string, run: Step['run']): Step {
  return { name, run, [fc.toStringMethod]: () => name }
}

const timestamps = fc.array(fc.bigInt({ min: 0n, max: 300n }), { minLength: 1, maxLength: 5 })

const append: fc.Arbitrary<Step> = fc
  .record({
    timestamps,
    codec: fc.constantFrom(0, 0, 0, 1, 3),
    producer: fc.option(
      fc.record({ id: fc.bigInt({ min: 1n, max: 3n }), skew: fc.constantFrom(0, 0, 0, -1, 1) }),
    ),
    valueBytes: fc.oneof({ weight: 9, arbitrary: fc.nat(300) }, fc.constant(6000)),
  })
  .map((spec) =>
    step(
      `append ${JSON.stringify(spec, (_key, value) => (typeof value === 'bigint' ? Number(value) : value))}`,
      async (_test, log, model) => {
        const known = spec.producer === null ? [] : model.ofProducer(spec.producer.id)
        const before = known.at(-1)
        const next = before?.producer ? before.producer.sequence + before.timestamps.length : 10
        const sequence = next + (spec.producer?.skew ?? 0)
        const frame = await buildCompressedBatch(
          spec.timestamps.map((timestamp) => encoded({ timestamp, value: 'x'.repeat(spec.valueBytes) })),
          spec.codec as batch.Codec,
          spec.producer === null
            ? {}
            : { producerId: spec.producer.id, producerEpoch: 0, baseSequence: sequence },
        )
        const repeated = known
          .slice(-5)
          .find(
            (one) => one.producer?.sequence === sequence && one.timestamps.length === spec.timestamps.length,
          )
        const appended = produce(log, frame, model.epoch)
        if (repeated !== undefined) {
          expect(await appended).toMatchObject({ baseOffset: repeated.base, duplicate: true })
        } else if (before !== undefined && sequence !== next) {
          await expect(appended).rejects.toMatchObject({ code: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER })
        } else {
          expect(await appended).toMatchObject({ baseOffset: model.end, logStartOffset: model.start })
          const producer = spec.producer === null ? null : { id: spec.producer.id, sequence }
          model.batches.push({
            base: model.end,
            timestamps: spec.timestamps,
            epoch: model.epoch,
            producer,
            frame: Buffer.from(frame),
          })
          model.end += BigInt(spec.timestamps.length)
        }
        return log
      },
    ),
  )

const share = fc.double({ min: 0, max: 1, noNaN: true })
const at = (part: number, end: bigint): bigint => BigInt(Math.round(part * Number(end)))

const read: fc.Arbitrary<Step> = fc
  .record({ from: share, upTo: share, maxBytes: fc.oneof(fc.nat(2000), fc.constant(1 << 20)) })
  .map((spec) =>
    step(`read ${JSON.stringify(spec)}`, async (_test, log, model) => {
      const from = at(spec.from, model.end)
      const upTo = spec.upTo > 0.5 ? model.end : at(spec.upTo * 2, model.end)
      if (from < model.start) {
        expect(() => log.read(from, spec.maxBytes, upTo)).toThrow(KafkaError)
        return log
      }
      const found = Buffer.concat([...(await log.read(from, spec.maxBytes, upTo))])
      const readable = model.batches.filter((own) => last(own) >= from && last(own) < upTo)
      const limit = Math.max(spec.maxBytes, readable[0]?.frame.length ?? 0)
      const expected = Buffer.concat(readable.map((own) => own.frame)).subarray(0, limit)
      expect(found.equals(expected)).toBe(true)
      return log
    }),
  )

const lookUp: fc.Arbitrary<Step> = fc.bigInt({ min: -1n, max: 310n }).map((timestamp) =>
  step(`look up ${timestamp}`, async (_test, log, model) => {
    expect((await log.offsetForTimestamp(timestamp))?.offset ?? null).toBe(model.firstAt(timestamp))
    return log
  }),
)

const deleteRecords: fc.Arbitrary<Step> = share.map((part) =>
  step(`delete ${part}`, async (_test, log, model) => {
    const offset = at(part * part, model.end)
    await log.deleteRecordsBefore(offset)
    if (offset > model.start) model.start = offset
    return log
  }),
)

const truncate: fc.Arbitrary<Step> = fc.nat(12).map((back) =>
  step(`truncate ${back}`, async (_test, log, model) => {
    const offset = model.end > BigInt(back) ? model.end - BigInt(back) : 0n
    await log.truncateTo(offset)
    if (offset < model.end) {
      // Producers of deleted segments are forgotten with them when the log is read again: leave those alone.
      model.batches = model.readable.filter((one) => last(one) < offset)
      if (offset < model.start) model.start = offset
      const kept = model.batches.at(-1)
      if ((kept === undefined ? model.start : last(kept) + 1n) !== offset) model.ragged = true
      model.end = offset
    }
    return log
  }),
)

const raiseEpoch: fc.Arbitrary<Step> = fc.integer({ min: 1, max: 3 }).map((by) =>
  step(`epoch +${by}`, async (_test, log, model) => {
    model.epoch += by
    return log
  }),
)

const reopen: fc.Arbitrary<Step> = fc.constant(
  step('reopen', async (test: TestLog, _log: Log, model: Model) => {
    model.batches = model.readable
    return test.reopen()
  }),
)

/** Without deletions, so that it is plain which producers are known after truncation and a new start. */
const rewinding = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: append },
    { weight: 4, arbitrary: read },
    { weight: 2, arbitrary: lookUp },
    { weight: 2, arbitrary: truncate },
    raiseEpoch,
    reopen,
  ),
  { maxLength: 40 },
)

/** Without truncation: a producer outlives its records. */
const deleting = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: append },
    { weight: 4, arbitrary: read },
    { weight: 2, arbitrary: lookUp },
    { weight: 2, arbitrary: deleteRecords },
    raiseEpoch,
  ),
  { maxLength: 40 },
)

function expectSame(log: Log, model: Model): void {
  expect([log.startOffset, log.endOffset, log.durableEndOffset]).toEqual([model.start, model.end, model.end])
  expect(log.latestEpoch === -1 || log.latestEpoch <= model.epoch).toBe(true)
  if (model.readable.length === 0 || model.ragged) return
  for (let epoch = 0; epoch <= model.epoch; epoch++) {
    expect({ asked: epoch, ...log.endOffsetForEpoch(epoch) }).toEqual({
      asked: epoch,
      ...model.endOfEpoch(epoch),
    })
  }
}

function check(
  histories: fc.Arbitrary<readonly Step[]>,
  slow: boolean,
): fc.IAsyncProperty<[readonly Step[]]> {
  return fc.asyncProperty(histories, async (steps) => {
    const store = slow ? new SlowStore(new MemoryStore()) : new MemoryStore()
    const config = { segmentBytes: 32_000, indexIntervalBytes: 300, messageTimestampAfterMaxMs: 2 ** 63 }
    const test = await openTestLog(config, store, new ManualClock(0))
    const model = new Model()
    let log = test.log
    for (const step of steps) {
      log = await step.run(test, log, model)
      expectSame(log, model)
    }
  })
}

describe('log, against a plain list of batches', () => {
  it('appends, reads, looks up, truncates and starts anew', async () => {
    await fc.assert(check(rewinding, false), { numRuns: 150 })
  })

  it('deletes records from its start', async () => {
    await fc.assert(check(deleting, false), { numRuns: 150 })
  })

  it('does so on a store that is slow', async () => {
    await fc.assert(check(rewinding, true), { numRuns: 40 })
    await fc.assert(check(deleting, true), { numRuns: 40 })
  })
})
