/** What requests cost beside few and many connections. */

import { BenchConnection, openAll } from '../connection.ts'
import type { RunningPeer } from '../measure.ts'
import { createTopics, metadataFrame, produceFrame } from './requests.ts'
import { type Costs, inTurn, processorMs, repeated, type UnitTimes, unitMicros } from './unit.ts'

const PROBE = 'probe'
/** What a few cost together is mostly something else. */
const LEAST_TO_DIVIDE = 100

/** Costs on one of so many connections, and on all of them in turn. */
export async function costsBesideConnections(
  peer: RunningPeer,
  count: number,
  times: UnitTimes,
): Promise<Costs> {
  const first = await BenchConnection.open(peer.port)
  await createTopics(first, [{ name: PROBE, partitions: 1 }])
  const metadata = metadataFrame(PROBE)
  await first.exchange(metadata)
  const before = processorMs(peer)
  const more = await openAll(peer.port, count - 1, metadata)
  const openingMicros = ((processorMs(peer) - before) * 1000) / (count - 1)
  const produce = produceFrame(PROBE, 0)
  const costs: Record<string, number> = {}
  costs['produce on one connection'] = await unitMicros(
    peer,
    times,
    repeated(first, () => produce),
  )
  costs['produce on all connections in turn'] = await unitMicros(
    peer,
    times,
    inTurn([first, ...more], () => produce),
  )
  if (count >= LEAST_TO_DIVIDE) costs['open one of the connections, ask for metadata'] = openingMicros
  for (const connection of [first, ...more]) connection.close()
  return costs
}
