/**
 * What is tested: a service that turns orders into invoices.
 * @param {import('kafkajs').Kafka} kafka
 */
exports.startBilling = async function startBilling(kafka, orders, invoices) {
  const producer = kafka.producer()
  await producer.connect()
  const consumer = kafka.consumer({ groupId: `billing of ${orders}`, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic: orders, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      const { id, amount } = JSON.parse(String(message.value))
      const value = JSON.stringify({ order: id, total: amount * 1.25 })
      await producer.send({ topic: invoices, messages: [{ key: message.key, value }] })
    },
  })
  return async () => {
    await consumer.disconnect()
    await producer.disconnect()
  }
}
