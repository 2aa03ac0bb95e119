import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../wire/error-codes.ts'
import { Harness, turn } from './group-harness.suite.ts'

describe('LeaveGroup', () => {
  it('refuses a group without a name', () => {
    expect(new Harness().leave([{ memberId: 'm' }], '')).toMatchObject({
      errorCode: ErrorCode.INVALID_GROUP_ID,
      members: [],
    })
  })

  it('knows no member of a group that is not there', () => {
    const { errorCode, members } = new Harness().leave([{ memberId: 'm' }, { groupInstanceId: 'i' }])
    expect(errorCode).toBe(ErrorCode.NONE)
    expect(members.map((member) => member.errorCode)).toEqual([
      ErrorCode.UNKNOWN_MEMBER_ID,
      ErrorCode.UNKNOWN_MEMBER_ID,
    ])
  })

  it('says it on top below version 3', () => {
    const h = new Harness()
    const answer = h.groups.leaveGroup({ groupId: 'g', memberId: 'm', members: [] }, h.context(2))
    expect(answer).toEqual({ throttleTimeMs: 0, errorCode: ErrorCode.UNKNOWN_MEMBER_ID, members: [] })
  })

  it('lets the others rebalance, and the last one leave an empty group', async () => {
    const h = new Harness()
    const { ids } = await h.stable(2)
    const [leader = '', follower = ''] = ids
    expect(h.leave([{ memberId: leader, reason: 'done' }]).members).toEqual([
      { memberId: leader, groupInstanceId: null, errorCode: 0 },
    ])
    expect(h.heartbeat(leader, 2)).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(h.heartbeat(follower, 2)).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    expect(h.join({ memberId: follower }).answer).toMatchObject({ generationId: 3, leader: follower })
    h.leave([{ memberId: follower }, { memberId: 'other' }])
    expect(h.describe().groupState).toBe('Empty')
    expect(h.log.records).toHaveLength(3)
  })

  it('ends a join phase that waited for the one who leaves, answering that one', async () => {
    const h = new Harness()
    const { ids } = await h.stable(3)
    const [leader = '', second = '', third = ''] = ids
    const waiting = [leader, second].map((memberId) => h.join({ memberId }))
    h.leave([{ memberId: second }])
    await turn()
    expect(waiting[1]?.answer).toMatchObject({ errorCode: ErrorCode.UNKNOWN_MEMBER_ID, memberId: '' })
    expect(waiting[0]?.done).toBe(false)
    h.leave([{ memberId: third }])
    await turn()
    expect(waiting[0]?.answer).toMatchObject({ errorCode: 0, members: [{ memberId: leader }] })
  })

  it('takes out a pending member', async () => {
    const h = new Harness()
    const memberId = h.join().answer?.memberId ?? ''
    expect(h.leave([{ memberId }]).members[0]?.errorCode).toBe(ErrorCode.NONE)
    expect(h.join({ memberId }).answer?.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })
})
