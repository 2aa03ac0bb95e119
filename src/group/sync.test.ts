import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../wire/error-codes.ts'
import { Harness, turn } from './group-harness.suite.ts'

describe('SyncGroup', () => {
  it('refuses a group without a name, or one that has no members', () => {
    const h = new Harness()
    expect(h.sync({ groupId: '' }).answer?.errorCode).toBe(ErrorCode.INVALID_GROUP_ID)
    expect(h.sync({ memberId: 'm' }).answer?.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    h.commit()
    expect(h.sync({ memberId: 'm' }).answer?.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })

  it('has to name type and protocol from version 5 on', async () => {
    const h = new Harness()
    const [{ memberId } = { memberId: '' }] = await h.joinAll(1)
    for (const missing of [{ protocolType: null }, { protocolName: null }]) {
      expect(h.sync({ memberId, ...missing }, 5).answer?.errorCode).toBe(
        ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
      )
    }
    expect(h.sync({ memberId, protocolName: 'sticky' }, 5).answer?.errorCode).toBe(
      ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
    )
    expect(h.sync({ memberId, protocolType: 'connect' }, 5).answer?.errorCode).toBe(
      ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
    )
    expect(h.sync({ memberId, protocolType: null, protocolName: null }, 4).answer?.errorCode).toBe(
      ErrorCode.NONE,
    )
  })

  it('checks member, instance and generation', async () => {
    const h = new Harness()
    const { ids } = await h.stable(1)
    const memberId = ids[0] ?? ''
    expect(h.sync({ memberId: 'other' }).answer?.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(h.sync({ memberId, groupInstanceId: 'i' }).answer?.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(h.sync({ memberId, generationId: 2 }).answer?.errorCode).toBe(ErrorCode.ILLEGAL_GENERATION)
  })

  it('parks followers until the leader has assigned, and tells late ones at once', async () => {
    const h = new Harness()
    const joins = await h.joinAll(3)
    const [leader = '', second = '', third = ''] = joins.map(({ memberId }) => memberId)
    const parked = h.sync({ memberId: second, generationId: 3 })
    expect(parked.done).toBe(false)
    const assignments = [leader, third].map((memberId) => ({ memberId, assignment: Buffer.from(memberId) }))
    const led = h.sync({ memberId: leader, generationId: 3, assignments })
    await turn()
    expect(led.answer).toMatchObject({ errorCode: 0, protocolType: 'consumer', protocolName: 'range' })
    expect(led.answer?.assignment.toString()).toBe(leader)
    expect(parked.answer?.assignment).toHaveLength(0)
    expect(h.sync({ memberId: third, generationId: 3 }).answer?.assignment.toString()).toBe(third)
    expect(h.sync({ memberId: third, generationId: 3 }).answer?.assignment.toString()).toBe(third)
  })

  it('sends everybody back to join when a rebalance begins', async () => {
    const h = new Harness()
    const [leader, follower] = await h.joinAll(2)
    const parked = h.sync({ memberId: follower?.memberId ?? '', generationId: 2 })
    h.join({}, 3)
    await turn()
    expect(parked.answer).toMatchObject({ errorCode: ErrorCode.REBALANCE_IN_PROGRESS, protocolType: null })
    const late = h.sync({ memberId: leader?.memberId ?? '', generationId: 2 })
    expect(late.answer?.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
  })

  it('takes out who does not ask for an assignment within the rebalance timeout', async () => {
    const h = new Harness()
    const joins = await h.joinAll(2, { rebalanceTimeoutMs: 30_000, sessionTimeoutMs: 20_000 })
    const [leader = '', follower = ''] = joins.map(({ memberId }) => memberId)
    expect(h.sync({ memberId: leader, generationId: 2 }).answer?.errorCode).toBe(0)
    for (let at = 0; at < 5; at++) {
      expect([h.heartbeat(leader, 2), h.heartbeat(follower, 2)]).toEqual([0, 0])
      await h.clock.advance(6_000)
    }
    expect(h.heartbeat(follower, 2)).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(h.heartbeat(leader, 2)).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    expect(h.join({ memberId: leader }).answer).toMatchObject({ errorCode: 0, generationId: 3 })
  })

  it('answers a waiting member that is taken out', async () => {
    const h = new Harness()
    const [, follower] = await h.joinAll(2)
    const memberId = follower?.memberId ?? ''
    const parked = h.sync({ memberId, generationId: 2 })
    h.leave([{ memberId }])
    await turn()
    expect(parked.answer?.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })
})
