/** What requests cost beside few and many partitions. */

import { BenchConnection } from '../connection.ts'
import type { RunningPeer } from '../measure.ts'
import {
  createFrame,
  createTopics,
  deleteFrame,
  fetchInSession,
  listOffsetsFrame,
  metadataFrame,
  type NewTopic,
  produceFrame,
} from './requests.ts'
import { type Costs, processorMs, repeated, type UnitTimes, unitMicros } from './unit.ts'

const PROBE = 'probe'
const PARTITIONS_PER_TOPIC = 10
/** What a few cost together is mostly something else. */
const LEAST_TO_DIVIDE = 100

/** Costs beside so many partitions: one of a topic by itself, which is worked with, and ten in each topic else. */
export async function costsBesidePartitions(
  peer: RunningPeer,
  partitions: number,
  times: UnitTimes,
): Promise<Costs> {
  const connection = await BenchConnection.open(peer.port)
  const others = otherTopics(partitions - 1)
  const before = processorMs(peer)
  await createTopics(connection, [{ name: PROBE, partitions: 1 }, ...others])
  const creatingMicros = ((processorMs(peer) - before) * 1000) / partitions
  const produce = produceFrame(PROBE, 0)
  const all = [
    produce,
    ...others.flatMap(({ name, partitions: count }) =>
      Array.from({ length: count }, (_, index) => produceFrame(name, index)),
    ),
  ]
  const measure = (next: () => Buffer, window?: number): Promise<number> =>
    unitMicros(peer, times, repeated(connection, next, window))
  // A session listens to what is empty yet.
  const next = await fetchInSession(connection, PROBE, others)
  // What making so many has left behind is cleared away first.
  await measure(() => produce)
  const costs: Record<string, number> = {}
  costs['produce to one partition'] = await measure(() => produce)
  costs['fetch from one partition in a session of all'] = await measure(next)
  const metadata = metadataFrame(PROBE)
  costs['metadata of one topic'] = await measure(() => metadata)
  const offsets = listOffsetsFrame(PROBE)
  costs['end offset of one partition'] = await measure(() => offsets)
  costs['create a topic, delete it'] = 2 * (await measure(createdAndDeleted(), 1))
  // On a disk a partition's first batch makes its files.
  let begun = 0
  await connection.drive(() => all[begun++] ?? null, 32)
  let turn = 0
  costs['produce to all partitions in turn'] = await measure(() => all[turn++ % all.length] as Buffer)
  if (partitions >= LEAST_TO_DIVIDE) costs['create one of the partitions'] = creatingMicros
  connection.close()
  return costs
}

function otherTopics(partitions: number): readonly NewTopic[] {
  return Array.from({ length: Math.ceil(partitions / PARTITIONS_PER_TOPIC) }, (_, at) => ({
    name: `other-${at}`,
    partitions: Math.min(PARTITIONS_PER_TOPIC, partitions - at * PARTITIONS_PER_TOPIC),
  }))
}

/** Of a topic of a new name each time. */
function createdAndDeleted(): () => Buffer {
  let requests = 0
  return () => {
    const name = `passing-${requests >> 1}`
    return requests++ % 2 === 0 ? createFrame(name) : deleteFrame(name)
  }
}

/** Makes partitions and lets them be: nobody asks for anything. */
export async function makeIdlePartitions(peer: RunningPeer, partitions: number): Promise<void> {
  const connection = await BenchConnection.open(peer.port)
  await createTopics(connection, otherTopics(partitions))
  connection.close()
}
