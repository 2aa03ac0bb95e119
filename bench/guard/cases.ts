/** The requests that the guard counts, and what has to be there before they are sent. */
import { endTxnApi } from '../../src/wire/messages/end-txn.ts'
import { type FetchRequest, fetchApi } from '../../src/wire/messages/fetch.ts'
import { heartbeatApi } from '../../src/wire/messages/heartbeat.ts'
import { initProducerIdApi } from '../../src/wire/messages/init-producer-id.ts'
import { metadataApi } from '../../src/wire/messages/metadata.ts'
import { offsetCommitApi } from '../../src/wire/messages/offset-commit.ts'
import { produceApi } from '../../src/wire/messages/produce.ts'
import { ZERO_UUID } from '../../src/wire/reader.ts'
import { type BenchConnection, bodyOf, frameOf, retried } from '../connection.ts'
import { createTopics } from '../growth/requests.ts'
import { findCoordinator, joinAlone, type Member } from '../members.ts'
import { batchOf, fetchRequest, metadataRequest, newest, produceRequest } from '../requests.ts'

export type Storage = 'memory' | 'disk'

export interface GuardCase {
  readonly name: string
  readonly storage: Storage
  /** How many topics `topic-0`, `topic-1` and so on there are. */
  readonly topics: number
  /** How many requests a window of counting has: fewer where each takes much memory, since no window may see a collection. */
  readonly requests: number
  /** Makes what the requests need, and gives what sends one of them and waits for the answer. */
  readonly prepare: (client: BenchConnection) => Promise<() => Promise<void>>
}

const TOPIC = 'topic-0'
const MANY = 50
const FEW = 2

export const guardCases: readonly GuardCase[] = [
  ...both('Produce 1,000 x 1 KiB', FEW, (client) => produce(client, 1000, 1024)),
  ...both('Produce 10 x 100 B', MANY, (client) => produce(client, 10, 100)),
  ...both('Fetch 1 MiB', FEW, (client) => fetchOnce(client, 1000, 1024)),
  ...both('Fetch 10 x 100 B', MANY, (client) => fetchInSession(client)),
  disk('Fetch 16 x 1 KiB of an old segment, disk', MANY, fetchOld),
  memory('Fetch of nothing', FEW * 5, pollNothing),
  memory('Heartbeat', MANY, heartbeat),
  memory('Metadata of 1 of 1,000 topics', MANY, metadata, 1000),
  ...both('OffsetCommit', MANY, offsetCommit),
  ...both('Transaction of 1 record', MANY, transaction),
]

type Prepare = GuardCase['prepare']

function memory(name: string, requests: number, prepare: Prepare, topics = 1): GuardCase {
  return { name, storage: 'memory', topics, requests, prepare }
}

function disk(name: string, requests: number, prepare: Prepare): GuardCase {
  return { name, storage: 'disk', topics: 1, requests, prepare }
}

function both(name: string, requests: number, prepare: Prepare): readonly GuardCase[] {
  return [memory(`${name}, memory`, requests, prepare), disk(`${name}, disk`, requests, prepare)]
}

async function produce(
  client: BenchConnection,
  count: number,
  valueBytes: number,
  topic: string = TOPIC,
): Promise<() => Promise<void>> {
  const topicId = await topicIdOf(client, topic)
  const version = newest(produceApi)
  const frame = frameOf(produceApi, version, produceRequest(topicId, batchOf(count, valueBytes)))
  return async () => {
    const { responses } = bodyOf(produceApi, version, await client.exchange(frame))
    expectNone(responses[0]?.partitionResponses[0]?.errorCode)
  }
}

/** A fetch without a session. */
async function fetchOnce(
  client: BenchConnection,
  count: number,
  valueBytes: number,
): Promise<() => Promise<void>> {
  const topicId = await topicIdOf(client, TOPIC)
  const fill = await produce(client, count, valueBytes)
  await fill()
  const frame = frameOf(fetchApi, newest(fetchApi), fetchRequest(topicId))
  return () => fetchSome(client, frame, count * valueBytes)
}

/** As a consumer does that got the records of one batch and asks for those of the next. */
async function fetchInSession(client: BenchConnection): Promise<() => Promise<void>> {
  const count = 10
  const valueBytes = 100
  const topicId = await topicIdOf(client, TOPIC)
  const fill = await produce(client, count, valueBytes)
  for (let batches = 0; batches < 100; batches++) await fill()
  const nextEpoch = await openSession(client, topicId)
  let batch = 0
  return () => {
    batch = (batch + 1) % 100
    const options = { fetchOffset: BigInt(batch * count), partitionMaxBytes: count * valueBytes }
    const request = { ...fetchRequest(topicId, options), ...nextEpoch() }
    return fetchSome(client, frameOf(fetchApi, newest(fetchApi), request), count * valueBytes)
  }
}

/** Without a session, from a segment that was rolled long ago: what was appended last is in memory, this is not. */
async function fetchOld(client: BenchConnection): Promise<() => Promise<void>> {
  const [count, valueBytes, topic] = [16, 1024, 'rolled']
  await createTopics(client, [{ name: topic, partitions: 1, configs: { 'segment.bytes': '1048576' } }])
  const topicId = await topicIdOf(client, topic)
  const fill = await produce(client, count, valueBytes, topic)
  // More than 60 of them are a segment.
  for (let batches = 0; batches < 300; batches++) await fill()
  let batch = 0
  return () => {
    batch = (batch + 1) % 60
    const options = { fetchOffset: BigInt(batch * count), partitionMaxBytes: count * valueBytes }
    const frame = frameOf(fetchApi, newest(fetchApi), fetchRequest(topicId, options))
    return fetchSome(client, frame, count * valueBytes)
  }
}

/** The long poll of a consumer that has read everything. */
async function pollNothing(client: BenchConnection): Promise<() => Promise<void>> {
  const nextEpoch = await openSession(client, await topicIdOf(client, TOPIC))
  return () => {
    const request = { ...fetchRequest(null, { maxWaitMs: 5 }), ...nextEpoch() }
    return fetchSome(client, frameOf(fetchApi, newest(fetchApi), request), 0)
  }
}

type NextEpoch = () => Pick<FetchRequest, 'sessionId' | 'sessionEpoch'>

async function openSession(client: BenchConnection, topicId: string): Promise<NextEpoch> {
  const request = fetchRequest(topicId, { sessionEpoch: 0, maxWaitMs: 1 })
  const { sessionId, errorCode } = await client.request(fetchApi, newest(fetchApi), request)
  expectNone(errorCode)
  let sessionEpoch = 0
  return () => {
    sessionEpoch++
    return { sessionId, sessionEpoch }
  }
}

async function fetchSome(client: BenchConnection, frame: Buffer, minBytes: number): Promise<void> {
  const answer = await client.exchange(frame)
  const { errorCode, responses } = bodyOf(fetchApi, newest(fetchApi), answer)
  expectNone(errorCode)
  const partition = responses[0]?.partitions[0]
  expectNone(partition?.errorCode ?? 0)
  if (answer.length < minBytes) throw new Error(`a fetch answered with ${answer.length} bytes`)
}

async function heartbeat(client: BenchConnection): Promise<() => Promise<void>> {
  const version = newest(heartbeatApi)
  const frame = frameOf(heartbeatApi, version, await onlyMember(client))
  return async () => expectNone(bodyOf(heartbeatApi, version, await client.exchange(frame)).errorCode)
}

async function metadata(client: BenchConnection): Promise<() => Promise<void>> {
  const version = newest(metadataApi)
  const frame = frameOf(metadataApi, version, metadataRequest('topic-500'))
  return async () => {
    const { topics } = bodyOf(metadataApi, version, await client.exchange(frame))
    expectNone(topics[0]?.errorCode)
  }
}

async function offsetCommit(client: BenchConnection): Promise<() => Promise<void>> {
  const topicId = await topicIdOf(client, TOPIC)
  const { groupId, memberId, generationId } = await onlyMember(client)
  const version = newest(offsetCommitApi)
  const frame = frameOf(offsetCommitApi, version, {
    groupId,
    generationIdOrMemberEpoch: generationId,
    memberId,
    topics: [{ topicId, partitions: [{ partitionIndex: 0, committedOffset: 0n }] }],
  })
  return async () => {
    const { topics } = bodyOf(offsetCommitApi, version, await client.exchange(frame))
    expectNone(topics[0]?.partitions[0]?.errorCode)
  }
}

/** What the newest producers do: a produce that also adds the partition, and the end (KIP-890). */
async function transaction(client: BenchConnection): Promise<() => Promise<void>> {
  const transactionalId = 'transaction'
  const topicId = await topicIdOf(client, TOPIC)
  await findCoordinator(client, transactionalId, 'transaction')
  const init = { transactionalId, transactionTimeoutMs: 60_000 }
  // The newest that says no two-phase commit is wanted without being asked for it.
  let { producerId, producerEpoch } = await retried(() => client.request(initProducerIdApi, 5, init))
  return async () => {
    const options = { producerId, producerEpoch, baseSequence: 0, isTransactional: true }
    const request = produceRequest(topicId, batchOf(1, 100, options), transactionalId)
    const { responses } = await client.request(produceApi, newest(produceApi), request)
    expectNone(responses[0]?.partitionResponses[0]?.errorCode)
    const end = { transactionalId, producerId, producerEpoch, committed: true }
    const ended = await client.request(endTxnApi, newest(endTxnApi), end)
    expectNone(ended.errorCode)
    ;({ producerId, producerEpoch } = ended)
  }
}

async function onlyMember(client: BenchConnection): Promise<Member> {
  await findCoordinator(client, 'group')
  return joinAlone(client, 'group')
}

async function topicIdOf(client: BenchConnection, name: string): Promise<string> {
  const { topics } = await client.request(metadataApi, newest(metadataApi), metadataRequest(name))
  const topicId = topics[0]?.topicId
  if (topicId === undefined || topicId === ZERO_UUID) throw new Error(`there is no topic ${name}`)
  return topicId
}

function expectNone(errorCode: number | undefined): void {
  if (errorCode !== 0) throw new Error(`a request was answered with error code ${errorCode}`)
}
