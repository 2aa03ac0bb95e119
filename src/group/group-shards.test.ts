import { describe, expect, it } from 'vitest'
import type { LogEntry } from '../coordinator/coordinator-log.ts'
import { TestLog } from '../coordinator/test-log.suite.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { Harness, sent, turn } from './group-harness.suite.ts'

const commitOne = (h: Harness) =>
  h.groups.commitOffsets(
    {
      groupId: 'g',
      generationIdOrMemberEpoch: -1,
      memberId: '',
      groupInstanceId: null,
      retentionTimeMs: -1n,
      topics: [
        {
          name: 't',
          topicId: 'AAAAAAAAAAAAAAAAAAAAAA',
          partitions: [
            { partitionIndex: 0, committedOffset: 5n, committedLeaderEpoch: -1, committedMetadata: null },
          ],
        },
      ],
    },
    h.context(9),
  )

const codes = (answer: Awaited<ReturnType<typeof commitOne>> | undefined): number[] | undefined =>
  answer?.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode))

describe('a partition that is not led here', () => {
  it('sends everybody to look for its leader', async () => {
    const h = new Harness()
    h.groups.unload(0)
    const code = ErrorCode.NOT_COORDINATOR
    expect(h.join({ memberId: 'm' }).answer).toMatchObject({ errorCode: code, memberId: '' })
    expect(h.sync({ memberId: 'm' }).answer?.errorCode).toBe(code)
    expect(h.heartbeat('m')).toBe(code)
    expect(h.leave([{ memberId: 'm' }])).toMatchObject({ errorCode: code, members: [] })
    expect(h.commit()).toEqual([code])
    expect(h.describe()).toMatchObject({ errorCode: code, groupState: '' })
    expect(h.groups.deleteGroups({ groupsNames: ['g'] })).toMatchObject({ results: [{ errorCode: code }] })
    expect(h.groups.deleteOffsets({ groupId: 'g', topics: [] })).toMatchObject({ errorCode: code })
    expect(h.groups.listGroups({ statesFilter: [], typesFilter: [] })).toMatchObject({
      errorCode: 0,
      groups: [],
    })
  })

  it('answers whoever waits when it is given up', async () => {
    const h = new Harness()
    const { ids } = await h.stable(2)
    const joining = h.join({ memberId: ids[0] ?? '' })
    await h.joinAll(1, { groupId: 'other' })
    h.join({ groupId: 'other' }, 3)
    h.groups.unload(0)
    await turn()
    expect(joining.answer).toMatchObject({ errorCode: ErrorCode.NOT_COORDINATOR, memberId: ids[0] })
  })

  it('is refused by a coordinator that has stopped', () => {
    const h = new Harness()
    h.groups.stop()
    const code = ErrorCode.COORDINATOR_NOT_AVAILABLE
    expect(h.join({ memberId: 'm' }).answer).toMatchObject({ errorCode: code, memberId: 'm' })
    expect(h.commit()).toEqual([code])
    expect(h.describe().errorCode).toBe(code)
    expect(h.groups.listGroups({ statesFilter: [], typesFilter: [] }).errorCode).toBe(code)
    expect(h.fetch()).toBeUndefined()
    expect(h.groups.deleteGroups({ groupsNames: ['g'] })).toMatchObject({ results: [{ errorCode: code }] })
  })
})

describe('reading a partition', () => {
  it('brings back groups, members, assignments and offsets', async () => {
    const h = new Harness()
    const { ids } = await h.stable(2)
    const [leader = '', follower = ''] = ids
    h.commit({ memberId: leader, generationIdOrMemberEpoch: 2 })
    void h.groups.load(0, h.log)
    expect(h.describe()).toMatchObject({ groupState: 'Stable', protocolData: 'range' })
    expect(h.offset()).toBe(1n)
    expect(h.heartbeat(leader, 2)).toBe(ErrorCode.NONE)
    expect(h.sync({ memberId: follower, generationId: 2 }).answer?.assignment.toString()).toBe(
      `for ${follower}`,
    )
    await h.clock.advance(9_999)
    expect(h.heartbeat(leader, 2)).toBe(ErrorCode.NONE)
    await h.clock.advance(1)
    expect(h.heartbeat(leader, 2)).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    expect(h.heartbeat(follower, 2)).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })

  it('begins a rebalance where there are more members now than are allowed', async () => {
    const h = new Harness()
    await h.stable(2)
    const small = new Harness({ maxSize: 1 })
    small.log.entries.push(...h.log.entries)
    void small.groups.load(0, small.log)
    expect(small.describe().groupState).toBe('PreparingRebalance')
  })

  it('keeps clients waiting meanwhile', async () => {
    const h = new Harness()
    h.commit()
    let release = (): void => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    async function* slowly(): AsyncGenerator<LogEntry> {
      await released
      yield* h.log.entries
    }
    const loaded = h.groups.load(0, { append: () => {}, appendMarker: () => {}, read: slowly })
    const code = ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
    expect(h.heartbeat('m')).toBe(ErrorCode.NONE)
    expect(h.commit()).toEqual([code])
    expect(h.join().answer?.errorCode).toBe(code)
    expect(h.groups.listGroups({ statesFilter: [], typesFilter: [] }).errorCode).toBe(code)
    release()
    await loaded
    expect(h.offset()).toBe(1n)
  })

  it('loses the offsets of topics that are deleted meanwhile', async () => {
    const h = new Harness()
    h.commit()
    h.commit({}, 9, {}, 'u')
    async function* slowly(): AsyncGenerator<LogEntry> {
      yield* h.log.entries
    }
    const loaded = h.groups.load(0, { append: () => {}, appendMarker: () => {}, read: slowly })
    await h.groups.topicsDeleted([{ name: 't', id: h.topics.topicId('t') ?? '' }])
    await loaded
    expect([h.offset('t'), h.offset('u')]).toEqual([-1n, 1n])
  })

  it('that cannot be read is not led here', async () => {
    const h = new Harness()
    const broken = {
      append: () => {},
      appendMarker: () => {},
      read: (): LogEntry[] => [
        { kind: 'record', record: { key: Buffer.from('00', 'hex'), value: null }, producer: null },
      ],
    }
    expect(() => h.groups.load(0, broken)).toThrow()
    expect(h.commit()).toEqual([ErrorCode.NOT_COORDINATOR])
  })
})

describe('records on their way', () => {
  it('are seen by nobody before they are committed', async () => {
    const h = new Harness()
    h.log.manual = true
    const commit = sent(commitOne(h))
    expect(h.offset()).toBe(-1n)
    expect(h.describe().groupState).toBe('Dead')
    expect(h.groups.listGroups({ statesFilter: [], typesFilter: [] }).groups).toEqual([])
    const stable = sent(
      h.groups.fetchOffsets(
        { groupId: 'g', topics: [{ name: 't', partitionIndexes: [0] }], groups: [], requireStable: true },
        h.context(7),
      ),
    )
    await turn()
    expect([commit.done, stable.done]).toEqual([false, false])
    h.log.commit()
    await turn()
    expect(codes(commit.answer)).toEqual([0])
    expect(stable.answer?.topics[0]?.partitions[0]?.committedOffset).toBe(5n)
    expect(h.offset()).toBe(5n)
  })

  it('hold back what only builds on them', async () => {
    const h = new Harness()
    const { ids } = await h.stable()
    h.log.manual = true
    void commitOne(h)
    h.join({ groupId: 'other' })
    const beat = sent(
      h.groups.heartbeat(
        { groupId: 'g', memberId: ids[0] ?? '', generationId: 1, groupInstanceId: null },
        h.context(4),
      ),
    )
    await turn()
    expect(beat.done).toBe(false)
    h.log.commit()
    await turn()
    expect(beat.answer?.errorCode).toBe(0)
  })

  it('hold back an assignment, which is dropped when a rebalance begins first', async () => {
    const h = new Harness()
    const [first] = await h.joinAll(1)
    const memberId = first?.memberId ?? ''
    h.log.manual = true
    const synced = h.sync({ memberId, assignments: [{ memberId, assignment: Buffer.from('a') }] })
    await turn()
    expect(synced.done).toBe(false)
    expect(h.describe().groupState).toBe('CompletingRebalance')
    h.join({}, 3)
    await turn()
    expect(synced.answer?.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    h.log.commit()
    await turn()
    expect(h.describe().groupState).toBe('PreparingRebalance')
  })

  it('are answered as lost when the log takes too long', async () => {
    const h = new Harness()
    h.log.manual = true
    const commit = sent(commitOne(h))
    await h.clock.advance(5_000)
    expect(codes(commit.answer)).toEqual([ErrorCode.COORDINATOR_NOT_AVAILABLE])
    h.log.commit()
    await turn()
    expect(h.offset()).toBe(5n)
  })

  it.each([
    [ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.NOT_COORDINATOR, ErrorCode.NOT_COORDINATOR],
    [ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.NOT_COORDINATOR, ErrorCode.NOT_COORDINATOR],
    [ErrorCode.NOT_ENOUGH_REPLICAS, ErrorCode.COORDINATOR_NOT_AVAILABLE, ErrorCode.NOT_COORDINATOR],
    [ErrorCode.MESSAGE_TOO_LARGE, ErrorCode.UNKNOWN_SERVER_ERROR, ErrorCode.UNKNOWN_SERVER_ERROR],
  ])(
    'that are lost by error %d make everybody who waits go and read again',
    async (code, told, toldFetching) => {
      const h = new Harness()
      h.commit()
      const { ids } = await h.stable(2, { groupId: 'other' })
      const joining = h.join({ groupId: 'other', memberId: ids[0] ?? '' })
      h.log.manual = true
      const commit = sent(commitOne(h))
      const fetching = sent(
        h.groups.fetchOffsets(
          { groupId: 'g', topics: [{ name: 't', partitionIndexes: [0] }], groups: [], requireStable: true },
          h.context(7),
        ),
      )
      h.log.fail(new KafkaError(code))
      await turn()
      expect(codes(commit.answer)).toEqual([told])
      expect(joining.answer?.errorCode).toBe(told)
      expect(fetching.answer?.errorCode).toBe(toldFetching)
      h.log.manual = false
      expect(h.offset()).toBe(1n)
      expect(h.describe('other')).toMatchObject({ groupState: 'Stable' })
      expect(h.heartbeat(ids[0] ?? '', 2, null, 'other')).toBe(0)
    },
  )

  it('that the log does not take at once are answered in the same way', () => {
    const h = new Harness()
    h.commit()
    h.log.failure = new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(h.commit()).toEqual([ErrorCode.NOT_COORDINATOR])
    expect(h.join({ groupId: 'other' }, 3).answer?.errorCode).toBe(ErrorCode.NOT_COORDINATOR)
    h.log.failure = null
    expect(h.offset()).toBe(1n)
  })

  it('belong to a log that is given up when it cannot be read again', async () => {
    const h = new Harness()
    const log = new TestLog()
    void h.groups.load(0, {
      append: () => Promise.reject(new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR)),
      appendMarker: () => {},
      read: () => log.read(),
    })
    const commit = sent(commitOne(h))
    log.read = () => {
      throw new Error('offline')
    }
    await turn()
    expect(codes(commit.answer)).toEqual([ErrorCode.NOT_COORDINATOR])
    expect(h.commit()).toEqual([ErrorCode.NOT_COORDINATOR])
  })
})
