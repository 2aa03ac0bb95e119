import { describe, expect, it } from 'vitest'
import { TestLog } from '../coordinator/test-log.suite.ts'
import { Harness } from '../group/group-harness.suite.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { EMPTY_BYTES, Reader, ZERO_UUID } from '../wire/reader.ts'
import { Writer } from '../wire/writer.ts'
import { deleteGroupsHandler } from './delete-groups.ts'
import { describeGroupsHandler } from './describe-groups.ts'
import type { AnyHandler, Call } from './handler.ts'
import { heartbeatHandler } from './heartbeat.ts'
import { joinGroupHandler } from './join-group.ts'
import { leaveGroupHandler } from './leave-group.ts'
import { listGroupsHandler } from './list-groups.ts'
import { offsetCommitHandler } from './offset-commit.ts'
import { offsetDeleteHandler } from './offset-delete.ts'
import { offsetFetchHandler } from './offset-fetch.ts'
import { syncGroupHandler } from './sync-group.ts'

const MEMBER = { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null }
const TOPIC = { name: 't', topicId: ZERO_UUID, partitionIndexes: [0] }

/** Each handler of a group API, with a request for the group g that it would have to look for. */
const HANDLERS: readonly (readonly [AnyHandler, object])[] = [
  [
    joinGroupHandler,
    {
      ...MEMBER,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: EMPTY_BYTES }],
      reason: null,
    },
  ],
  [syncGroupHandler, { ...MEMBER, protocolType: 'consumer', protocolName: 'range', assignments: [] }],
  [heartbeatHandler, MEMBER],
  [leaveGroupHandler, { ...MEMBER, members: [{ memberId: 'm', groupInstanceId: null, reason: null }] }],
  [
    offsetCommitHandler,
    {
      groupId: 'g',
      generationIdOrMemberEpoch: 1,
      memberId: 'm',
      groupInstanceId: null,
      retentionTimeMs: -1n,
      topics: [
        {
          name: 't',
          topicId: ZERO_UUID,
          partitions: [
            { partitionIndex: 0, committedOffset: 1n, committedLeaderEpoch: -1, committedMetadata: null },
          ],
        },
      ],
    },
  ],
  [
    offsetFetchHandler,
    {
      groupId: 'g',
      topics: [TOPIC],
      groups: [{ groupId: 'g', memberId: null, memberEpoch: -1, topics: [TOPIC] }],
      requireStable: false,
    },
  ],
  [offsetDeleteHandler, { groupId: 'g', topics: [{ name: 't', partitions: [{ partitionIndex: 0 }] }] }],
  [listGroupsHandler, { statesFilter: [], typesFilter: [] }],
  [describeGroupsHandler, { groups: ['g'], includeAuthorizedOperations: true }],
  [deleteGroupsHandler, { groupsNames: ['g'] }],
]

const CASES = HANDLERS.flatMap(([handler, request]) => {
  const [min, max] = handler.api.advertised ?? handler.api.versions
  return Array.from({ length: max - min + 1 }, (_, at) => ({
    name: handler.api.name,
    version: min + at,
    handler,
    request,
  }))
})

/** The request as it would have been read, answered, written and read by the client. */
function overTheWire<T>(message: AnyHandler['api']['response'], version: number, value: T): unknown {
  const writer = new Writer()
  message.write(writer, version, value)
  return message.read(new Reader(writer.concat()), version)
}

function call(h: Harness, version: number): Call {
  return { ...h.context(version), groups: h.groups } as unknown as Call
}

describe('the APIs of groups', () => {
  it.each(CASES)('$name v$version is answered', async ({ handler, request, version }) => {
    const h = new Harness()
    const read = overTheWire(handler.api.request, version, request)
    const answer = await handler.handle(read, call(h, version))
    expect(overTheWire(handler.api.response, version, answer)).toBeDefined()
  })

  it.each(CASES)(
    '$name v$version has a place for an error of the whole request',
    ({ handler, request, version }) => {
      const read = overTheWire(handler.api.request, version, request)
      const error = new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
      const answer = overTheWire(
        handler.api.response,
        version,
        handler.fail(read, error, call(new Harness(), version)),
      )
      expect(errorCodes(answer)).toContain(ErrorCode.UNKNOWN_SERVER_ERROR)
    },
  )

  it('DescribeGroups tells what may be done to a group that is there, when asked', async () => {
    const h = new Harness({ partitionCount: 50 })
    for (let partition = 1; partition < 50; partition++) void h.groups.load(partition, new TestLog())
    h.commit()
    const ask = (includeAuthorizedOperations: boolean) =>
      describeGroupsHandler.handle({ groups: ['none', 'g'], includeAuthorizedOperations }, call(h, 6))
    const operations = async (asked: boolean) =>
      Object.fromEntries(
        (await ask(asked))?.groups.map(({ groupId, authorizedOperations }) => [
          groupId,
          authorizedOperations,
        ]) ?? [],
      )
    expect(await operations(true)).toEqual({ none: undefined, g: 3400 })
    expect(await operations(false)).toEqual({ none: undefined, g: undefined })
  })
})

/** Every error code anywhere in an answer. */
function errorCodes(answer: unknown): number[] {
  if (Array.isArray(answer)) return answer.flatMap(errorCodes)
  if (typeof answer !== 'object' || answer === null) return []
  return Object.entries(answer).flatMap(([key, value]) => (key === 'errorCode' ? [value] : errorCodes(value)))
}
