/** What readers see of transactions: Fetch, ListOffsets, OffsetFetch, DescribeProducers. */
import { describeProducersApi } from '../../../src/wire/messages/describe-producers.ts'
import { type FetchPartition, fetchApi } from '../../../src/wire/messages/fetch.ts'
import { listOffsetsApi } from '../../../src/wire/messages/list-offsets.ts'
import { offsetFetchApi } from '../../../src/wire/messages/offset-fetch.ts'
import { BASE_TIMESTAMP, batch, readBatches } from '../batch.ts'
import { type CaseContext, differential, type Topic } from '../case.ts'
import type { Partially } from '../client.ts'
import { commitOffset, deleteRecords, readCommitted } from './reading.ts'
import { IMPLICIT, settled, TransactionalProducer, transactionalBatch } from './transactional-producer.ts'

const READ_UNCOMMITTED = 0
const READ_COMMITTED = 1

interface FetchOptions extends Partially<FetchPartition> {
  readonly isolationLevel?: number
  readonly maxWaitMs?: number
  readonly minBytes?: number
}

/** Fetches partition 0 and shows its records batch by batch. */
async function fetch(
  t: CaseContext,
  version: number,
  topic: Topic,
  options: FetchOptions = {},
): Promise<unknown> {
  const { isolationLevel = READ_COMMITTED, maxWaitMs = 0, minBytes = 0, ...more } = options
  const partitions = [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 10_000_000, ...more }]
  const answer = await t.send(fetchApi, version, {
    maxWaitMs,
    minBytes,
    maxBytes: 10_000_000,
    isolationLevel,
    topics: [{ topic: topic.name, topicId: topic.topicId, partitions }],
  })
  const { records, ...partition } = answer.responses[0]?.partitions[0] ?? {}
  return { ...answer, responses: [{ ...partition, records: readBatches(records as Buffer | null) }] }
}

/** Offsets 0 and 1 without a transaction, 2 to 4 aborted, 5 to 7 committed, 8 and 9 open, 10 without a transaction. */
async function history(t: CaseContext): Promise<{ topic: Topic; producer: TransactionalProducer }> {
  const [topic, producer] = [await t.topic('a'), await TransactionalProducer.start(t)]
  const plain = batch(['p'], { baseTimestamp: BigInt(Date.now()) })
  await t.produce(topic, 0, plain)
  await t.produce(topic, 0, plain)
  await producer.write(topic, 0, IMPLICIT)
  await producer.end(false, 5)
  await producer.write(topic, 0, IMPLICIT)
  await producer.end(true, 5)
  await producer.write(topic, 0, IMPLICIT)
  await t.produce(topic, 0, plain)
  return { topic, producer }
}

for (const version of [4, 5, 7, 9, 11, 12, 13, 16, 18]) {
  for (const isolationLevel of [READ_UNCOMMITTED, READ_COMMITTED]) {
    const how = isolationLevel === READ_COMMITTED ? 'only what is committed' : 'everything'
    differential('Fetch', `v${version} ${how}, transactions of all kinds`, async (t) => {
      const { topic } = await history(t)
      return fetch(t, version, topic, { isolationLevel })
    })
  }
}
for (const offset of [2n, 3n, 4n, 5n, 8n, 9n, 11n]) {
  differential('Fetch', `v11 only what is committed, from offset ${offset}`, async (t) => {
    const { topic } = await history(t)
    return fetch(t, 11, topic, { fetchOffset: offset })
  })
}
differential('Fetch', 'v11 only what is committed, from behind the end', async (t) => {
  const { topic } = await history(t)
  return fetch(t, 11, topic, { fetchOffset: 12n })
})
differential('Fetch', 'v11 only what is committed, few bytes', async (t) => {
  const { topic } = await history(t)
  return fetch(t, 11, topic, { partitionMaxBytes: 70 })
})
differential(
  'Fetch',
  'v11 only what is committed, bytes that end inside the aborted transaction',
  async (t) => {
    const { topic } = await history(t)
    return fetch(t, 11, topic, { partitionMaxBytes: 200 })
  },
)
differential('Fetch', 'v11 an open transaction does not count for the bytes to wait for', async (t) => {
  const { topic } = await history(t)
  return fetch(t, 11, topic, { fetchOffset: 8n, minBytes: 1, maxWaitMs: 300 })
})
for (const committed of [true, false]) {
  differential('Fetch', `v11 waits for the ${committed ? 'commit' : 'abort'} of a transaction`, async (t) => {
    const { topic, producer } = await history(t)
    const waiting = fetch(t, 11, topic, { fetchOffset: 8n, minBytes: 1, maxWaitMs: 20_000 })
    await producer.end(committed, 5)
    return waiting
  })
}
differential('Fetch', 'v11 transactions that overlap', async (t) => {
  const topic = await t.topic('a')
  const [one, two, three] = [
    await TransactionalProducer.start(t, 'one'),
    await TransactionalProducer.start(t, 'two'),
    await TransactionalProducer.start(t, 'three'),
  ]
  for (const producer of [one, two, three]) await producer.write(topic, 0, IMPLICIT)
  await two.end(false, 5)
  const held = await readCommitted(t, topic)
  await one.end(true, 5)
  const behindOne = await readCommitted(t, topic)
  await three.write(topic, 2, IMPLICIT)
  await two.write(topic, 0, IMPLICIT)
  await three.end(false, 5)
  await two.end(false, 5)
  const all = await readCommitted(t, topic)
  return { held, behindOne, all, tail: await readCommitted(t, topic, 8n) }
})
differential('Fetch', 'v11 aborted transactions in segments that were rolled', async (t) => {
  const topic = await t.topic('a', { configs: { 'segment.bytes': '1048576', 'segment.ms': '3600000' } })
  const producer = await TransactionalProducer.start(t)
  const old = { baseTimestamp: BASE_TIMESTAMP }
  for (const round of [0, 1]) {
    const records = transactionalBatch(producer, 0, round === 0 ? old : {})
    await settled(t, async () => {
      const answer = await producer.send(12, topic, records)
      return { errorCode: answer.responses[0]?.partitionResponses[0]?.errorCode ?? -1 }
    })
    await producer.end(false, 5)
  }
  return [await readCommitted(t, topic), await readCommitted(t, topic, 2n), await readCommitted(t, topic, 3n)]
})
differential('Fetch', 'v11 an aborted transaction whose beginning has been deleted', async (t) => {
  const { topic } = await history(t)
  await deleteRecords(t, topic, 3n)
  return fetch(t, 11, topic, { fetchOffset: 3n })
})
differential('Fetch', 'v11 records of an open transaction that are deleted', async (t) => {
  const { topic, producer } = await history(t)
  await deleteRecords(t, topic, 10n)
  const open = await readCommitted(t, topic, 10n)
  await producer.end(true, 5)
  return { open, ended: await readCommitted(t, topic, 10n) }
})
differential('Fetch', 'v11 a transaction without records', async (t) => {
  const [topic, producer] = [await t.topic('a'), await TransactionalProducer.start(t)]
  await producer.add(topic)
  const open = await readCommitted(t, topic)
  await producer.end(false, 5)
  return { open, aborted: await readCommitted(t, topic) }
})

const timestamps = [
  ['latest', -1n],
  ['earliest', -2n],
  ['greatest timestamp', -3n],
  ['time 0', 0n],
  ['the end of time', 4_102_444_800_000n],
] as const
for (const [condition, timestamp] of timestamps) {
  for (const isolationLevel of [READ_UNCOMMITTED, READ_COMMITTED]) {
    const how = isolationLevel === READ_COMMITTED ? 'committed' : 'any'
    differential('ListOffsets', `v7 ${condition} of ${how} records, transactions of all kinds`, async (t) => {
      const [topic, producer] = [await t.topic('a'), await TransactionalProducer.start(t)]
      await t.produce(topic, 0, batch(['p']))
      const at = (timestampDelta: number) => ({ baseTimestamp: BASE_TIMESTAMP + BigInt(timestampDelta) })
      await producer.send(12, topic, transactionalBatch(producer, 0, at(10)))
      await t.produce(topic, 0, batch(['p'], at(5)))
      const partitions = [{ partitionIndex: 0, timestamp }]
      const topics = [{ name: topic.name, partitions }]
      return t.send(listOffsetsApi, 7, { replicaId: -1, isolationLevel, topics })
    })
  }
}
for (const version of [2, 4, 6]) {
  differential(
    'ListOffsets',
    `v${version} latest of committed records, before and after a commit`,
    async (t) => {
      const { topic, producer } = await history(t)
      const topics = [{ name: topic.name, partitions: [{ partitionIndex: 0, timestamp: -1n }] }]
      const ask = () =>
        t.send(listOffsetsApi, version, { replicaId: -1, isolationLevel: READ_COMMITTED, topics })
      const before = await ask()
      await producer.end(true, 5)
      return { before, after: await ask() }
    },
  )
}

for (const version of [6, 7, 8, 9, 10]) {
  for (const requireStable of version < 7 ? [false] : [false, true]) {
    const how = requireStable ? 'stable offsets only' : 'any offsets'
    differential('OffsetFetch', `v${version} ${how}, some of them in a transaction`, async (t) => {
      const [topic, groupId] = [await t.topic('a', { partitions: 3 }), await t.group('g')]
      const producer = await TransactionalProducer.start(t)
      await commitOffset(t, groupId, topic, 3n)
      await producer.addOffsets(groupId)
      const offsets = [0, 1].map((partitionIndex) => ({ partitionIndex, committedOffset: 9n }))
      await producer.sendOffset(4, groupId, topic, 0n, {
        topics: [{ name: topic.name, partitions: offsets }],
      })
      const partitionIndexes = [0, 1, 2]
      const old = [{ name: topic.name, partitionIndexes }]
      const topics = [{ name: topic.name, topicId: topic.topicId, partitionIndexes }]
      const ask = (some: boolean) =>
        version < 8
          ? t.send(offsetFetchApi, version, { groupId, topics: some ? old : null, requireStable })
          : t.send(offsetFetchApi, version, {
              groups: [{ groupId, topics: some ? topics : null }],
              requireStable,
            })
      const open = { some: await ask(true), all: await ask(false) }
      await producer.end(true)
      return { ...open, ended: await ask(true) }
    })
  }
}
differential('OffsetFetch', 'v7 stable offsets only, of a transaction that is aborted', async (t) => {
  const [topic, groupId] = [await t.topic('a'), await t.group('g')]
  const producer = await TransactionalProducer.start(t)
  await producer.addOffsets(groupId)
  await producer.commitOffset(groupId, topic, 9n)
  const topics = [{ name: topic.name, partitionIndexes: [0] }]
  const open = await t.send(offsetFetchApi, 7, { groupId, topics, requireStable: true })
  const all = await t.send(offsetFetchApi, 7, { groupId, topics: null, requireStable: true })
  await producer.end(false)
  return { open, all, ended: await t.send(offsetFetchApi, 7, { groupId, topics, requireStable: true }) }
})

differential('DescribeProducers', 'v0 producers with transactions of all kinds', async (t) => {
  const { topic } = await history(t)
  const aborted = await TransactionalProducer.start(t, 'aborted')
  await aborted.add(topic)
  await aborted.write(topic)
  await aborted.end(false)
  return t.send(describeProducersApi, 0, { topics: [{ name: topic.name, partitionIndexes: [0] }] })
})
differential('DescribeProducers', 'v0 of the offsets of a group', async (t) => {
  const [topic, groupId] = [await t.topic('a'), await t.group('g')]
  const producer = await TransactionalProducer.start(t)
  await producer.addOffsets(groupId)
  await producer.commitOffset(groupId, topic, 9n)
  const partition = (await producer.describe()).transactionStates[0]?.topics[0]?.partitions[0] ?? -1
  const ask = async () => {
    const topics = [{ name: '__consumer_offsets', partitionIndexes: [partition] }]
    const answer = await t.send(describeProducersApi, 0, { topics })
    const all = answer.topics[0]?.partitions[0]?.activeProducers ?? []
    // Other groups of the same partition come and go.
    return all
      .filter(({ producerId }) => producerId === producer.producerId)
      .map(({ currentTxnStartOffset, ...rest }) => ({ ...rest, open: currentTxnStartOffset >= 0n }))
  }
  const open = await ask()
  await producer.end(true, 5)
  return { open, ended: await ask() }
})
