/** What fetches and starts cost with few and many segments in a log. */

import { BenchConnection } from '../connection.ts'
import type { RunningPeer } from '../measure.ts'
import { createTopics, fetchFrame, produceFrame } from './requests.ts'
import { type Costs, repeated, type UnitTimes, unitMicros } from './unit.ts'

const TOPIC = 'segmented'
/** Each record is so much later than the one before that it begins a segment. */
const SEGMENT_MS = 60_000
const BATCHES_PER_SEGMENT = 1
const CONFIGS = { 'segment.ms': String(SEGMENT_MS), 'retention.ms': '-1', 'segment.jitter.ms': '0' }

/** Makes a log of so many segments of one small batch each. */
export async function makeSegments(peer: RunningPeer, count: number): Promise<void> {
  const connection = await BenchConnection.open(peer.port)
  await createTopics(connection, [{ name: TOPIC, partitions: 1, configs: CONFIGS }])
  const firstMs = Date.now() - (count + 1) * 2 * SEGMENT_MS
  let sent = 0
  await connection.drive(() => {
    if (sent === count * BATCHES_PER_SEGMENT) return null
    return produceFrame(TOPIC, 0, BigInt(firstMs + 2 * SEGMENT_MS * sent++))
  }, 1)
  connection.close()
}

/** Costs of a log of so many segments, which `makeSegments` has made. */
export async function costsOfSegments(peer: RunningPeer, count: number, times: UnitTimes): Promise<Costs> {
  const connection = await BenchConnection.open(peer.port)
  const batches = count * BATCHES_PER_SEGMENT
  // The same offsets each time, all over the log.
  const frames = Array.from({ length: batches }, (_, at) => fetchFrame(TOPIC, BigInt((at * 7919) % batches)))
  let turn = 0
  const micros = await unitMicros(
    peer,
    times,
    repeated(connection, () => frames[turn++ % frames.length] as Buffer),
  )
  connection.close()
  return { 'fetch at any offset': micros }
}
