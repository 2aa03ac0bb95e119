import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../wire/error-codes.ts'
import { Harness, subscription } from './group-harness.suite.ts'

describe('Heartbeat', () => {
  it('refuses a group without a name, one that is not there, and who is not in it', async () => {
    const h = new Harness()
    expect(h.heartbeat('m', 1, null, '')).toBe(ErrorCode.INVALID_GROUP_ID)
    expect(h.heartbeat('m')).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    const { ids } = await h.stable()
    expect(h.heartbeat('m')).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(h.heartbeat(ids[0] ?? '', 2)).toBe(ErrorCode.ILLEGAL_GENERATION)
    expect(h.heartbeat(ids[0] ?? '', 1, 'i')).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })

  it('counts before the assignment too, and says so when a rebalance begins', async () => {
    const h = new Harness()
    const [first] = await h.joinAll(1)
    const memberId = first?.memberId ?? ''
    expect(h.heartbeat(memberId)).toBe(ErrorCode.NONE)
    h.join({}, 3)
    expect(h.heartbeat(memberId)).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
  })

  it('keeps a member for its session timeout', async () => {
    const h = new Harness()
    const { ids } = await h.stable()
    const memberId = ids[0] ?? ''
    await h.clock.advance(9_999)
    expect(h.heartbeat(memberId)).toBe(ErrorCode.NONE)
    await h.clock.advance(9_999)
    expect(h.describe().groupState).toBe('Stable')
    await h.clock.advance(1)
    expect(h.heartbeat(memberId)).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(h.describe()).toMatchObject({ groupState: 'Empty', protocolType: 'consumer', members: [] })
  })

  it('is not expected of a member that waits for others', async () => {
    const h = new Harness()
    const { ids } = await h.stable(2, { rebalanceTimeoutMs: 60_000, sessionTimeoutMs: 10_000 })
    const [leader = '', follower = ''] = ids
    const waiting = h.join({ memberId: leader })
    for (let at = 0; at < 3; at++) {
      await h.clock.advance(9_000)
      expect(h.heartbeat(follower, 2)).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    }
    expect(waiting.done).toBe(false)
    await h.clock.advance(10_000)
    expect(waiting.answer).toMatchObject({ errorCode: 0, generationId: 3 })
  })

  it('of a member does not save it from the rebalance timeout', async () => {
    const h = new Harness()
    const { ids } = await h.stable(2, { rebalanceTimeoutMs: 15_000, sessionTimeoutMs: 10_000 })
    const [leader = '', follower = ''] = ids
    const protocols = [{ name: 'range', metadata: subscription('u') }]
    const waiting = h.join({ memberId: follower, protocols, rebalanceTimeoutMs: 15_000 })
    await h.clock.advance(9_000)
    expect(h.heartbeat(leader, 2)).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    await h.clock.advance(6_000)
    expect(h.heartbeat(leader, 2)).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(waiting.answer).toMatchObject({ errorCode: 0, generationId: 3, leader: follower })
  })
})
