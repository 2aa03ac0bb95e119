import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import {
  type ConsumerProtocolAssignment,
  consumerProtocolAssignment,
} from '../wire/messages/consumer-protocol-assignment.ts'
import type { DescribedGroup } from '../wire/messages/describe-groups.ts'
import { Reader } from '../wire/reader.ts'
import { WireError } from '../wire/wire-error.ts'
import { checkRunning, type LibraryContext } from './library-context.ts'
import { DEFAULT_TIMEOUT_MS, type WaitOptions, waitUntil } from './wait.ts'

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export interface GroupMember {
  readonly memberId: string
  /** Set for a static member (KIP-345). */
  readonly groupInstanceId: string | null
  readonly clientId: string
  /** As Kafka prints it: `/127.0.0.1`. */
  readonly clientHost: string
  /** What it has been assigned; nothing while the group rebalances, or where no consumer's protocol is used. */
  readonly partitions: readonly TopicPartition[]
}

export interface CommittedOffset extends TopicPartition {
  /** The first offset that the group has not processed. */
  readonly offset: bigint
  readonly metadata: string
}

/** A group by its id, whether it is there or not. */
export interface GroupHandle {
  readonly groupId: string
  /** `Dead` is Kafka's word for a group that is not there. */
  readonly state: 'Dead' | 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | (string & {})
  readonly members: readonly GroupMember[]
  /** What the group has committed, by topic and partition. */
  offsets(): Promise<readonly CommittedOffset[]>
  /**
   * How many records the group has not processed: from what it has committed to the end of each partition. Of a
   * partition that is assigned and has no committed offset all records count.
   */
  lag(): Promise<number>
  /**
   * Waits until the group is stable: with so many members, or with any when left out.
   * @throws WaitTimeoutError that says what the group was instead.
   */
  waitStable(members?: number, options?: WaitOptions): Promise<void>
  /**
   * Takes a member out as if it had not been heard from for as long as its session lasts: the others rebalance, and it
   * joins again when it hears of it.
   * @throws KafkaError UNKNOWN_MEMBER_ID, with the members that there are.
   */
  expireMember(memberId: string): void
}

export function groupHandle(context: LibraryContext, groupId: string): GroupHandle {
  const describe = (): DescribedGroup => described(context, groupId)
  const handle: GroupHandle = {
    groupId,
    get state() {
      return describe().groupState
    },
    get members() {
      return describe().members.map(memberOf)
    },
    offsets: () => committedOffsets(context, groupId),
    async lag() {
      const assigned = handle.members.flatMap(({ partitions }) => partitions)
      return lagOf(context, await handle.offsets(), assigned)
    },
    async waitStable(members, { timeoutMs = DEFAULT_TIMEOUT_MS } = {}) {
      const isStable = (): boolean => {
        const group = describe()
        const count = group.members.length
        return group.groupState === 'Stable' && (members === undefined ? count > 0 : count === members)
      }
      const wanted = members === undefined ? '' : ` with ${members} member(s)`
      await waitUntil(isStable, timeoutMs, () => {
        const { groupState, members: there } = describe()
        const ids = there.map(({ memberId }) => memberId).join(', ')
        return `group ${groupId} was not stable${wanted} within ${timeoutMs} ms: it is ${groupState} with ${there.length} member(s)${ids && `: ${ids}`}`
      })
    },
    expireMember(memberId) {
      checkRunning(context)
      context.services.groups.expireMember(groupId, memberId)
    },
  }
  return handle
}

function described(context: LibraryContext, groupId: string): DescribedGroup {
  checkRunning(context)
  const { groups } = context.services
  const request = { groups: [groupId], includeAuthorizedOperations: false }
  const nobody = { version: 5, clientId: null, clientHost: '', signal: new AbortController().signal }
  const [group] = groups.describeGroups(request, nobody).groups
  const isThere = group !== undefined && group.errorCode === ErrorCode.NONE
  // Before the first group there is no coordinator, and nothing that one could know.
  return isThere
    ? group
    : { errorCode: 0, groupId, groupState: 'Dead', protocolType: '', protocolData: '', members: [] }
}

function memberOf(member: DescribedGroup['members'][number]): GroupMember {
  const { memberId, groupInstanceId = null, clientId, clientHost, memberAssignment } = member
  return { memberId, groupInstanceId, clientId, clientHost, partitions: assignmentOf(memberAssignment) }
}

/** Other kinds of groups assign in ways of their own. */
function assignmentOf(bytes: Buffer): TopicPartition[] {
  if (bytes.length === 0) return []
  let assignment: ConsumerProtocolAssignment
  try {
    const reader = new Reader(bytes)
    reader.int16()
    assignment = consumerProtocolAssignment.read(reader, 0)
  } catch (error) {
    if (error instanceof WireError) return []
    throw error
  }
  return assignment.assignedPartitions.flatMap(({ topic, partitions }) =>
    partitions.map((partition) => ({ topic, partition })),
  )
}

async function committedOffsets(context: LibraryContext, groupId: string): Promise<CommittedOffset[]> {
  checkRunning(context)
  const group = { groupId, memberId: null, memberEpoch: -1, topics: null }
  const request = { groupId: '', topics: null, groups: [group], requireStable: false }
  const nobody = { version: 9, clientId: null, clientHost: '', signal: new AbortController().signal }
  const [answer] = (await context.services.groups.fetchOffsets(request, nobody)).groups
  if (answer?.errorCode === ErrorCode.NOT_COORDINATOR) return []
  if (answer === undefined || answer.errorCode) {
    const code = (answer?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR) as ErrorCode
    throw new KafkaError(code, `the offsets of group ${groupId} cannot be read`)
  }
  const offsets = answer.topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex, committedOffset, metadata }) => ({
      topic: name,
      partition: partitionIndex,
      offset: committedOffset,
      metadata: metadata ?? '',
    })),
  )
  return offsets.sort((a, b) =>
    a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1,
  )
}

function lagOf(
  { services: { metadata, replicas } }: LibraryContext,
  offsets: readonly CommittedOffset[],
  assigned: readonly TopicPartition[],
): number {
  const committed = new Map(offsets.map(({ topic, partition, offset }) => [`${topic}-${partition}`, offset]))
  const partitions = new Map(
    [...assigned, ...offsets].map((each) => [`${each.topic}-${each.partition}`, each]),
  )
  let lag = 0
  for (const [key, { topic, partition }] of partitions) {
    const found = replicas.find(metadata.topic(topic)?.id ?? '', partition)
    if (found === undefined) continue
    const from = committed.get(key) ?? found.logStartOffset
    lag += Math.max(0, Number(found.highWatermark - from))
  }
  return lag
}
