import type { JoinGroupRequestProtocol, JoinGroupResponse } from '../wire/messages/join-group.ts'
import type { SyncGroupResponse } from '../wire/messages/sync-group.ts'
import { EMPTY_BYTES } from '../wire/reader.ts'
import type { Parked } from './parked.ts'

/** One member of a classic group, as the round of the protocol that is going on knows it. */
export interface ClassicMember {
  readonly memberId: string
  /** Set for a static member (KIP-345). */
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly protocolType: string
  rebalanceTimeoutMs: number
  sessionTimeoutMs: number
  /** What the member can do, preferred first. */
  protocols: readonly JoinGroupRequestProtocol[]
  assignment: Buffer
  /** The JoinGroup request that waits for the rebalance to complete. */
  awaitingJoin: Parked<JoinGroupResponse> | null
  /** The SyncGroup request that waits for the leader's assignment. */
  awaitingSync: Parked<SyncGroupResponse> | null
  /** Its first JoinGroup has not been answered yet: it cannot send heartbeats, and nobody would notice its going. */
  isNew: boolean
  /** Over which connection it was last heard from, aborted when that is gone; null where it has not been heard from. */
  connection: AbortSignal | null
}

/** Waiting members need not send heartbeats, except new ones: those may be gone for good. */
export function hasSatisfiedHeartbeat(member: ClassicMember): boolean {
  return !member.isNew && (member.awaitingJoin !== null || member.awaitingSync !== null)
}

/** What the member says for `protocol`; undefined where it does not support it. */
export function metadataFor(member: ClassicMember, protocol: string | null): Buffer | undefined {
  return member.protocols.find(({ name }) => name === protocol)?.metadata
}

/** Whether the member would say the same again: the same protocols in the same order, with the same metadata. */
export function matchesProtocols(
  member: ClassicMember,
  protocols: readonly JoinGroupRequestProtocol[],
): boolean {
  return (
    member.protocols.length === protocols.length &&
    protocols.every((protocol, at) => {
      const own = member.protocols[at]
      return own?.name === protocol.name && own.metadata.equals(protocol.metadata)
    })
  )
}

/** The same protocols in memory of their own: what a request holds are views of the bytes it came in. */
export function ownProtocols(protocols: readonly JoinGroupRequestProtocol[]): JoinGroupRequestProtocol[] {
  return protocols.map(({ name, metadata }) => ({ name, metadata: ownBytes(metadata) }))
}

export function ownBytes(bytes: Buffer): Buffer {
  return bytes.length === 0 ? EMPTY_BYTES : Buffer.from(bytes)
}
