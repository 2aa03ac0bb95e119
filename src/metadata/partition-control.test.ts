/** Partitions that a single broker never has: the controller's records can tell of them all the same. */
import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../wire/error-codes.ts'
import { Metadata } from './metadata.ts'
import { ElectionType, leaderElection } from './partition-control.ts'

const ID = 'b3R0bGEtZGlmZmVyZW50aQ'

function ledBy(leader: number): Metadata {
  const metadata = new Metadata('cluster')
  metadata.apply({ name: 'TopicRecord', value: { name: 'orders', topicId: ID } })
  metadata.apply({
    name: 'PartitionRecord',
    value: {
      partitionId: 0,
      topicId: ID,
      replicas: [1, 2],
      isr: [2],
      removingReplicas: [],
      addingReplicas: [],
      leader,
      leaderRecoveryState: 0,
      leaderEpoch: 3,
      partitionEpoch: 4,
      directories: [],
      eligibleLeaderReplicas: null,
      lastKnownElr: null,
    },
  })
  return metadata
}

const elect = (leader: number, electionType: number): ErrorCode =>
  leaderElection(ledBy(leader), 'orders', 0, electionType).code

describe('an election of the preferred leader', () => {
  it('is not needed where it leads', () => {
    expect(elect(1, ElectionType.PREFERRED)).toBe(ErrorCode.ELECTION_NOT_NEEDED)
  })

  it('fails where it cannot lead', () => {
    expect(elect(2, ElectionType.PREFERRED)).toBe(ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE)
    expect(elect(-1, ElectionType.PREFERRED)).toBe(ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE)
  })
})

describe('an election of any leader', () => {
  it('is not needed where somebody leads', () => {
    expect(elect(2, ElectionType.UNCLEAN)).toBe(ErrorCode.ELECTION_NOT_NEEDED)
  })

  it('fails where nobody can', () => {
    expect(elect(-1, ElectionType.UNCLEAN)).toBe(ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE)
  })
})
