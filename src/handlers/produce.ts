/**
 * Produce (key 0). Advertised from v0 and served from v3: librdkafka stops compressing where v0 is missing (KAFKA-18659).
 * v3 transactional id · v5 log start · v7 zstd (KIP-110) · v8 record errors (KIP-467) · v9 flexible · v10 current leader
 * (KIP-951) · v11 TRANSACTION_ABORTABLE · v12 adds partitions to the transaction (KIP-890, transactions V2) · v13 topic
 * ids (KIP-516).
 */
import type { AppendResult } from '../log/append-result.ts'
import { checkProducedRecords, isTransactionalRequest } from '../log/produced-records.ts'
import { RecordValidationError } from '../log/record-validation-error.ts'
import type { ValidatedBatch } from '../log/validate-batch.ts'
import type { Topic } from '../metadata/metadata.ts'
import type { Partition } from '../replica/partition.ts'
import * as batch from '../wire/batch.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import {
  type PartitionProduceData,
  type PartitionProduceResponse,
  type ProduceRequest,
  type ProduceResponse,
  produceApi,
  type TopicProduceData,
  type TopicProduceResponse,
} from '../wire/messages/produce.ts'
import { EMPTY_BYTES } from '../wire/reader.ts'
import { lastOfEach } from './duplicates.ts'
import { type Call, type Handler, handler } from './handler.ts'
import { allInOrder } from './in-order.ts'
import {
  type TransactionalBatch,
  type Verdict,
  type Verdicts,
  VerificationError,
  verifyBatches,
} from './produce-verification.ts'

/** Kafka's own tools write to internal topics under this client id, and nobody else does. */
const ADMIN_CLIENT_ID = '__admin_client'

const FIRST_VERSION_WITH_TOPIC_IDS = 13

const ACKS_NONE = 0
const ACKS_ALL = -1

/** For these errors Kafka does not tell the log start. */
const WITHOUT_LOG_START: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.UNKNOWN_TOPIC_ID,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.MESSAGE_TOO_LARGE,
  ErrorCode.RECORD_LIST_TOO_LARGE,
  ErrorCode.CORRUPT_MESSAGE,
  ErrorCode.KAFKA_STORAGE_ERROR,
])

export const produceHandler: Handler<ProduceRequest, ProduceResponse> = handler(produceApi, {
  handle(request, call) {
    const isTransactional = hasTransactionalRecords(request)
    if (isTransactional && request.transactionalId === null) {
      throw new KafkaError(
        ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        'transactional records without a transactional id',
      )
    }
    call.logRoom.check()
    const topics = perTopic(request)
    if (!isTransactional) return produceAll(topics, request, call)
    const verdicts = verifyBatches(transactionalBatches(topics, call), request, call)
    return verdicts instanceof Promise
      ? verdicts.then((each) => produceAll(topics, request, call, each))
      : produceAll(topics, request, call, verdicts)
  },

  fail(request, error) {
    if (request.acks === ACKS_NONE) return null
    return {
      responses: request.topicData.map(({ name, topicId, partitionData }) => ({
        name,
        topicId,
        partitionResponses: partitionData.map(({ index }) => failure(index, error, -1n, messageOf(error))),
      })),
    }
  },
})

/** Kafka words the errors of unreadable records itself; of other errors it tells the code alone. */
function messageOf(error: KafkaError): string | null {
  return error.code === ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED ? null : error.message
}

/** Each topic, and in it each partition, once: of one that a request names twice only the last counts. */
function perTopic({ topicData }: ProduceRequest): readonly TopicProduceData[] {
  if (topicData.length === 1 && topicData[0]?.partitionData.length === 1) return topicData
  const byTopic = new Map<string, { name: string; topicId: string; partitionData: PartitionProduceData[] }>()
  for (const { name, topicId, partitionData } of topicData) {
    if (partitionData.length === 0) continue
    const key = `${name}/${topicId}`
    const known = byTopic.get(key)
    if (known === undefined) byTopic.set(key, { name, topicId, partitionData: [...partitionData] })
    else for (const data of partitionData) known.partitionData.push(data)
  }
  return Array.from(byTopic.values(), (data) => ({
    ...data,
    partitionData: lastOfEach(data.partitionData, ({ index }) => index),
  }))
}

function produceAll(
  topics: readonly TopicProduceData[],
  request: ProduceRequest,
  call: Call,
  verdicts?: Verdicts,
): ProduceResponse | null | Promise<ProduceResponse | null> {
  const answered = allInOrder(topics.map((data) => produceToTopic(data, request, call, verdicts)))
  return answered instanceof Promise
    ? answered.then((responses) => answer(request, responses, call))
    : answer(request, answered, call)
}

/** acks=0 is owed no answer, but an error closes the connection, so that the client hears of it at all. */
function answer(
  request: ProduceRequest,
  responses: readonly TopicProduceResponse[],
  call: Call,
): ProduceResponse | null {
  if (request.acks !== ACKS_NONE) return { responses }
  for (const { name, topicId, partitionResponses } of responses) {
    for (const { index, errorCode } of partitionResponses) {
      if (errorCode === ErrorCode.NONE) continue
      throw new KafkaError(
        errorCode as ErrorCode,
        `a produce with acks=0 failed on ${name || topicId}-${index} (client ${call.clientId})`,
      )
    }
  }
  return null
}

function produceToTopic(
  data: TopicProduceData,
  request: ProduceRequest,
  call: Call,
  verdicts: Verdicts | undefined,
): TopicProduceResponse | Promise<TopicProduceResponse> {
  const { name, topicId } = data
  const byId = call.version >= FIRST_VERSION_WITH_TOPIC_IDS
  const topic = topicOf(data, call)
  const responses = allInOrder(
    data.partitionData.map((partition) => {
      if (topic !== undefined)
        return produceToPartition(topic, partition, request, call, verdicts?.get(partition))
      const code = byId ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      return failure(partition.index, new KafkaError(code), -1n)
    }),
  )
  return responses instanceof Promise
    ? responses.then((partitionResponses) => ({ name, topicId, partitionResponses }))
    : { name, topicId, partitionResponses: responses }
}

function topicOf({ name, topicId }: TopicProduceData, call: Call): Topic | undefined {
  return call.version >= FIRST_VERSION_WITH_TOPIC_IDS
    ? call.metadata.topicById(topicId)
    : call.metadata.topic(name)
}

/** What has to be verified; what is wrong with the others is said when they are produced. */
function transactionalBatches(
  topics: readonly TopicProduceData[],
  call: Call,
): readonly TransactionalBatch[] {
  return topics.flatMap((topicData) => {
    const topic = topicOf(topicData, call)
    if (topic === undefined) return []
    return topicData.partitionData.flatMap((data) => {
      const records = data.records ?? EMPTY_BYTES
      if (topic.partitions[data.index] === undefined || !isProducible(records, call.version)) return []
      if (!batch.isTransactional(records) || !batch.hasProducerId(records)) return []
      const start = (supportsEpochBump: boolean) =>
        call.replicas.get(topic, data.index).startVerification(records, supportsEpochBump)
      return [{ topic: topic.name, data, records, start }]
    })
  })
}

function isProducible(records: Buffer, version: number): boolean {
  try {
    checkProducedRecords(records, version)
    return true
  } catch {
    return false
  }
}

function produceToPartition(
  topic: Topic,
  data: PartitionProduceData,
  request: ProduceRequest,
  call: Call,
  verdict: Verdict,
): PartitionProduceResponse | Promise<PartitionProduceResponse> {
  const { index } = data
  // Null has been refused with the whole request.
  const records = data.records ?? EMPTY_BYTES
  let partition: Partition | undefined
  const failed = (error: unknown): PartitionProduceResponse =>
    refused(index, error, partition?.logStartOffset ?? -1n, call)
  try {
    const found = call.replicas.get(topic, index)
    checkProducedRecords(records, call.version)
    if (verdict instanceof VerificationError) return failure(index, verdict, -1n, verdict.told)
    checkAcks(request.acks)
    if (topic.internal && call.clientId !== ADMIN_CLIENT_ID) {
      throw new KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, `Cannot append to internal topic ${topic.name}`)
    }
    partition = found
    const append = (validated: ValidatedBatch) =>
      whenSafe(index, found.append(validated, verdict), request, call)
    const prepared = found.prepare(records)
    return prepared instanceof Promise ? prepared.then(append).catch(failed) : append(prepared)
  } catch (error) {
    return failed(error)
  }
}

function checkAcks(acks: number): void {
  if (acks >= -1 && acks <= 1) return
  throw new KafkaError(ErrorCode.INVALID_REQUIRED_ACKS, `acks is ${acks}, not -1, 0 or 1`)
}

/** What has been appended is answered when it is as safe as the client asked for. */
function whenSafe(
  index: number,
  result: AppendResult,
  request: ProduceRequest,
  call: Call,
): PartitionProduceResponse | Promise<PartitionProduceResponse> {
  const { durable } = result
  if (durable === undefined || request.acks === ACKS_NONE) return success(index, result)
  const done = durable.then(
    () => success(index, result),
    (error: unknown) => refused(index, error, -1n, call),
  )
  if (request.acks !== ACKS_ALL) return done
  return new Promise((resolve) => {
    // The records are in the log, and Kafka says where, but they may yet be lost.
    const timer = call.clock.schedule(request.timeoutMs, () =>
      resolve({ ...success(index, result), errorCode: ErrorCode.REQUEST_TIMED_OUT }),
    )
    done.then((response) => {
      timer.cancel()
      resolve(response)
    }, resolve)
  })
}

function success(index: number, result: AppendResult): PartitionProduceResponse {
  return {
    index,
    errorCode: ErrorCode.NONE,
    baseOffset: result.baseOffset,
    logAppendTimeMs: result.logAppendTimeMs,
    logStartOffset: result.logStartOffset,
    recordErrors: [],
  }
}

function refused(
  index: number,
  error: unknown,
  logStartOffset: bigint,
  call: Call,
): PartitionProduceResponse {
  if (error instanceof RecordValidationError) {
    return { ...failure(index, error, logStartOffset, error.message), recordErrors: error.recordErrors }
  }
  if (error instanceof KafkaError) {
    return failure(index, error, WITHOUT_LOG_START.has(error.code) ? -1n : logStartOffset)
  }
  call.logger.error({ err: error, index }, 'a produced batch could not be appended')
  return failure(index, new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR), logStartOffset)
}

function failure(
  index: number,
  error: KafkaError,
  logStartOffset: bigint,
  errorMessage: string | null = null,
): PartitionProduceResponse {
  return {
    index,
    errorCode: error.code,
    baseOffset: -1n,
    logAppendTimeMs: -1n,
    logStartOffset,
    recordErrors: [],
    errorMessage,
  }
}

/** Looks at every partition, as Kafka does: one without records, or with a cut batch, fails the whole request. */
function hasTransactionalRecords(request: ProduceRequest): boolean {
  let found = false
  for (const { partitionData } of request.topicData) {
    for (const { records } of partitionData) found = isTransactionalRequest(records) || found
  }
  return found
}
