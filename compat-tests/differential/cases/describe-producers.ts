import { describeProducersApi } from '../../../src/wire/messages/describe-producers.ts'
import { type BatchOptions, batch } from '../batch.ts'
import { type CaseContext, differential, type Topic } from '../case.ts'
import { deleteRecords } from './reading.ts'

/** Two records of a producer, in partition 0. */
const write = (t: CaseContext, topic: Topic, producerId: bigint, options: BatchOptions = {}) =>
  t.produce(
    topic,
    0,
    batch(['x', { value: 'y', timestampDelta: 7 }], {
      producerId,
      producerEpoch: 0,
      baseSequence: 0,
      ...options,
    }),
  )

const ask = (t: CaseContext, ...topics: readonly (readonly [name: string, ...partitions: number[]])[]) =>
  t.send(describeProducersApi, 0, {
    topics: topics.map(([name, ...partitionIndexes]) => ({ name, partitionIndexes })),
  })

differential('DescribeProducers', 'v0 nobody', async (t) => ask(t, [(await t.topic('a')).name, 0]))
differential('DescribeProducers', 'v0 producers without idempotence', async (t) => {
  const topic = await t.topic('a')
  await t.produce(topic, 0, batch(['x']))
  return ask(t, [topic.name, 0])
})
differential('DescribeProducers', 'v0 two producers, and a partition without', async (t) => {
  const topic = await t.topic('a', { partitions: 2 })
  await write(t, topic, 4711n)
  await write(t, topic, 815n)
  await write(t, topic, 4711n, { baseSequence: 2 })
  return ask(t, [topic.name, 1, 0])
})
differential('DescribeProducers', 'v0 a new epoch', async (t) => {
  const topic = await t.topic('a')
  await write(t, topic, 4711n)
  await write(t, topic, 4711n, { baseSequence: 2 })
  await write(t, topic, 4711n, { producerEpoch: 3 })
  return ask(t, [topic.name, 0])
})
differential('DescribeProducers', 'v0 a producer without an epoch, and one without timestamps', async (t) => {
  const topic = await t.topic('a')
  await write(t, topic, 1n, { producerEpoch: -1 })
  await write(t, topic, 2n, { baseTimestamp: -1n, maxTimestamp: -1n })
  return ask(t, [topic.name, 0])
})
differential('DescribeProducers', 'v0 a sequence that wraps', async (t) => {
  const topic = await t.topic('a')
  await write(t, topic, 4711n, { baseSequence: 2147483647 })
  return ask(t, [topic.name, 0])
})
differential('DescribeProducers', 'v0 a producer whose records were deleted', async (t) => {
  const topic = await t.topic('a')
  await write(t, topic, 4711n)
  await deleteRecords(t, topic, 2n)
  return ask(t, [topic.name, 0])
})
differential('DescribeProducers', 'v0 unknown partitions and topics, and bad names', async (t) =>
  ask(
    t,
    [(await t.topic('a')).name, 7, -1],
    ['producers-nowhere', 0, 1],
    ['not a name', 0, 1],
    ['', 0],
    ['..', 0],
    ['x'.repeat(250), 0],
  ),
)
differential('DescribeProducers', 'v0 topics and partitions twice, and none', async (t) => {
  const { name } = await t.topic('a')
  return ask(t, [name, 0, 0], [name], [name, 0], ['producers-nowhere'])
})
differential('DescribeProducers', 'v0 no topics', (t) => ask(t))
