import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../wire/error-codes.ts'
import type { JoinGroupResponse } from '../wire/messages/join-group.ts'
import { Harness, subscription, turn } from './group-harness.suite.ts'

/** A stable group of the static members i0 and i1 (KIP-345); i0 leads. */
async function staticGroup(h: Harness): Promise<[leader: JoinGroupResponse, follower: JoinGroupResponse]> {
  const first = h.join({ groupInstanceId: 'i0' }).answer
  const second = h.join({ groupInstanceId: 'i1' })
  const leader = h.join({ groupInstanceId: 'i0', memberId: first?.memberId ?? '' })
  await turn()
  if (leader.answer === undefined || second.answer === undefined) throw new Error('nobody has joined')
  for (const [instance, { memberId }] of Object.entries({ i1: second.answer, i0: leader.answer })) {
    const assignments = [leader.answer, second.answer].map((member) => ({
      memberId: member.memberId,
      assignment: Buffer.from(member.memberId),
    }))
    h.sync({
      memberId,
      groupInstanceId: instance,
      generationId: 2,
      assignments: instance === 'i0' ? assignments : [],
    })
  }
  await turn()
  return [leader.answer, second.answer]
}

describe('static members', () => {
  it('join at once, with ids made of their instance', () => {
    const { answer } = new Harness().join({ groupInstanceId: 'i0' })
    expect(answer).toMatchObject({ errorCode: 0, generationId: 1 })
    expect(answer?.memberId).toMatch(/^i0-/)
    expect(answer?.members[0]?.groupInstanceId).toBe('i0')
  })

  it('leave no timer of their former selves behind', async () => {
    const h = new Harness()
    await staticGroup(h)
    const timers = h.clock.pending
    for (let times = 0; times < 3; times++) h.join({ groupInstanceId: 'i1' })
    expect(h.clock.pending).toBe(timers)
  })

  it('come back without a rebalance, to the assignment they had', async () => {
    const h = new Harness()
    const [leader, follower] = await staticGroup(h)
    const records = h.log.records.length
    const back = h.join({ groupInstanceId: 'i1' }).answer
    expect(back).toMatchObject({
      errorCode: 0,
      generationId: 2,
      leader: leader.memberId,
      skipAssignment: false,
      members: [],
    })
    expect(back?.memberId).not.toBe(follower.memberId)
    expect(h.log.records).toHaveLength(records + 1)
    expect(h.describe().groupState).toBe('Stable')
    const sync = h.sync({ memberId: back?.memberId ?? '', groupInstanceId: 'i1', generationId: 2 })
    expect(sync.answer?.assignment.toString()).toBe(follower.memberId)
    expect(h.heartbeat(follower.memberId, 2, 'i1')).toBe(ErrorCode.FENCED_INSTANCE_ID)
    expect(h.heartbeat(leader.memberId, 2, 'i0')).toBe(ErrorCode.NONE)
  })

  it('that lead are told to leave the assignment as it is from version 9 on', async () => {
    const h = new Harness()
    const [leader, follower] = await staticGroup(h)
    const back = h.join({ groupInstanceId: 'i0' }, 9).answer
    expect(back).toMatchObject({ leader: back?.memberId, skipAssignment: true })
    expect(back?.members.map(({ memberId }) => memberId).sort()).toEqual(
      [back?.memberId, follower.memberId].sort(),
    )
    expect(back?.memberId).not.toBe(leader.memberId)
  })

  it('that lead are told of their former self below version 9', async () => {
    const h = new Harness()
    const [leader] = await staticGroup(h)
    const back = h.join({ groupInstanceId: 'i0' }, 8).answer
    expect(back).toMatchObject({ errorCode: 0, leader: leader.memberId, members: [] })
    expect(back?.memberId).not.toBe(leader.memberId)
  })

  it('rebalance when they bring another protocol about', async () => {
    const h = new Harness()
    await staticGroup(h)
    const protocols = [
      { name: 'range', metadata: subscription('t') },
      { name: 'sticky', metadata: subscription('t') },
    ]
    expect(h.join({ groupInstanceId: 'i1', protocols }).answer?.errorCode).toBe(0)
    expect(h.describe().groupState).toBe('Stable')
    const only = [{ name: 'sticky', metadata: subscription('t') }]
    expect(h.join({ groupInstanceId: 'i1', protocols: only }).answer?.errorCode).toBe(
      ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
    )
  })

  it('fence those who still wait under the old id, in a join and in a sync', async () => {
    const h = new Harness()
    const [leader] = await staticGroup(h)
    const joining = h.join({ memberId: leader.memberId, groupInstanceId: 'i0' })
    expect(joining.done).toBe(false)
    const back = h.join({ groupInstanceId: 'i0' })
    await turn()
    expect(joining.answer).toMatchObject({
      errorCode: ErrorCode.FENCED_INSTANCE_ID,
      memberId: leader.memberId,
    })
    expect(back.done).toBe(false)

    const other = h.join({ groupInstanceId: 'i1' })
    await turn()
    const syncing = h.sync({ memberId: other.answer?.memberId ?? '', groupInstanceId: 'i1', generationId: 3 })
    expect(syncing.done).toBe(false)
    h.join({ groupInstanceId: 'i1' })
    await turn()
    expect(syncing.answer?.errorCode).toBe(ErrorCode.FENCED_INSTANCE_ID)
    expect(h.describe().groupState).toBe('PreparingRebalance')
  })

  it('are fenced everywhere once they have been replaced', async () => {
    const h = new Harness()
    const [, { memberId }] = await staticGroup(h)
    h.join({ groupInstanceId: 'i1' })
    const identity = { memberId, groupInstanceId: 'i1' }
    expect(h.join(identity).answer).toMatchObject({ errorCode: ErrorCode.FENCED_INSTANCE_ID, memberId })
    expect(h.sync({ ...identity, generationId: 2 }).answer?.errorCode).toBe(ErrorCode.FENCED_INSTANCE_ID)
    expect(h.leave([identity]).members[0]?.errorCode).toBe(ErrorCode.FENCED_INSTANCE_ID)
    expect(h.commit({ ...identity, generationIdOrMemberEpoch: 2 })).toEqual([ErrorCode.FENCED_INSTANCE_ID])
    expect(h.heartbeat(memberId, 2)).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })

  it('stay in a rebalance that they do not join, until their session expires', async () => {
    const h = new Harness()
    const [leader, follower] = await staticGroup(h)
    const rejoin = h.join({
      memberId: leader.memberId,
      groupInstanceId: 'i0',
      rebalanceTimeoutMs: 5_000,
      sessionTimeoutMs: 6_000,
    })
    expect(h.heartbeat(follower.memberId, 2, 'i1')).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    await h.clock.advance(9_999)
    expect(rejoin.done).toBe(false)
    await h.clock.advance(1)
    expect(rejoin.answer?.members).toHaveLength(1)
  })

  it('may be taken out by an administrator who knows but their instance', async () => {
    const h = new Harness()
    const [leader] = await staticGroup(h)
    const answer = h.leave([{ groupInstanceId: 'i1' }, { groupInstanceId: 'i7' }])
    expect(answer.members).toEqual([
      { memberId: '', groupInstanceId: 'i1', errorCode: 0 },
      { memberId: '', groupInstanceId: 'i7', errorCode: ErrorCode.UNKNOWN_MEMBER_ID },
    ])
    expect(h.heartbeat(leader.memberId, 2, 'i0')).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
  })
})
