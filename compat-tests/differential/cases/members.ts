/** Members of classic groups, for cases that need a group in a certain state. */
import { consumerProtocolSubscription } from '../../../src/wire/messages/consumer-protocol-subscription.ts'
import { describeGroupsApi } from '../../../src/wire/messages/describe-groups.ts'
import { heartbeatApi } from '../../../src/wire/messages/heartbeat.ts'
import {
  type JoinGroupRequest,
  type JoinGroupResponse,
  joinGroupApi,
} from '../../../src/wire/messages/join-group.ts'
import { leaveGroupApi } from '../../../src/wire/messages/leave-group.ts'
import { type SyncGroupResponse, syncGroupApi } from '../../../src/wire/messages/sync-group.ts'
import { Writer } from '../../../src/wire/writer.ts'
import type { CaseContext, Client } from '../case.ts'
import type { Complete, Partially } from '../client.ts'

const MEMBER_ID_REQUIRED = 79
const REBALANCE_IN_PROGRESS = 27

export type Join = Partially<JoinGroupRequest>
export type Joined = Complete<JoinGroupResponse>

/** A consumer's subscription in version 0: these topics, and no data of the user's. */
export function subscription(...topics: readonly string[]): Buffer {
  const writer = new Writer()
  writer.int16(0)
  consumerProtocolSubscription.write(writer, 0, {
    topics,
    userData: null,
    ownedPartitions: [],
    generationId: -1,
    rackId: null,
  })
  return writer.concat()
}

/** A join request of a consumer with one protocol, `range`. */
export function joinRequest(groupId: string, more: Join = {}): Join {
  return {
    groupId,
    sessionTimeoutMs: 30_000,
    rebalanceTimeoutMs: 30_000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: subscription('topic') }],
    ...more,
  }
}

/** One member with a connection of its own. */
export class Member {
  readonly client: Client
  readonly groupId: string
  readonly #join: Join
  memberId = ''
  generationId = -1

  private constructor(client: Client, groupId: string, join: Join) {
    this.client = client
    this.groupId = groupId
    this.#join = join
  }

  /** A member that has its id, or needs none: the next join may wait for others. */
  static async make(t: CaseContext, groupId: string, join: Join = {}, client?: Client): Promise<Member> {
    const member = new Member(client ?? (await t.connect()), groupId, join)
    if (join.groupInstanceId === undefined && join.memberId === undefined) {
      const asked = await member.client.raw.send(joinGroupApi, 9, joinRequest(groupId, join))
      if (asked.errorCode !== MEMBER_ID_REQUIRED) throw new Error(`no member id: error ${asked.errorCode}`)
      member.memberId = asked.memberId
    }
    return member
  }

  /** Joins; the answer comes when the rebalance is over. */
  async join(version = 9, more: Join = {}): Promise<Joined> {
    const request = joinRequest(this.groupId, { memberId: this.memberId, ...this.#join, ...more })
    const joined = await this.client.send(joinGroupApi, version, request)
    if (joined.errorCode === 0) {
      this.memberId = joined.memberId
      this.generationId = joined.generationId
    }
    return joined
  }

  /** Syncs; a leader gives everybody's assignment. */
  sync(
    version = 5,
    assignments: Readonly<Record<string, string>> = {},
  ): Promise<Complete<SyncGroupResponse>> {
    const list = Object.entries(assignments).map(([memberId, text]) => ({
      memberId,
      assignment: Buffer.from(text),
    }))
    return this.client.send(syncGroupApi, version, {
      groupId: this.groupId,
      generationId: this.generationId,
      memberId: this.memberId,
      groupInstanceId: this.#join.groupInstanceId ?? null,
      protocolType: 'consumer',
      protocolName: 'range',
      assignments: list,
    })
  }

  heartbeat(version = 3): Promise<{ readonly errorCode: number }> {
    return this.client.send(heartbeatApi, version, {
      groupId: this.groupId,
      generationId: this.generationId,
      memberId: this.memberId,
      groupInstanceId: this.#join.groupInstanceId ?? null,
    })
  }

  /** Asks until the group wants its members to join again. */
  async untilRebalance(t: CaseContext): Promise<void> {
    await t.poll(`rebalance of ${this.groupId}`, async () => {
      const { errorCode } = await this.client.raw.send(heartbeatApi, 3, {
        groupId: this.groupId,
        generationId: this.generationId,
        memberId: this.memberId,
        groupInstanceId: this.#join.groupInstanceId ?? null,
      })
      return errorCode === REBALANCE_IN_PROGRESS
    })
  }
}

/** A stable group of one member. */
export async function stable(t: CaseContext, suffix = 'g', join: Join = {}): Promise<Member> {
  const member = await Member.make(t, await t.group(suffix), join)
  await member.join()
  await member.sync(5, { [member.memberId]: 'assigned' })
  return member
}

/** A group whose only member has left. */
export async function emptied(t: CaseContext, suffix = 'g', join: Join = {}): Promise<string> {
  const { client, groupId, memberId } = await stable(t, suffix, join)
  await client.raw.send(leaveGroupApi, 3, { groupId, members: [{ memberId }] })
  await untilState(t, groupId, 'Empty')
  return groupId
}

/** A group of one member that waits for its assignment. */
export async function completing(t: CaseContext, suffix = 'g', join: Join = {}): Promise<Member> {
  const member = await Member.make(t, await t.group(suffix), join)
  await member.join()
  return member
}

/** A group whose one member is asked to join again, because a second one waits. */
export async function preparing(
  t: CaseContext,
  suffix = 'g',
  join: Join = {},
): Promise<{ readonly member: Member; readonly second: Member; readonly joining: Promise<Joined> }> {
  const member = await stable(t, suffix, join)
  const { rebalanceTimeoutMs = 30_000 } = join
  const protocols = [{ name: 'range', metadata: subscription('topic', 'second') }]
  const second = await Member.make(t, member.groupId, { rebalanceTimeoutMs, protocols })
  const joining = second.join()
  joining.catch(() => {})
  await member.untilRebalance(t)
  return { member, second, joining }
}

/** A stable group of a leader and a follower. */
export async function pair(
  t: CaseContext,
  suffix = 'g',
  join: Join = {},
): Promise<{ readonly leader: Member; readonly follower: Member }> {
  const { member: leader, second: follower, joining } = await preparing(t, suffix, join)
  await Promise.all([leader.join(), joining])
  await leader.sync(5, { [leader.memberId]: 'one', [follower.memberId]: 'two' })
  await follower.sync()
  return { leader, follower }
}

/** Waits until a group is in this state. */
export async function untilState(t: CaseContext, groupId: string, state: string): Promise<void> {
  const helper = await t.helper()
  await t.poll(`${groupId} to be ${state}`, async () => {
    const described = await helper.send(describeGroupsApi, 0, { groups: [groupId] })
    return described.groups[0]?.groupState === state
  })
}

/** Waits until a group has this many members, those that wait for their first answer included. */
export async function untilSize(t: CaseContext, groupId: string, size: number): Promise<void> {
  const helper = await t.helper()
  await t.poll(`${groupId} to have ${size} members`, async () => {
    const described = await helper.send(describeGroupsApi, 0, { groups: [groupId] })
    return described.groups[0]?.members.length === size
  })
}
