/** Members of one classic group, each on a connection of its own. */
import { setTimeout as pause } from 'node:timers/promises'
import { ErrorCode } from '../../src/wire/error-codes.ts'
import { findCoordinatorApi } from '../../src/wire/messages/find-coordinator.ts'
import { joinGroupApi } from '../../src/wire/messages/join-group.ts'
import { syncGroupApi } from '../../src/wire/messages/sync-group.ts'
import type { BenchConnection } from '../growth/connection.ts'

/** Longer than all of this takes, and no longer than any broker takes. */
const SESSION_TIMEOUT_MS = 300_000
const PAUSE_MS = 100
/** The answers of one generation arrive within that time. */
const ANSWERING_MS = 1_000
const MAX_TRIES = 300
/** A list of topics, a user's data: what a small member sends. */
const METADATA_BYTES = 40
const ASSIGNMENT_BYTES = 40

/** Has all of them join one group, and waits until it is stable. */
export async function joinOneGroup(
  connections: readonly BenchConnection[],
  groupId: string = 'all',
): Promise<void> {
  const [first] = connections
  if (first === undefined) return
  await untilItWorks(() =>
    first.request(findCoordinatorApi, 2, { key: groupId, keyType: 0, coordinatorKeys: [] }),
  )
  const joined = await joinTogether(connections, groupId)
  const memberIds = joined.map(({ memberId }) => memberId)
  await Promise.all(
    joined.map(({ memberId, leader, generationId }, at) => {
      const assignments =
        memberId !== leader
          ? []
          : memberIds.map((each) => ({ memberId: each, assignment: Buffer.alloc(ASSIGNMENT_BYTES) }))
      return sync(connections[at] as BenchConnection, { groupId, memberId, generationId, assignments })
    }),
  )
}

/** Brokers differ in how long they wait for a second member: whoever is answered before all have come joins again. */
async function joinTogether(
  connections: readonly BenchConnection[],
  groupId: string,
): Promise<readonly Joined[]> {
  let waiting = 0
  let newest = 0
  const joinUntilAllAreThere = async (connection: BenchConnection): Promise<Joined> => {
    let memberId = ''
    for (;;) {
      waiting++
      const joined = await join(connection, groupId, memberId)
      waiting--
      memberId = joined.memberId
      const { generationId = 0 } = joined
      newest = Math.max(newest, generationId)
      await pause(ANSWERING_MS)
      if (waiting === 0 && generationId === newest) return joined
    }
  }
  return Promise.all(connections.map(joinUntilAllAreThere))
}

function join(connection: BenchConnection, groupId: string, memberId: string): Promise<Joined> {
  const request = {
    groupId,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    rebalanceTimeoutMs: SESSION_TIMEOUT_MS,
    memberId,
    groupInstanceId: null,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.alloc(METADATA_BYTES) }],
    reason: null,
  }
  return untilItWorks(() => connection.request(joinGroupApi, 3, request))
}

interface Joined {
  readonly memberId: string
  readonly leader: string
  readonly generationId?: number | undefined
  readonly errorCode?: number | undefined
}

interface Share {
  readonly groupId: string
  readonly memberId: string
  readonly generationId: number | undefined
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[]
}

async function sync(connection: BenchConnection, { generationId = 0, ...share }: Share): Promise<void> {
  const names = { groupInstanceId: null, protocolType: null, protocolName: null }
  await untilItWorks(() => connection.request(syncGroupApi, 2, { ...share, ...names, generationId }))
}

/** A coordinator that has just been made is not there at once. */
async function untilItWorks<Res extends { readonly errorCode?: number | undefined }>(
  ask: () => Promise<Res>,
): Promise<Res> {
  for (let tries = 1; ; tries++) {
    const answer = await ask()
    if ((answer.errorCode ?? ErrorCode.NONE) === ErrorCode.NONE) return answer
    if (tries === MAX_TRIES) throw new Error(`the group is refused: error ${answer.errorCode}`)
    await pause(PAUSE_MS)
  }
}
