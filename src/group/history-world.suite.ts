/** The world in which random histories of a group happen: members, producers, the log, and what must hold of them. */
import { expect } from 'vitest'
import { ManualClock, seededRandom } from '../clock.ts'
import { TestLog } from '../coordinator/test-log.suite.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type { JoinGroupResponse } from '../wire/messages/join-group.ts'
import type { SyncGroupResponse } from '../wire/messages/sync-group.ts'
import type { ClassicGroup } from './classic-group.ts'
import { commitOffsets, deleteOffsets } from './commit.ts'
import { deleteGroups } from './describe.ts'
import type { DurableState } from './durable-state.ts'
import { deleteTopicOffsets } from './expiry.ts'
import {
  compacted,
  contents,
  liveBy,
  marker,
  replayed,
  subscription,
  TestTopics,
  turn,
} from './group-harness.suite.ts'
import type { GroupServices } from './group-services.ts'
import type { GroupShard } from './group-shard.ts'
import { GroupShards } from './group-shards.ts'
import { heartbeat } from './heartbeat.ts'
import { joinGroup } from './join.ts'
import { leaveGroup } from './leave.ts'
import { Parked } from './parked.ts'
import { syncGroup } from './sync.ts'
import { commitTransactionalOffsets } from './txn-commit.ts'

/** One step. `who` names a member by the order in which ids were given out, `instance` a static one, 0 none. */
export type Step =
  | {
      readonly do: 'join'
      readonly who: number | null
      readonly instance: number
      readonly protocols: number
      readonly version: number
    }
  | { readonly do: 'sync'; readonly who: number; readonly instance: number }
  | { readonly do: 'heartbeat' | 'leave'; readonly who: number; readonly instance: number }
  | {
      readonly do: 'commit'
      readonly who: number | null
      readonly partition: number
      readonly expires: boolean
    }
  | {
      readonly do: 'take along'
      readonly producer: number
      readonly who: number | null
      readonly partition: number
    }
  | { readonly do: 'end'; readonly producer: number; readonly commit: boolean }
  | { readonly do: 'forget'; readonly what: 'offsets' | 'group' | 'topic' }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'settle' | 'fail' }
  | { readonly do: 'crash'; readonly kept: number }
interface Member {
  readonly memberId: string
  readonly instance: number
  protocols: number
}

export class World {
  readonly clock: ManualClock = new ManualClock(Date.UTC(2026, 0, 1))
  readonly topics: TestTopics = new TestTopics().add('t', 3)
  readonly log: TestLog = new TestLog()
  readonly shards: GroupShards
  readonly #members: Member[] = []
  readonly #waiting = new Set<{ readonly isComplete: boolean }>()
  /** The leader that was named for each generation. */
  readonly #leaders = new Map<number, string>()
  /** What they led: a group that was deleted, or forgotten in a crash, begins to count anew. */
  #led: ClassicGroup | undefined

  constructor(slow: boolean) {
    this.log.manual = slow
    const silent = (): void => {}
    const services: GroupServices = {
      clock: liveBy(this.clock),
      clientClock: this.clock,
      random: seededRandom(1),
      logger: { debug: silent, info: silent, warn: silent, error: silent },
      topics: this.topics,
      config: {
        initialRebalanceDelayMs: 0,
        realistic: false,
        minSessionTimeoutMs: 6_000,
        maxSessionTimeoutMs: 1_800_000,
        maxSize: 4,
        offsetsRetentionMs: 3_600_000,
        offsetsRetentionCheckIntervalMs: 600_000,
        offsetMetadataMaxBytes: 4096,
        offsetsCommitTimeoutMs: 5_000,
        partitionCount: 1,
      },
    }
    this.shards = new GroupShards(services)
    void this.shards.load(0, this.log)
  }

  get shard(): GroupShard {
    return this.shards.shard(0)
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case 'wait':
        await this.clock.advance(step.ms)
        break
      case 'settle':
        this.log.commitAll()
        break
      case 'fail':
        this.log.fail(new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR))
        break
      case 'crash':
        // What was on its way may have got there or not.
        for (let left = Math.min(step.kept, this.log.pending); left > 0; left--) this.log.commit()
        this.log.forget()
        void this.shards.load(0, this.log)
        this.expectNobodyWaits()
        break
      default:
        this.#ask(step)
    }
    await turn()
  }

  check(): void {
    const { state } = this.shard
    const { entries, onItsWay } = this.log
    expect(contents(state, 'committed')).toEqual(contents(replayed(entries), 'committed'))
    expect(contents(state, 'latest')).toEqual(contents(replayed([...entries, ...onItsWay]), 'latest'))
    expect([...this.shard.groups.keys()]).toEqual([...state.groups('latest')].map(([groupId]) => groupId))
    expect(lasting(replayed(compacted(entries)))).toEqual(lasting(replayed(entries)))
    const group = this.shard.groups.get('g')
    if (group?.state !== 'Stable' || onItsWay.length > 0) return
    const assignments = new Map(group.members.map(({ memberId, assignment }) => [memberId, assignment]))
    const { currentStateTimestamp: _, ...record } = group.toRecord(assignments)
    expect(state.group('latest', 'g')).toMatchObject(record)
  }

  /** With nobody sending heartbeats any more, everybody is answered and everything comes to rest. */
  async end(): Promise<void> {
    this.log.commitAll()
    // Open transactions keep their group: the coordinator of transactions sees to it that all end.
    for (const producerId of [0n, 1n, 2n])
      ignore(() => this.shard.completeTransaction(marker(false, producerId)))
    for (let hours = 0; hours < 12; hours++) {
      await this.clock.advance(3_600_000)
      this.log.commitAll()
      await turn()
    }
    this.check()
    this.expectNobodyWaits()
    expect([...this.shard.groups.keys()]).toEqual([])
    expect(this.clock.pending).toBe(1)
  }

  expectNobodyWaits(): void {
    expect([...this.#waiting].filter(({ isComplete }) => !isComplete)).toEqual([])
  }

  #ask(step: Exclude<Step, { readonly do: 'wait' | 'settle' | 'fail' | 'crash' }>): void {
    const { shard } = this
    switch (step.do) {
      case 'join':
        this.#join(step)
        break
      case 'sync':
        this.#sync(step)
        break
      case 'forget':
        ignore(() => this.#forget(step.what))
        break
      case 'heartbeat':
        ignore(() =>
          shard.answer(() =>
            heartbeat(
              shard,
              { groupId: 'g', generationId: this.#generation, ...this.#identity(step) },
              { signal: new AbortController().signal },
            ),
          ),
        )
        break
      case 'leave':
        ignore(() => shard.answer(() => leaveGroup(shard, 'g', [{ ...this.#identity(step), reason: null }])))
        break
      case 'commit':
        ignore(() => this.#commit(step))
        break
      case 'take along':
        ignore(() => this.#takeAlong(step))
        break
      case 'end':
        ignore(() => shard.completeTransaction(marker(step.commit, BigInt(step.producer))))
        break
    }
  }

  get #generation(): number {
    return this.shard.groups.get('g')?.generationId ?? 0
  }

  #identity(step: { readonly who: number; readonly instance: number }): {
    memberId: string
    groupInstanceId: string | null
  } {
    const member = this.#members[step.who]
    return {
      memberId: member?.memberId ?? 'nobody',
      groupInstanceId: instanceId(member?.instance ?? step.instance),
    }
  }

  #join(step: Extract<Step, { readonly do: 'join' }>): void {
    const known = step.who === null ? undefined : this.#members[step.who]
    const static_ = known?.instance ?? (step.version >= 5 ? step.instance : 0)
    const parked = new Parked<JoinGroupResponse>()
    this.#waiting.add(parked)
    const { shard } = this
    const request = {
      groupId: 'g',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 30_000,
      memberId: known?.memberId ?? '',
      groupInstanceId: instanceId(static_),
      protocolType: 'consumer',
      protocols: PROTOCOLS[step.protocols] ?? [],
      reason: null,
    }
    const { signal } = new AbortController()
    const context = { version: step.version, clientId: 'c', clientHost: '/127.0.0.1', signal }
    if (shard.groups.get('g') !== this.#led) this.#leaders.clear()
    ignore(() => shard.perform(() => joinGroup(shard, request, context, parked)))
    this.#led = shard.groups.get('g')
    const joined = (response: JoinGroupResponse): void => {
      const { memberId, generationId = -1, leader, errorCode } = response
      if (memberId !== '' && !this.#members.some((member) => member.memberId === memberId)) {
        this.#members.push({ memberId, instance: static_, protocols: step.protocols })
      }
      if (errorCode !== 0 || static_ !== 0) return
      // Nobody is told of another leader in the same generation, but for static members that take a place over.
      expect(instanceOf(this.#leaders.get(generationId) ?? leader)).toBe(instanceOf(leader))
      this.#leaders.set(generationId, leader)
    }
    const answer = parked.answer(signal)
    if (answer instanceof Promise) void answer.then(joined)
    else joined(answer)
  }

  #sync(step: Extract<Step, { readonly do: 'sync' }>): void {
    const parked = new Parked<SyncGroupResponse>()
    this.#waiting.add(parked)
    const { shard } = this
    const request = {
      groupId: 'g',
      generationId: this.#generation,
      ...this.#identity(step),
      protocolType: null,
      protocolName: null,
      assignments: this.#members.map(({ memberId }) => ({ memberId, assignment: Buffer.from(memberId) })),
    }
    ignore(() => shard.perform(() => syncGroup(shard, request, parked)))
  }

  #commit(step: Extract<Step, { readonly do: 'commit' }>): unknown {
    const { shard } = this
    const { signal } = new AbortController()
    const context = { version: 9, clientId: 'c', clientHost: '/127.0.0.1', signal }
    const identity =
      step.who === null
        ? { memberId: '', groupInstanceId: null }
        : this.#identity({ who: step.who, instance: 0 })
    const request = {
      groupId: 'g',
      generationIdOrMemberEpoch: step.who === null ? -1 : this.#generation,
      ...identity,
      retentionTimeMs: step.expires ? 1_000_000n : -1n,
      topics: [
        {
          name: 't',
          topicId: this.topics.topicId('t') ?? '',
          partitions: [
            {
              partitionIndex: step.partition,
              committedOffset: BigInt(this.log.entries.length),
              committedLeaderEpoch: 2,
              committedMetadata: 'm',
            },
          ],
        },
      ],
    }
    return shard.answer(() => commitOffsets(shard, request, context))
  }

  #takeAlong({ producer, who, partition }: Extract<Step, { readonly do: 'take along' }>): unknown {
    const { shard } = this
    const identity = { producerId: BigInt(producer), producerEpoch: 0 }
    const request = {
      ...identity,
      transactionalId: 'tx',
      groupId: 'g',
      generationId: who === null ? -1 : this.#generation,
      ...(who === null ? { memberId: '', groupInstanceId: null } : this.#identity({ who, instance: 0 })),
      topics: [
        {
          name: 't',
          partitions: [
            {
              partitionIndex: partition,
              committedOffset: BigInt(this.log.entries.length),
              committedLeaderEpoch: 2,
              committedMetadata: null,
            },
          ],
        },
      ],
    }
    return shard.answer(() => commitTransactionalOffsets(shard, request, identity))
  }

  #forget(what: 'offsets' | 'group' | 'topic'): unknown {
    const { shard } = this
    if (what === 'group') return shard.answer(() => deleteGroups(shard, ['g']))
    if (what === 'topic') {
      return shard.perform(() =>
        deleteTopicOffsets(shard, [{ name: 't', id: this.topics.topicId('t') ?? '' }]),
      )
    }
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0 }] }]
    return shard.answer(() => deleteOffsets(shard, { groupId: 'g', topics }))
  }
}

const PROTOCOLS = [
  [{ name: 'range', metadata: subscription('t') }],
  [
    { name: 'roundrobin', metadata: subscription('t') },
    { name: 'range', metadata: subscription('t') },
  ],
  [{ name: 'range', metadata: subscription('t', 'u') }],
]

function instanceId(instance: number): string | null {
  return instance === 0 ? null : `i${instance}`
}

/** A static member's instance, which its id begins with; any other member's whole id. */
function instanceOf(memberId: string): string {
  return /^i\d/.exec(memberId)?.[0] ?? memberId
}

/** What a state holds but for simple groups: those without offsets leave no trace that compaction spares. */
function lasting(state: DurableState): unknown {
  const { groups, ...offsets } = contents(state, 'committed')
  return {
    groups: groups.filter(([, { currentStateTimestamp }]) => currentStateTimestamp !== -1n),
    ...offsets,
  }
}

/** Errors that a client would be told, now or later, are none of a history's. */
function ignore(run: () => unknown): void {
  try {
    const answer = run()
    if (answer instanceof Promise) answer.catch((error: unknown) => refuseOthers(error))
  } catch (error) {
    refuseOthers(error)
  }
}

function refuseOthers(error: unknown): void {
  if (!(error instanceof KafkaError)) throw error
}
