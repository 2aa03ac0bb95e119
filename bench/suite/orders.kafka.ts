/**
 * Tests as users of kafkajs write them: each makes its own topic and group, writes a few records, reads them back,
 * commits, and cleans up. Every project of the configuration runs them once.
 */
import { randomUUID } from 'node:crypto'
import { type Admin, CompressionTypes, Kafka, logLevel, type Message } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const kafka = new Kafka({
  brokers: [process.env['BOOTSTRAP_SERVERS'] ?? 'localhost:9092'],
  logLevel: logLevel.NOTHING,
})
const admin: Admin = kafka.admin()

beforeAll(() => admin.connect())
afterAll(() => admin.disconnect())

/** Apache Kafka may not know a topic yet that it has just made, and then kafkajs gives up. */
async function makeTopic(topic: string, numPartitions: number): Promise<void> {
  try {
    await admin.createTopics({ topics: [{ topic, numPartitions }] })
  } catch (error) {
    for (let tries = 0; !(await admin.listTopics()).includes(topic); tries++) {
      if (tries === 100) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

interface RoundTrip {
  readonly partitions?: number
  readonly messages: Message[]
  readonly compression?: CompressionTypes
  readonly idempotent?: boolean
  /** Whether the consumer takes whole batches and commits by itself. */
  readonly batches?: boolean
}

/** Writes the messages to a new topic and reads them back in a new group; returns the values as they came. */
async function roundTrip({ partitions = 1, messages, ...how }: RoundTrip): Promise<string[]> {
  const topic = `orders-${randomUUID()}`
  const groupId = `billing-${randomUUID()}`
  await makeTopic(topic, partitions)
  const producer = kafka.producer({ idempotent: how.idempotent ?? false })
  await producer.connect()
  await producer.send({ topic, messages, compression: how.compression ?? CompressionTypes.None })
  await producer.disconnect()

  const consumer = kafka.consumer({ groupId })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const values: string[] = []
  await new Promise<void>((resolve, reject) => {
    const take = (value: Buffer | null): void => {
      values.push(value?.toString() ?? '')
      if (values.length === messages.length) resolve()
    }
    const running = how.batches
      ? consumer.run({
          eachBatch: async ({ batch, resolveOffset, commitOffsetsIfNecessary }) => {
            for (const { value, offset } of batch.messages) {
              resolveOffset(offset)
              take(value)
            }
            await commitOffsetsIfNecessary()
          },
        })
      : consumer.run({ eachMessage: async ({ message }) => take(message.value) })
    running.catch(reject)
  })
  // Commits what has been read, and leaves the group.
  await consumer.disconnect()

  const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] })
  const read = committed?.partitions.reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0)
  expect(read).toBe(messages.length)
  await admin.deleteGroups([groupId])
  await admin.deleteTopics({ topics: [topic] })
  return values
}

const orders = (count: number): Message[] =>
  Array.from({ length: count }, (_, id) => ({ key: `customer-${id % 3}`, value: JSON.stringify({ id }) }))

const valuesOf = (messages: readonly Message[]): string[] => messages.map(({ value }) => String(value))

describe('orders', () => {
  test.each([1, 2, 5, 10])('%i of them are billed in order', async (count) => {
    const messages = orders(count)
    expect(await roundTrip({ messages })).toEqual(valuesOf(messages))
  })

  test.each([3, 10])('of a topic with 3 partitions are billed, all %i', async (count) => {
    const messages = orders(count)
    expect((await roundTrip({ messages, partitions: 3 })).sort()).toEqual(valuesOf(messages).sort())
  })

  test('are billed when they are compressed', async () => {
    const messages = orders(5)
    expect(await roundTrip({ messages, compression: CompressionTypes.GZIP })).toEqual(valuesOf(messages))
  })

  test('are billed when an idempotent producer wrote them', async () => {
    const messages = orders(5)
    expect(await roundTrip({ messages, idempotent: true })).toEqual(valuesOf(messages))
  })

  test.each([1, 5])('%i of them are billed as a batch', async (count) => {
    const messages = orders(count)
    expect(await roundTrip({ messages, batches: true })).toEqual(valuesOf(messages))
  })
})
