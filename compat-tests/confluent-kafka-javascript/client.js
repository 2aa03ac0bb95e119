/** @confluentinc/kafka-javascript as these tests use it: quiet, with the shortest session that a broker grants. */
import { bootstrap, load, SESSION_TIMEOUT_MS, unique, until, upTo } from '../js-harness.js'

const { KafkaJS } = load('confluent-kafka-javascript', '@confluentinc/kafka-javascript')
export const { ErrorCodes, Kafka, logLevel } = KafkaJS

export const kafka = new Kafka({
  kafkaJS: { brokers: [bootstrap], clientId: 'confluent-test', logLevel: logLevel.NOTHING },
  'reconnect.backoff.ms': 20,
})

export async function withAdmin(use) {
  const admin = kafka.admin()
  await admin.connect()
  try {
    return await use(admin)
  } finally {
    await admin.disconnect()
  }
}

export async function createTopic(name, numPartitions = 1) {
  const topic = unique(name)
  await withAdmin(async (admin) => {
    await admin.createTopics({ topics: [{ topic, numPartitions }] })
    await until('the topic is there', async () => {
      const [found] = await admin.fetchTopicMetadata({ topics: [topic] }).catch(() => [])
      return found?.partitions.length === numPartitions
    })
  })
  return topic
}

/** Sends messages in order; returns what was told of them. */
export async function produce(topic, messages, kafkaJS = {}, settings = {}) {
  const producer = kafka.producer({ kafkaJS, 'linger.ms': 5, ...settings })
  await producer.connect()
  try {
    return await producer.send({ topic, messages })
  } finally {
    await producer.disconnect()
  }
}

export function messages(values, partition = 0) {
  return values.map((value) => ({ value, partition }))
}

/** A running consumer of one topic that remembers what it was given and how it was assigned. */
export class Reader {
  constructor(topic, groupId = unique('group'), { kafkaJS, ...settings } = {}) {
    this.topic = topic
    this.seen = []
    this.events = []
    this.consumer = kafka.consumer({
      kafkaJS: {
        groupId,
        fromBeginning: true,
        autoCommit: false,
        sessionTimeout: SESSION_TIMEOUT_MS,
        heartbeatInterval: 100,
        maxWaitTimeInMs: 50,
        ...kafkaJS,
      },
      ...settings,
      rebalance_cb: (error, assignment) => {
        const kind = error.code === ErrorCodes.ERR__ASSIGN_PARTITIONS ? 'assign' : 'revoke'
        this.events.push([kind, assignment.map(({ partition }) => partition).sort()])
      },
    })
  }

  /** @param onMessage is waited for before the next message. */
  async run(onMessage = async () => {}) {
    await this.consumer.connect()
    await this.consumer.subscribe({ topic: this.topic })
    await this.consumer.run({
      eachMessage: async ({ partition, message }) => {
        this.seen.push({ ...message, partition })
        await onMessage(message)
      },
    })
    return this
  }

  /** Waits until `count` messages have come in all. */
  async read(count) {
    await until(`${count} messages of ${this.topic} are read`, () => this.seen.length >= count)
    return this.seen
  }

  async values(count) {
    return (await this.read(count)).map(({ value }) => value && String(value))
  }

  async offsets(count) {
    return (await this.read(count)).map(({ offset }) => Number(offset))
  }

  assigned() {
    return this.consumer
      .assignment()
      .map(({ partition }) => partition)
      .sort()
  }

  holdsAll(count) {
    return `${this.assigned()}` === `${upTo(count)}`
  }

  close() {
    return this.consumer.disconnect()
  }
}
