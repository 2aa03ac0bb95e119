/** One cluster for the whole run, which the files share: each has topics and groups of its own. */
import { randomUUID } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'
import { expect, inject, it } from 'vitest'
import { startBilling } from './orders.ts'
import 'ottla/vitest'

const kafka = new Kafka({ brokers: [inject('kafka').bootstrapServers], logLevel: logLevel.NOTHING })

it('invoices an order', async () => {
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
    void consumer.run({ eachMessage: async ({ message }) => resolve(JSON.parse(String(message.value))) })
  })
  expect(invoice).toEqual({ order: 1, total: 125 })
  await consumer.disconnect()
  await stop()
})
