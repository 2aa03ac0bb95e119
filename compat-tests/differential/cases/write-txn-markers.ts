import { type WritableTxnMarker, writeTxnMarkersApi } from '../../../src/wire/messages/write-txn-markers.ts'
import { batch } from '../batch.ts'
import { type CaseContext, differential, type Topic } from '../case.ts'
import type { Partially } from '../client.ts'
import { producers, readBack, readCommitted } from './reading.ts'
import { NOBODYS_PRODUCER_ID, TransactionalProducer, transactionalBatch } from './transactional-producer.ts'

const on = (topic: Topic | string, ...partitionIndexes: readonly number[]) => ({
  name: typeof topic === 'string' ? topic : topic.name,
  partitionIndexes,
})

type Marker = Partially<WritableTxnMarker>

const send = (t: CaseContext, version: number, ...markers: readonly Marker[]) =>
  t.send(writeTxnMarkersApi, version, { markers })

/** A producer with two records of an open transaction in the topic. */
async function open(t: CaseContext): Promise<{ topic: Topic; producer: TransactionalProducer }> {
  const [topic, producer] = [await t.topic('a', { partitions: 2 }), await TransactionalProducer.start(t)]
  await producer.restart()
  await producer.add(topic)
  await producer.write(topic)
  return { topic, producer }
}

for (const version of [1, 2]) {
  for (const transactionResult of [true, false]) {
    const what = transactionResult ? 'commits' : 'aborts'
    differential('WriteTxnMarkers', `v${version} a marker that ${what}`, async (t) => {
      const { topic, producer } = await open(t)
      const { producerId, producerEpoch } = producer
      const marker = { producerId, producerEpoch, transactionResult, topics: [on(topic, 0)] }
      const answer = await send(t, version, { ...marker, coordinatorEpoch: 0 })
      const committed = await readCommitted(t, topic)
      return { answer, committed, producers: await producers(t, topic) }
    })
  }
  differential('WriteTxnMarkers', `v${version} a marker of nobody's`, async (t) => {
    const topic = await t.topic('a')
    const marker = { producerId: NOBODYS_PRODUCER_ID, producerEpoch: 3, transactionResult: true }
    const answer = await send(t, version, { ...marker, topics: [on(topic, 0)], coordinatorEpoch: 5 })
    return { answer, stored: await readBack(t, topic), producers: await producers(t, topic) }
  })
  differential('WriteTxnMarkers', `v${version} topics and partitions that are unknown`, async (t) => {
    const { topic, producer } = await open(t)
    const { producerId, producerEpoch } = producer
    const topics = [on(topic, 0, 7, -1), on('write-markers-nowhere', 0), on('not a name', 0), on('', 1)]
    return send(t, version, {
      producerId,
      producerEpoch,
      transactionResult: true,
      topics,
      coordinatorEpoch: 0,
    })
  })
}

type Change = (marker: { producerId: bigint; producerEpoch: number }) => Marker

const markers: ReadonlyArray<readonly [condition: string, change: Change]> = [
  ['with an old epoch', ({ producerEpoch }) => ({ producerEpoch: producerEpoch - 1 })],
  ['with a higher epoch', ({ producerEpoch }) => ({ producerEpoch: producerEpoch + 1 })],
  ['with a much higher epoch', () => ({ producerEpoch: 32767 })],
  ['with epoch -1', () => ({ producerEpoch: -1 })],
  ['with producer id -1', () => ({ producerId: -1n })],
  ['with a coordinator epoch of -1', () => ({ coordinatorEpoch: -1 })],
  ['without topics', () => ({ topics: [] })],
]
for (const version of [1, 2]) {
  for (const [condition, change] of markers) {
    differential('WriteTxnMarkers', `v${version} a marker ${condition}`, async (t) => {
      const { topic, producer } = await open(t)
      const { producerId, producerEpoch } = producer
      const marker = {
        producerId,
        producerEpoch,
        transactionResult: true,
        topics: [on(topic, 0)],
        coordinatorEpoch: 0,
        transactionVersion: version === 2 ? 2 : 0,
      }
      const answer = await send(t, version, { ...marker, ...change({ producerId, producerEpoch }) })
      return { answer, stored: await readBack(t, topic), producers: await producers(t, topic) }
    })
  }
}
for (const transactionVersion of [0, 1, 2, 3, 127]) {
  differential(
    'WriteTxnMarkers',
    `v2 transaction version ${transactionVersion}, the same epoch`,
    async (t) => {
      const { topic, producer } = await open(t)
      const { producerId, producerEpoch } = producer
      const marker = { producerId, producerEpoch, transactionResult: true, coordinatorEpoch: 0 }
      const answer = await send(t, 2, { ...marker, topics: [on(topic, 0)], transactionVersion })
      return { answer, producers: await producers(t, topic) }
    },
  )
}
differential('WriteTxnMarkers', 'v1 an older coordinator epoch than before', async (t) => {
  const { topic, producer } = await open(t)
  const { producerId, producerEpoch } = producer
  const marker = { producerId, producerEpoch, transactionResult: true, topics: [on(topic, 0)] }
  const newer = await send(t, 1, { ...marker, coordinatorEpoch: 4 })
  const older = await send(t, 1, { ...marker, coordinatorEpoch: 3 })
  const same = await send(t, 1, { ...marker, coordinatorEpoch: 4 })
  return { newer, older, same, producers: await producers(t, topic), stored: await readBack(t, topic) }
})
differential('WriteTxnMarkers', 'v1 a marker twice, then the opposite one', async (t) => {
  const { topic, producer } = await open(t)
  const { producerId, producerEpoch } = producer
  const marker = { producerId, producerEpoch, topics: [on(topic, 0)], coordinatorEpoch: 0 }
  const answers = [
    await send(t, 1, { ...marker, transactionResult: true }),
    await send(t, 1, { ...marker, transactionResult: true }),
    await send(t, 1, { ...marker, transactionResult: false }),
  ]
  return { answers, committed: await readCommitted(t, topic) }
})
differential('WriteTxnMarkers', 'v1 several producers, and one twice', async (t) => {
  const topic = await t.topic('a', { partitions: 2 })
  const marker = { producerEpoch: 0, coordinatorEpoch: 0, transactionResult: true }
  const [one, two] = [NOBODYS_PRODUCER_ID, NOBODYS_PRODUCER_ID + 1n]
  const answer = await send(
    t,
    1,
    { ...marker, producerId: two, topics: [on(topic, 0, 1)] },
    { ...marker, producerId: one, topics: [on(topic, 1)] },
    { ...marker, producerId: two, topics: [on(topic, 0), on('write-markers-nowhere', 0)] },
  )
  return { answer, producers: await producers(t, topic) }
})
differential('WriteTxnMarkers', 'v1 nothing', (t) => send(t, 1))
differential('WriteTxnMarkers', 'v1 a marker of an idempotent producer without a transaction', async (t) => {
  const topic = await t.topic('a')
  await t.produce(topic, 0, batch(['x'], { producerId: 4711n, producerEpoch: 1, baseSequence: 0 }))
  const marker = { producerId: 4711n, producerEpoch: 1, transactionResult: false, coordinatorEpoch: 0 }
  const answer = await send(t, 1, { ...marker, topics: [on(topic, 0)] })
  return { answer, producers: await producers(t, topic), committed: await readCommitted(t, topic) }
})
differential('WriteTxnMarkers', 'v1 partitions of the offsets', async (t) => {
  await t.group('g')
  const marker = { producerId: NOBODYS_PRODUCER_ID, producerEpoch: 0, coordinatorEpoch: 0 }
  return send(t, 1, { ...marker, transactionResult: true, topics: [on('__consumer_offsets', 3, 50)] })
})
differential('WriteTxnMarkers', 'v1 behind the coordinator, which does not know', async (t) => {
  const { topic, producer } = await open(t)
  const { producerId, producerEpoch } = producer
  const marker = { producerId, producerEpoch, transactionResult: false, coordinatorEpoch: 0 }
  await send(t, 1, { ...marker, topics: [on(topic, 0)] })
  const described = await producer.describe()
  const next = await producer.send(11, topic, transactionalBatch(producer, 2))
  const answer = await producer.sendEnd(4, true)
  await producer.ended()
  return { described, next, answer, committed: await readCommitted(t, topic) }
})
