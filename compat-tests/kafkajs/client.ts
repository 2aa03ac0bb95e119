/** kafkajs as these tests use it: quiet, quick to retry, with the shortest session that a broker grants by default. */
import {
  type Admin,
  type Consumer,
  type ConsumerConfig,
  type EachMessagePayload,
  Kafka,
  type KafkaMessage,
  logLevel,
  type Message,
  Partitioners,
  type Producer,
  type RecordMetadata,
} from 'kafkajs'
import { until } from '../until.ts'

/** The least that group.min.session.timeout.ms lets through by default. */
export const SESSION_TIMEOUT_MS = 6000

export function kafkaClient(bootstrapServers: string, clientId = 'kafkajs-test'): Kafka {
  return new Kafka({
    clientId,
    brokers: [bootstrapServers],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 20 },
  })
}

export async function withAdmin<T>(kafka: Kafka, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    return await use(admin)
  } finally {
    await admin.disconnect()
  }
}

export function createTopic(kafka: Kafka, topic: string, numPartitions = 1): Promise<boolean> {
  return withAdmin(kafka, (admin) => admin.createTopics({ topics: [{ topic, numPartitions }] }))
}

export async function withProducer<T>(
  kafka: Kafka,
  use: (producer: Producer) => Promise<T>,
  config: Parameters<Kafka['producer']>[0] = {},
): Promise<T> {
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, ...config })
  await producer.connect()
  try {
    return await use(producer)
  } finally {
    await producer.disconnect()
  }
}

/** Sends `messages` in one request per partition and returns what the broker answered. */
export function send(kafka: Kafka, topic: string, messages: Message[]): Promise<RecordMetadata[]> {
  return withProducer(kafka, (producer) => producer.send({ topic, messages }))
}

/** `count` messages `<prefix>0`, `<prefix>1`, … for one partition. */
export function numbered(count: number, partition = 0, prefix = 'message '): Message[] {
  return Array.from({ length: count }, (_, index) => ({ value: `${prefix}${index}`, partition }))
}

/** What `groupId` has committed for `topic`: partition → offset, -1 where there is none. */
export async function committedOffsets(
  kafka: Kafka,
  groupId: string,
  topic: string,
): Promise<Map<number, number>> {
  const [fetched] = await withAdmin(kafka, (admin) => admin.fetchOffsets({ groupId, topics: [topic] }))
  return new Map((fetched?.partitions ?? []).map(({ partition, offset }) => [partition, Number(offset)]))
}

export interface Seen {
  readonly partition: number
  readonly offset: number
  readonly value: string | null
  readonly message: KafkaMessage
}

export interface ReaderOptions {
  readonly topic: string
  readonly groupId: string
  readonly fromBeginning?: boolean
  /** How offsets are committed; by hand only, by default. */
  readonly autoCommit?: {
    readonly autoCommitInterval?: number
    readonly autoCommitThreshold?: number
  }
  readonly consumer?: Partial<ConsumerConfig>
  readonly onMessage?: (payload: EachMessagePayload, consumer: Consumer) => Promise<void>
  readonly onJoin?: (partitions: readonly number[]) => void
}

/** A running group consumer that remembers what it was given. */
export interface Reader extends AsyncDisposable {
  readonly consumer: Consumer
  readonly seen: readonly Seen[]
  /** The partitions of the topic that the last join gave to this member. */
  assigned(): readonly number[]
  /** Fetches that came back, empty ones included: after the first one every position is known. */
  fetches(): number
  /** Waits until at least `count` messages are there and returns their values in the order of arrival. */
  values(count: number): Promise<(string | null)[]>
}

export async function startReader(kafka: Kafka, options: ReaderOptions): Promise<Reader> {
  const { topic, groupId } = options
  const consumer = kafka.consumer({
    groupId,
    sessionTimeout: SESSION_TIMEOUT_MS,
    rebalanceTimeout: 10_000,
    heartbeatInterval: 100,
    maxWaitTimeInMs: 100,
    ...options.consumer,
  })
  const seen: Seen[] = []
  let assigned: readonly number[] = []
  let fetches = 0
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    assigned = payload.memberAssignment[topic] ?? []
    options.onJoin?.(assigned)
  })
  consumer.on(consumer.events.FETCH, () => {
    fetches++
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: options.fromBeginning ?? true })
  await consumer.run({
    autoCommit: options.autoCommit !== undefined,
    ...options.autoCommit,
    eachMessage: async (payload) => {
      const { partition, message } = payload
      await options.onMessage?.(payload, consumer)
      seen.push({
        partition,
        offset: Number(message.offset),
        value: message.value?.toString() ?? null,
        message,
      })
    },
  })
  return {
    consumer,
    seen,
    assigned: () => assigned,
    fetches: () => fetches,
    async values(count) {
      await until(`${count} messages of ${topic} are read`, () => seen.length >= count)
      return seen.map(({ value }) => value)
    },
    [Symbol.asyncDispose]: () => consumer.disconnect(),
  }
}
