/** @platformatic/kafka as these tests use it: quick to retry, with the shortest session that a broker grants. */
import { bootstrap, load, refusal, SESSION_TIMEOUT_MS, unique, until, upTo } from '../js-harness.js'

export const { Admin, Consumer, Producer, stringDeserializer, stringSerializer } = load(
  'platformatic-kafka',
  '@platformatic/kafka',
)

const base = {
  clientId: 'platformatic-test',
  bootstrapBrokers: [bootstrap],
  retries: 20,
  retryDelay: 50,
}

export async function withAdmin(use) {
  const admin = new Admin({ ...base, metadataMaxAge: 0 })
  try {
    return await use(admin)
  } finally {
    await admin.close()
  }
}

export async function createTopic(name, partitions = 1) {
  const topic = unique(name)
  await withAdmin(async (admin) => {
    await admin.createTopics({ topics: [topic], partitions, replicas: 1 })
    // A producer that finds one partition not ready yet sends everything again to all.
    const ends = upTo(partitions).map((partitionIndex) => ({ partitionIndex, timestamp: -1n }))
    await admin.listOffsets({ topics: [{ name: topic, partitions: ends }] })
  })
  return topic
}

/** Sends messages in order, as buffers; returns what was told of them. */
export async function produce(topic, messages, options = {}) {
  const producer = new Producer(base)
  try {
    return await producer.send({
      acks: -1,
      ...options,
      messages: messages.map((message) => ({ topic, ...message })),
    })
  } finally {
    await producer.close()
  }
}

export function newProducer(options) {
  return new Producer({ ...base, ...options })
}

export function messages(values, partition = 0) {
  return values.map((value) => ({ value: Buffer.from(value), partition }))
}

/** `action` ends with the broker's error `code`. */
export async function refused(action, code) {
  const error = await refusal(action)
  if (!JSON.stringify(error, replacer)?.includes(code)) throw error ?? new Error(`${code} was expected`)
}

/** An error's properties, causes and all. */
function replacer(_key, value) {
  if (typeof value === 'bigint') return String(value)
  return value instanceof Error ? { ...value, message: value.message, errors: value.errors } : value
}

/** A consumer of one topic that remembers what it was given and how it was assigned. */
export class Reader {
  constructor(topic, groupId = unique('group'), options = {}) {
    this.topic = topic
    this.seen = []
    this.events = []
    this.error = undefined
    this.consumer = new Consumer({
      ...base,
      groupId,
      sessionTimeout: SESSION_TIMEOUT_MS,
      rebalanceTimeout: 10_000,
      heartbeatInterval: 100,
      maxWaitTime: 50,
      autocommit: false,
      ...options,
    })
    this.consumer.on('consumer:group:join', ({ assignments }) => {
      this.events.push((assignments ?? []).flatMap(({ partitions }) => partitions).sort())
    })
    // A rejoin that fails because the consumer is closed meanwhile is told here.
    this.consumer.on('error', () => {})
    this.consumer.on('consumer:heartbeat:error', ({ error }) => {
      this.error = error
    })
  }

  /** Reads as a member of the group, from what it has committed or from the start; each message goes to `onMessage`. */
  async join(onMessage = () => {}) {
    await this.#read({ mode: 'committed', fallbackMode: 'earliest' }, onMessage)
    return this
  }

  /** Reads from given offsets (partition → offset), or from one end (`earliest`, `latest`) as a group of its own. */
  async from(where) {
    const offsets = (partitions) =>
      Object.entries(partitions).map(([partition, offset]) => ({
        topic: this.topic,
        partition: Number(partition),
        offset: BigInt(offset),
      }))
    await this.#read(
      typeof where === 'string'
        ? { mode: where }
        : { mode: 'manual', fallbackMode: 'earliest', offsets: offsets(where) },
    )
    return this
  }

  async #read(options, onMessage = () => {}) {
    this.stream = await this.consumer.consume({ topics: [this.topic], ...options })
    this.stream.on('error', (error) => {
      this.error = error
    })
    this.stream.on('data', (message) => {
      this.seen.push(message)
      onMessage(message)
    })
  }

  /** Waits until `count` messages have come in all. */
  async read(count) {
    await until(`${count} messages of ${this.topic} are read`, () => {
      if (this.error !== undefined) throw this.error
      return this.seen.length >= count
    })
    return this.seen
  }

  async values(count) {
    return (await this.read(count)).map(({ value }) => String(value))
  }

  async offsets(count) {
    return (await this.read(count)).map(({ offset }) => Number(offset))
  }

  assigned() {
    return (this.consumer.assignments ?? []).flatMap(({ partitions }) => partitions).sort()
  }

  holdsAll(count) {
    return `${this.assigned()}` === `${upTo(count)}`
  }

  /** The stream first: one that outlives its consumer asks for topics that are no longer there. */
  async close() {
    await this.stream?.close()
    await this.consumer.close(true)
  }
}
