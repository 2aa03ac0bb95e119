/**
 * The file in which Kafka's controllers note whom they have elected, and in which epoch (KIP-595). Here it tells the
 * epoch before the log is open, so that whoever opens the log has a higher one than whoever had it before.
 */

export interface QuorumState {
  readonly leaderEpoch: number
  /** All that stands in the file. */
  readonly fields: Readonly<Record<string, unknown>>
}

export const QUORUM_STATE_FILE = 'quorum-state'

/** What the file says; null when it is none that can be read. */
export function parseQuorumState(bytes: Buffer): QuorumState | null {
  try {
    const fields: unknown = JSON.parse(bytes.toString('utf8'))
    if (typeof fields !== 'object' || fields === null || !('leaderEpoch' in fields)) return null
    const { leaderEpoch } = fields
    if (typeof leaderEpoch !== 'number' || !Number.isInteger(leaderEpoch)) return null
    return { leaderEpoch, fields: { ...fields } }
  } catch {
    return null
  }
}

/** The file for the one controller that there is. In what else the file said before, nothing changes. */
export function encodeQuorumState(before: QuorumState | null, nodeId: number, leaderEpoch: number): Buffer {
  const fields = before?.fields ?? {
    clusterId: '',
    leaderId: nodeId,
    leaderEpoch,
    votedId: -1,
    appliedOffset: 0,
    currentVoters: [{ voterId: nodeId }],
    data_version: 0,
  }
  return Buffer.from(JSON.stringify({ ...fields, leaderId: nodeId, leaderEpoch, votedId: -1 }))
}
