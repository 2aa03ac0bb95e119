/** What tests of handlers share: a broker without ports, and requests that are encoded, answered and decoded. */
import { pino } from 'pino'
import type { BrokerStorage } from '../broker-storage.ts'
import { buildServices, startServices } from '../build-services.ts'
import { ManualClock, seededRandom } from '../clock.ts'
import type { BrokerOptions } from '../cluster-options.ts'
import { BrokerConfig } from '../config/broker-config.ts'
import { wholeBatches } from '../wire/batch.ts'
import { ErrorCode, errorName } from '../wire/error-codes.ts'
import type { Message } from '../wire/message.ts'
import type { FetchRequest, FetchResponse } from '../wire/messages/fetch.ts'
import type { ProduceRequest } from '../wire/messages/produce.ts'
import { Reader, ZERO_UUID } from '../wire/reader.ts'
import { buildBatch } from '../wire/records.ts'
import { Writer } from '../wire/writer.ts'
import type { Call, Handler } from './handler.ts'
import { produceHandler } from './produce.ts'
import type { Services } from './services.ts'

export interface TestBroker {
  readonly clock: ManualClock
  readonly services: Services
  /** What was logged as an error or a warning. */
  readonly lines: readonly string[]
  /** Answers a request, which goes over the wire as does its answer. Throws what the handler throws. */
  ask<Req, Res>(handler: Handler<Req, Res>, version: number, request: Req, more?: Partial<Call>): Promise<Res>
  /** The call of a request. */
  call(version: number, more?: Partial<Call>): Call
}

/** @param storage what a broker with a data directory knows of it, instead of a mere store. */
export async function testBroker(options: BrokerOptions = {}, storage?: BrokerStorage): Promise<TestBroker> {
  const clock = options.clock instanceof ManualClock ? options.clock : new ManualClock(Date.UTC(2026, 0, 1))
  const lines: string[] = []
  const logger = pino({ level: 'warn' }, { write: (line) => lines.push(JSON.parse(line).msg) })
  const config = new BrokerConfig({ overrides: { 'node.id': '1', ...options.config } })
  const services = buildServices({ clock, random: seededRandom(1), ...options }, config, logger, storage)
  await startServices(services, options.topics ?? [])
  const call = (version: number, more: Partial<Call> = {}): Call => ({
    version,
    correlationId: 1,
    clientId: 'test',
    clientHost: '/127.0.0.1',
    clientPort: 40_000,
    clientSoftware: null,
    connectionId: 'test',
    listenerName: 'PLAINTEXT',
    advertised: { host: 'localhost', port: 9092 },
    signal: new AbortController().signal,
    ...services,
    ...more,
  })
  return {
    clock,
    services,
    lines,
    call,
    async ask(handler, version, request, more) {
      const asked = call(version, more)
      const read = throughWire(handler.api.request, version, request)
      const response = await handler.handle(read, asked)
      if (response === null) throw new Error('no answer is owed')
      return throughWire(handler.api.response, version, response)
    },
  }
}

/** What comes out at the other end. */
function throughWire<T>(codec: Message<T>, version: number, value: T): T {
  const writer = new Writer()
  codec.write(writer, version, value)
  return codec.read(new Reader(writer.concat()), version)
}

/** A batch of records whose values are the given texts. */
export function batchOf(...values: string[]): Buffer {
  return buildBatch(values.map((value) => ({ key: null, value: Buffer.from(value), timestamp: 1n })))
}

export function produceRequest(topic: string, index: number, records: Buffer, acks = -1): ProduceRequest {
  return {
    transactionalId: null,
    acks,
    timeoutMs: 1_000,
    topicData: [{ name: topic, topicId: ZERO_UUID, partitionData: [{ index, records }] }],
  }
}

/** Produces one batch to partition 0, or another, and gives the base offset. */
export async function produce(
  broker: TestBroker,
  topic: string,
  records: Buffer,
  index = 0,
): Promise<bigint> {
  const { responses } = await broker.ask(produceHandler, 9, produceRequest(topic, index, records))
  const [partition] = responses[0]?.partitionResponses ?? []
  if (partition?.errorCode !== ErrorCode.NONE) throw new Error(`produce failed: ${partition?.errorCode}`)
  return partition.baseOffset
}

/** Where a fetch reads: a topic by its name, or by its id in version 13 and later. */
export interface Wanted {
  readonly topic?: string
  readonly topicId?: string
  readonly partition?: number
  readonly offset?: bigint
  readonly maxBytes?: number
}

export function fetchRequest(wanted: readonly Wanted[], more: Partial<FetchRequest> = {}): FetchRequest {
  return {
    clusterId: null,
    replicaId: -1,
    replicaState: { replicaId: -1, replicaEpoch: -1n },
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 1 << 20,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: wanted.map(
      ({ topic = '', topicId = ZERO_UUID, partition = 0, offset = 0n, maxBytes = 1 << 20 }) => ({
        topic,
        topicId,
        partitions: [
          {
            partition,
            currentLeaderEpoch: -1,
            fetchOffset: offset,
            lastFetchedEpoch: -1,
            logStartOffset: -1n,
            partitionMaxBytes: maxBytes,
            replicaDirectoryId: ZERO_UUID,
            highWatermark: -1n,
          },
        ],
      }),
    ),
    forgottenTopicsData: [],
    rackId: '',
    ...more,
  }
}

/** A fetch's answer in short: `orders-0: 2 batches` or `orders-0: OFFSET_OUT_OF_RANGE`, in the order of the answer. */
export function fetched(response: FetchResponse): string[] {
  return response.responses.flatMap(({ topic, partitions }) =>
    partitions.map(({ partitionIndex, errorCode, records }) => {
      const bytes = Buffer.concat(records === null ? [] : [records].flat())
      const what = errorCode === ErrorCode.NONE ? [...wholeBatches(bytes)].length : errorName(errorCode)
      return `${topic}-${partitionIndex}: ${what}`
    }),
  )
}

/** Whether a promise is settled by now, once everything that is ready to run has run. */
export async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const note = (): void => {
    settled = true
  }
  promise.then(note, note)
  await new Promise((resolve) => setImmediate(resolve))
  return settled
}
