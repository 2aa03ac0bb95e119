/** What the tests of groups share: a coordinator over a log in memory, on a clock that stands still. */
import { expect } from 'vitest'
import { type Clock, ManualClock, seededRandom } from '../clock.ts'
import type { View } from '../coordinator/commit-queue.ts'
import type { LogEntry } from '../coordinator/coordinator-log.ts'
import { TestLog } from '../coordinator/test-log.suite.ts'
import type { TransactionMarker } from '../log/transaction-marker.ts'
import type { GroupMetadataValue } from '../wire/coordinator-records/group-metadata.ts'
import type { OffsetCommitValue } from '../wire/coordinator-records/offset-commit.ts'
import { errorName } from '../wire/error-codes.ts'
import { consumerProtocolSubscription } from '../wire/messages/consumer-protocol-subscription.ts'
import type { DescribedGroup } from '../wire/messages/describe-groups.ts'
import type { JoinGroupRequest, JoinGroupResponse } from '../wire/messages/join-group.ts'
import type { LeaveGroupResponse, MemberIdentity } from '../wire/messages/leave-group.ts'
import type { OffsetCommitRequest, OffsetCommitRequestPartition } from '../wire/messages/offset-commit.ts'
import type { OffsetFetchResponsePartitions } from '../wire/messages/offset-fetch.ts'
import type { SyncGroupRequest, SyncGroupResponse } from '../wire/messages/sync-group.ts'
import type {
  TxnOffsetCommitRequest,
  TxnOffsetCommitRequestPartition,
} from '../wire/messages/txn-offset-commit.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import { Writer } from '../wire/writer.ts'
import { type CommittedOffset, DurableState } from './durable-state.ts'
import { GroupCoordinator } from './group-coordinator.ts'
import type { GroupConfig, GroupRequestContext, TopicsView } from './group-services.ts'
import { decodeRecord } from './records.ts'
import type { VerifyTransaction } from './txn-commit.ts'

export class TestTopics implements TopicsView {
  readonly #topics = new Map<string, { id: string; partitions: number }>()

  add(name: string, partitions = 4, id: string = uuidOf(name)): this {
    this.#topics.set(name, { id, partitions })
    return this
  }

  delete(name: string): void {
    this.#topics.delete(name)
  }

  topicId(name: string): string | undefined {
    return this.#topics.get(name)?.id
  }

  topicName(id: string): string | undefined {
    for (const [name, topic] of this.#topics) if (topic.id === id) return name
    return undefined
  }

  partitionCount(name: string): number {
    return this.#topics.get(name)?.partitions ?? 0
  }
}

/** Some id that is always the same for the same text. */
export function uuidOf(text: string): string {
  return Buffer.from(text.padEnd(16, '.').slice(0, 16)).toString('base64url')
}

const CONFIG: GroupConfig = {
  initialRebalanceDelayMs: 0,
  realistic: false,
  minSessionTimeoutMs: 6_000,
  maxSessionTimeoutMs: 1_800_000,
  maxSize: 2 ** 31 - 1,
  offsetsRetentionMs: 7 * 24 * 3_600_000,
  offsetsRetentionCheckIntervalMs: 600_000,
  offsetMetadataMaxBytes: 4096,
  offsetsCommitTimeoutMs: 5_000,
  partitionCount: 1,
}

/** The clock of a broker whose clients live by it as well: whoever does nothing while it moves has missed something. */
export function liveBy(clock: Clock): Clock {
  return { now: () => clock.now(), schedule: (delayMs, fire) => clock.schedule(delayMs, fire) }
}

/** A request that was sent, and whether it has been answered yet. */
export interface Sent<R> {
  readonly done: boolean
  readonly answer: R | undefined
}

export class Harness {
  readonly clock: ManualClock = new ManualClock(Date.UTC(2026, 0, 1))
  readonly log: TestLog = new TestLog()
  readonly topics: TestTopics = new TestTopics().add('t').add('u')
  readonly groups: GroupCoordinator

  constructor(config: Partial<GroupConfig> = {}, seed = 1) {
    const silent = (): void => {}
    this.groups = new GroupCoordinator({
      clock: liveBy(this.clock),
      clientClock: this.clock,
      random: seededRandom(seed),
      logger: { debug: silent, info: silent, warn: silent, error: silent },
      topics: this.topics,
      config: { ...CONFIG, ...config },
    })
    void this.groups.load(0, this.log)
  }

  context(version: number, overrides: Partial<GroupRequestContext> = {}): GroupRequestContext {
    const { signal } = new AbortController()
    return { version, clientId: 'client', clientHost: '/127.0.0.1', signal, ...overrides }
  }

  /** Sends a JoinGroup; see `sent` for its answer. */
  join(
    request: Partial<JoinGroupRequest> = {},
    version = 9,
    context: Partial<GroupRequestContext> = {},
  ): Sent<JoinGroupResponse> {
    const whole: JoinGroupRequest = {
      groupId: 'g',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      memberId: '',
      groupInstanceId: null,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: subscription('t') }],
      reason: null,
      ...request,
    }
    return sent(this.groups.joinGroup(whole, this.context(version, context)))
  }

  sync(request: Partial<SyncGroupRequest>, version = 5): Sent<SyncGroupResponse> {
    const whole: SyncGroupRequest = {
      groupId: 'g',
      generationId: 1,
      memberId: '',
      groupInstanceId: null,
      protocolType: 'consumer',
      protocolName: 'range',
      assignments: [],
      ...request,
    }
    return sent(this.groups.syncGroup(whole, this.context(version)))
  }

  heartbeat(
    memberId: string,
    generationId = 1,
    groupInstanceId: string | null = null,
    groupId = 'g',
  ): number {
    const answer = this.groups.heartbeat(
      { groupId, memberId, generationId, groupInstanceId },
      this.context(4),
    )
    if (answer instanceof Promise) throw new Error('the heartbeat was not answered at once')
    return answer.errorCode
  }

  leave(members: readonly Partial<MemberIdentity>[], groupId = 'g'): LeaveGroupResponse {
    const whole = members.map((member) => ({ memberId: '', groupInstanceId: null, reason: null, ...member }))
    const answer = this.groups.leaveGroup({ groupId, memberId: '', members: whole }, this.context(5))
    if (answer instanceof Promise) throw new Error('the group was not left at once')
    return answer
  }

  /** Commits offset 1 of partition 0 of topic t, unless told otherwise; the errors of all partitions, in order. */
  commit(
    request: Partial<OffsetCommitRequest> = {},
    version = 9,
    partition: Partial<OffsetCommitRequestPartition> = {},
    topic = 't',
  ): number[] {
    const whole: OffsetCommitRequest = {
      groupId: 'g',
      generationIdOrMemberEpoch: -1,
      memberId: '',
      groupInstanceId: null,
      retentionTimeMs: -1n,
      topics: [
        {
          name: version < 10 ? topic : '',
          topicId: version < 10 ? ZERO_UUID : (this.topics.topicId(topic) ?? uuidOf(topic)),
          partitions: [
            {
              partitionIndex: 0,
              committedOffset: 1n,
              committedLeaderEpoch: -1,
              committedMetadata: '',
              ...partition,
            },
          ],
        },
      ],
      ...request,
    }
    const answer = this.groups.commitOffsets(whole, this.context(version))
    if (answer instanceof Promise) throw new Error('the commit was not answered at once')
    return answer.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode))
  }

  /** What is committed for one partition. */
  fetch(topic = 't', partition = 0, groupId = 'g'): OffsetFetchResponsePartitions | undefined {
    const answer = this.groups.fetchOffsets(
      {
        groupId: '',
        topics: null,
        groups: [
          {
            groupId,
            memberId: null,
            memberEpoch: -1,
            topics: [{ name: topic, topicId: ZERO_UUID, partitionIndexes: [partition] }],
          },
        ],
        requireStable: false,
      },
      this.context(9),
    )
    if (answer instanceof Promise) throw new Error('the offsets were not fetched at once')
    return answer.groups[0]?.topics[0]?.partitions[0]
  }

  /**
   * Commits offset 7 of partition 0 of topic t in the transaction of producer 9, unless told otherwise; the errors of
   * all partitions, in order.
   */
  async commitInTransaction(
    request: Partial<TxnOffsetCommitRequest> = {},
    version = 5,
    partition: Partial<TxnOffsetCommitRequestPartition> = {},
    verify: VerifyTransaction = () => null,
  ): Promise<number[]> {
    const whole: TxnOffsetCommitRequest = {
      transactionalId: 'tx',
      groupId: 'g',
      producerId: 9n,
      producerEpoch: 0,
      generationId: -1,
      memberId: '',
      groupInstanceId: null,
      topics: [
        {
          name: 't',
          partitions: [
            {
              partitionIndex: 0,
              committedOffset: 7n,
              committedLeaderEpoch: -1,
              committedMetadata: '',
              ...partition,
            },
          ],
        },
      ],
      ...request,
    }
    const answer = await this.groups.commitTransactionalOffsets(whole, this.context(version), verify)
    return answer.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode))
  }

  /** Ends the transaction of a producer in the log of partition 0. */
  end(commit: boolean, producerId = 9n): void | Promise<void> {
    return this.groups.completeTransaction(0, marker(commit, producerId))
  }

  /** What is committed for all partitions that have something, as who wants stable offsets gets it, in short. */
  async stableOffsets(groupId = 'g'): Promise<string[]> {
    const { groups } = await this.groups.fetchOffsets(
      {
        groupId: '',
        topics: null,
        groups: [{ groupId, memberId: null, memberEpoch: -1, topics: null }],
        requireStable: true,
      },
      this.context(9),
    )
    return (groups[0]?.topics ?? []).flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, committedOffset, errorCode = 0 }) => {
        return `${name}-${partitionIndex}: ${errorCode === 0 ? committedOffset : errorName(errorCode)}`
      }),
    )
  }

  offset(topic = 't', partition = 0, groupId = 'g'): bigint | undefined {
    return this.fetch(topic, partition, groupId)?.committedOffset
  }

  describe(groupId = 'g', version = 6): DescribedGroup {
    const [group] = this.groups.describeGroups(
      { groups: [groupId], includeAuthorizedOperations: false },
      this.context(version),
    ).groups
    if (group === undefined) throw new Error('nothing was described')
    return group
  }

  /** A group of `count` new members, stable in the generation after their last join; the first one leads. */
  async stable(
    count = 1,
    request: Partial<JoinGroupRequest> = {},
  ): Promise<{ ids: string[]; generation: number }> {
    const joins = await this.joinAll(count, request)
    const ids = joins.map(({ memberId }) => memberId)
    const generation = joins[0]?.generationId ?? -1
    const assignments = ids.map((memberId) => ({ memberId, assignment: Buffer.from(`for ${memberId}`) }))
    const protocolType = request.protocolType ?? 'consumer'
    const protocolName = joins[0]?.protocolName ?? ''
    for (const join of [...joins].reverse()) {
      const leads = join.leader === join.memberId
      this.sync({
        groupId: request.groupId ?? 'g',
        generationId: generation,
        memberId: join.memberId,
        protocolType,
        protocolName,
        assignments: leads ? assignments : [],
      })
    }
    await turn()
    return { ids, generation }
  }

  /** Has `count` new dynamic members join, each time together with all before them. */
  async joinAll(count: number, request: Partial<JoinGroupRequest> = {}): Promise<JoinGroupResponse[]> {
    const ids: string[] = []
    let joins: Sent<JoinGroupResponse>[] = []
    for (let at = 0; at < count; at++) {
      ids.push(this.join(request).answer?.memberId ?? '')
      joins = []
      // The newest comes first: only its joining can make those in a stable group join again.
      for (const memberId of [...ids].reverse()) joins.unshift(this.join({ ...request, memberId }))
      await turn()
    }
    return joins.map(({ answer }) => answer ?? expect.fail('a member has not joined'))
  }
}

/** A marker of epoch 0, by a coordinator of epoch 0. */
export function marker(commit: boolean, producerId = 9n): TransactionMarker {
  return { producerId, producerEpoch: 0, coordinatorEpoch: 0, commit, transactionVersion: 2 }
}

/** Follows an answer: it has to be asked for after `turn()` where it comes later. */
export function sent<R>(answer: R | Promise<R>): Sent<R> {
  const state: { done: boolean; answer: R | undefined } = { done: false, answer: undefined }
  if (answer instanceof Promise) {
    answer.then(
      (value) => {
        state.answer = value
        state.done = true
      },
      () => {},
    )
  } else {
    state.answer = answer
    state.done = true
  }
  return state
}

/** Lets everything happen that is ready to. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** A consumer's subscription (version 1). */
export function subscription(...topics: string[]): Buffer {
  const writer = new Writer()
  writer.int16(1)
  consumerProtocolSubscription.write(writer, 1, {
    topics,
    userData: null,
    ownedPartitions: [],
    generationId: -1,
    rackId: null,
  })
  return writer.concat()
}

export interface Contents {
  readonly groups: readonly [groupId: string, group: GroupMetadataValue][]
  readonly offsets: readonly [groupId: string, offsets: readonly CommittedOffset[]][]
  readonly pending: readonly { readonly name: string; readonly value: OffsetCommitValue }[]
}

/** Everything that a state holds, to be compared. */
export function contents(state: DurableState, view: View): Contents {
  const groups = [...state.groups(view)].sort(([left], [right]) => (left < right ? -1 : 1))
  const offsets = [...state.groupsWithOffsets()]
    .sort()
    .map((groupId): Contents['offsets'][number] => [
      groupId,
      [...state.offsets(view, groupId)].sort((left, right) =>
        `${left.topic} ${left.partition}` < `${right.topic} ${right.partition}` ? -1 : 1,
      ),
    ])
  const pending = Array.from(state.pendingOffsets(view), ([producerId, { key, value }]) => ({
    name: `${producerId} ${key.group} ${key.topic} ${key.partition}`,
    value,
  })).sort((left, right) => (left.name < right.name ? -1 : 1))
  return { groups, offsets: offsets.filter(([, of]) => of.length > 0), pending }
}

/**
 * What compaction may leave of a log: of each key the last record before the first one of an open transaction, and
 * everything from there on. Records of aborted transactions count for nothing; markers stay.
 */
export function compacted(entries: readonly LogEntry[]): LogEntry[] {
  const ends = entries.map((entry, at) =>
    entry.kind === 'record' && entry.producer !== null
      ? endOf(entries, at, entry.producer.producerId)
      : 'none',
  )
  const open = ends.indexOf('open')
  const clean = open === -1 ? entries.length : open
  const last = new Map<string, number>()
  entries.slice(0, clean).forEach((entry, at) => {
    if (entry.kind === 'record' && ends[at] !== 'abort') last.set(entry.record.key.toString('hex'), at)
  })
  return entries.filter(
    (entry, at) =>
      at >= clean || entry.kind === 'marker' || last.get(entry.record.key.toString('hex')) === at,
  )
}

/** How the transaction of a producer ends that it has open at `at`. */
function endOf(entries: readonly LogEntry[], at: number, producerId: bigint): 'commit' | 'abort' | 'open' {
  for (const entry of entries.slice(at)) {
    if (entry.kind === 'marker' && entry.marker.producerId === producerId) {
      return entry.marker.commit ? 'commit' : 'abort'
    }
  }
  return 'open'
}

/** The state that a log amounts to. */
export function replayed(entries: Iterable<LogEntry>): DurableState {
  const state = new DurableState()
  for (const entry of entries) {
    if (entry.kind === 'marker') {
      const { producerId, commit } = entry.marker
      state.endTransaction('latest', producerId, commit)
      state.endTransaction('committed', producerId, commit)
      continue
    }
    const decoded = decodeRecord(entry.record)
    if (decoded === null) throw new Error('an unknown record was written')
    state.apply('latest', decoded, entry.producer?.producerId)
    state.apply('committed', decoded, entry.producer?.producerId)
  }
  return state
}
