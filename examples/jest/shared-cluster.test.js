/** One cluster for the whole run, which the files share: each has topics and groups of its own. */
const { randomUUID } = require('node:crypto')
const { Kafka, logLevel } = require('kafkajs')
const { startBilling } = require('./billing')

const brokers = [process.env.KAFKA_BOOTSTRAP_SERVERS]
const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING })

test('invoices an order', async () => {
  const [orders, invoices] = [`orders-${randomUUID()}`, `invoices-${randomUUID()}`]
  const stop = await startBilling(kafka, orders, invoices)
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic: orders, messages: [{ key: 'a', value: '{"id":1,"amount":100}' }] })
  await producer.disconnect()

  const consumer = kafka.consumer({ groupId: randomUUID(), maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic: invoices, fromBeginning: true })
  const invoice = await new Promise((resolve) => {
    consumer.run({ eachMessage: async ({ message }) => resolve(JSON.parse(String(message.value))) })
  })
  expect(invoice).toEqual({ order: 1, total: 125 })
  await consumer.disconnect()
  await stop()
})
