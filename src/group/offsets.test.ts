import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../wire/error-codes.ts'
import type { OffsetFetchResponseGroup } from '../wire/messages/offset-fetch.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import { Harness, uuidOf } from './group-harness.suite.ts'

const NONE_COMMITTED = {
  committedOffset: -1n,
  committedLeaderEpoch: -1,
  metadata: '',
  errorCode: ErrorCode.NONE,
}

/** What version 8 and later answer for group g. */
function fetchGroup(
  h: Harness,
  version: number,
  topics: readonly { name?: string; topicId?: string; partitionIndexes: number[] }[] | null,
): OffsetFetchResponseGroup | undefined {
  const whole = topics?.map((topic) => ({ name: '', topicId: ZERO_UUID, ...topic })) ?? null
  const group = { groupId: 'g', memberId: null, memberEpoch: -1, topics: whole }
  const answer = h.groups.fetchOffsets(
    { groupId: '', topics: null, groups: [group], requireStable: true },
    h.context(version),
  )
  if (answer instanceof Promise) throw new Error('the offsets were not fetched at once')
  return answer.groups[0]
}

describe('OffsetCommit', () => {
  it('makes a simple group of one that nobody has joined', () => {
    const h = new Harness()
    expect(
      h.commit({}, 9, { committedOffset: 7n, committedLeaderEpoch: 3, committedMetadata: 'why' }),
    ).toEqual([0])
    expect(h.fetch()).toEqual({
      partitionIndex: 0,
      committedOffset: 7n,
      committedLeaderEpoch: 3,
      metadata: 'why',
      errorCode: 0,
    })
    expect(h.describe()).toMatchObject({ groupState: 'Empty', protocolType: '' })
    expect(h.commit({ groupId: '' })).toEqual([0])
  })

  it.each([
    [8, ErrorCode.ILLEGAL_GENERATION],
    [9, ErrorCode.GROUP_ID_NOT_FOUND],
  ])('in version %d refuses a member of a group that is not there', (version, code) => {
    const h = new Harness()
    expect(h.commit({ memberId: 'm', generationIdOrMemberEpoch: 1 }, version)).toEqual([code])
    expect(h.describe().errorCode).toBe(ErrorCode.GROUP_ID_NOT_FOUND)
  })

  it('is for members alone while there are any', async () => {
    const h = new Harness()
    const { ids } = await h.stable()
    const memberId = ids[0] ?? ''
    expect(h.commit()).toEqual([ErrorCode.UNKNOWN_MEMBER_ID])
    expect(h.commit({ memberId: 'm', generationIdOrMemberEpoch: 1 })).toEqual([ErrorCode.UNKNOWN_MEMBER_ID])
    expect(h.commit({ memberId, generationIdOrMemberEpoch: 2 })).toEqual([ErrorCode.ILLEGAL_GENERATION])
    expect(h.commit({ memberId, generationIdOrMemberEpoch: -1 })).toEqual([ErrorCode.ILLEGAL_GENERATION])
    expect(h.commit({ groupInstanceId: 'i', memberId, generationIdOrMemberEpoch: 1 })).toEqual([
      ErrorCode.UNKNOWN_MEMBER_ID,
    ])
    expect(h.offset()).toBe(-1n)
    expect(h.commit({ memberId, generationIdOrMemberEpoch: 1 })).toEqual([0])
  })

  it('goes on while members join again, rests until they have their assignment', async () => {
    const h = new Harness()
    const { ids } = await h.stable(2)
    const [leader = '', follower = ''] = ids
    h.join({ memberId: leader })
    expect(h.commit({ memberId: follower, generationIdOrMemberEpoch: 2 })).toEqual([0])
    h.join({ memberId: follower })
    expect(h.commit({ memberId: follower, generationIdOrMemberEpoch: 2 })).toEqual([
      ErrorCode.ILLEGAL_GENERATION,
    ])
    expect(h.commit({ memberId: follower, generationIdOrMemberEpoch: 3 })).toEqual([
      ErrorCode.REBALANCE_IN_PROGRESS,
    ])
  })

  it('keeps the session of the member alive', async () => {
    const h = new Harness()
    const { ids } = await h.stable()
    for (let at = 0; at < 3; at++) {
      await h.clock.advance(9_000)
      expect(h.commit({ memberId: ids[0] ?? '', generationIdOrMemberEpoch: 1 })).toEqual([0])
    }
  })

  it('refuses metadata that is too long, and that alone', () => {
    const h = new Harness()
    const partitions = [4096, 4097].map((length, partitionIndex) => ({
      partitionIndex,
      committedOffset: 1n,
      committedLeaderEpoch: -1,
      committedMetadata: 'ü'.repeat(length),
    }))
    const codes = h.commit({ topics: [{ name: 't', topicId: ZERO_UUID, partitions }] })
    expect(codes).toEqual([ErrorCode.NONE, ErrorCode.OFFSET_METADATA_TOO_LARGE])
    expect([h.offset('t', 0), h.offset('t', 1)]).toEqual([1n, -1n])
  })

  it('refuses topics and partitions that do not exist, by name and by id', () => {
    const h = new Harness()
    expect(h.commit({}, 9, { partitionIndex: 4 })).toEqual([ErrorCode.UNKNOWN_TOPIC_OR_PARTITION])
    expect(h.commit({}, 9, { partitionIndex: -1 })).toEqual([ErrorCode.UNKNOWN_TOPIC_OR_PARTITION])
    expect(h.commit({}, 9, {}, 'nope')).toEqual([ErrorCode.UNKNOWN_TOPIC_OR_PARTITION])
    expect(h.commit({}, 10, { partitionIndex: 4 })).toEqual([ErrorCode.UNKNOWN_TOPIC_OR_PARTITION])
    expect(h.commit({}, 10, {}, 'nope')).toEqual([ErrorCode.UNKNOWN_TOPIC_ID])
    expect(h.log.records).toHaveLength(0)
    expect(h.commit({}, 10)).toEqual([0])
    expect(h.offset()).toBe(1n)
  })

  it('answers refused topics first, and puts what it says of one topic together', () => {
    const h = new Harness()
    const partition = { committedOffset: 1n, committedLeaderEpoch: -1, committedMetadata: null }
    const answer = h.groups.commitOffsets(
      {
        groupId: 'g',
        generationIdOrMemberEpoch: -1,
        memberId: '',
        groupInstanceId: null,
        retentionTimeMs: -1n,
        topics: [
          { name: 'u', topicId: ZERO_UUID, partitions: [{ ...partition, partitionIndex: 0 }] },
          {
            name: 't',
            topicId: ZERO_UUID,
            partitions: [0, 9].map((partitionIndex) => ({ ...partition, partitionIndex })),
          },
        ],
      },
      h.context(8),
    )
    expect(answer).toMatchObject({
      topics: [
        {
          name: 't',
          partitions: [
            { partitionIndex: 9, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
            { partitionIndex: 0, errorCode: ErrorCode.NONE },
          ],
        },
        { name: 'u', partitions: [{ partitionIndex: 0, errorCode: ErrorCode.NONE }] },
      ],
    })
  })
})

describe('OffsetFetch', () => {
  it('answers -1 for what was never committed, in groups that are not there too', () => {
    const h = new Harness()
    expect(h.fetch()).toEqual({ partitionIndex: 0, ...NONE_COMMITTED })
    expect(fetchGroup(h, 9, null)).toEqual({ groupId: 'g', topics: [], errorCode: 0 })
  })

  it('answers all that a group has when no topics are named', () => {
    const h = new Harness()
    h.commit()
    h.commit({}, 9, { partitionIndex: 2 })
    h.commit({}, 9, {}, 'u')
    expect(fetchGroup(h, 9, null)?.topics.map(({ name, partitions }) => [name, partitions.length])).toEqual([
      ['t', 2],
      ['u', 1],
    ])
  })

  it('asks and answers by topic id from version 10 on', () => {
    const h = new Harness()
    h.commit()
    const t = uuidOf('t')
    const nope = uuidOf('nope')
    const answer = fetchGroup(h, 10, [
      { topicId: nope, partitionIndexes: [0] },
      { topicId: t, partitionIndexes: [0, 1] },
    ])
    expect(answer?.topics.map(({ topicId, partitions }) => [topicId, partitions])).toEqual([
      [
        t,
        [
          { ...NONE_COMMITTED, partitionIndex: 0, committedOffset: 1n },
          { ...NONE_COMMITTED, partitionIndex: 1 },
        ],
      ],
      [nope, [{ ...NONE_COMMITTED, partitionIndex: 0, errorCode: ErrorCode.UNKNOWN_TOPIC_ID }]],
    ])
    expect(fetchGroup(h, 10, null)?.topics.map(({ topicId }) => topicId)).toEqual([t])
    h.topics.delete('t')
    expect(fetchGroup(h, 10, null)?.topics).toEqual([])
    expect(fetchGroup(h, 9, null)?.topics).toHaveLength(1)
  })

  it('does not take the offset of an earlier topic for that of a new one with its name', () => {
    const h = new Harness()
    h.commit()
    h.topics.add('t', 4, uuidOf('new'))
    const [topic] = fetchGroup(h, 10, [{ topicId: uuidOf('new'), partitionIndexes: [0] }])?.topics ?? []
    expect(topic?.partitions[0]?.committedOffset).toBe(-1n)
    expect(h.offset()).toBe(1n)
  })

  it('asks for one group below version 8', () => {
    const h = new Harness()
    h.commit()
    const request = {
      groupId: 'g',
      topics: [{ name: 't', partitionIndexes: [0] }],
      groups: [],
      requireStable: false,
    }
    expect(h.groups.fetchOffsets(request, h.context(1))).toMatchObject({
      errorCode: 0,
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: 1n }] }],
    })
  })

  it('says what is wrong in every partition in version 1, once for the group later', () => {
    const h = new Harness()
    h.groups.unload(0)
    const topics = [{ name: 't', partitionIndexes: [0, 1] }]
    const ask = (version: number) =>
      h.groups.fetchOffsets({ groupId: 'g', topics, groups: [], requireStable: false }, h.context(version))
    const code = ErrorCode.NOT_COORDINATOR
    expect(ask(1)).toMatchObject({
      errorCode: 0,
      topics: [{ name: 't', partitions: [{ errorCode: code }, { errorCode: code }] }],
    })
    expect(ask(2)).toMatchObject({ errorCode: code, topics: [] })
    expect(fetchGroup(h, 9, null)).toEqual({ groupId: 'g', topics: [], errorCode: code })
  })
})

describe('OffsetDelete', () => {
  const ask = (h: Harness, topics: Record<string, number[]>, groupId = 'g') =>
    h.groups.deleteOffsets({
      groupId,
      topics: Object.entries(topics).map(([name, partitions]) => ({
        name,
        partitions: partitions.map((partitionIndex) => ({ partitionIndex })),
      })),
    })

  it('forgets what was committed', () => {
    const h = new Harness()
    h.commit()
    expect(ask(h, { t: [0, 1, 9], nope: [0] })).toEqual({
      errorCode: 0,
      throttleTimeMs: 0,
      topics: [
        {
          name: 't',
          partitions: [
            { partitionIndex: 9, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
            { partitionIndex: 0, errorCode: 0 },
            { partitionIndex: 1, errorCode: 0 },
          ],
        },
        {
          name: 'nope',
          partitions: [{ partitionIndex: 0, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }],
        },
      ],
    })
    expect(h.offset()).toBe(-1n)
    expect(h.log.records).toHaveLength(2)
  })

  it('refuses a group without a name, or one that is not there', () => {
    const h = new Harness()
    expect(ask(h, { nope: [0] }, '')).toMatchObject({ errorCode: ErrorCode.INVALID_GROUP_ID, topics: [] })
    expect(ask(h, { nope: [0] })).toMatchObject({ errorCode: ErrorCode.GROUP_ID_NOT_FOUND, topics: [] })
  })

  it('keeps what members read', async () => {
    const h = new Harness()
    const { ids } = await h.stable()
    for (const topic of ['t', 'u']) {
      h.commit({ memberId: ids[0] ?? '', generationIdOrMemberEpoch: 1 }, 9, {}, topic)
    }
    expect(ask(h, { t: [0], u: [0] })).toMatchObject({
      errorCode: 0,
      topics: [
        { partitions: [{ errorCode: ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC }] },
        { partitions: [{ errorCode: 0 }] },
      ],
    })
    expect([h.offset('t'), h.offset('u')]).toEqual([1n, -1n])
  })

  it('keeps everything when it cannot tell what members read', async () => {
    const h = new Harness()
    const protocols = [{ name: 'range', metadata: Buffer.from('?') }]
    await h.stable(1, { protocols })
    expect(ask(h, { u: [0] })).toMatchObject({
      topics: [{ partitions: [{ errorCode: ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC }] }],
    })
    await h.stable(1, { groupId: 'connect', protocolType: 'connect' })
    expect(ask(h, { t: [0] }, 'connect')).toMatchObject({ errorCode: ErrorCode.NON_EMPTY_GROUP })
  })
})

describe('deletion of topics', () => {
  it('takes their offsets along, but not those of a new topic with the same name', async () => {
    const h = new Harness()
    h.commit()
    h.commit({}, 9, {}, 'u')
    h.commit({ groupId: 'other' })
    const old = h.topics.topicId('t') ?? ''
    h.topics.add('t', 4, uuidOf('new'))
    h.commit({ groupId: 'new' })
    await h.groups.topicsDeleted([{ name: 't', id: old }])
    expect([h.offset(), h.offset('u'), h.offset('t', 0, 'other'), h.offset('t', 0, 'new')]).toEqual([
      -1n,
      1n,
      -1n,
      1n,
    ])
  })
})
