/** A cluster for each file: it can be looked into, and emptied between tests. */
const { Kafka, logLevel } = require('kafkajs')
const { useKafka } = require('ottla/jest')
const { startBilling } = require('./billing')

const cluster = useKafka()

test.each([1, 2])('invoices an order, time %d', async () => {
  const kafka = new Kafka({ brokers: [cluster().bootstrapServers], logLevel: logLevel.NOTHING })
  const stop = await startBilling(kafka, 'orders', 'invoices')
  await cluster()
    .topic('orders')
    .produce([{ key: 'a', value: '{"id":1,"amount":100}' }])
  const invoice = await cluster()
    .topic('invoices')
    .waitFor((record) => String(record.key) === 'a')
  expect(invoice.offset).toBe(0n)
  expect(invoice.json()).toEqual({ order: 1, total: 125 })
  await stop()
  await cluster().reset()
})
