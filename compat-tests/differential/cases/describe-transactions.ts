import { describeTransactionsApi } from '../../../src/wire/messages/describe-transactions.ts'
import { differential } from '../case.ts'
import { TransactionalProducer } from './transactional-producer.ts'

differential('DescribeTransactions', 'v0 no transactional ids', (t) => t.send(describeTransactionsApi, 0, {}))
differential('DescribeTransactions', 'v0 unknown, empty, twice', async (t) => {
  const unknown = await t.transactionalId('unknown')
  // Errors tell producer id 0, which the broker's first producer has.
  await TransactionalProducer.start(t, 'first')
  const { transactionalId } = await TransactionalProducer.start(t)
  return t.send(describeTransactionsApi, 0, {
    transactionalIds: [transactionalId, unknown, '', transactionalId],
  })
})
differential('DescribeTransactions', 'v0 an open transaction over several topics and a group', async (t) => {
  const producer = await TransactionalProducer.start(t, 'txn', { transactionTimeoutMs: 123_456 })
  const [a, b, groupId] = [await t.topic('a', { partitions: 3 }), await t.topic('b'), await t.group('g')]
  await producer.add(b)
  await producer.add(a, [2, 0])
  await producer.addOffsets(groupId)
  return producer.describe()
})
differential('DescribeTransactions', 'v0 the time when a transaction began', async (t) => {
  const producer = await TransactionalProducer.start(t)
  const topic = await t.topic('a', { partitions: 2 })
  await producer.add(topic)
  const first = (await producer.describe()).transactionStates[0]?.transactionStartTimeMs
  await producer.add(topic, [1])
  const second = (await producer.describe()).transactionStates[0]?.transactionStartTimeMs
  return { same: first === second }
})
for (const [condition, committed] of [
  ['a commit', true],
  ['an abort', false],
] as const) {
  differential('DescribeTransactions', `v0 after ${condition}, and the start after it`, async (t) => {
    const producer = await TransactionalProducer.start(t)
    await producer.add(await t.topic('a'))
    await producer.end(committed)
    const ended = await producer.describe()
    await producer.restart()
    return { ended, restarted: await producer.describe() }
  })
}
