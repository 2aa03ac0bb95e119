import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../wire/error-codes.ts'
import { Harness, subscription, turn } from './group-harness.suite.ts'

const HOUR_MS = 3_600_000

/** More than the log takes, see `limited`. */
const LARGE = Buffer.alloc(3_000)

describe('records that do not fit into one batch', () => {
  it('refuse a commit as a whole, and nothing else', async () => {
    const h = limited()
    h.commit()
    expect(h.commit({}, 9, { committedMetadata: 'x'.repeat(3_000) })).toEqual([
      ErrorCode.UNKNOWN_SERVER_ERROR,
    ])
    expect(h.offset()).toBe(1n)
    expect(h.commit({ groupId: 'new' }, 9, { committedMetadata: 'x'.repeat(3_000) })).toEqual([
      ErrorCode.UNKNOWN_SERVER_ERROR,
    ])
    expect(h.describe('new', 5).groupState).toBe('Dead')
    expect(await h.commitInTransaction({}, 5, { committedMetadata: 'x'.repeat(3_000) })).toEqual([
      ErrorCode.UNKNOWN_SERVER_ERROR,
    ])
    expect(await h.stableOffsets()).toEqual(['t-0: 1'])
  })

  it('make everybody who waits for the assignment join again', async () => {
    const h = limited()
    const joins = await h.joinAll(2)
    const [leader, follower] = joins.map(({ memberId }) => memberId)
    const generationId = joins[0]?.generationId ?? -1
    const waiting = h.sync({ memberId: follower ?? '', generationId })
    const assignments = [{ memberId: follower ?? '', assignment: LARGE }]
    const large = h.sync({ memberId: leader ?? '', generationId, assignments })
    await turn()
    const refused = {
      errorCode: ErrorCode.UNKNOWN_SERVER_ERROR,
      protocolType: null,
      assignment: Buffer.alloc(0),
    }
    expect(large.answer).toMatchObject(refused)
    expect(waiting.answer).toMatchObject(refused)
    expect(h.describe().groupState).toBe('PreparingRebalance')
    expect(h.heartbeat(leader ?? '', generationId)).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    const again = [leader, follower].map((memberId) => h.join({ memberId: memberId ?? '' }))
    await turn()
    expect(again.map(({ answer }) => answer?.errorCode)).toEqual([ErrorCode.NONE, ErrorCode.NONE])
    const small = h.sync({ memberId: leader ?? '', generationId: generationId + 1 })
    expect(small.answer?.errorCode).toBe(ErrorCode.NONE)
    expect(h.describe().groupState).toBe('Stable')
  })

  it('leave a static member its place, whoever wanted to take it', async () => {
    const h = limited()
    const joined = h.join({ groupInstanceId: 'i' })
    await turn()
    const memberId = joined.answer?.memberId ?? ''
    h.sync({ memberId, groupInstanceId: 'i', assignments: [{ memberId, assignment: Buffer.from('a') }] })
    const protocols = [{ name: 'range', metadata: LARGE }]
    const other = h.join({ groupInstanceId: 'i', protocols })
    await turn()
    expect(other.answer).toMatchObject({
      errorCode: ErrorCode.UNKNOWN_SERVER_ERROR,
      memberId: '',
      generationId: 1,
      leader: memberId,
      protocolName: 'range',
      members: [],
    })
    expect(h.describe()).toMatchObject({
      groupState: 'Stable',
      members: [{ memberId, memberMetadata: subscription('t'), memberAssignment: Buffer.from('a') }],
    })
    expect(h.heartbeat(memberId, 1, 'i')).toBe(ErrorCode.NONE)
    await h.clock.advance(10_000)
    expect(h.describe().groupState).toBe('Empty')
  })

  it('keep a group from being created', async () => {
    const h = limited()
    h.log.maxBytes = 1
    const joined = h.join({}, 3)
    await turn()
    expect(joined.answer).toMatchObject({ errorCode: ErrorCode.UNKNOWN_SERVER_ERROR, generationId: -1 })
    expect(h.describe('g', 5).groupState).toBe('Dead')
    h.log.maxBytes = 2_000
    await h.stable()
    expect(h.describe().groupState).toBe('Stable')
  })

  it('are written in parts where nobody waits for all of them', async () => {
    const h = limited()
    for (let group = 0; group < 100; group++) h.commit({ groupId: `g${group}` })
    await h.groups.topicsDeleted([{ name: 't', id: h.topics.topicId('t') ?? '' }])
    expect(h.offset('t', 0, 'g99')).toBe(-1n)
    expect(h.describe('g99').groupState).toBe('Empty')
    await h.clock.advance(HOUR_MS)
    expect(h.describe('g99', 5).groupState).toBe('Dead')
  })

  it('refuse to delete groups', async () => {
    const h = limited()
    const groupsNames = Array.from({ length: 100 }, (_, group) => `g${group}`)
    for (const groupId of groupsNames) h.commit({ groupId })
    const { results } = await h.groups.deleteGroups({ groupsNames })
    expect(new Set(results.map(({ errorCode }) => errorCode))).toEqual(
      new Set([ErrorCode.UNKNOWN_SERVER_ERROR]),
    )
    expect(h.describe('g99').groupState).toBe('Empty')
  })
})

function limited(): Harness {
  const h = new Harness()
  h.log.maxBytes = 2_000
  return h
}
