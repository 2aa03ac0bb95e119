/** Reading the requests that clients send most, and writing the answers, in the newest versions. */
import type { Api } from '../../src/wire/message.ts'
import { apiVersionsApi } from '../../src/wire/messages/api-versions.ts'
import { fetchApi } from '../../src/wire/messages/fetch.ts'
import { heartbeatApi } from '../../src/wire/messages/heartbeat.ts'
import { joinGroupApi } from '../../src/wire/messages/join-group.ts'
import { metadataApi } from '../../src/wire/messages/metadata.ts'
import { offsetCommitApi } from '../../src/wire/messages/offset-commit.ts'
import { offsetFetchApi } from '../../src/wire/messages/offset-fetch.ts'
import { produceApi } from '../../src/wire/messages/produce.ts'
import { Reader } from '../../src/wire/reader.ts'
import { Writer } from '../../src/wire/writer.ts'
import { batchOf, fetchRequest, metadataRequest, newest, produceRequest } from '../requests.ts'
import { type Effort, keep, nanosecondsPer, type Value } from './timing.ts'

const TOPIC_ID = 'AQIDBAUGBwgJCgsMDQ4PEA'
const MEMBER_ID = 'consumer-orders-1-5f9c0f5e-7b0e-4b0e-9d0a-5c1e2f3a4b5c'
const GROUP_ID = 'orders-service'

export function measureCodec(effort: Effort): readonly Value[] {
  return [
    ...produceAndFetch(effort),
    ...exchange(effort, 'ApiVersions', apiVersionsApi, {
      request: { clientSoftwareName: 'apache-kafka-java', clientSoftwareVersion: '4.3.1' },
      response: {
        errorCode: 0,
        apiKeys: Array.from({ length: 70 }, (_, apiKey) => ({ apiKey, minVersion: 0, maxVersion: 9 })),
        throttleTimeMs: 0,
        supportedFeatures: [],
        finalizedFeaturesEpoch: 7n,
        finalizedFeatures: [],
      },
    }),
    ...metadata(effort, 1, 4),
    ...metadata(effort, 100, 4),
    ...groups(effort),
    ...offsets(effort),
  ]
}

function produceAndFetch(effort: Effort): readonly Value[] {
  const small = batchOf(1, 100)
  const produced = {
    index: 0,
    errorCode: 0,
    baseOffset: 123_456n,
    logAppendTimeMs: -1n,
    logStartOffset: 0n,
    recordErrors: [],
    errorMessage: null,
  }
  const fetched = {
    partitionIndex: 0,
    errorCode: 0,
    highWatermark: 123_456n,
    lastStableOffset: 123_456n,
    logStartOffset: 0n,
    abortedTransactions: null,
    records: [small],
  }
  const answer = { throttleTimeMs: 0, errorCode: 0, sessionId: 1234, responses: [] }
  return [
    ...exchange(effort, 'Produce', produceApi, {
      request: produceRequest(TOPIC_ID, small),
      response: { responses: [{ name: '', topicId: TOPIC_ID, partitionResponses: [produced] }] },
    }),
    ...exchange(effort, 'Fetch with a session', fetchApi, {
      request: fetchRequest(TOPIC_ID, { sessionId: 1234, sessionEpoch: 7 }),
      response: { ...answer, responses: [{ topic: '', topicId: TOPIC_ID, partitions: [fetched] }] },
    }),
    ...exchange(effort, 'Fetch of nothing new', fetchApi, {
      request: fetchRequest(null, { sessionId: 1234, sessionEpoch: 7 }),
      response: answer,
    }),
  ]
}

function metadata(effort: Effort, topics: number, partitions: number): readonly Value[] {
  return exchange(effort, `Metadata of ${topics}`, metadataApi, {
    request: {
      ...metadataRequest(''),
      topics: Array.from({ length: topics }, (_, index) => ({ topicId: TOPIC_ID, name: `orders-${index}` })),
    },
    response: {
      throttleTimeMs: 0,
      brokers: [{ nodeId: 1, host: 'localhost', port: 9092, rack: null }],
      clusterId: '4L6g3nShT-eMCtK--X86sw',
      controllerId: 1,
      topics: Array.from({ length: topics }, (_, index) => ({
        errorCode: 0,
        name: `orders-${index}`,
        topicId: TOPIC_ID,
        isInternal: false,
        partitions: Array.from({ length: partitions }, (_, partitionIndex) => ({
          errorCode: 0,
          partitionIndex,
          leaderId: 1,
          leaderEpoch: 0,
          replicaNodes: [1],
          isrNodes: [1],
          offlineReplicas: [],
        })),
      })),
      errorCode: 0,
    },
  })
}

function groups(effort: Effort): readonly Value[] {
  const subscription = Buffer.alloc(40)
  return [
    ...exchange(effort, 'JoinGroup of 3', joinGroupApi, {
      request: {
        groupId: GROUP_ID,
        sessionTimeoutMs: 45_000,
        rebalanceTimeoutMs: 300_000,
        memberId: MEMBER_ID,
        groupInstanceId: null,
        protocolType: 'consumer',
        protocols: [
          { name: 'range', metadata: subscription },
          { name: 'cooperative-sticky', metadata: subscription },
        ],
        reason: null,
      },
      response: {
        throttleTimeMs: 0,
        errorCode: 0,
        generationId: 3,
        protocolType: 'consumer',
        protocolName: 'range',
        leader: MEMBER_ID,
        memberId: MEMBER_ID,
        members: [1, 2, 3].map((member) => ({
          memberId: `${MEMBER_ID}${member}`,
          groupInstanceId: null,
          metadata: subscription,
        })),
      },
    }),
    ...exchange(effort, 'Heartbeat', heartbeatApi, {
      request: { groupId: GROUP_ID, generationId: 3, memberId: MEMBER_ID, groupInstanceId: null },
      response: { throttleTimeMs: 0, errorCode: 0 },
    }),
  ]
}

function offsets(effort: Effort): readonly Value[] {
  const indexes = Array.from({ length: 10 }, (_, partitionIndex) => partitionIndex)
  const commit = (partitionIndex: number) => ({
    partitionIndex,
    committedOffset: 123_456n,
    committedLeaderEpoch: 0,
    committedMetadata: '',
  })
  return [
    ...exchange(effort, 'OffsetCommit of 10', offsetCommitApi, {
      request: {
        groupId: GROUP_ID,
        generationIdOrMemberEpoch: 3,
        memberId: MEMBER_ID,
        groupInstanceId: null,
        retentionTimeMs: -1n,
        topics: [{ name: '', topicId: TOPIC_ID, partitions: indexes.map(commit) }],
      },
      response: {
        throttleTimeMs: 0,
        topics: [
          {
            name: '',
            topicId: TOPIC_ID,
            partitions: indexes.map((partitionIndex) => ({ partitionIndex, errorCode: 0 })),
          },
        ],
      },
    }),
    ...exchange(effort, 'OffsetFetch of 10', offsetFetchApi, {
      request: {
        groupId: '',
        topics: [],
        groups: [
          {
            groupId: GROUP_ID,
            memberId: null,
            memberEpoch: -1,
            topics: [{ name: '', topicId: TOPIC_ID, partitionIndexes: indexes }],
          },
        ],
        requireStable: true,
      },
      response: {
        throttleTimeMs: 0,
        topics: [],
        errorCode: 0,
        groups: [
          {
            groupId: GROUP_ID,
            topics: [
              {
                name: '',
                topicId: TOPIC_ID,
                partitions: indexes.map((partitionIndex) => ({
                  partitionIndex,
                  committedOffset: 123_456n,
                  committedLeaderEpoch: 0,
                  metadata: '',
                  errorCode: 0,
                })),
              },
            ],
            errorCode: 0,
          },
        ],
      },
    }),
  ]
}

/** A request is read and its answer written, as the broker does; the floor is a copy of the same bytes. */
function exchange<Req, Res>(
  effort: Effort,
  name: string,
  api: Api<Req, Res>,
  { request, response }: { readonly request: Req; readonly response: Res },
): readonly Value[] {
  const version = newest(api)
  const writer = new Writer()
  api.request.write(writer, version, request)
  const requestBytes = writer.concat()
  api.response.write(writer, version, response)
  const responseBytes = writer.concat()
  const target = Buffer.alloc(Math.max(requestBytes.length, responseBytes.length))
  const value = (figure: string, of: string, work: () => void): Value => {
    const bytes = figure === READ ? requestBytes.length : responseBytes.length
    const what = `${name} v${version}, ${bytes} B`
    return { figure, unit: 'ns', case: what, of, value: nanosecondsPer(work, effort) }
  }
  return [
    value(READ, 'ottla', () => keep(api.request.read(new Reader(requestBytes), version))),
    value(READ, 'a copy of its bytes', () => keep(requestBytes.copy(target))),
    value(WRITTEN, 'ottla', () => {
      api.response.write(writer, version, response)
      keep(writer.finish())
    }),
    value(WRITTEN, 'a copy of its bytes', () => keep(responseBytes.copy(target))),
  ]
}

const READ = 'a request read'
const WRITTEN = 'an answer written'
