import { addOffsetsToTxnApi } from '../../../src/wire/messages/add-offsets-to-txn.ts'
import { differential } from '../case.ts'
import { wrongIdentities, wrongly } from './identities.ts'
import { IMPLICIT, TransactionalProducer } from './transactional-producer.ts'

for (const version of [0, 1, 2, 3, 4]) {
  differential('AddOffsetsToTxn', `v${version} a group, twice`, async (t) => {
    const [producer, groupId] = [await TransactionalProducer.start(t), await t.group('g')]
    const first = await t.send(addOffsetsToTxnApi, version, { ...producer.identity, groupId })
    const again = await t.send(addOffsetsToTxnApi, version, { ...producer.identity, groupId })
    return { first, again, described: await producer.describe() }
  })
}
for (const version of [1, 2, 4]) {
  for (const [condition, wrong] of wrongIdentities) {
    differential('AddOffsetsToTxn', `v${version} ${condition}`, async (t) => {
      const producer = await TransactionalProducer.start(t)
      await producer.restart()
      const identity = await wrongly(t, producer, wrong)
      return t.send(addOffsetsToTxnApi, version, { ...identity, groupId: await t.group('g') })
    })
  }
}
differential('AddOffsetsToTxn', 'v3 an empty group id', async (t) => {
  const producer = await TransactionalProducer.start(t)
  await t.group('g')
  return t.send(addOffsetsToTxnApi, 3, { ...producer.identity, groupId: '' })
})
differential(
  'AddOffsetsToTxn',
  'v3 after an end, with the epoch before it and with the new one',
  async (t) => {
    const producer = await TransactionalProducer.start(t)
    const groupId = await t.group('g')
    await producer.write(await t.topic('a'), 0, IMPLICIT)
    const old = producer.identity
    await producer.end(false, 5)
    const fenced = await t.send(addOffsetsToTxnApi, 3, { ...old, groupId })
    return { fenced, answer: await t.send(addOffsetsToTxnApi, 3, { ...producer.identity, groupId }) }
  },
)
differential('AddOffsetsToTxn', 'v3 a commit without any offsets', async (t) => {
  const [producer, groupId] = [await TransactionalProducer.start(t), await t.group('g')]
  await producer.addOffsets(groupId)
  const ended = await producer.sendEnd(4, true)
  await producer.ended()
  return { ended, described: await producer.describe() }
})
