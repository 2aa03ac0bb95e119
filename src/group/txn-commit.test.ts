import { describe, expect, it } from 'vitest'
import { TestLog } from '../coordinator/test-log.suite.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { contents, Harness, marker, replayed, turn } from './group-harness.suite.ts'

const DAY_MS = 24 * 3_600_000

describe('an offset that is committed in a transaction', () => {
  it('is visible once the transaction is committed, and not before', async () => {
    const h = new Harness()
    expect(await h.commitInTransaction({}, 5, { committedLeaderEpoch: 3, committedMetadata: 'm' })).toEqual([
      0,
    ])
    expect(h.offset()).toBe(-1n)
    await h.end(true)
    expect(h.fetch()).toMatchObject({ committedOffset: 7n, committedLeaderEpoch: 3, metadata: 'm' })
  })

  it('is gone when the transaction is aborted', async () => {
    const h = new Harness()
    h.commit()
    await h.commitInTransaction()
    await h.end(false)
    await h.end(true)
    expect(h.offset()).toBe(1n)
  })

  it('belongs to its producer alone', async () => {
    const h = new Harness()
    await h.commitInTransaction({ producerId: 8n }, 5, { committedOffset: 8n })
    await h.commitInTransaction({ producerId: 9n }, 5, { partitionIndex: 1 })
    await h.end(true, 9n)
    await h.end(true, 10n)
    expect([h.offset('t', 0), h.offset('t', 1)]).toEqual([-1n, 7n])
  })

  it('replaces an earlier one of the same transaction', async () => {
    const h = new Harness()
    await h.commitInTransaction()
    await h.commitInTransaction({}, 5, { committedOffset: 3n })
    await h.end(true)
    expect(h.offset()).toBe(3n)
  })

  it('gives way to a plain commit that was made after it, whatever the end came after', async () => {
    const h = new Harness()
    await h.commitInTransaction()
    h.commit({}, 9, { committedOffset: 5n })
    await h.end(true)
    expect(h.offset()).toBe(5n)
  })

  it('goes before a plain commit that was made before it', async () => {
    const h = new Harness()
    h.commit({}, 9, { committedOffset: 50n })
    await h.commitInTransaction()
    await h.end(true)
    expect(h.offset()).toBe(7n)
  })

  it('gives way to that of a transaction which committed later and ended earlier', async () => {
    const h = new Harness()
    await h.commitInTransaction({ producerId: 1n })
    await h.commitInTransaction({ producerId: 2n }, 5, { committedOffset: 9n })
    await h.end(true, 2n)
    await h.end(true, 1n)
    expect(h.offset()).toBe(9n)
  })

  it('comes again with the log, and its end too', async () => {
    const h = new Harness()
    await h.commitInTransaction()
    await h.commitInTransaction({}, 5, { partitionIndex: 1 })
    await h.commitInTransaction({ producerId: 10n }, 5, { partitionIndex: 2 })
    await h.end(false, 10n)
    void h.groups.load(0, h.log)
    expect(h.offset()).toBe(-1n)
    await h.end(true)
    void h.groups.load(0, h.log)
    expect([0, 1, 2].map((partition) => h.offset('t', partition))).toEqual([7n, 7n, -1n])
  })

  it('means the same in a log that compaction has taken older records from', async () => {
    const h = new Harness()
    h.commit({}, 9, { committedOffset: 1n })
    await h.commitInTransaction()
    h.commit({}, 9, { committedOffset: 2n })
    await h.end(true)
    const compacted = h.log.entries.filter((entry, at) => entry.kind === 'marker' || at === 2)
    expect(contents(replayed(compacted), 'latest')).toEqual(contents(replayed(h.log.entries), 'latest'))
    expect(h.offset()).toBe(2n)
  })
})

describe('who asks for stable offsets', () => {
  it('is refused those that a transaction may be about to change, and no others', async () => {
    const h = new Harness()
    h.commit()
    h.commit({}, 9, { partitionIndex: 1 })
    await h.commitInTransaction()
    await h.commitInTransaction({}, 5, { partitionIndex: 2 })
    expect(await h.stableOffsets()).toEqual(['t-0: UNSTABLE_OFFSET_COMMIT', 't-1: 1'])
    expect(h.offset()).toBe(1n)
    await h.end(false)
    expect(await h.stableOffsets()).toEqual(['t-0: 1', 't-1: 1'])
  })

  it.each([7, 8, 9, 10])(
    'is told so for partitions without an offset too, in version %i',
    async (version) => {
      const h = new Harness()
      await h.commitInTransaction()
      const topics = [{ name: 't', topicId: h.topics.topicId('t') ?? '', partitionIndexes: [0, 1] }]
      const request = {
        groupId: 'g',
        topics: [{ name: 't', partitionIndexes: [0, 1] }],
        groups: [{ groupId: 'g', memberId: null, memberEpoch: -1, topics }],
        requireStable: true,
      }
      const answer = await h.groups.fetchOffsets(request, h.context(version))
      expect((version < 8 ? answer : answer.groups[0])?.topics).toMatchObject([
        {
          partitions: [
            {
              committedOffset: -1n,
              committedLeaderEpoch: -1,
              metadata: '',
              errorCode: ErrorCode.UNSTABLE_OFFSET_COMMIT,
            },
            { committedOffset: -1n, errorCode: ErrorCode.NONE },
          ],
        },
      ])
    },
  )

  it('waits for a marker that is on its way', async () => {
    const h = new Harness()
    h.commit()
    await h.commitInTransaction()
    h.log.manual = true
    const ended = h.end(true)
    const stable = h.stableOffsets()
    await turn()
    expect(h.offset()).toBe(1n)
    h.log.commit()
    await ended
    expect(await stable).toEqual(['t-0: 7'])
  })
})

describe('a member that commits in a transaction', () => {
  it.each([
    ['its own generation', {}, 0],
    ['another generation', { generationId: 1 }, ErrorCode.ILLEGAL_GENERATION],
    ['no generation', { generationId: -1 }, ErrorCode.ILLEGAL_GENERATION],
    ['another id', { memberId: 'nobody' }, ErrorCode.UNKNOWN_MEMBER_ID],
    ['no id', { memberId: '' }, ErrorCode.UNKNOWN_MEMBER_ID],
    ['an instance that is unknown', { groupInstanceId: 'i' }, ErrorCode.UNKNOWN_MEMBER_ID],
    ['nothing of itself, as before v3', { memberId: '', generationId: -1 }, 0],
  ])('and tells %s', async (_, told, code) => {
    const h = new Harness()
    const { ids, generation } = await h.stable(2)
    const request = { memberId: ids[0] ?? '', generationId: generation, ...told }
    expect(await h.commitInTransaction(request, 3)).toEqual([code])
  })

  it('is fenced when another has its static place', async () => {
    const h = new Harness()
    const { ids, generation } = await staticOne(h)
    const request = { memberId: 'other', generationId: generation, groupInstanceId: 'i' }
    expect(await h.commitInTransaction(request)).toEqual([ErrorCode.FENCED_INSTANCE_ID])
    expect(await h.commitInTransaction({ ...request, memberId: ids[0] ?? '' })).toEqual([0])
  })

  it('may do so during a rebalance, and does not live longer by it', async () => {
    const h = new Harness()
    const first = h.join({}, 3).answer
    await turn()
    const memberId = first?.memberId ?? h.describe().members[0]?.memberId ?? ''
    expect(h.describe().groupState).toBe('CompletingRebalance')
    const request = { memberId, generationId: 1 }
    await h.clock.advance(9_000)
    expect(await h.commitInTransaction(request)).toEqual([0])
    expect(h.commit({ memberId, generationIdOrMemberEpoch: 1 })).toEqual([ErrorCode.REBALANCE_IN_PROGRESS])
    await h.clock.advance(1_000)
    expect(await h.commitInTransaction(request)).toEqual([ErrorCode.UNKNOWN_MEMBER_ID])
  })

  it('needs a group that is there', async () => {
    const h = new Harness()
    const request = { generationId: 1, memberId: 'm' }
    expect(await h.commitInTransaction(request)).toEqual([ErrorCode.ILLEGAL_GENERATION])
    expect(h.describe('g', 5).groupState).toBe('Dead')
    expect(await h.commitInTransaction({ memberId: 'm' })).toEqual([0])
    expect(h.describe().groupState).toBe('Empty')
  })
})

describe('a request', () => {
  it('is answered for topics and partitions that are not there, and asks nobody about them', async () => {
    const h = new Harness()
    const partition = (partitionIndex: number) => ({
      partitionIndex,
      committedOffset: 1n,
      committedLeaderEpoch: -1,
      committedMetadata: null,
    })
    const topics = [
      { name: 'none', partitions: [partition(0)] },
      { name: 't', partitions: [partition(4), partition(-1)] },
    ]
    const never = (): never => {
      throw new Error('nothing is to be verified')
    }
    const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    expect(await h.commitInTransaction({ topics }, 5, {}, never)).toEqual([unknown, unknown, unknown])
    const mixed = [
      ...topics,
      { name: 'u', partitions: [partition(0)] },
      { name: 't', partitions: [partition(1)] },
    ]
    expect(await h.commitInTransaction({ topics: mixed })).toEqual([unknown, unknown, unknown, 0, 0])
    expect(h.log.records).toHaveLength(2)
  })

  it('with too much metadata is refused for those partitions', async () => {
    const h = new Harness({ offsetMetadataMaxBytes: 2 })
    expect(await h.commitInTransaction({}, 5, { committedMetadata: 'abc' })).toEqual([
      ErrorCode.OFFSET_METADATA_TOO_LARGE,
    ])
    expect(h.log.records).toHaveLength(0)
  })

  it('without a group id is refused', async () => {
    expect(await new Harness().commitInTransaction({ groupId: '' })).toEqual([ErrorCode.INVALID_GROUP_ID])
  })

  it('is refused by a coordinator that has stopped, or does not lead the partition', async () => {
    const h = new Harness()
    h.groups.unload(0)
    expect(await h.commitInTransaction()).toEqual([ErrorCode.NOT_COORDINATOR])
    expect(() => h.end(true)).toThrow(expect.objectContaining({ code: ErrorCode.NOT_COORDINATOR }))
    h.groups.stop()
    expect(await h.commitInTransaction()).toEqual([ErrorCode.COORDINATOR_NOT_AVAILABLE])
    expect(() => h.end(true)).toThrow(expect.objectContaining({ code: ErrorCode.COORDINATOR_NOT_AVAILABLE }))
  })

  it.each([
    [0, ErrorCode.COORDINATOR_NOT_AVAILABLE],
    [1, ErrorCode.COORDINATOR_NOT_AVAILABLE],
    [2, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS],
  ])('of version %i is put off while the log is read', async (version, code) => {
    const h = new Harness()
    async function* slowly(): AsyncGenerator<never> {
      await turn()
      yield* []
    }
    const loaded = h.groups.load(0, { append: () => {}, appendMarker: () => {}, read: slowly })
    expect(await h.commitInTransaction({}, version)).toEqual([code])
    expect(() => h.end(true)).toThrow(
      expect.objectContaining({ code: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS }),
    )
    await loaded
  })

  it.each([
    [ErrorCode.INVALID_PRODUCER_EPOCH, ErrorCode.INVALID_PRODUCER_EPOCH],
    [ErrorCode.TRANSACTION_ABORTABLE, ErrorCode.TRANSACTION_ABORTABLE],
    [ErrorCode.NETWORK_EXCEPTION, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS],
    [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.COORDINATOR_NOT_AVAILABLE],
    [ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.NOT_COORDINATOR],
  ])('whose verification fails with %i is answered %i', async (thrown, code) => {
    const h = new Harness()
    const fail = (): Promise<never> => Promise.reject(new KafkaError(thrown))
    expect(await h.commitInTransaction({}, 5, {}, fail)).toEqual([code])
    expect(h.log.entries).toHaveLength(0)
  })

  it('that the log refuses harms nobody else', async () => {
    const h = new Harness()
    h.commit()
    h.log.failure = new KafkaError(ErrorCode.INVALID_PRODUCER_EPOCH)
    expect(await h.commitInTransaction()).toEqual([ErrorCode.INVALID_PRODUCER_EPOCH])
    expect(() => h.end(true)).toThrow(expect.objectContaining({ code: ErrorCode.INVALID_PRODUCER_EPOCH }))
    h.log.failure = null
    h.log.manual = true
    expect(await h.stableOffsets()).toEqual(['t-0: 1'])
  })
})

describe('while a transaction has offsets', () => {
  it('OffsetDelete takes them too', async () => {
    const h = new Harness()
    await h.commitInTransaction()
    await h.groups.deleteOffsets({
      groupId: 'g',
      topics: [{ name: 't', partitions: [{ partitionIndex: 0 }] }],
    })
    await h.end(true)
    expect(h.offset()).toBe(-1n)
  })

  it('DeleteGroups takes them too, with one tombstone for each partition', async () => {
    const h = new Harness()
    h.commit()
    await h.commitInTransaction()
    await h.commitInTransaction({ producerId: 10n })
    await h.commitInTransaction({}, 5, { partitionIndex: 1 })
    const before = h.log.records.length
    await h.groups.deleteGroups({ groupsNames: ['g'] })
    expect(h.log.records).toHaveLength(before + 3)
    await h.end(true)
    await h.end(true, 10n)
    expect(h.describe('g', 5).groupState).toBe('Dead')
    expect(contents(replayed(h.log.entries), 'latest')).toEqual({ groups: [], offsets: [], pending: [] })
  })

  it('deleting their topic takes them too', async () => {
    const h = new Harness()
    await h.commitInTransaction()
    await h.groups.topicsDeleted([{ name: 't', id: h.topics.topicId('t') ?? '' }])
    await h.end(true)
    expect(h.offset()).toBe(-1n)
  })

  it('neither the group nor the offset that they replace expires', async () => {
    const h = new Harness()
    h.commit()
    h.commit({}, 9, { partitionIndex: 1 })
    h.commit({ groupId: 'other' })
    await h.commitInTransaction()
    await h.commitInTransaction({ groupId: 'new' })
    await h.clock.advance(8 * DAY_MS)
    expect([h.offset('t', 0), h.offset('t', 1)]).toEqual([1n, -1n])
    expect(h.describe('g').groupState).toBe('Empty')
    expect(h.describe('new').groupState).toBe('Empty')
    expect(h.describe('other', 5).groupState).toBe('Dead')
    await h.end(false)
    await h.clock.advance(DAY_MS)
    expect(h.describe('g', 5).groupState).toBe('Dead')
    expect(h.describe('new', 5).groupState).toBe('Dead')
  })

  it('expiry counts from their commit, not from their end', async () => {
    const h = new Harness()
    await h.commitInTransaction()
    await h.clock.advance(6 * DAY_MS)
    await h.end(true)
    expect(h.offset()).toBe(7n)
    await h.clock.advance(DAY_MS)
    expect(h.offset()).toBe(-1n)
  })
})

describe('a marker', () => {
  it('is written where the transaction has no offsets, too', async () => {
    const h = new Harness()
    await h.end(true)
    expect(h.log.entries).toMatchObject([{ kind: 'marker', marker: { producerId: 9n, commit: true } }])
  })

  it('is done when it is committed', async () => {
    const h = new Harness()
    await h.commitInTransaction()
    h.log.manual = true
    let done = false
    const ended = Promise.resolve(h.end(true)).then(() => {
      done = true
    })
    await turn()
    expect([done, h.offset()]).toEqual([false, -1n])
    h.log.commit()
    await ended
    expect(h.offset()).toBe(7n)
  })

  it('can be written again when it was lost', async () => {
    const h = new Harness()
    await h.commitInTransaction()
    h.log.manual = true
    const ended = h.end(true)
    h.log.fail(new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR))
    await expect(ended).rejects.toMatchObject({ code: ErrorCode.KAFKA_STORAGE_ERROR })
    h.log.manual = false
    await turn()
    expect(await h.stableOffsets()).toEqual([])
    await h.end(true)
    expect(await h.stableOffsets()).toEqual(['t-0: 7'])
  })

  it('belongs to its partition', async () => {
    const h = new Harness({ partitionCount: 2 })
    const other = new TestLog()
    void h.groups.load(1, other)
    const partition = h.groups.partitionFor('g')
    await h.commitInTransaction()
    await h.groups.completeTransaction(1 - partition, marker(true))
    expect(h.offset()).toBe(-1n)
    await h.groups.completeTransaction(partition, marker(true))
    expect(h.offset()).toBe(7n)
  })
})

/** A group of one static member, stable. */
async function staticOne(h: Harness): Promise<{ ids: string[]; generation: number }> {
  const joined = h.join({ groupInstanceId: 'i' })
  await turn()
  const memberId = joined.answer?.memberId ?? ''
  h.sync({ memberId, groupInstanceId: 'i' })
  return { ids: [memberId], generation: 1 }
}
