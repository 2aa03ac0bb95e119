/** What requests of group members cost beside few and many groups. */
import { findCoordinatorApi } from '../../src/wire/messages/find-coordinator.ts'
import { joinGroupApi } from '../../src/wire/messages/join-group.ts'
import { syncGroupApi } from '../../src/wire/messages/sync-group.ts'
import type { RunningPeer } from '../measure.ts'
import type { BenchConnection } from './connection.ts'
import { openAll } from './connections.ts'
import { createTopics, heartbeatFrame, metadataFrame, type NewTopic, offsetCommitFrame } from './requests.ts'
import { type Costs, inTurn, processorMs, type UnitTimes, unitMicros } from './unit.ts'

const PROBE: NewTopic = { name: 'probe', partitions: 1 }
/** Longer than all of this takes. */
const SESSION_TIMEOUT_MS = 300_000
/** What a few cost together is mostly something else. */
const LEAST_TO_DIVIDE = 100

interface Member {
  readonly groupId: string
  readonly memberId: string
  readonly generationId: number
}

/** Costs of so many groups that have one member each: everybody's in turn. */
export async function costsOfGroups(peer: RunningPeer, count: number, times: UnitTimes): Promise<Costs> {
  const connections = await openAll(peer.port, count, metadataFrame(PROBE.name))
  const [first] = connections
  if (first === undefined) throw new RangeError('there has to be a group')
  await createTopics(first, [PROBE])
  // Makes the coordinator's topic.
  const wanted = { key: 'first', keyType: 0, coordinatorKeys: [] }
  await retried(() => first.request(findCoordinatorApi, 3, wanted))
  await joined(first, 'first')
  const before = processorMs(peer)
  const members = await Promise.all(connections.map((connection, at) => joined(connection, `group-${at}`)))
  const joiningMicros = ((processorMs(peer) - before) * 1000) / count
  const heartbeats = members.map(({ groupId, generationId, memberId }) =>
    heartbeatFrame(groupId, generationId, memberId),
  )
  const commits = members.map(({ groupId, generationId, memberId }) =>
    offsetCommitFrame(groupId, generationId, memberId, PROBE.name),
  )
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

/** Joins a group as its only member, and gets an assignment. */
async function joined(connection: BenchConnection, groupId: string): Promise<Member> {
  const protocols = [{ name: 'range', metadata: Buffer.alloc(0) }]
  const join = {
    groupId,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    rebalanceTimeoutMs: SESSION_TIMEOUT_MS,
    memberId: '',
    groupInstanceId: null,
    protocolType: 'consumer',
    protocols,
    reason: null,
  }
  const { memberId, generationId = 0 } = await retried(() => connection.request(joinGroupApi, 3, join))
  const sync = {
    groupId,
    generationId,
    memberId,
    groupInstanceId: null,
    protocolType: null,
    protocolName: null,
    assignments: [{ memberId, assignment: Buffer.alloc(0) }],
  }
  await retried(() => connection.request(syncGroupApi, 2, sync))
  return { groupId, memberId, generationId }
}

const PAUSE_MS = 50
const MAX_TRIES = 600
/** COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR. */
const NOT_YET: readonly number[] = [14, 15, 16]

async function retried<T extends { readonly errorCode: number }>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    const answer = await ask()
    if (answer.errorCode === 0) return answer
    if (!NOT_YET.includes(answer.errorCode) || tries === MAX_TRIES) {
      throw new Error(`a group cannot be formed: error ${answer.errorCode}`)
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}
