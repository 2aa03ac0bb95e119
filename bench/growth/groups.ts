/** What requests of group members cost beside few and many groups. */
import { openAll } from '../connection.ts'
import type { RunningPeer } from '../measure.ts'
import { findCoordinator, joinAlone } from '../members.ts'
import { createTopics, heartbeatFrame, metadataFrame, type NewTopic, offsetCommitFrame } from './requests.ts'
import { type Costs, inTurn, processorMs, type UnitTimes, unitMicros } from './unit.ts'

const PROBE: NewTopic = { name: 'probe', partitions: 1 }
/** What a few cost together is mostly something else. */
const LEAST_TO_DIVIDE = 100

/** Costs of so many groups that have one member each: everybody's in turn. */
export async function costsOfGroups(peer: RunningPeer, count: number, times: UnitTimes): Promise<Costs> {
  const connections = await openAll(peer.port, count, metadataFrame(PROBE.name))
  const [first] = connections
  if (first === undefined) throw new RangeError('there has to be a group')
  await createTopics(first, [PROBE])
  await findCoordinator(first, 'first')
  await joinAlone(first, 'first')
  const before = processorMs(peer)
  const members = await Promise.all(connections.map((connection, at) => joinAlone(connection, `group-${at}`)))
  const joiningMicros = ((processorMs(peer) - before) * 1000) / count
  const heartbeats = members.map(heartbeatFrame)
  const commits = members.map((member) => offsetCommitFrame(member, PROBE.name))
  const measure = (frames: readonly Buffer[]): Promise<number> =>
    unitMicros(
      peer,
      times,
      inTurn(connections, (at) => frames[at] as Buffer),
    )
  const costs: Record<string, number> = {}
  costs['heartbeat of a member'] = await measure(heartbeats)
  costs['commit of an offset'] = await measure(commits)
  if (count >= LEAST_TO_DIVIDE) costs['form one of the groups'] = joiningMicros
  for (const connection of connections) connection.close()
  return costs
}
