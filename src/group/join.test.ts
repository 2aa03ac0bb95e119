import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../wire/error-codes.ts'
import { Harness, subscription, turn } from './group-harness.suite.ts'

const BOTH = [
  { name: 'range', metadata: subscription('t') },
  { name: 'roundrobin', metadata: subscription('t') },
]

describe('JoinGroup', () => {
  it('refuses a group without a name', () => {
    const { answer } = new Harness().join({ groupId: '', memberId: 'm' })
    expect(answer).toMatchObject({ errorCode: ErrorCode.INVALID_GROUP_ID, memberId: 'm', generationId: -1 })
  })

  it.each([5_999, 1_800_001])('refuses a session timeout of %d ms', (sessionTimeoutMs) => {
    const { answer } = new Harness().join({ sessionTimeoutMs })
    expect(answer?.errorCode).toBe(ErrorCode.INVALID_SESSION_TIMEOUT)
  })

  it.each([
    [6, ''],
    [7, null],
  ])('in version %d an error names the protocol %j', (version, protocolName) => {
    const { answer } = new Harness().join({ memberId: 'm' }, version)
    expect(answer).toMatchObject({ errorCode: ErrorCode.UNKNOWN_MEMBER_ID, memberId: 'm', protocolName })
  })

  it('gives a new dynamic member an id to come back with from version 4 on', async () => {
    const h = new Harness()
    const { answer } = h.join({}, 4, { clientId: 'kc' })
    expect(answer?.errorCode).toBe(ErrorCode.MEMBER_ID_REQUIRED)
    expect(answer?.memberId).toMatch(
      /^kc-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    )
    expect(h.join({ memberId: answer?.memberId ?? '' }, 4).answer).toMatchObject({
      errorCode: 0,
      generationId: 1,
    })
  })

  it('takes a new member in at once up to version 3, with its session timeout for rebalances in version 0', () => {
    const h = new Harness()
    const { answer } = h.join({ rebalanceTimeoutMs: -1, sessionTimeoutMs: 12_000 }, 0, { clientId: null })
    expect(answer).toMatchObject({ errorCode: 0, generationId: 1, leader: answer?.memberId })
    expect(answer?.memberId.startsWith('-')).toBe(true)
    expect(answer?.members).toEqual([
      { memberId: answer?.memberId, groupInstanceId: null, metadata: subscription('t') },
    ])
    h.sync({ memberId: answer?.memberId ?? '' })
    expect(h.describe().members).toHaveLength(1)
  })

  it('forgets a pending member after its session timeout, and lets a rebalance go on without it', async () => {
    const h = new Harness()
    const { ids } = await h.stable(1)
    const pending = h.join({ sessionTimeoutMs: 6_000 }).answer?.memberId ?? ''
    const rejoin = h.join({ memberId: ids[0] ?? '', sessionTimeoutMs: 20_000 })
    expect(rejoin.done).toBe(false)
    await h.clock.advance(6_000)
    expect(rejoin.answer).toMatchObject({ errorCode: 0, generationId: 2 })
    expect(h.join({ memberId: pending }).answer?.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })

  it('refuses an id that was given to a dynamic member from a static one', () => {
    const h = new Harness()
    const memberId = h.join().answer?.memberId ?? ''
    expect(h.join({ memberId, groupInstanceId: 'i' }).answer).toMatchObject({
      errorCode: ErrorCode.UNKNOWN_SERVER_ERROR,
      memberId: '',
    })
  })

  it('refuses what has no protocol type, no protocol, or none in common', async () => {
    const h = new Harness()
    expect(h.join({ protocolType: '' }).answer?.errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    expect(h.join({ protocols: [] }).answer?.errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    const { ids } = await h.stable()
    const memberId = ids[0] ?? ''
    for (const request of [
      { protocolType: 'connect' },
      { protocols: [{ name: 'sticky', metadata: subscription('t') }] },
      { memberId, protocolType: 'connect' },
    ]) {
      expect(h.join(request).answer).toMatchObject({
        errorCode: ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
        memberId: request.memberId ?? '',
      })
    }
  })

  it('records a group that it refuses a member of, as Kafka does', () => {
    const h = new Harness()
    h.join({ protocols: [] })
    expect(h.describe()).toMatchObject({ groupState: 'Empty', errorCode: 0 })
  })

  it('refuses members beyond group.max.size, but not those who are in', async () => {
    const h = new Harness({ maxSize: 2 })
    const { ids } = await h.stable(2)
    expect(h.join().answer).toMatchObject({ errorCode: ErrorCode.GROUP_MAX_SIZE_REACHED, memberId: '' })
    // While a rebalance is going on it is those who have joined that count.
    const rejoin = h.join({ memberId: ids[0] ?? '' })
    expect(h.join().answer?.errorCode).toBe(ErrorCode.MEMBER_ID_REQUIRED)
    h.join({ memberId: ids[1] ?? '' })
    expect(h.join().answer?.errorCode).toBe(ErrorCode.GROUP_MAX_SIZE_REACHED)
    expect(rejoin.done).toBe(false)
  })

  it('rebalances a stable group for its leader, and for a follower only when that says something new', async () => {
    const h = new Harness()
    const { ids, generation } = await h.stable(2)
    const [leader = '', follower = ''] = ids
    expect(h.join({ memberId: follower }).answer).toMatchObject({
      errorCode: 0,
      generationId: generation,
      leader,
      members: [],
    })
    expect(h.describe().groupState).toBe('Stable')

    const changed = h.join({
      memberId: follower,
      protocols: [{ name: 'range', metadata: subscription('u') }],
    })
    expect(changed.done).toBe(false)
    expect(h.heartbeat(leader, generation)).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    const led = h.join({ memberId: leader })
    await turn()
    expect(changed.answer).toMatchObject({ generationId: generation + 1, members: [] })
    expect(led.answer?.members.map(({ memberId }) => memberId)).toEqual([leader, follower])

    const again = h.join({ memberId: leader })
    expect(again.answer).toMatchObject({ generationId: generation + 1 })
    h.sync({ memberId: leader, generationId: generation + 1 })
    expect(h.join({ memberId: leader }).done).toBe(false)
    expect(h.describe().groupState).toBe('PreparingRebalance')
  })

  it('answers a member who asks again before the assignment with what it missed, unless it has changed', async () => {
    const h = new Harness()
    const [first] = await h.joinAll(1)
    const memberId = first?.memberId ?? ''
    expect(h.join({ memberId }).answer).toEqual(first)
    expect(h.join({ memberId, protocols: BOTH }).answer?.generationId).toBe(2)
  })

  it('lets members vote for one of the protocols that all support', async () => {
    const h = new Harness()
    const [range, roundrobin] = BOTH
    if (range === undefined || roundrobin === undefined) throw new Error('no protocols')
    const a = h.join({ protocols: [range, roundrobin] }, 3)
    await turn()
    h.join({ protocols: [roundrobin, range] }, 3)
    const b = h.join({ protocols: [{ name: 'sticky', metadata: subscription('t') }, roundrobin, range] }, 3)
    const again = h.join({ memberId: a.answer?.memberId ?? '', protocols: [range, roundrobin] })
    await turn()
    expect(again.answer?.protocolName).toBe('roundrobin')
    expect(b.answer?.protocolName).toBe('roundrobin')
  })

  it('breaks a tie as Kafka does: the one that comes first in a HashMap', async () => {
    const h = new Harness()
    const a = h.join({ protocols: BOTH }, 3)
    h.join({ protocols: [...BOTH].reverse() }, 3)
    const again = h.join({ memberId: a.answer?.memberId ?? '', protocols: BOTH })
    await turn()
    expect(again.answer?.protocolName).toBe('range')
  })

  it('holds the first rebalance back for others, longer while they come, never beyond the rebalance timeout', async () => {
    const h = new Harness({ initialRebalanceDelayMs: 3_000 })
    const first = h.join({ rebalanceTimeoutMs: 7_000 }, 3)
    await h.clock.advance(2_000)
    h.join({ rebalanceTimeoutMs: 7_000 }, 3)
    await h.clock.advance(2_000)
    const third = h.join({ rebalanceTimeoutMs: 7_000 }, 3)
    await h.clock.advance(2_500)
    expect(first.done).toBe(false)
    await h.clock.advance(500)
    expect(first.answer).toMatchObject({ errorCode: 0, generationId: 1 })
    expect(third.answer?.leader).toBe(first.answer?.memberId)
    expect(first.answer?.members).toHaveLength(3)
  })

  it('gives up a new member that has waited five minutes, and answers it', async () => {
    const h = new Harness()
    const { ids } = await h.stable(1, { sessionTimeoutMs: 1_800_000, rebalanceTimeoutMs: 1_800_000 })
    const waiting = h.join({ rebalanceTimeoutMs: 1_800_000 }, 3)
    await h.clock.advance(5 * 60_000 - 1)
    expect(waiting.done).toBe(false)
    await h.clock.advance(1)
    expect(waiting.answer).toMatchObject({ errorCode: ErrorCode.UNKNOWN_MEMBER_ID, memberId: '' })
    expect(h.describe().members.map(({ memberId }) => memberId)).toEqual(ids)
  })

  it('answers the older of two requests of one member when the newer comes', async () => {
    const h = new Harness()
    const { ids } = await h.stable(2)
    const [leader = ''] = ids
    const older = h.join({ memberId: leader })
    const newer = h.join({ memberId: leader })
    await turn()
    expect(older.answer?.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    expect(newer.done).toBe(false)
  })

  it('keeps a member whose client has gone, without keeping its connection', async () => {
    const h = new Harness()
    const { ids } = await h.stable(2)
    const client = new AbortController()
    const waiting = h.groups.joinGroup(
      {
        groupId: 'g',
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 60_000,
        memberId: ids[0] ?? '',
        groupInstanceId: null,
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: subscription('t') }],
        reason: null,
      },
      h.context(9, { signal: client.signal }),
    )
    client.abort()
    await expect(waiting).rejects.toMatchObject({ code: ErrorCode.COORDINATOR_NOT_AVAILABLE })
    const other = h.join({ memberId: ids[1] ?? '' })
    await turn()
    expect(other.answer).toMatchObject({ errorCode: 0, generationId: 3 })
    expect(h.describe().members).toHaveLength(2)
  })
})

describe('the first JoinGroup of a group without a delay', () => {
  const start = (h: Harness): string => h.join().answer?.memberId ?? ''

  it('waits for those who were given an id as well', async () => {
    const h = new Harness()
    const [first, second] = [start(h), start(h)]
    const joined = h.join({ memberId: first })
    expect(joined.done).toBe(false)
    const last = h.join({ memberId: second })
    await turn()
    expect([last.answer, joined.answer]).toMatchObject([
      { errorCode: 0, generationId: 1, leader: first, members: [] },
      { errorCode: 0, generationId: 1, members: [{ memberId: first }, { memberId: second }] },
    ])
  })

  it('waits for those who have just asked for the coordinator', async () => {
    const h = new Harness()
    for (const seeker of ['a', 'a', 'b', 'of another group'])
      h.groups.announce(seeker === 'of another group' ? 'h' : 'g', seeker)
    const first = start(h)
    const joined = h.join({ memberId: first })
    expect(joined.done).toBe(false)
    const second = start(h)
    expect(joined.done).toBe(false)
    h.join({ memberId: second })
    await turn()
    expect(joined.answer?.members).toHaveLength(2)
  })

  it('waits no longer than 50 ms for somebody who does not come', async () => {
    const h = new Harness()
    const [first] = [start(h), start(h)]
    const joined = h.join({ memberId: first })
    await h.clock.advance(49)
    expect(joined.done).toBe(false)
    await h.clock.advance(1)
    expect(joined.answer?.members).toHaveLength(1)
  })

  it('waits on while others come, but no longer than 550 ms', async () => {
    const h = new Harness()
    start(h)
    const joined = h.join({ memberId: start(h) })
    for (let waitedMs = 0; waitedMs < 550; waitedMs += 50) {
      h.join({ memberId: start(h) })
      expect(joined.done).toBe(false)
      await h.clock.advance(50)
    }
    expect(joined.answer?.members).toHaveLength(12)
  })

  it('does not wait for one that leaves, or whose question was long ago', async () => {
    const h = new Harness()
    h.groups.announce('g', 'a')
    await h.clock.advance(50)
    const [first, second] = [start(h), start(h)]
    const joined = h.join({ memberId: first })
    h.leave([{ memberId: second }])
    await turn()
    expect(joined.answer?.members).toHaveLength(1)
  })

  it('waits for nobody where Kafka does not', () => {
    const h = new Harness({ realistic: true })
    const [first, second] = [start(h), start(h)]
    expect(h.join({ memberId: first }).answer).toMatchObject({ generationId: 1 })
    expect(h.join({ memberId: second }).done).toBe(false)
  })
})
