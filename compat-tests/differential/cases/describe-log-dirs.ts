import { describeLogDirsApi } from '../../../src/wire/messages/describe-log-dirs.ts'
import { batch } from '../batch.ts'
import { type CaseContext, differential } from '../case.ts'
import { deleteRecords } from './reading.ts'

type Wanted = readonly { readonly topic: string; readonly partitions: readonly number[] }[] | null

const ask = (t: CaseContext, version: number, topics: Wanted) =>
  t.send(describeLogDirsApi, version, { topics })

for (const version of [1, 2, 3, 4, 5]) {
  differential('DescribeLogDirs', `v${version} two partitions of three`, async (t) => {
    const topic = await t.topic('a', { partitions: 3 })
    await t.produce(topic, 2, batch(['x', 'y']))
    return ask(t, version, [{ topic: topic.name, partitions: [0, 2] }])
  })
}
differential('DescribeLogDirs', 'v5 everything', async (t) => {
  const topic = await t.topic('a', { partitions: 3 })
  await t.produce(topic, 1, batch(['x']))
  const answer = await ask(t, 5, null)
  return {
    ...answer,
    results: answer.results.map((one) => ({
      ...one,
      topics: one.topics.filter(({ name }) => name === topic.name),
    })),
  }
})
differential('DescribeLogDirs', 'v4 a partition whose records were deleted', async (t) => {
  const topic = await t.topic('a')
  await t.produce(topic, 0, batch(['x', 'y']))
  await deleteRecords(t, topic, 2n)
  return ask(t, 4, [{ topic: topic.name, partitions: [0] }])
})
differential('DescribeLogDirs', 'v4 no topics', (t) => ask(t, 4, []))
differential('DescribeLogDirs', 'v4 a topic without partitions', async (t) =>
  ask(t, 4, [{ topic: (await t.topic('a')).name, partitions: [] }]),
)
differential('DescribeLogDirs', 'v4 unknown partitions and topics', async (t) =>
  ask(t, 4, [
    { topic: (await t.topic('a')).name, partitions: [7, -1] },
    { topic: 'log-dirs-nowhere', partitions: [0] },
    { topic: 'not a name', partitions: [0] },
    { topic: '', partitions: [0] },
  ]),
)
differential('DescribeLogDirs', 'v4 topics and partitions twice', async (t) => {
  const [{ name: a }, { name: b }] = [await t.topic('a', { partitions: 2 }), await t.topic('b')]
  return ask(t, 4, [
    { topic: a, partitions: [1, 1] },
    { topic: b, partitions: [0] },
    { topic: a, partitions: [0, 1] },
  ])
})
differential('DescribeLogDirs', "v4 the controllers' log", (t) =>
  ask(t, 4, [{ topic: '__cluster_metadata', partitions: [0] }]),
)
