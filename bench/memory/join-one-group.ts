/** Members of one classic group, each on a connection of its own. */
import { setTimeout as pause } from 'node:timers/promises'
import type { BenchConnection } from '../connection.ts'
import { findCoordinator, join, type Member, sync } from '../members.ts'

/** The answers of one generation arrive within that time. */
const ANSWERING_MS = 1_000

/** Has all of them join one group, and waits until it is stable. */
export async function joinOneGroup(
  connections: readonly BenchConnection[],
  groupId: string = 'all',
): Promise<void> {
  const [first] = connections
  if (first === undefined) return
  await findCoordinator(first, groupId)
  const joined = await joinTogether(connections, groupId)
  const memberIds = joined.map(({ memberId }) => memberId)
  await Promise.all(
    joined.map(({ isLeader, ...member }, at) =>
      sync(connections[at] as BenchConnection, member, isLeader ? memberIds : []),
    ),
  )
}

interface Joined extends Member {
  readonly isLeader: boolean
}

/** Brokers differ in how long they wait for a second member: whoever is answered before all have come joins again. */
async function joinTogether(
  connections: readonly BenchConnection[],
  groupId: string,
): Promise<readonly Joined[]> {
  let waiting = 0
  let newest = 0
  const joinUntilAllAreThere = async (connection: BenchConnection): Promise<Joined> => {
    let ownId = ''
    for (;;) {
      waiting++
      const { memberId, leader, generationId } = await join(connection, groupId, ownId)
      waiting--
      ownId = memberId
      newest = Math.max(newest, generationId)
      await pause(ANSWERING_MS)
      if (waiting === 0 && generationId === newest)
        return { groupId, memberId, generationId, isLeader: memberId === leader }
    }
  }
  return Promise.all(connections.map(joinUntilAllAreThere))
}
