import { describe, expect, it } from 'vitest'
import * as batch from '../wire/batch.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { ProducerState } from './producer-state.ts'
import { producedBatch, records } from './test-log.suite.ts'
import { buildMarker } from './transaction-marker.ts'

const MAX = 2 ** 31 - 1

/** A log that has nothing but producers. */
class Producers {
  readonly state = new ProducerState()
  #next = 0n

  append(producerId: bigint, producerEpoch: number, baseSequence: number, count = 1, timestamp = 1n): bigint {
    const frame = producedBatch(records(count, timestamp), { producerId, producerEpoch, baseSequence })
    const repeated = this.state.check(frame)
    if (repeated !== null) return repeated.baseOffset
    batch.setBaseOffset(frame, 0, this.#next)
    this.state.update(frame)
    this.#next += BigInt(count)
    return this.#next - BigInt(count)
  }
}

const outOfOrder = expect.objectContaining({ code: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER })
const superseded = expect.objectContaining({ code: ErrorCode.INVALID_PRODUCER_EPOCH })

describe('producer state', () => {
  it('recognizes the last five batches of a producer, exactly as they were', () => {
    const producers = new Producers()
    for (let index = 0; index < 7; index++)
      expect(producers.append(9n, 0, 2 * index, 2)).toBe(BigInt(2 * index))
    for (let index = 2; index < 7; index++)
      expect(producers.append(9n, 0, 2 * index, 2)).toBe(BigInt(2 * index))
    expect(() => producers.append(9n, 0, 2, 2)).toThrow(outOfOrder)
    expect(() => producers.append(9n, 0, 12, 1)).toThrow(outOfOrder)
    expect(producers.append(9n, 0, 14)).toBe(14n)
    expect(() => producers.append(9n, 0, 4, 2)).toThrow(outOfOrder)
  })

  it('answers a repeated batch with what is stored of it', () => {
    const producers = new Producers()
    producers.append(9n, 0, 0, 1, 50n)
    producers.append(9n, 0, 1, 3, 60n)
    const again = producedBatch(records(3, 999n), { producerId: 9n, producerEpoch: 0, baseSequence: 1 })
    expect(producers.state.check(again)).toEqual({
      baseSequence: 1,
      lastSequence: 3,
      baseOffset: 1n,
      lastOffset: 3n,
      timestamp: 60n,
    })
  })

  it('takes no gap and no step back within an epoch', () => {
    const producers = new Producers()
    producers.append(9n, 0, 0)
    expect(() => producers.append(9n, 0, 2)).toThrow(outOfOrder)
    expect(producers.append(9n, 0, 1)).toBe(1n)
  })

  it('begins a new epoch at 0 and refuses an old one', () => {
    const producers = new Producers()
    producers.append(9n, 3, 0)
    expect(() => producers.append(9n, 4, 1)).toThrow(outOfOrder)
    expect(producers.append(9n, 4, 0)).toBe(1n)
    expect(() => producers.append(9n, 3, 1)).toThrow(superseded)
    expect(() => producers.append(9n, 3, 0)).toThrow(superseded)
    expect(producers.append(9n, 4, 0)).toBe(1n)
  })

  it('lets an unknown producer start anywhere', () => {
    const producers = new Producers()
    expect(producers.append(9n, 3, 77)).toBe(0n)
    expect(producers.append(9n, 3, 78)).toBe(1n)
    expect(() => producers.append(10n, -2, 0)).toThrow(superseded)
  })

  it('does not hold a producer without an epoch to any order, but recognizes its batches', () => {
    const producers = new Producers()
    expect(producers.append(9n, -1, 0)).toBe(0n)
    expect(producers.append(9n, -1, 7)).toBe(1n)
    expect(producers.append(9n, -1, 0)).toBe(0n)
  })

  it('counts on from 2^31-1 at 0, within a batch too', () => {
    const producers = new Producers()
    producers.append(9n, 0, MAX - 1, 2)
    expect(() => producers.append(9n, 0, 1)).toThrow(outOfOrder)
    expect(producers.append(9n, 0, 0)).toBe(2n)
    expect(producers.append(9n, 0, MAX - 1, 2)).toBe(0n)
    producers.append(8n, 0, MAX - 1, 3)
    expect(producers.append(8n, 0, MAX - 1, 3)).toBe(3n)
    expect(producers.append(8n, 0, 1)).toBe(6n)
  })

  it('forgets producers whose last batch is old enough', () => {
    const producers = new Producers()
    producers.append(8n, 0, 0, 1, 1000n)
    producers.append(9n, 0, 0, 1, 1001n)
    producers.state.expire(1999, 1000)
    expect(producers.state.size).toBe(2)
    producers.state.expire(2000, 1000)
    expect(producers.state.size).toBe(1)
    expect(() => producers.append(9n, 0, 5)).toThrow(outOfOrder)
    expect(producers.append(8n, 0, 5)).toBe(2n)
  })

  it('ends the batches of an epoch with a marker of the next one', () => {
    const producers = new Producers()
    producers.append(9n, 0, 0)
    const end = { producerId: 9n, producerEpoch: 1, coordinatorEpoch: 0, commit: true, transactionVersion: 2 }
    producers.state.update(buildMarker(end, 1, batch.TimestampType.CREATE_TIME))
    expect(() => producers.append(9n, 1, 1)).toThrow(outOfOrder)
    expect(producers.append(9n, 1, 0)).toBe(1n)
  })
})
