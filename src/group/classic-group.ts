/** A group of the classic protocol: who is in it, and how far its rebalance is. */
import type { Timer } from '../clock.ts'
import { javaHashCode, javaHashMapOrder } from '../metadata/java-hash-order.ts'
import type { GroupMetadataValue } from '../wire/coordinator-records/group-metadata.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import type {
  JoinGroupRequestProtocol,
  JoinGroupResponse,
  JoinGroupResponseMember,
} from '../wire/messages/join-group.ts'
import type { SyncGroupResponse } from '../wire/messages/sync-group.ts'
import { EMPTY_BYTES } from '../wire/reader.ts'
import { joinError, syncError } from './answers.ts'
import { type ClassicMember, metadataFor, ownProtocols } from './classic-member.ts'
import type { Parked } from './parked.ts'
import { subscribedTopics } from './subscriptions.ts'

/**
 * `Empty`: no members, maybe offsets. `PreparingRebalance`: members are joining. `CompletingRebalance`: all have
 * joined, the leader's assignment is awaited. `Stable`: it has come. Kafka's fifth state, Dead, is a group that is
 * no longer there.
 */
export type ClassicGroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable'

export const CONSUMER_PROTOCOL_TYPE = 'consumer'

/**
 * The volatile side of a group. What of it outlives a restart is in the group's last GroupMetadata record: a
 * generation that has an assignment. Rounds between two such records exist here alone, and are forgotten in a crash.
 */
export class ClassicGroup {
  readonly groupId: string
  #state: ClassicGroupState
  #previousState: ClassicGroupState | 'Dead' = 'Dead'
  #stateTimestampMs: bigint
  #generationId = 0
  #protocolType: string | null = null
  #protocolName: string | null = null
  #leaderId: string | null = null
  #subscribedTopics: ReadonlySet<string> | null = null
  readonly #members = new Map<string, ClassicMember>()
  /** Member ids by group.instance.id. */
  readonly #staticMembers = new Map<string, string>()
  #awaitingJoinCount = 0
  /** How many members support each protocol. */
  readonly #supportedProtocols = new Map<string, number>()
  /** Members that were given an id and have not joined with it yet (KIP-394). */
  readonly pendingJoins: Set<string> = new Set()
  /** Members that were told of this generation and have not asked for their assignment yet. */
  readonly pendingSyncs: Set<string> = new Set()
  /** Whether somebody joined while the first rebalance was being held back: then it may be held back longer. */
  newMemberAdded = false
  /** Whether the first rebalance waits for members that were given an id, and for nothing else. */
  gathering = false
  /** What is due for this group, by name. */
  readonly timers: Map<string, Timer> = new Map()

  /** An empty group that nothing is known of yet. */
  constructor(groupId: string, nowMs: number) {
    this.groupId = groupId
    this.#state = 'Empty'
    this.#stateTimestampMs = BigInt(nowMs)
  }

  /** The group that its last record describes. */
  static fromRecord(groupId: string, record: GroupMetadataValue): ClassicGroup {
    const group = new ClassicGroup(groupId, 0)
    group.#state = record.members.length > 0 ? 'Stable' : 'Empty'
    group.#stateTimestampMs = record.currentStateTimestamp
    group.#generationId = record.generation
    group.#protocolType = record.protocolType === '' ? null : record.protocolType
    group.#protocolName = record.protocol
    group.#leaderId = record.leader
    for (const member of record.members) {
      group.add({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        protocolType: record.protocolType,
        rebalanceTimeoutMs: member.rebalanceTimeout === -1 ? member.sessionTimeout : member.rebalanceTimeout,
        sessionTimeoutMs: member.sessionTimeout,
        protocols: [{ name: record.protocol ?? '', metadata: member.subscription }],
        assignment: member.assignment,
        awaitingJoin: null,
        awaitingSync: null,
        isNew: false,
        connection: null,
      })
    }
    group.#subscribedTopics = group.#computeSubscribedTopics()
    return group
  }

  /** What is to be recorded of the group when its members hold `assignments`. */
  toRecord(assignments: ReadonlyMap<string, Buffer>): GroupMetadataValue {
    return {
      protocolType: this.#protocolType ?? '',
      generation: this.#generationId,
      protocol: this.#protocolName,
      leader: this.#leaderId,
      currentStateTimestamp: this.#stateTimestampMs,
      members: this.members.map((member) => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeout: member.rebalanceTimeoutMs,
        sessionTimeout: member.sessionTimeoutMs,
        subscription: this.#metadataOf(member),
        assignment: assignments.get(member.memberId) ?? EMPTY_BYTES,
      })),
    }
  }

  get state(): ClassicGroupState {
    return this.#state
  }

  get previousState(): ClassicGroupState | 'Dead' {
    return this.#previousState
  }

  /** When the group came into its state, or -1n where an old record does not say. */
  get stateTimestampMs(): bigint {
    return this.#stateTimestampMs
  }

  get generationId(): number {
    return this.#generationId
  }

  /** Null in a group that never had a member. */
  get protocolType(): string | null {
    return this.#protocolType
  }

  get protocolName(): string | null {
    return this.#protocolName
  }

  get leaderId(): string | null {
    return this.#leaderId
  }

  get members(): readonly ClassicMember[] {
    return [...this.#members.values()]
  }

  get size(): number {
    return this.#members.size
  }

  get usesConsumerProtocol(): boolean {
    return this.#protocolType === CONSUMER_PROTOCOL_TYPE
  }

  /** The topics that any member subscribes to, or null where that is not known. */
  get subscribedTopics(): ReadonlySet<string> | null {
    return this.#subscribedTopics
  }

  /** Whether members may be reading the topic: also when what they subscribe to cannot be understood. */
  isSubscribedTo(topic: string): boolean {
    return this.#subscribedTopics?.has(topic) ?? this.usesConsumerProtocol
  }

  member(memberId: string): ClassicMember | undefined {
    return this.#members.get(memberId)
  }

  isLeader(memberId: string): boolean {
    return this.#leaderId === memberId
  }

  staticMemberId(groupInstanceId: string): string | undefined {
    return this.#staticMembers.get(groupInstanceId)
  }

  /** How many members wait for the rebalance: counted as they come and go, since each join asks for it. */
  get awaitingJoinCount(): number {
    return this.#awaitingJoinCount
  }

  get hasAllMembersJoined(): boolean {
    return this.pendingJoins.size === 0 && this.#awaitingJoinCount === this.#members.size
  }

  /** The longest rebalance timeout of any member. */
  get rebalanceTimeoutMs(): number {
    let longestMs = 0
    for (const member of this.#members.values()) longestMs = Math.max(longestMs, member.rebalanceTimeoutMs)
    return longestMs
  }

  transitionTo(state: ClassicGroupState, nowMs: number): void {
    this.#previousState = this.#state
    this.#state = state
    this.#stateTimestampMs = BigInt(nowMs)
  }

  /** The first member sets the group's protocol type and leads it until somebody else has to. */
  add(member: ClassicMember): void {
    if (member.groupInstanceId !== null) this.#staticMembers.set(member.groupInstanceId, member.memberId)
    if (this.#members.size === 0) this.#protocolType = member.protocolType
    this.#leaderId ??= member.memberId
    this.#members.set(member.memberId, member)
    if (member.awaitingJoin !== null) this.#awaitingJoinCount++
    this.#countProtocols(member, 1)
    this.pendingJoins.delete(member.memberId)
  }

  remove(memberId: string): void {
    const member = this.#members.get(memberId)
    if (member !== undefined) {
      this.#members.delete(memberId)
      this.#countProtocols(member, -1)
      if (member.awaitingJoin !== null) this.#awaitingJoinCount--
      if (member.groupInstanceId !== null) this.#staticMembers.delete(member.groupInstanceId)
    }
    if (this.isLeader(memberId)) this.#leaderId = this.#members.keys().next().value ?? null
    this.pendingJoins.delete(memberId)
    this.pendingSyncs.delete(memberId)
  }

  /** Takes what a member says when it joins again. `awaitingJoin` takes the place of a request that still waits. */
  update(
    member: ClassicMember,
    protocols: readonly JoinGroupRequestProtocol[],
    rebalanceTimeoutMs: number,
    sessionTimeoutMs: number,
    awaitingJoin: Parked<JoinGroupResponse> | null,
  ): void {
    this.#countProtocols(member, -1)
    member.protocols = ownProtocols(protocols)
    this.#countProtocols(member, 1)
    member.rebalanceTimeoutMs = rebalanceTimeoutMs
    member.sessionTimeoutMs = sessionTimeoutMs
    // Kafka leaves the older of two requests of one member without an answer for ever.
    this.completeJoin(member, joinError(ErrorCode.REBALANCE_IN_PROGRESS, member.memberId))
    member.awaitingJoin = awaitingJoin
    if (awaitingJoin !== null) this.#awaitingJoinCount++
  }

  /** Gives a static member's place to `newMemberId`, and fences whoever still waits under its old id (KIP-345). */
  replaceStaticMember(groupInstanceId: string, oldMemberId: string, newMemberId: string): ClassicMember {
    const old = this.#members.get(oldMemberId)
    if (old === undefined) throw new Error(`group ${this.groupId} has no member ${oldMemberId} to replace`)
    this.#members.delete(oldMemberId)
    this.completeJoin(old, joinError(ErrorCode.FENCED_INSTANCE_ID, oldMemberId))
    this.completeSync(old, syncError(ErrorCode.FENCED_INSTANCE_ID))
    const member: ClassicMember = {
      ...old,
      memberId: newMemberId,
      awaitingJoin: null,
      awaitingSync: null,
      isNew: false,
    }
    this.#members.set(newMemberId, member)
    if (this.isLeader(oldMemberId)) this.#leaderId = newMemberId
    this.#staticMembers.set(groupInstanceId, newMemberId)
    return member
  }

  /**
   * Sees to it that the leader is somebody who has joined.
   * @returns whether there is such a leader.
   */
  electJoinedLeader(): boolean {
    if (this.#leaderId === null) return false
    if (this.#members.get(this.#leaderId)?.awaitingJoin) return true
    for (const member of this.#members.values()) {
      if (member.awaitingJoin === null) continue
      this.#leaderId = member.memberId
      return true
    }
    return false
  }

  /** Begins the generation of those who have joined: with a protocol that all support, or empty. */
  startNextGeneration(nowMs: number): void {
    this.#generationId = (this.#generationId + 1) | 0
    const empty = this.#members.size === 0
    this.#protocolName = empty ? null : this.selectProtocol()
    this.#subscribedTopics = this.#computeSubscribedTopics()
    this.transitionTo(empty ? 'Empty' : 'CompletingRebalance', nowMs)
    this.pendingSyncs.clear()
  }

  /** Whether somebody with these protocols may be a member. */
  supportsProtocols(protocolType: string, protocols: readonly JoinGroupRequestProtocol[]): boolean {
    if (this.#state === 'Empty') return protocolType !== '' && protocols.length > 0
    return (
      this.#protocolType === protocolType &&
      protocols.some(({ name }) => (this.#supportedProtocols.get(name) ?? 0) === this.#members.size)
    )
  }

  /** Each member votes for the one it prefers of those that all support; most votes win. */
  selectProtocol(): string {
    const candidates = new Set<string>()
    for (const [name, count] of this.#supportedProtocols)
      if (count === this.#members.size) candidates.add(name)
    const votes = new Map<string, number>()
    for (const member of this.#members.values()) {
      const vote = member.protocols.find(({ name }) => candidates.has(name))
      if (vote === undefined) throw new Error(`member ${member.memberId} supports none of ${[...candidates]}`)
      votes.set(vote.name, (votes.get(vote.name) ?? 0) + 1)
    }
    let selected = ''
    for (const name of javaHashMapOrder(votes.keys(), javaHashCode)) {
      if ((votes.get(name) ?? 0) > (votes.get(selected) ?? 0)) selected = name
    }
    return selected
  }

  /** What the leader is told of the members, to assign by. */
  membersForLeader(): JoinGroupResponseMember[] {
    return this.members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      metadata: this.#metadataOf(member),
    }))
  }

  completeJoin(member: ClassicMember, response: JoinGroupResponse): boolean {
    if (member.awaitingJoin === null) return false
    member.awaitingJoin.complete(response)
    member.awaitingJoin = null
    this.#awaitingJoinCount--
    return true
  }

  completeSync(member: ClassicMember, response: SyncGroupResponse): boolean {
    if (member.awaitingSync === null) return false
    member.awaitingSync.complete(response)
    member.awaitingSync = null
    return true
  }

  #metadataOf(member: ClassicMember): Buffer {
    const metadata = metadataFor(member, this.#protocolName)
    if (metadata === undefined)
      throw new Error(`member ${member.memberId} does not support ${this.#protocolName}`)
    return metadata
  }

  #countProtocols(member: ClassicMember, by: number): void {
    // A name that a member gives twice would otherwise count as one that not all support, and nobody could join.
    for (const name of new Set(member.protocols.map((protocol) => protocol.name))) {
      this.#supportedProtocols.set(name, (this.#supportedProtocols.get(name) ?? 0) + by)
    }
  }

  #computeSubscribedTopics(): ReadonlySet<string> | null {
    if (!this.usesConsumerProtocol) return null
    if (this.#members.size === 0) return new Set()
    if (this.#protocolName === null) return null
    return subscribedTopics(this.members.map((member) => this.#metadataOf(member)))
  }
}
