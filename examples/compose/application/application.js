/** Confirms each order. */
import { Kafka, logLevel } from 'kafkajs'

const kafka = new Kafka({
  clientId: 'application',
  brokers: (process.env.KAFKA_BROKERS ?? 'localhost:9094').split(','),
  logLevel: logLevel.WARN,
})
const consumer = kafka.consumer({ groupId: 'application' })
const producer = kafka.producer()

process.once('SIGTERM', async () => {
  await consumer.disconnect()
  await producer.disconnect()
})

await producer.connect()
await consumer.connect()
await consumer.subscribe({ topic: 'orders', fromBeginning: true })
await consumer.run({
  eachMessage: async ({ message: { key, value } }) => {
    console.log(`order ${key}: ${value}`)
    await producer.send({ topic: 'confirmations', messages: [{ key, value: `${value}: on its way` }] })
  },
})
