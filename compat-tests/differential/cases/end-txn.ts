import { deleteTopicsApi } from '../../../src/wire/messages/delete-topics.ts'
import { endTxnApi } from '../../../src/wire/messages/end-txn.ts'
import { differential } from '../case.ts'
import { wrongIdentities, wrongly } from './identities.ts'
import { readBack } from './reading.ts'
import { IMPLICIT, settled, TransactionalProducer } from './transactional-producer.ts'

const ends = [
  ['a commit', true],
  ['an abort', false],
] as const

for (const version of [0, 1, 2, 3, 4, 5]) {
  for (const [condition, committed] of ends) {
    differential('EndTxn', `v${version} ${condition}`, async (t) => {
      const producer = await TransactionalProducer.start(t)
      const topic = await t.topic('a')
      await producer.add(topic)
      await producer.write(topic)
      const answer = await producer.sendEnd(version, committed)
      await producer.ended()
      return { answer, described: await producer.describe(), stored: await readBack(t, topic) }
    })
    differential('EndTxn', `v${version} ${condition} of nothing`, async (t) => {
      const producer = await TransactionalProducer.start(t)
      const answer = await producer.sendEnd(version, committed)
      await producer.ended()
      return { answer, described: await producer.describe() }
    })
    differential('EndTxn', `v${version} ${condition} twice, then the opposite`, async (t) => {
      const producer = await TransactionalProducer.start(t)
      await producer.add(await t.topic('a'))
      const first = await producer.sendEnd(version, committed)
      await producer.ended()
      const again = await producer.sendEnd(version, committed)
      return { first, again, opposite: await producer.sendEnd(version, !committed) }
    })
  }
}
for (const version of [1, 2, 5]) {
  for (const [condition, wrong] of wrongIdentities) {
    differential('EndTxn', `v${version} ${condition}`, async (t) => {
      const producer = await TransactionalProducer.start(t)
      await producer.restart()
      await producer.add(await t.topic('a'))
      return t.send(endTxnApi, version, { ...(await wrongly(t, producer, wrong)), committed: true })
    })
  }
}
for (const [condition, committed] of ends) {
  differential('EndTxn', `v5 ${condition} of a transaction without its partitions' records`, async (t) => {
    const producer = await TransactionalProducer.start(t)
    const topic = await t.topic('a')
    await producer.add(topic)
    await producer.end(committed, 5)
    return { described: await producer.describe(), stored: await readBack(t, topic) }
  })
  differential('EndTxn', `v5 ${condition}, then the next transaction`, async (t) => {
    const producer = await TransactionalProducer.start(t)
    const topic = await t.topic('a')
    await producer.write(topic, 0, IMPLICIT)
    await producer.end(committed, 5)
    await producer.write(topic, 0, IMPLICIT)
    const answer = await producer.sendEnd(5, committed)
    await producer.ended()
    return { answer, described: await producer.describe(), stored: await readBack(t, topic) }
  })
  differential('EndTxn', `v4 ${condition}, then the next transaction`, async (t) => {
    const producer = await TransactionalProducer.start(t)
    const topic = await t.topic('a')
    await producer.add(topic)
    await producer.write(topic)
    await producer.end(committed)
    await producer.add(topic)
    await producer.write(topic, 2)
    const answer = await producer.sendEnd(4, committed)
    await producer.ended()
    return { answer, described: await producer.describe(), stored: await readBack(t, topic) }
  })
  differential('EndTxn', `v5 ${condition} of nothing after a transaction`, async (t) => {
    const producer = await TransactionalProducer.start(t)
    await producer.write(await t.topic('a'), 0, IMPLICIT)
    await producer.end(true, 5)
    const answer = await producer.sendEnd(5, committed)
    await producer.ended()
    return { answer, described: await producer.describe() }
  })
}
differential('EndTxn', 'v5 aborts of nothing, one after the other', async (t) => {
  const producer = await TransactionalProducer.start(t)
  const first = await producer.sendEnd(5, false)
  await producer.ended()
  const again = await producer.sendEnd(5, false)
  const { producerId, producerEpoch } = first
  const next = { transactionalId: producer.transactionalId, producerId, producerEpoch }
  return { first, again, next: await t.send(endTxnApi, 5, { ...next, committed: false }) }
})
differential('EndTxn', 'v5 then v4 with the epoch before and with the new one', async (t) => {
  const producer = await TransactionalProducer.start(t)
  await producer.write(await t.topic('a'), 0, IMPLICIT)
  const old = producer.identity
  await producer.end(true, 5)
  const before = await t.send(endTxnApi, 4, { ...old, committed: true })
  return { before, after: await producer.sendEnd(4, true) }
})
differential('EndTxn', 'v4 then v5', async (t) => {
  const producer = await TransactionalProducer.start(t)
  const topic = await t.topic('a')
  await producer.add(topic)
  await producer.end(true)
  const again = await producer.sendEnd(5, true)
  const opposite = await producer.sendEnd(5, false)
  await producer.ended()
  return { again, opposite, described: await producer.describe() }
})
differential('EndTxn', 'v5 a zombie', async (t) => {
  const producer = await TransactionalProducer.start(t)
  await producer.write(await t.topic('a'), 0, IMPLICIT)
  const zombie = producer.zombie()
  await producer.restart()
  const answers = [
    await zombie.sendEnd(1, true),
    await zombie.sendEnd(4, true),
    await zombie.sendEnd(5, true),
  ]
  return [...answers, await zombie.sendEnd(5, false)]
})
differential('EndTxn', 'v2 a zombie of a transaction that goes on', async (t) => {
  const producer = await TransactionalProducer.start(t)
  const topic = await t.topic('a')
  const zombie = producer.zombie()
  await producer.restart()
  await producer.add(topic)
  await producer.write(topic)
  const fenced = await zombie.sendEnd(2, false)
  return { fenced, described: await producer.describe(), stored: await readBack(t, topic) }
})
for (const version of [4, 5]) {
  differential('EndTxn', `v${version} a transaction that has timed out`, async (t) => {
    const producer = await TransactionalProducer.start(t, 'txn', { transactionTimeoutMs: 100 })
    const topic = await t.topic('a')
    await producer.add(topic)
    await producer.write(topic)
    await producer.ended()
    const commit = await producer.sendEnd(version, true)
    const abort = await producer.sendEnd(version, false)
    const stored = await readBack(t, topic)
    const restarted = await settled(t, () => producer.init(5))
    return { commit, abort, restarted, described: await producer.describe(), stored }
  })
}
differential('EndTxn', 'v5 a transaction of the second protocol that has timed out', async (t) => {
  const producer = await TransactionalProducer.start(t, 'txn', { transactionTimeoutMs: 100 })
  const topic = await t.topic('a')
  await producer.write(topic, 0, IMPLICIT)
  await producer.ended()
  const described = await producer.describe()
  return { described, abort: await producer.sendEnd(5, false), stored: await readBack(t, topic) }
})
for (const [condition, committed] of ends) {
  differential('EndTxn', `v4 ${condition} when one of two topics has been deleted`, async (t) => {
    const producer = await TransactionalProducer.start(t)
    const [a, b] = [await t.topic('a'), await t.topic('b')]
    for (const topic of [a, b]) {
      await producer.add(topic)
      await producer.write(topic)
    }
    await (await t.helper()).send(deleteTopicsApi, 5, { topicNames: [a.name], timeoutMs: 30_000 })
    await t.gone(a.name)
    const answer = await producer.sendEnd(4, committed)
    await producer.ended()
    return { answer, described: await producer.describe(), stored: await readBack(t, b) }
  })
}
differential('EndTxn', 'v5 the last epochs of a producer id', async (t) => {
  const producer = await TransactionalProducer.start(t)
  const topic = await t.topic('a')
  await producer.useUpEpochs(32_765)
  const { producerId } = producer
  const answers: unknown[] = []
  for (let times = 0; times < 3; times++) {
    await producer.write(topic, 0, IMPLICIT)
    const before = producer.zombie()
    await producer.end(times !== 1, 5)
    answers.push(await before.sendEnd(5, times !== 1), producer.producerId === producerId)
  }
  return { answers, described: await producer.describe(), stored: await readBack(t, topic) }
})
