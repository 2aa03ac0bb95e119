import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../wire/error-codes.ts'
import { Harness, turn } from './group-harness.suite.ts'

describe('the classic protocol', () => {
  it('brings two members into one stable group', async () => {
    const h = new Harness()
    const { ids, generation } = await h.stable(2)
    expect(generation).toBe(2)
    const group = h.describe()
    expect(group.groupState).toBe('Stable')
    expect(group.protocolType).toBe('consumer')
    expect(group.protocolData).toBe('range')
    expect(
      group.members.map(({ memberId, memberAssignment }) => [memberId, memberAssignment.toString()]),
    ).toEqual(ids.map((id) => [id, `for ${id}`]))
    expect(ids.map((id) => h.heartbeat(id, generation))).toEqual([0, 0])
    expect(h.commit({ memberId: ids[0] ?? '', generationIdOrMemberEpoch: generation })).toEqual([
      ErrorCode.NONE,
    ])
    expect(h.offset()).toBe(1n)
    await turn()
  })
})
