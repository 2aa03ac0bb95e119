/** Members of classic groups, by requests in versions that every broker here speaks. */
import type { Complete } from '../compat-tests/differential/client.ts'
import { findCoordinatorApi } from '../src/wire/messages/find-coordinator.ts'
import { type JoinGroupResponse, joinGroupApi } from '../src/wire/messages/join-group.ts'
import { syncGroupApi } from '../src/wire/messages/sync-group.ts'
import { type BenchConnection, retried } from './connection.ts'

export interface Member {
  readonly groupId: string
  readonly memberId: string
  readonly generationId: number
}

/** Key types of FindCoordinator. */
type KeyType = 'group' | 'transaction'

/** Longer than all that is measured takes, and no longer than any broker takes. */
const SESSION_TIMEOUT_MS = 300_000
/** A list of topics, a user's data: what a small member sends. */
const METADATA_BYTES = 40
const ASSIGNMENT_BYTES = 40

/** Waits until there is a coordinator: asking is what makes its topic. */
export async function findCoordinator(
  connection: BenchConnection,
  key: string,
  keyType: KeyType = 'group',
): Promise<void> {
  const request = { key, keyType: keyType === 'group' ? 0 : 1 }
  await retried(() => connection.request(findCoordinatorApi, 3, request))
}

/** Joins a group as its only member, and gets an assignment. */
export async function joinAlone(connection: BenchConnection, groupId: string): Promise<Member> {
  const { memberId, generationId } = await join(connection, groupId)
  const member = { groupId, memberId, generationId }
  await sync(connection, member, [memberId])
  return member
}

/** Joins a group, or does so again with the id that it was given. */
export function join(
  connection: BenchConnection,
  groupId: string,
  memberId: string = '',
): Promise<Complete<JoinGroupResponse>> {
  const request = {
    groupId,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    rebalanceTimeoutMs: SESSION_TIMEOUT_MS,
    memberId,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.alloc(METADATA_BYTES) }],
  }
  return retried(() => connection.request(joinGroupApi, 3, request))
}

/** @param assigned the members that get something: from the leader all of them, from others nobody. */
export async function sync(
  connection: BenchConnection,
  member: Member,
  assigned: readonly string[],
): Promise<void> {
  const assignments = assigned.map((memberId) => ({ memberId, assignment: Buffer.alloc(ASSIGNMENT_BYTES) }))
  await retried(() => connection.request(syncGroupApi, 2, { ...member, assignments }))
}
