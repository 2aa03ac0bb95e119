import { expect, it } from 'vitest'
import { decodeProducers, encodeProducers } from './producer-snapshot.ts'
import { decodeAborted, encodeAborted } from './transaction-index.ts'

/** A snapshot that Apache Kafka 4.3.1 wrote: one producer whose transaction was aborted, one whose is open. */
const KAFKAS_SNAPSHOT = Buffer.from(
  '000117fa854d000000020000000000000426000000000001000000000000000100000001000001a2052ee174' +
    '00000000ffffffffffffffff0000000000000428000000000003000000000000000500000001000001a2052ee160' +
    'ffffffff0000000000000002',
  'hex',
)
const PRODUCERS = [
  {
    producerId: 1062n,
    producerEpoch: 0,
    lastSequence: 1,
    lastOffset: 1n,
    offsetDelta: 1,
    timestamp: 1_795_383_288_180n,
    coordinatorEpoch: 0,
    currentTransactionFirstOffset: -1n,
  },
  {
    producerId: 1064n,
    producerEpoch: 0,
    lastSequence: 3,
    lastOffset: 5n,
    offsetDelta: 1,
    timestamp: 1_795_383_288_160n,
    coordinatorEpoch: -1,
    currentTransactionFirstOffset: 2n,
  },
]

/** The index of aborted transactions beside it. */
const KAFKAS_INDEX = Buffer.from(
  '00000000000000000426000000000000000000000000000000060000000000000002',
  'hex',
)
const ABORTED = [{ producerId: 1062n, firstOffset: 0n, lastOffset: 6n, lastStableOffset: 2n }]

it('reads and writes the bytes that Kafka does', () => {
  expect(decodeProducers(KAFKAS_SNAPSHOT)).toEqual(PRODUCERS)
  expect(encodeProducers(PRODUCERS)).toEqual(KAFKAS_SNAPSHOT)
  expect(decodeAborted(KAFKAS_INDEX, 0n)).toEqual(ABORTED)
  expect(encodeAborted(ABORTED)).toEqual(KAFKAS_INDEX)
})

it('reads and writes nothing', () => {
  expect(decodeProducers(encodeProducers([]))).toEqual([])
  expect(decodeAborted(encodeAborted([]), 7n)).toEqual([])
})

it('takes no snapshot that has been changed anywhere, cut, or added to', () => {
  for (let at = 0; at < KAFKAS_SNAPSHOT.length; at++) {
    const garbled = Buffer.from(KAFKAS_SNAPSHOT)
    garbled[at] = (garbled[at] as number) ^ 0x10
    expect(decodeProducers(garbled), `byte ${at}`).toBeNull()
    expect(decodeProducers(KAFKAS_SNAPSHOT.subarray(0, at)), `cut at ${at}`).toBeNull()
  }
  expect(decodeProducers(Buffer.concat([KAFKAS_SNAPSHOT, Buffer.alloc(1)]))).toBeNull()
  expect(decodeProducers(Buffer.alloc(10, 0xff))).toBeNull()
})

it('takes no index that is cut, of another version, out of order, or of another segment', () => {
  expect(decodeAborted(KAFKAS_INDEX.subarray(1), 0n)).toBeNull()
  expect(decodeAborted(KAFKAS_INDEX, 7n)).toBeNull()
  expect(decodeAborted(Buffer.concat([KAFKAS_INDEX, KAFKAS_INDEX]), 0n)).toBeNull()
  const newer = Buffer.from(KAFKAS_INDEX)
  newer[1] = 1
  expect(decodeAborted(newer, 0n)).toBeNull()
})
