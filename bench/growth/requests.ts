/** The requests whose cost is compared: each always the same, in versions that every broker here speaks. */
import { createTopicsApi } from '../../src/wire/messages/create-topics.ts'
import { deleteTopicsApi } from '../../src/wire/messages/delete-topics.ts'
import { fetchApi } from '../../src/wire/messages/fetch.ts'
import { heartbeatApi } from '../../src/wire/messages/heartbeat.ts'
import { listOffsetsApi } from '../../src/wire/messages/list-offsets.ts'
import { metadataApi } from '../../src/wire/messages/metadata.ts'
import { offsetCommitApi } from '../../src/wire/messages/offset-commit.ts'
import { produceApi } from '../../src/wire/messages/produce.ts'
import { buildBatch } from '../../src/wire/records.ts'
import { type BenchConnection, frameOf } from '../connection.ts'
import type { Member } from '../members.ts'

const RECORD_BYTES = 100
const LATEST = -1n
/** Not to be mistaken for anything else in a frame. */
const EPOCH_MARK = 0x5a17c3e9

export interface NewTopic {
  readonly name: string
  readonly partitions: number
  readonly configs?: Readonly<Record<string, string>>
}

/** How many partitions one request may make: Kafka takes 10,000 records of metadata at most. */
const PARTITIONS_PER_REQUEST = 5_000
const TIMEOUT_MS = 60_000

export async function createTopics(connection: BenchConnection, topics: readonly NewTopic[]): Promise<void> {
  for (const request of pieces(topics)) {
    const answer = await connection.request(createTopicsApi, 5, createRequest(request))
    const failed = answer.topics.find(({ errorCode }) => errorCode !== 0)
    if (failed !== undefined) throw new Error(`topic ${failed.name}: ${failed.errorMessage}`)
  }
}

function* pieces(topics: readonly NewTopic[]): Generator<readonly NewTopic[]> {
  let piece: NewTopic[] = []
  let partitions = 0
  for (const topic of topics) {
    if (partitions + topic.partitions > PARTITIONS_PER_REQUEST && piece.length > 0) {
      yield piece
      piece = []
      partitions = 0
    }
    piece.push(topic)
    partitions += topic.partitions
  }
  if (piece.length > 0) yield piece
}

function createRequest(topics: readonly NewTopic[]) {
  return {
    topics: topics.map(({ name, partitions, configs = {} }) => ({
      name,
      numPartitions: partitions,
      replicationFactor: 1,
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    })),
    timeoutMs: TIMEOUT_MS,
  }
}

export function createFrame(name: string): Buffer {
  return frameOf(createTopicsApi, 5, createRequest([{ name, partitions: 1 }]))
}

export function deleteFrame(name: string): Buffer {
  return frameOf(deleteTopicsApi, 5, { topicNames: [name], timeoutMs: TIMEOUT_MS })
}

/** Produces one small record. */
export function produceFrame(topic: string, index: number, timestamp: bigint = BigInt(Date.now())): Buffer {
  const records = buildBatch([{ key: null, value: Buffer.alloc(RECORD_BYTES, 'x'), timestamp }])
  const topicData = [{ name: topic, partitionData: [{ index, records }] }]
  return frameOf(produceApi, 9, { acks: -1, timeoutMs: TIMEOUT_MS, topicData })
}

export function metadataFrame(topic: string): Buffer {
  return frameOf(metadataApi, 9, { topics: [{ name: topic }], allowAutoTopicCreation: false })
}

export function listOffsetsFrame(topic: string): Buffer {
  const partition = { partitionIndex: 0, timestamp: LATEST }
  return frameOf(listOffsetsApi, 6, { replicaId: -1, topics: [{ name: topic, partitions: [partition] }] })
}

export function heartbeatFrame(member: Member): Buffer {
  return frameOf(heartbeatApi, 4, member)
}

export function offsetCommitFrame({ groupId, memberId, generationId }: Member, topic: string): Buffer {
  return frameOf(offsetCommitApi, 8, {
    groupId,
    generationIdOrMemberEpoch: generationId,
    memberId,
    topics: [{ name: topic, partitions: [{ partitionIndex: 0, committedOffset: 1n }] }],
  })
}

/** Fetches a batch at an offset, without a session. */
export function fetchFrame(topic: string, offset: bigint): Buffer {
  return frameOf(fetchApi, 12, fetchRequest([fetchTopic(topic, 1, offset)]))
}

/**
 * Opens a fetch session of many partitions, which have nothing new, and fetches in it: each time a batch of `topic`.
 * @returns the next request: each is to be sent once, and in order.
 */
export async function fetchInSession(
  connection: BenchConnection,
  topic: string,
  others: readonly NewTopic[],
): Promise<() => Buffer> {
  const own = fetchTopic(topic, 1)
  const all = [own, ...others.map(({ name, partitions }) => fetchTopic(name, partitions))]
  const { sessionId } = await connection.request(fetchApi, 12, fetchRequest(all, 0, 0))
  if (sessionId === 0) throw new Error('the broker has opened no fetch session')
  const frame = frameOf(fetchApi, 12, fetchRequest([own], sessionId, EPOCH_MARK))
  const mark = Buffer.alloc(4)
  mark.writeInt32BE(EPOCH_MARK)
  const at = frame.indexOf(mark)
  let epoch = 0
  return () => {
    const next = Buffer.from(frame)
    next.writeInt32BE(++epoch, at)
    return next
  }
}

/** Of one batch from each partition. */
function fetchTopic(topic: string, count: number, fetchOffset = 0n) {
  const partitions = Array.from({ length: count }, (_, partition) => ({
    partition,
    fetchOffset,
    partitionMaxBytes: 1,
  }))
  return { topic, partitions }
}

function fetchRequest(topics: readonly ReturnType<typeof fetchTopic>[], sessionId = 0, sessionEpoch = -1) {
  return { maxWaitMs: 0, minBytes: 1, maxBytes: 1 << 20, sessionId, sessionEpoch, topics }
}
