/** Produce with a transactional id, in all versions. */
import { createPartitionsApi } from '../../../src/wire/messages/create-partitions.ts'
import { deleteTopicsApi } from '../../../src/wire/messages/delete-topics.ts'
import { produceApi } from '../../../src/wire/messages/produce.ts'
import { batch, TRANSACTIONAL } from '../batch.ts'
import { type Case, differential } from '../case.ts'
import { wrongIdentities, wrongly } from './identities.ts'
import { producers, readBack, readCommitted } from './reading.ts'
import {
  EXPLICIT,
  IMPLICIT,
  NOBODYS_PRODUCER_ID,
  TransactionalProducer,
  transactionalBatch,
} from './transactional-producer.ts'

/**
 * Of a partition that the coordinator is asked about in vain. Kafka asks for all who wait in one request, and words the
 * errors of all as the version of the first one wants it: such a case runs alone.
 */
const unadded = (condition: string, run: Case['run']): void => differential('Produce', condition, run, true)

const versions = [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]

for (const version of versions) {
  differential('Produce', `v${version} a transaction's first records, and the next`, async (t) => {
    const [producer, topic] = [await TransactionalProducer.start(t), await t.topic('a')]
    if (version <= EXPLICIT) await producer.add(topic)
    const first = await producer.send(version, topic, transactionalBatch(producer, 0))
    const next = await producer.send(version, topic, transactionalBatch(producer, 2))
    const again = await producer.send(version, topic, transactionalBatch(producer, 2))
    return { first, next, again, described: await producer.describe(), producers: await producers(t, topic) }
  })
  unadded(`v${version} a partition that has not been added`, async (t) => {
    const [producer, topic] = [await TransactionalProducer.start(t), await t.topic('a', { partitions: 2 })]
    await producer.add(topic, [1])
    const answer = await producer.send(version, topic, transactionalBatch(producer, 0))
    return { answer, described: await producer.describe() }
  })
}
for (const version of [3, 9, 10, 11, 12]) {
  for (const [condition, wrong] of wrongIdentities) {
    differential('Produce', `v${version} a transaction's first records with ${condition}`, async (t) => {
      const [producer, topic] = [await TransactionalProducer.start(t), await t.topic('a')]
      await producer.restart()
      await producer.add(topic)
      const wrongIdentity = await wrongly(t, producer, wrong)
      const records = transactionalBatch(wrongIdentity, 0)
      return producer.send(version, topic, records, 0, wrongIdentity.transactionalId)
    })
    differential('Produce', `v${version} a transaction's next records with ${condition}`, async (t) => {
      const [producer, topic] = [await TransactionalProducer.start(t), await t.topic('a')]
      await producer.restart()
      await producer.add(topic)
      await producer.write(topic)
      const wrongIdentity = await wrongly(t, producer, wrong)
      const records = transactionalBatch(wrongIdentity, 2)
      return producer.send(version, topic, records, 0, wrongIdentity.transactionalId)
    })
  }
  differential('Produce', `v${version} a zombie`, async (t) => {
    const [producer, topic] = [await TransactionalProducer.start(t), await t.topic('a')]
    await producer.add(topic)
    await producer.write(topic)
    const zombie = producer.zombie()
    await producer.restart()
    const answer = await zombie.send(version, topic, transactionalBatch(zombie, 2))
    return { answer, stored: await readBack(t, topic) }
  })
  differential('Produce', `v${version} a zombie that sends to a new partition`, async (t) => {
    const [producer, topic] = [await TransactionalProducer.start(t), await t.topic('a', { partitions: 2 })]
    await producer.add(topic, [0, 1])
    const zombie = producer.zombie()
    await producer.restart()
    return zombie.send(version, topic, transactionalBatch(zombie, 0), 1)
  })
  unadded(`v${version} no transaction, one that has been committed`, async (t) => {
    const [producer, topic] = [await TransactionalProducer.start(t), await t.topic('a')]
    const before = await producer.send(version, topic, transactionalBatch(producer, 0))
    if (version <= EXPLICIT) await producer.add(topic)
    if (version <= EXPLICIT) await producer.write(topic)
    await producer.end(true)
    const after = await producer.send(version, topic, transactionalBatch(producer, 2))
    return { before, after, described: await producer.describe() }
  })
  differential('Produce', `v${version} records without a transaction inside of one`, async (t) => {
    const [producer, topic] = [await TransactionalProducer.start(t), await t.topic('a')]
    await producer.add(topic)
    await producer.write(topic)
    const plain = transactionalBatch(producer, 2, { attributes: 0 })
    const named = await producer.send(version, topic, plain)
    return { named, unnamed: await producer.send(version, topic, plain, 0, null) }
  })
  differential('Produce', `v${version} gaps and repetitions in a transaction`, async (t) => {
    const [producer, topic] = [await TransactionalProducer.start(t), await t.topic('a')]
    await producer.add(topic)
    const late = await producer.send(version, topic, transactionalBatch(producer, 5))
    const first = await producer.send(version, topic, transactionalBatch(producer, 0))
    const gap = await producer.send(version, topic, transactionalBatch(producer, 7))
    return { late, first, gap, producers: await producers(t, topic) }
  })
  differential('Produce', `v${version} sequences after an end that bumped the epoch`, async (t) => {
    const [producer, topic] = [await TransactionalProducer.start(t), await t.topic('a')]
    await producer.write(topic, 0, IMPLICIT)
    await producer.end(true, 5)
    if (version <= EXPLICIT) await producer.add(topic)
    const goesOn = await producer.send(version, topic, transactionalBatch(producer, 2))
    const restarts = await producer.send(version, topic, transactionalBatch(producer, 0))
    return { goesOn, restarts, producers: await producers(t, topic) }
  })
  differential('Produce', `v${version} sequences after an end that left the epoch`, async (t) => {
    const [producer, topic] = [await TransactionalProducer.start(t), await t.topic('a')]
    await producer.add(topic)
    await producer.write(topic)
    await producer.end(true)
    if (version <= EXPLICIT) await producer.add(topic)
    const restarts = await producer.send(version, topic, transactionalBatch(producer, 0))
    const gap = await producer.send(version, topic, transactionalBatch(producer, 3))
    const goesOn = await producer.send(version, topic, transactionalBatch(producer, 2))
    return { restarts, gap, goesOn, producers: await producers(t, topic) }
  })
}
for (const version of [10, 11, 12]) {
  unadded(`v${version} several partitions of which one has been added`, async (t) => {
    const producer = await TransactionalProducer.start(t)
    const [topic, other] = [await t.topic('a', { partitions: 2 }), await t.topic('b')]
    await producer.add(topic, [1])
    const records = transactionalBatch(producer, 0)
    const on = (...indexes: readonly number[]) => indexes.map((index) => ({ index, records }))
    const answer = await t.send(produceApi, version, {
      transactionalId: producer.transactionalId,
      acks: -1,
      timeoutMs: 10_000,
      topicData: [
        { name: topic.name, partitionData: on(0, 1, 7) },
        { name: other.name, partitionData: on(0) },
        { name: 'transactional-produce-nowhere', partitionData: on(0) },
      ],
    })
    return { answer, described: await producer.describe() }
  })
  unadded(`v${version} a transaction to an internal topic`, async (t) => {
    const producer = await TransactionalProducer.start(t)
    await t.group('g')
    const name = '__consumer_offsets'
    const answer = await producer.send(version, { name, topicId: '' }, transactionalBatch(producer, 0))
    return { answer, described: await producer.describe() }
  })
  unadded(`v${version} a partition that is created in the transaction`, async (t) => {
    const [producer, topic] = [await TransactionalProducer.start(t), await t.topic('a')]
    await producer.add(topic)
    await producer.write(topic)
    const topics = [{ name: topic.name, count: 2, assignments: null }]
    await (await t.helper()).send(createPartitionsApi, 1, { topics, timeoutMs: 30_000 })
    await t.ready(topic.name, 2)
    return producer.send(version, topic, transactionalBatch(producer, 0), 1)
  })
  differential('Produce', `v${version} a topic that is made anew in the transaction`, async (t) => {
    const [producer, topic] = [await TransactionalProducer.start(t), await t.topic('a')]
    await producer.add(topic)
    await producer.write(topic)
    await (await t.helper()).send(deleteTopicsApi, 5, { topicNames: [topic.name], timeoutMs: 30_000 })
    await t.gone(topic.name)
    const gone = await producer.send(version, topic, transactionalBatch(producer, 2))
    await t.topic('a')
    const anew = await producer.send(version, topic, transactionalBatch(producer, 2))
    const first = await producer.send(version, topic, transactionalBatch(producer, 0))
    await producer.end(true)
    return { gone, anew, first, committed: await readCommitted(t, topic) }
  })
  unadded(`v${version} a batch that is wrong, in no transaction`, async (t) => {
    const [producer, topic] = [await TransactionalProducer.start(t), await t.topic('a')]
    const answer = await producer.send(version, topic, transactionalBatch(producer, 0, { crcError: 1 }))
    return { answer, described: await producer.describe() }
  })
  differential('Produce', `v${version} a transactional batch without a producer id`, async (t) => {
    const [producer, topic] = [await TransactionalProducer.start(t), await t.topic('a')]
    return producer.send(version, topic, batch(['x'], { attributes: TRANSACTIONAL }))
  })
  differential('Produce', `v${version} batches of two producers in one request`, async (t) => {
    const [producer, topic] = [await TransactionalProducer.start(t), await t.topic('a', { partitions: 2 })]
    await producer.add(topic, [0, 1])
    const foreign = { producerId: NOBODYS_PRODUCER_ID, producerEpoch: 0 }
    return t.send(produceApi, version, {
      transactionalId: producer.transactionalId,
      acks: -1,
      timeoutMs: 10_000,
      topicData: [
        {
          name: topic.name,
          partitionData: [
            { index: 0, records: transactionalBatch(producer, 0) },
            { index: 1, records: transactionalBatch(foreign, 0) },
          ],
        },
      ],
    })
  })
  unadded(`v${version} one batch in the transaction, one outside, in one request`, async (t) => {
    const [producer, topic] = [await TransactionalProducer.start(t), await t.topic('a', { partitions: 2 })]
    const partitionData = [
      { index: 0, records: batch(['x']) },
      { index: 1, records: transactionalBatch(producer, 0) },
    ]
    return t.send(produceApi, version, {
      transactionalId: producer.transactionalId,
      acks: -1,
      timeoutMs: 10_000,
      topicData: [{ name: topic.name, partitionData }],
    })
  })
}
differential('Produce', 'v12 records after the transaction has timed out', async (t) => {
  const producer = await TransactionalProducer.start(t, 'txn', { transactionTimeoutMs: 100 })
  const topic = await t.topic('a')
  await producer.write(topic, 0, IMPLICIT)
  await producer.ended()
  const late = await producer.send(12, topic, transactionalBatch(producer, 2))
  const older = await producer.send(11, topic, transactionalBatch(producer, 2))
  return { late, older, committed: await readCommitted(t, topic) }
})
differential('Produce', 'v12 the epoch that an end gave to another partition', async (t) => {
  const [producer, topic] = [await TransactionalProducer.start(t), await t.topic('a', { partitions: 2 })]
  await producer.write(topic, 0, IMPLICIT)
  await producer.end(false, 5)
  const answer = await producer.send(12, topic, transactionalBatch(producer, 0), 1)
  return { answer, described: await producer.describe() }
})
for (const version of [11, 12]) {
  differential('Produce', `v${version} acks of nobody, a partition that has not been added`, async (t) => {
    const [producer, topic] = [await TransactionalProducer.start(t), await t.topic('a', { partitions: 2 })]
    const old = producer.zombie()
    await producer.restart()
    const client = await t.connect()
    client.raw.write(produceApi, version, {
      transactionalId: old.transactionalId,
      acks: 0,
      timeoutMs: 10_000,
      topicData: [{ name: topic.name, partitionData: [{ index: 0, records: transactionalBatch(old, 0) }] }],
    })
    return client.send(produceApi, 9, { acks: -1, timeoutMs: 1000, topicData: [] })
  })
}
