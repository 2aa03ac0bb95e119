import {
  type AddPartitionsToTxnResponse,
  type AddPartitionsToTxnTopic,
  addPartitionsToTxnApi,
} from '../../../src/wire/messages/add-partitions-to-txn.ts'
import { deleteTopicsApi } from '../../../src/wire/messages/delete-topics.ts'
import { type CaseContext, differential, type Topic } from '../case.ts'
import type { Complete } from '../client.ts'
import { wrongIdentities, wrongly } from './identities.ts'
import { type Identity, IMPLICIT, TransactionalProducer } from './transactional-producer.ts'

type Topics = ReadonlyArray<AddPartitionsToTxnTopic>

const on = (topic: Topic | string, ...partitions: readonly number[]): AddPartitionsToTxnTopic => ({
  name: typeof topic === 'string' ? topic : topic.name,
  partitions,
})

/** Adds partitions as clients do up to version 3, and brokers from version 4 on. */
function add(
  t: CaseContext,
  version: number,
  identity: Identity,
  topics: Topics,
  verifyOnly = false,
): Promise<Complete<AddPartitionsToTxnResponse>> {
  if (version >= 4) {
    return t.send(addPartitionsToTxnApi, version, { transactions: [{ ...identity, topics, verifyOnly }] })
  }
  return t.send(addPartitionsToTxnApi, version, {
    v3AndBelowTransactionalId: identity.transactionalId,
    v3AndBelowProducerId: identity.producerId,
    v3AndBelowProducerEpoch: identity.producerEpoch,
    v3AndBelowTopics: topics,
  })
}

for (const version of [0, 1, 2, 3, 4, 5]) {
  differential('AddPartitionsToTxn', `v${version} partitions of two topics, twice`, async (t) => {
    const producer = await TransactionalProducer.start(t)
    const [a, b] = [await t.topic('a', { partitions: 2 }), await t.topic('b')]
    const topics = [on(a, 0, 1), on(b, 0)]
    const first = await add(t, version, producer.identity, topics)
    const again = await add(t, version, producer.identity, topics)
    return { first, again, described: await producer.describe() }
  })
  differential('AddPartitionsToTxn', `v${version} one that exists, one that does not`, async (t) => {
    const producer = await TransactionalProducer.start(t)
    const topics = [on(await t.topic('a'), 0, 7), on('add-partitions-nowhere', 0)]
    const answer = await add(t, version, producer.identity, topics)
    return { answer, described: await producer.describe() }
  })
  differential('AddPartitionsToTxn', `v${version} nothing`, async (t) => {
    const producer = await TransactionalProducer.start(t)
    const answer = await add(t, version, producer.identity, [on(await t.topic('a'))])
    return { answer, described: await producer.describe() }
  })
}
for (const version of [1, 2, 4]) {
  for (const [condition, wrong] of wrongIdentities) {
    differential('AddPartitionsToTxn', `v${version} ${condition}`, async (t) => {
      const producer = await TransactionalProducer.start(t)
      await producer.restart()
      return add(t, version, await wrongly(t, producer, wrong), [on(await t.topic('a'), 0)])
    })
  }
}
for (const [condition, wrong] of wrongIdentities) {
  differential('AddPartitionsToTxn', `v5 verification with ${condition}`, async (t) => {
    const producer = await TransactionalProducer.start(t)
    await producer.restart()
    const topic = await t.topic('a')
    await producer.add(topic)
    return add(t, 5, await wrongly(t, producer, wrong), [on(topic, 0)], true)
  })
}
for (const version of [4, 5]) {
  differential(
    'AddPartitionsToTxn',
    `v${version} verification of what is there and what is not`,
    async (t) => {
      const producer = await TransactionalProducer.start(t)
      const topic = await t.topic('a', { partitions: 3 })
      await producer.add(topic, [1])
      const answer = await add(t, version, producer.identity, [on(topic, 0, 1)], true)
      return { answer, described: await producer.describe() }
    },
  )
  differential('AddPartitionsToTxn', `v${version} verification without a transaction`, async (t) => {
    const producer = await TransactionalProducer.start(t)
    const topic = await t.topic('a')
    const before = await add(t, version, producer.identity, [on(topic, 0)], true)
    await producer.add(topic)
    await producer.end(true)
    const after = await add(t, version, producer.identity, [on(topic, 0)], true)
    const nowhere = await add(t, version, producer.identity, [on(topic, 0, 7)], true)
    return { before, after, nowhere }
  })
  differential(
    'AddPartitionsToTxn',
    `v${version} several transactions with errors of their own`,
    async (t) => {
      const [one, two] = [
        await TransactionalProducer.start(t, 'one'),
        await TransactionalProducer.start(t, 'two'),
      ]
      const [topic, unknown] = [await t.topic('a'), await t.transactionalId('unknown')]
      const old = two.identity
      await two.restart()
      await one.add(topic)
      return t.send(addPartitionsToTxnApi, version, {
        transactions: [
          { ...one.identity, topics: [on(topic, 0)], verifyOnly: true },
          { ...old, topics: [on(topic, 0)] },
          { ...one.identity, transactionalId: unknown, topics: [on(topic, 0)] },
          { ...one.identity, transactionalId: '', topics: [on(topic, 0), on('add-partitions-nowhere', 0)] },
        ],
      })
    },
  )
}
differential('AddPartitionsToTxn', 'v3 no topics', async (t) => {
  const producer = await TransactionalProducer.start(t)
  const answer = await add(t, 3, producer.identity, [])
  return { answer, described: await producer.describe() }
})
differential('AddPartitionsToTxn', 'v4 no topics', async (t) => {
  const producer = await TransactionalProducer.start(t)
  const answer = await add(t, 4, producer.identity, [])
  return { answer, described: await producer.describe() }
})
differential('AddPartitionsToTxn', 'v3 the same partition twice', async (t) => {
  const producer = await TransactionalProducer.start(t)
  return add(t, 3, producer.identity, [on(await t.topic('a'), 0, 0)])
})
for (const topic of ['__consumer_offsets', '__transaction_state']) {
  differential('AddPartitionsToTxn', `v3 a partition of ${topic}`, async (t) => {
    const producer = await TransactionalProducer.start(t)
    await t.group('g')
    const answer = await add(t, 3, producer.identity, [on(topic, 49)])
    return { answer, ended: await producer.sendEnd(3, false) }
  })
}
const names = ['', '..', 'not a name', 'x'.repeat(250)]
differential('AddPartitionsToTxn', 'v3 bad topic names, negative partitions', async (t) => {
  const producer = await TransactionalProducer.start(t)
  const topics = [...names.map((name) => on(name, 0)), on(await t.topic('a'), -1, 2147483647)]
  return add(t, 3, producer.identity, topics)
})
for (const committed of [true, false]) {
  differential(
    'AddPartitionsToTxn',
    `v3 after a transaction that was ${committed ? 'committed' : 'aborted'}`,
    async (t) => {
      const producer = await TransactionalProducer.start(t)
      const topic = await t.topic('a', { partitions: 2 })
      await producer.add(topic)
      await producer.end(committed)
      const answer = await add(t, 3, producer.identity, [on(topic, 1)])
      return { answer, described: await producer.describe() }
    },
  )
}
differential('AddPartitionsToTxn', 'v3 after an end that bumped the epoch', async (t) => {
  const producer = await TransactionalProducer.start(t)
  const topic = await t.topic('a')
  await producer.write(topic, 0, IMPLICIT)
  const old = producer.identity
  await producer.end(true, 5)
  const fenced = await add(t, 3, old, [on(topic, 0)])
  return { fenced, answer: await add(t, 3, producer.identity, [on(topic, 0)]) }
})
differential('AddPartitionsToTxn', 'v3 a zombie', async (t) => {
  const producer = await TransactionalProducer.start(t)
  const topic = await t.topic('a')
  await producer.add(topic)
  const zombie = producer.identity
  await producer.restart()
  const fenced = await add(t, 3, zombie, [on(topic, 0)])
  return { fenced, answer: await add(t, 3, producer.identity, [on(topic, 0)]) }
})
differential('AddPartitionsToTxn', 'v3 a topic that is deleted in a transaction', async (t) => {
  const producer = await TransactionalProducer.start(t)
  const [a, b] = [await t.topic('a'), await t.topic('b')]
  await producer.add(a)
  await (await t.helper()).send(deleteTopicsApi, 5, { topicNames: [a.name], timeoutMs: 30_000 })
  await t.gone(a.name)
  const refused = await add(t, 3, producer.identity, [on(a, 0)])
  const added = await add(t, 3, producer.identity, [on(b, 0)])
  await producer.end(true)
  return { refused, added, described: await producer.describe() }
})
