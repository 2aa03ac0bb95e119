/** Requests as clients send them, in the newest versions that they know, and batches of fixed content. */
import type { Api } from '../src/wire/message.ts'
import type { FetchRequest } from '../src/wire/messages/fetch.ts'
import type { MetadataRequest } from '../src/wire/messages/metadata.ts'
import type { ProduceRequest } from '../src/wire/messages/produce.ts'
import { ZERO_UUID } from '../src/wire/reader.ts'
import type { BatchOptions } from '../src/wire/record-builder.ts'
import { buildBatch } from '../src/wire/records.ts'

/** A batch of records without keys, all with the same timestamp. */
export function batchOf(count: number, valueBytes: number, options: BatchOptions = {}): Buffer {
  const value = Buffer.alloc(valueBytes)
  for (let at = 0; at < valueBytes; at++) value[at] = 97 + ((at * 7) % 26)
  const timestamp = BigInt(Date.UTC(2026, 0, 1))
  return buildBatch(
    Array.from({ length: count }, () => ({ value, timestamp })),
    options,
  )
}

export function produceRequest(
  topicId: string,
  records: Buffer,
  transactionalId: string | null = null,
): ProduceRequest {
  const topicData = [{ name: '', topicId, partitionData: [{ index: 0, records }] }]
  return { transactionalId, acks: -1, timeoutMs: 30_000, topicData }
}

export interface FetchOptions {
  readonly sessionId?: number
  readonly sessionEpoch?: number
  readonly fetchOffset?: bigint
  readonly partitionMaxBytes?: number
  readonly maxWaitMs?: number
}

/** A fetch of partition 0; of nothing new where a session's topic is left out. */
export function fetchRequest(topicId: string | null, options: FetchOptions = {}): FetchRequest {
  const {
    sessionId = 0,
    sessionEpoch = -1,
    fetchOffset = 0n,
    partitionMaxBytes = 1024 * 1024,
    maxWaitMs = 500,
  } = options
  const partition = {
    partition: 0,
    currentLeaderEpoch: -1,
    fetchOffset,
    lastFetchedEpoch: -1,
    logStartOffset: -1n,
    partitionMaxBytes,
    replicaDirectoryId: ZERO_UUID,
    highWatermark: 0x7fff_ffff_ffff_ffffn,
  }
  return {
    clusterId: null,
    replicaId: -1,
    replicaState: { replicaId: -1, replicaEpoch: -1n },
    maxWaitMs,
    minBytes: 1,
    maxBytes: 50 * 1024 * 1024,
    isolationLevel: 0,
    sessionId,
    sessionEpoch,
    topics: topicId === null ? [] : [{ topic: '', topicId, partitions: [partition] }],
    forgottenTopicsData: [],
    rackId: '',
  }
}

export function metadataRequest(name: string): MetadataRequest {
  return {
    topics: [{ topicId: ZERO_UUID, name }],
    allowAutoTopicCreation: false,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  }
}

/** The newest version that clients are told of. */
export function newest(api: Pick<Api<never, unknown>, 'name' | 'advertised' | 'versions'>): number {
  return Math.min(api.versions[1], (api.advertised ?? api.versions)[1])
}
