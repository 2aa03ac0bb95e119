/** The group coordinator of one broker: what it answers to each API that concerns groups and their offsets. */

import type { CoordinatorLog } from '../coordinator/coordinator-log.ts'
import { after, all } from '../coordinator/maybe-promise.ts'
import type { TransactionMarker } from '../log/transaction-marker.ts'
import type { VerificationGuard } from '../log/verifications.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type {
  DeletableGroupResult,
  DeleteGroupsRequest,
  DeleteGroupsResponse,
} from '../wire/messages/delete-groups.ts'
import type {
  DescribedGroup,
  DescribeGroupsRequest,
  DescribeGroupsResponse,
} from '../wire/messages/describe-groups.ts'
import type { HeartbeatRequest, HeartbeatResponse } from '../wire/messages/heartbeat.ts'
import type { JoinGroupRequest, JoinGroupResponse } from '../wire/messages/join-group.ts'
import type { LeaveGroupRequest, LeaveGroupResponse } from '../wire/messages/leave-group.ts'
import type { ListedGroup, ListGroupsRequest, ListGroupsResponse } from '../wire/messages/list-groups.ts'
import type { OffsetCommitRequest, OffsetCommitResponse } from '../wire/messages/offset-commit.ts'
import type { OffsetDeleteRequest, OffsetDeleteResponse } from '../wire/messages/offset-delete.ts'
import type {
  OffsetFetchRequest,
  OffsetFetchRequestGroup,
  OffsetFetchResponse,
  OffsetFetchResponseGroup,
} from '../wire/messages/offset-fetch.ts'
import type { SyncGroupRequest, SyncGroupResponse } from '../wire/messages/sync-group.ts'
import type { TxnOffsetCommitRequest, TxnOffsetCommitResponse } from '../wire/messages/txn-offset-commit.ts'
import { coordinatorError, joinError, syncError } from './answers.ts'
import { commitOffsets, deleteOffsets } from './commit.ts'
import { deleteGroups, describeGroup, listGroups, undescribed } from './describe.ts'
import { type DeletedTopic, deleteTopicOffsets } from './expiry.ts'
import { fetchAllOffsets, fetchOffsets } from './fetch.ts'
import type { GroupRequestContext, GroupServices } from './group-services.ts'
import { GroupShards } from './group-shards.ts'
import { heartbeat } from './heartbeat.ts'
import { joinGroup } from './join.ts'
import { leaveGroup } from './leave.ts'
import { joinAnswer, leaveAnswer, leaveError, leavers } from './member-answers.ts'
import {
  asSingleGroup,
  groupsOf,
  offsetCommitError,
  offsetFetchError,
  offsetFetchErrorCode,
} from './offset-answers.ts'
import { Parked } from './parked.ts'
import { expireSession } from './rebalance.ts'
import { syncGroup } from './sync.ts'
import {
  checkCommitTopics,
  checkFetchTopics,
  checkTopics,
  mergeAnswers,
  mergeCommitAnswers,
  usesTopicIds,
  withTopicIds,
} from './topic-checks.ts'
import { commitTransactionalOffsets, txnOffsetCommitError, type VerifyTransaction } from './txn-commit.ts'

/**
 * Errors are answered in the way of each API; nothing is thrown but COORDINATOR_NOT_AVAILABLE where a request was
 * still waiting for other members when its client went away or the broker stopped.
 */
export class GroupCoordinator {
  readonly #services: GroupServices
  readonly #shards: GroupShards
  #stopped = false

  constructor(services: GroupServices) {
    this.#services = services
    this.#shards = new GroupShards(services)
  }

  /** Takes over a partition of `__consumer_offsets`: see {@link GroupShards.load}. */
  load(partition: number, log: CoordinatorLog): void | Promise<void> {
    return this.#shards.load(partition, log)
  }

  /** Gives a partition of `__consumer_offsets` up. */
  unload(partition: number): void {
    this.#shards.unload(partition)
  }

  /** Gives everything up, answers whoever waits, and refuses from then on. */
  stop(): void {
    this.#stopped = true
    this.#shards.unloadAll()
  }

  /** The partition of `__consumer_offsets` whose leader coordinates the group. */
  partitionFor(groupId: string): number {
    return this.#shards.partitionFor(groupId)
  }

  /** Somebody has asked who coordinates the group; see {@link Arrivals}. */
  announce(groupId: string, seeker: string): void {
    this.#shards.arrivals.announce(groupId, seeker)
  }

  /**
   * Forgets what groups have committed for topics that were deleted; returns when that is committed. Where the groups
   * are still being read it does not wait for that, but sees to it afterwards.
   */
  topicsDeleted(topics: readonly DeletedTopic[]): Promise<void> {
    return this.#shards.forEach(async (partition, shard) => {
      try {
        await shard.answer(() => ({ ...deleteTopicOffsets(shard, topics), response: null }))
      } catch (error) {
        this.#services.logger.error(
          { err: error, partition },
          'offsets of deleted topics could not be deleted',
        )
      }
    })
  }

  joinGroup(
    request: JoinGroupRequest,
    context: GroupRequestContext,
  ): JoinGroupResponse | Promise<JoinGroupResponse> {
    const refusal = this.#refusalOf(request)
    if (refusal !== null) return joinAnswer(joinError(refusal, request.memberId), context.version)
    const parked = new Parked<JoinGroupResponse>()
    try {
      const shard = this.#shards.shardOf(request.groupId)
      shard.perform(() => joinGroup(shard, request, context, parked))
    } catch (error) {
      parked.complete(joinError(this.#errorOf(error, 'JoinGroup'), ''))
    }
    return after(parked.answer(context.signal), (response) => joinAnswer(response, context.version))
  }

  syncGroup(
    request: SyncGroupRequest,
    context: GroupRequestContext,
  ): SyncGroupResponse | Promise<SyncGroupResponse> {
    if (context.version >= 5 && (request.protocolType === null || request.protocolName === null)) {
      return syncError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    }
    const refusal = this.#refusal(request.groupId)
    if (refusal !== null) return syncError(refusal)
    const parked = new Parked<SyncGroupResponse>()
    try {
      const shard = this.#shards.shardOf(request.groupId)
      shard.perform(() => syncGroup(shard, request, parked))
    } catch (error) {
      parked.complete(syncError(this.#errorOf(error, 'SyncGroup')))
    }
    return parked.answer(context.signal)
  }

  heartbeat(
    request: HeartbeatRequest,
    context: Pick<GroupRequestContext, 'signal'>,
  ): HeartbeatResponse | Promise<HeartbeatResponse> {
    const answer = (errorCode: ErrorCode): HeartbeatResponse => ({ throttleTimeMs: 0, errorCode })
    const refusal = this.#refusal(request.groupId)
    if (refusal !== null) return answer(refusal)
    return this.#attempt(
      'Heartbeat',
      () => {
        const shard = this.#shards.shardOf(request.groupId)
        return after(
          shard.answer(() => heartbeat(shard, request, context)),
          answer,
        )
      },
      // While the groups are being read nobody can know better than the member.
      (code) => answer(code === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS ? ErrorCode.NONE : code),
    )
  }

  /**
   * Takes a member out as if its session had expired.
   * @throws KafkaError UNKNOWN_MEMBER_ID, NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS.
   */
  expireMember(groupId: string, memberId: string): void {
    const shard = this.#shards.shardOf(groupId)
    const group = shard.groups.get(groupId)
    if (group?.member(memberId) === undefined) {
      const members = group?.members.map((member) => member.memberId) ?? []
      throw new KafkaError(
        ErrorCode.UNKNOWN_MEMBER_ID,
        `group ${groupId} has no member ${memberId}: its members are ${members.join(', ') || 'none'}`,
      )
    }
    shard.perform(() => expireSession(shard, group, memberId))
  }

  leaveGroup(
    request: LeaveGroupRequest,
    { version }: GroupRequestContext,
  ): LeaveGroupResponse | Promise<LeaveGroupResponse> {
    const { groupId } = request
    const refusal = this.#refusal(groupId)
    if (refusal !== null) return leaveAnswer(refusal, [], version)
    const identities = leavers(request, version)
    return this.#attempt(
      'LeaveGroup',
      () => {
        const shard = this.#shards.shardOf(groupId)
        return after(
          shard.answer(() => leaveGroup(shard, groupId, identities)),
          (members) => leaveAnswer(ErrorCode.NONE, members, version),
        )
      },
      (code) => leaveError(identities, code, version),
    )
  }

  commitOffsets(
    request: OffsetCommitRequest,
    context: GroupRequestContext,
  ): OffsetCommitResponse | Promise<OffsetCommitResponse> {
    const { version } = context
    const { known, refused } = checkCommitTopics(this.#services.topics, request.topics, version)
    const answer = (topics: OffsetCommitResponse['topics']): OffsetCommitResponse => ({
      throttleTimeMs: 0,
      topics: mergeCommitAnswers(refused, topics, version),
    })
    if (known.length === 0) return answer([])
    if (this.#stopped) return answer(offsetCommitError(known, ErrorCode.COORDINATOR_NOT_AVAILABLE))
    return this.#attempt(
      'OffsetCommit',
      () => {
        const shard = this.#shards.shardOf(request.groupId)
        return after(
          shard.answer(() => commitOffsets(shard, { ...request, topics: known }, context)),
          answer,
        )
      },
      (code) => answer(offsetCommitError(known, code)),
    )
  }

  /**
   * @param verify asks whether the transaction may write into that partition of `__consumer_offsets` (KIP-890), once
   * everything else of the request is known to be right. What it throws is answered for every partition.
   */
  commitTransactionalOffsets(
    request: TxnOffsetCommitRequest,
    { version }: GroupRequestContext,
    verify: VerifyTransaction,
  ): TxnOffsetCommitResponse | Promise<TxnOffsetCommitResponse> {
    const { groupId, producerId, producerEpoch } = request
    const { known, refused } = checkTopics(this.#services.topics, request.topics)
    const answer = (topics: TxnOffsetCommitResponse['topics']): TxnOffsetCommitResponse => ({
      throttleTimeMs: 0,
      topics: mergeAnswers(refused, topics),
    })
    const fail = (code: ErrorCode): TxnOffsetCommitResponse =>
      answer(txnOffsetCommitError(known, code, version))
    if (known.length === 0) return answer([])
    const refusal = this.#refusal(groupId)
    if (refusal !== null) return fail(refusal)
    const commit = (
      guard: VerificationGuard | null | undefined,
    ): TxnOffsetCommitResponse['topics'] | Promise<TxnOffsetCommitResponse['topics']> => {
      const shard = this.#shards.shardOf(groupId)
      const producer = { producerId, producerEpoch, guard }
      return shard.answer(() => commitTransactionalOffsets(shard, { ...request, topics: known }, producer))
    }
    return this.#attempt(
      'TxnOffsetCommit',
      () => after(after(verify(this.partitionFor(groupId)), commit), answer),
      fail,
    )
  }

  /**
   * Ends a transaction in a partition of `__consumer_offsets`: writes its marker there, and makes the offsets visible
   * that it has committed, or drops them. Done when that is committed.
   * @throws KafkaError, also as a rejection: COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS,
   * REQUEST_TIMED_OUT, KAFKA_STORAGE_ERROR when that cannot be done now; INVALID_PRODUCER_EPOCH,
   * TRANSACTION_COORDINATOR_FENCED when it must not be.
   */
  completeTransaction(partition: number, marker: TransactionMarker): void | Promise<void> {
    if (this.#stopped)
      throw new KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, 'the coordinator has stopped')
    return this.#shards.shard(partition).completeTransaction(marker)
  }

  fetchOffsets(
    request: OffsetFetchRequest,
    context: GroupRequestContext,
  ): OffsetFetchResponse | Promise<OffsetFetchResponse> {
    const groups = groupsOf(request, context.version).map((group) =>
      this.#fetchGroupOffsets(group, request.requireStable, context),
    )
    return after(all(groups), (answers) =>
      context.version >= 8
        ? { throttleTimeMs: 0, topics: [], errorCode: ErrorCode.NONE, groups: answers }
        : asSingleGroup(answers[0]),
    )
  }

  deleteOffsets(request: OffsetDeleteRequest): OffsetDeleteResponse | Promise<OffsetDeleteResponse> {
    const { known, refused } = checkTopics(this.#services.topics, request.topics)
    const fail = (errorCode: ErrorCode): OffsetDeleteResponse => ({
      errorCode,
      throttleTimeMs: 0,
      topics: [],
    })
    const refusal = this.#refusal(request.groupId)
    if (refusal !== null) return fail(refusal)
    return this.#attempt(
      'OffsetDelete',
      () => {
        const shard = this.#shards.shardOf(request.groupId)
        return after(
          shard.answer(() => deleteOffsets(shard, { ...request, topics: known })),
          (topics) => ({
            errorCode: ErrorCode.NONE,
            throttleTimeMs: 0,
            topics: mergeAnswers(refused, topics),
          }),
        )
      },
      fail,
    )
  }

  listGroups(request: ListGroupsRequest): ListGroupsResponse {
    if (this.#stopped)
      return { throttleTimeMs: 0, errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, groups: [] }
    const groups: ListedGroup[] = []
    try {
      for (const partition of this.#shards.partitions()) {
        groups.push(...listGroups(this.#shards.shard(partition), request))
      }
      return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, groups }
    } catch (error) {
      return { throttleTimeMs: 0, errorCode: this.#errorOf(error, 'ListGroups'), groups: [] }
    }
  }

  describeGroups(request: DescribeGroupsRequest, context: GroupRequestContext): DescribeGroupsResponse {
    const groups = this.#shards
      .byPartition(request.groups)
      .flatMap(([partition, groupIds]): DescribedGroup[] => {
        try {
          if (this.#stopped) throw new KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
          const shard = this.#shards.shard(partition)
          return groupIds.map((groupId) => describeGroup(shard, groupId, context.version))
        } catch (error) {
          const errorCode = this.#errorOf(error, 'DescribeGroups')
          return groupIds.map((groupId) => ({ ...undescribed(groupId, ''), errorCode }))
        }
      })
    return { throttleTimeMs: 0, groups }
  }

  deleteGroups(request: DeleteGroupsRequest): DeleteGroupsResponse | Promise<DeleteGroupsResponse> {
    const distinct = [...new Set(request.groupsNames)]
    const results = this.#shards.byPartition(distinct).map(([partition, groupIds]) =>
      this.#attempt<readonly DeletableGroupResult[]>(
        'DeleteGroups',
        () => {
          if (this.#stopped) throw new KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
          const shard = this.#shards.shard(partition)
          return shard.answer(() => deleteGroups(shard, groupIds))
        },
        (errorCode) => groupIds.map((groupId) => ({ groupId, errorCode })),
      ),
    )
    return after(all(results), (parts) => ({ throttleTimeMs: 0, results: parts.flat() }))
  }

  #fetchGroupOffsets(
    group: OffsetFetchRequestGroup,
    requireStable: boolean,
    context: GroupRequestContext,
  ): OffsetFetchResponseGroup | Promise<OffsetFetchResponseGroup> {
    const { groupId } = group
    const { topics } = this.#services
    const checked = group.topics && checkFetchTopics(topics, group.topics, context.version)
    const read = (view: 'latest' | 'committed'): OffsetFetchResponseGroup => {
      const { state } = this.#shards.shardOf(groupId)
      if (checked !== null) {
        const answers = fetchOffsets(state, view, groupId, checked.known, requireStable)
        return { groupId, topics: [...answers, ...checked.refused], errorCode: ErrorCode.NONE }
      }
      const answers = fetchAllOffsets(state, view, groupId, requireStable)
      return {
        groupId,
        topics: usesTopicIds(context.version) ? withTopicIds(topics, answers) : answers,
        errorCode: ErrorCode.NONE,
      }
    }
    const fail = (code: ErrorCode): OffsetFetchResponseGroup => offsetFetchError(group, code, context.version)
    if (this.#stopped) return fail(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    if (!requireStable) return this.#attempt('OffsetFetch', () => read('committed'), fail)
    // Stable means that no later answer can be an earlier offset: what is on its way to the log is waited for.
    return this.#attempt(
      'OffsetFetch',
      () => this.#shards.shardOf(groupId).answer(() => ({ records: [], response: read('latest') })),
      fail,
      offsetFetchErrorCode,
    )
  }

  #refusal(groupId: string): ErrorCode | null {
    if (this.#stopped) return ErrorCode.COORDINATOR_NOT_AVAILABLE
    return groupId === '' ? ErrorCode.INVALID_GROUP_ID : null
  }

  #refusalOf({ groupId, sessionTimeoutMs }: JoinGroupRequest): ErrorCode | null {
    const { minSessionTimeoutMs, maxSessionTimeoutMs } = this.#services.config
    const refusal = this.#refusal(groupId)
    if (refusal !== null) return refusal
    const fits = sessionTimeoutMs >= minSessionTimeoutMs && sessionTimeoutMs <= maxSessionTimeoutMs
    return fits ? null : ErrorCode.INVALID_SESSION_TIMEOUT
  }

  #attempt<R>(
    what: string,
    run: () => R | Promise<R>,
    fail: (code: ErrorCode) => R,
    codeOf: (error: unknown) => ErrorCode = coordinatorError,
  ): R | Promise<R> {
    const failed = (error: unknown): R => fail(this.#errorOf(error, what, codeOf))
    try {
      const result = run()
      return result instanceof Promise ? result.catch(failed) : result
    } catch (error) {
      return failed(error)
    }
  }

  #errorOf(
    error: unknown,
    what: string,
    codeOf: (error: unknown) => ErrorCode = coordinatorError,
  ): ErrorCode {
    if (!(error instanceof KafkaError)) this.#services.logger.error({ err: error }, `${what} failed`)
    return codeOf(error)
  }
}
