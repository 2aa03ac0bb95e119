/** Node with testcontainers: ottla in a container of its own. Run it with: npm install && npm test */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Kafka, logLevel } from 'kafkajs'
import { OttlaContainer } from 'ottla/testcontainers'

/** @type {import('ottla/testcontainers').StartedOttlaContainer} */
let container
/** @type {Kafka} */
let kafka

before(async () => {
  container = await new OttlaContainer(process.env.OTTLA_IMAGE).withTopics('orders').start()
  kafka = new Kafka({ brokers: [container.getBootstrapServers()], logLevel: logLevel.ERROR })
})

after(() => container.stop())

test('an order arrives', async () => {
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic: 'orders', messages: [{ key: '42', value: 'one large coffee' }] })
  await producer.disconnect()

  const consumer = kafka.consumer({ groupId: 'barista' })
  await consumer.connect()
  await consumer.subscribe({ topic: 'orders', fromBeginning: true })
  const order = await new Promise((resolve, reject) => {
    consumer.run({ eachMessage: async ({ message }) => resolve(message) }).catch(reject)
  })
  await consumer.disconnect()

  assert.equal(`${order.key}`, '42')
  assert.equal(`${order.value}`, 'one large coffee')
})
