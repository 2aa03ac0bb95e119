import { describe, expect, it } from 'vitest'
import { TestLog } from '../coordinator/test-log.suite.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import type { ListGroupsRequest } from '../wire/messages/list-groups.ts'
import { Harness, subscription } from './group-harness.suite.ts'

const list = (h: Harness, request: Partial<ListGroupsRequest> = {}): string[] =>
  h.groups
    .listGroups({ statesFilter: [], typesFilter: [], ...request })
    .groups.map(({ groupId }) => groupId)
    .sort()

describe('ListGroups', () => {
  it('lists groups with type and state', async () => {
    const h = new Harness()
    await h.stable()
    h.commit({ groupId: 'simple' })
    expect(h.groups.listGroups({ statesFilter: [], typesFilter: [] })).toEqual({
      throttleTimeMs: 0,
      errorCode: 0,
      groups: [
        { groupId: 'g', protocolType: 'consumer', groupState: 'Stable', groupType: 'classic' },
        { groupId: 'simple', protocolType: '', groupState: 'Empty', groupType: 'classic' },
      ],
    })
  })

  it('filters by state and type, whatever the case', async () => {
    const h = new Harness()
    await h.stable()
    await h.joinAll(1, { groupId: 'joining' })
    h.commit({ groupId: 'simple' })
    expect(list(h, { statesFilter: ['stable', ' EMPTY '] })).toEqual(['g', 'simple'])
    expect(list(h, { statesFilter: ['CompletingRebalance'] })).toEqual(['joining'])
    expect(list(h, { statesFilter: ['Odd'] })).toEqual([])
    expect(list(h, { typesFilter: ['Classic', 'odd'] })).toEqual(['g', 'joining', 'simple'])
    expect(list(h, { typesFilter: ['consumer'] })).toEqual([])
    expect(list(h, { typesFilter: ['odd'] })).toEqual([])
  })
})

describe('DescribeGroups', () => {
  it.each([
    [5, ErrorCode.NONE, null],
    [6, ErrorCode.GROUP_ID_NOT_FOUND, 'Group g not found.'],
  ])('in version %d describes a group that is not there', (version, errorCode, errorMessage) => {
    expect(new Harness().describe('g', version)).toEqual({
      errorCode,
      errorMessage,
      groupId: 'g',
      groupState: 'Dead',
      protocolType: '',
      protocolData: '',
      members: [],
    })
  })

  it('tells of subscriptions in a stable group alone', async () => {
    const h = new Harness()
    const [first] = await h.joinAll(1)
    const member = {
      memberId: first?.memberId,
      groupInstanceId: null,
      clientId: 'client',
      clientHost: '/127.0.0.1',
      memberMetadata: Buffer.alloc(0),
      memberAssignment: Buffer.alloc(0),
    }
    expect(h.describe()).toMatchObject({
      groupState: 'CompletingRebalance',
      protocolData: '',
      members: [member],
    })
    h.sync({
      memberId: first?.memberId ?? '',
      assignments: [{ memberId: first?.memberId ?? '', assignment: Buffer.from('a') }],
    })
    expect(h.describe()).toMatchObject({
      groupState: 'Stable',
      protocolData: 'range',
      members: [{ ...member, memberMetadata: subscription('t'), memberAssignment: Buffer.from('a') }],
    })
  })

  it('answers in the order of the partitions that groups belong to', () => {
    const h = new Harness({ partitionCount: 50 })
    for (let partition = 1; partition < 50; partition++) void h.groups.load(partition, new TestLog())
    const groups = ['s3', 's3', 'none', '', 's4', 'np1', 'np2', 's5'].map(
      (name) => name && `grp-1795373300735-${name}`,
    )
    const answer = h.groups.describeGroups({ groups, includeAuthorizedOperations: false }, h.context(5))
    expect(answer.groups.map(({ groupId }) => groupId.replace('grp-1795373300735-', ''))).toEqual([
      '',
      'np1',
      'none',
      's4',
      'np2',
      's3',
      's3',
      's5',
    ])
  })
})

describe('DeleteGroups', () => {
  it('deletes empty groups with their offsets', async () => {
    const h = new Harness()
    h.commit()
    h.commit({ groupId: 'kept' })
    await h.stable(1, { groupId: 'busy' })
    const answer = h.groups.deleteGroups({ groupsNames: ['g', 'busy', 'g', 'none'] })
    expect(answer).toEqual({
      throttleTimeMs: 0,
      results: [
        { groupId: 'g', errorCode: 0 },
        { groupId: 'busy', errorCode: ErrorCode.NON_EMPTY_GROUP },
        { groupId: 'none', errorCode: ErrorCode.GROUP_ID_NOT_FOUND },
      ],
    })
    expect(list(h)).toEqual(['busy', 'kept'])
    expect(h.offset()).toBe(-1n)
    expect(h.commit()).toEqual([0])
    expect(h.offset()).toBe(1n)
  })
})
