/** In TypeScript, by ts-jest; a test that decides what time it is. */
import { Kafka, logLevel } from 'kafkajs'
import { ManualClock } from 'ottla'
import { useKafka } from 'ottla/jest'

const clock = new ManualClock()
const cluster = useKafka({ topics: ['orders'], clock })

test('a consumer that sleeps too long is out of its group, and comes back', async () => {
  const kafka = new Kafka({ brokers: [cluster().bootstrapServers], logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: 'billing', maxWaitTimeInMs: 100, heartbeatInterval: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic: 'orders' })
  await consumer.run({ eachMessage: async () => {} })
  const group = cluster().group('billing')
  await group.waitStable(1)

  await clock.advance('10m')
  expect(group.state).toBe('Stable')

  const [before] = group.members
  await clock.advance('45s', { clientsAsleep: true })
  await group.waitStable(1)
  expect(group.members[0]?.memberId).not.toBe(before?.memberId)
  await consumer.disconnect()
})
