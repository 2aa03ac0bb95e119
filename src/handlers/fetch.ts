/**
 * Fetch (key 1), v4 to v18.
 * v5 log start · v7 sessions (KIP-227) · v9 leader epochs (KIP-320) · v11 rack (KIP-392) · v12 flexible, diverging
 * epochs · v13 topic ids (KIP-516) · v15 replica state (KIP-903) · v16 current leader (KIP-951) · v17, v18 followers.
 */
import { type FetchLimits, type FetchResult, fetchSelection } from '../replica/fetch.ts'
import { FetchSelection, type FetchTarget, type SelectedPartition } from '../replica/fetch-selection.ts'
import { type FetchSession, FINAL_EPOCH, INITIAL_EPOCH, NO_SESSION } from '../replica/fetch-sessions.ts'
import { Partition, type PartitionRead } from '../replica/partition.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import {
  type FetchableTopicResponse,
  type FetchRequest,
  type FetchResponse,
  fetchApi,
  type PartitionData,
} from '../wire/messages/fetch.ts'
import { type Call, type Handler, handler } from './handler.ts'
import { checkIsolation } from './isolation.ts'

/** Below this version a consumer cannot read zstd (KIP-110). */
const FIRST_VERSION_WITH_ZSTD = 10

export const fetchHandler: Handler<FetchRequest, FetchResponse> = handler(fetchApi, {
  handle(request, call) {
    checkIsolation(request.isolationLevel)
    const context = contextOf(request, call)
    if (context instanceof KafkaError) {
      return { throttleTimeMs: 0, errorCode: context.code, sessionId: NO_SESSION, responses: [] }
    }
    const results = fetchSelection(context.selection, limitsOf(request, call), call.clientClock, call.signal)
    return results instanceof Promise
      ? results.then((waited) => answer(context, waited, call))
      : answer(context, results, call)
  },

  fail(request, error) {
    const responses = request.topics.map(({ topic, topicId, partitions }) => ({
      topic,
      topicId,
      partitions: partitions.map(({ partition }) => errorData(partition, error.code, [])),
    }))
    return { throttleTimeMs: 0, errorCode: error.code, sessionId: request.sessionId, responses }
  },
})

/** What a fetch is about: a selection of its own, or that of the session which it continues. */
interface FetchContext {
  readonly selection: FetchSelection
  /** The session that an incremental fetch continues. */
  readonly session: FetchSession | null
  /** The epoch that the session had reached when this fetch began. */
  readonly epoch: number
  /** Whether the client wants a new session. */
  readonly opensSession: boolean
}

/** Kafka's rules for which fetch opens, continues or closes a session. */
function contextOf(request: FetchRequest, call: Call): FetchContext | KafkaError {
  const { sessionId, sessionEpoch } = request
  if (sessionEpoch === INITIAL_EPOCH || sessionEpoch === FINAL_EPOCH) {
    if (sessionId !== NO_SESSION) call.fetchSessions.close(sessionId)
    return withoutSession(call, targetsOf(request, call), sessionEpoch === INITIAL_EPOCH)
  }
  const session = call.fetchSessions.find(sessionId)
  if (session === undefined) {
    return new KafkaError(ErrorCode.FETCH_SESSION_ID_NOT_FOUND, `there is no fetch session ${sessionId}`)
  }
  if (session.epoch !== sessionEpoch) {
    return new KafkaError(
      ErrorCode.INVALID_FETCH_SESSION_EPOCH,
      `fetch session ${sessionId} is at epoch ${session.epoch}, not ${sessionEpoch}`,
    )
  }
  if (session.usesTopicIds !== usesTopicIds(call)) {
    return new KafkaError(
      ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR,
      `fetch session ${sessionId} began with topic ${session.usesTopicIds ? 'ids' : 'names'}`,
    )
  }
  const { selection } = session
  for (const target of targetsOf(request, call)) selection.put(target)
  for (const { topic, topicId, partitions } of request.forgottenTopicsData) {
    const name = usesTopicIds(call) ? null : topic
    for (const index of partitions) selection.remove(name, topicId, index)
  }
  if (selection.size === 0) {
    call.fetchSessions.close(session.id)
    return withoutSession(call, targetsOf(request, call), false)
  }
  call.fetchSessions.advance(session)
  return { selection, session, epoch: session.epoch, opensSession: false }
}

function withoutSession(call: Call, targets: Iterable<FetchTarget>, opensSession: boolean): FetchContext {
  const selection = new FetchSelection((target) => call.replicas.locate(target), targets)
  return { selection, session: null, epoch: INITIAL_EPOCH, opensSession }
}

function usesTopicIds(call: Call): boolean {
  return call.version >= 13
}

function* targetsOf(request: FetchRequest, call: Call): Generator<FetchTarget> {
  for (const { topic, topicId, partitions } of request.topics) {
    for (const partition of partitions) {
      yield {
        topic: usesTopicIds(call) ? null : topic,
        topicId,
        index: partition.partition,
        position: {
          offset: partition.fetchOffset,
          maxBytes: partition.partitionMaxBytes,
          currentLeaderEpoch: partition.currentLeaderEpoch,
          lastFetchedEpoch: partition.lastFetchedEpoch,
        },
      }
    }
  }
}

function limitsOf(request: FetchRequest, call: Call): FetchLimits {
  const maxBytes = Math.min(request.maxBytes, call.config.get('fetch.max.bytes'))
  const limitedBytes = call.unsent.limit(maxBytes)
  return {
    maxWaitMs: request.maxWaitMs,
    minBytes: Math.min(request.minBytes, maxBytes, Math.max(1, limitedBytes)),
    maxBytes: limitedBytes,
    isolation: request.isolationLevel,
    replicaId: Math.max(request.replicaId, request.replicaState.replicaId),
    memory: call.unsent,
  }
}

function answer(context: FetchContext, results: readonly FetchResult[], call: Call): FetchResponse {
  const { selection, opensSession } = context
  let session = context.session
  if (session !== null && session.epoch !== context.epoch) {
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH,
      sessionId: NO_SESSION,
      responses: [],
    }
  }
  const incremental = session !== null
  if (opensSession) session = call.fetchSessions.open(selection, usesTopicIds(call)) ?? null
  const responses: { topic: string; topicId: string; partitions: PartitionData[] }[] = []
  for (const result of inKafkasOrder(results)) {
    const isNews = session !== null && noteTold(selection, result)
    if (incremental && !isNews) continue
    if (incremental && bytesOf(result) > 0) selection.served(result.selected)
    const { target } = result.selected
    const { topicId } = target
    const topic = usesTopicIds(call) ? '' : (target.topic ?? '')
    let last = responses.at(-1)
    if (last === undefined || last.topic !== topic || last.topicId !== topicId) {
      last = { topic, topicId, partitions: [] }
      responses.push(last)
    }
    last.partitions.push(partitionData(result, call))
  }
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    sessionId: session?.id ?? NO_SESSION,
    responses: responses satisfies readonly FetchableTopicResponse[],
  }
}

/** Partitions that do not exist come last. */
function* inKafkasOrder(results: readonly FetchResult[]): Generator<FetchResult> {
  for (const result of results) if (!result.unknown) yield result
  for (const result of results) if (result.unknown) yield result
}

/** Keeps in mind what the client is told, and whether there may be more to tell. Says whether it is news. */
function noteTold(selection: FetchSelection, { selected, outcome }: FetchResult): boolean {
  if (outcome instanceof KafkaError) {
    // So that the partition is told of again when the error is gone.
    selected.toldHighWatermark = -1n
    return true
  }
  const news =
    outcome.sizeBytes > 0 ||
    outcome.divergingEpoch !== null ||
    outcome.highWatermark !== selected.toldHighWatermark ||
    outcome.logStartOffset !== selected.toldLogStartOffset
  selected.toldHighWatermark = outcome.highWatermark
  selected.toldLogStartOffset = outcome.logStartOffset
  if (!hasMore(selected)) selection.settled(selected)
  return news
}

function bytesOf({ outcome }: FetchResult): number {
  return outcome instanceof KafkaError ? 0 : outcome.sizeBytes
}

function hasMore(selected: SelectedPartition): boolean {
  const partition = selected.find()
  return (
    !(partition instanceof Partition) ||
    partition.highWatermark > selected.target.position.offset ||
    partition.highWatermark !== selected.toldHighWatermark ||
    partition.logStartOffset !== selected.toldLogStartOffset
  )
}

function partitionData(result: FetchResult, call: Call): PartitionData {
  const { selected, outcome } = result
  const { index } = selected.target
  if (outcome instanceof KafkaError) {
    return errorData(index, errorFor(outcome, call.version), result.unknown ? [] : null)
  }
  if (call.version < FIRST_VERSION_WITH_ZSTD && isRecompressedToZstd(selected.target, call)) {
    return errorData(index, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, [])
  }
  const { divergingEpoch } = outcome
  return {
    partitionIndex: index,
    errorCode: ErrorCode.NONE,
    highWatermark: outcome.highWatermark,
    lastStableOffset: outcome.lastStableOffset,
    logStartOffset: outcome.logStartOffset,
    abortedTransactions: outcome.abortedTransactions,
    records: recordsOf(outcome),
    ...(divergingEpoch === null ? {} : { divergingEpoch }),
  }
}

function recordsOf({ records }: PartitionRead): PartitionData['records'] {
  return records.length === 1 && records[0] !== undefined ? records[0] : records
}

/** Old consumers do not know KAFKA_STORAGE_ERROR; this one makes them ask for the leader again. */
function errorFor(error: KafkaError, version: number): ErrorCode {
  const unknownToClient = error.code === ErrorCode.KAFKA_STORAGE_ERROR && version <= 5
  return unknownToClient ? ErrorCode.NOT_LEADER_OR_FOLLOWER : error.code
}

function isRecompressedToZstd({ topic }: FetchTarget, call: Call): boolean {
  const known = topic === null ? undefined : call.metadata.topic(topic)
  return known !== undefined && call.replicas.topicConfig(known).get('compression.type') === 'zstd'
}

/** @param abortedTransactions null where the log was asked, an empty list where Kafka did not come so far. */
function errorData(partitionIndex: number, errorCode: number, abortedTransactions: [] | null): PartitionData {
  return {
    partitionIndex,
    errorCode,
    highWatermark: -1n,
    lastStableOffset: -1n,
    logStartOffset: -1n,
    abortedTransactions,
    records: [],
  }
}
