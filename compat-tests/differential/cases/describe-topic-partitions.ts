import {
  type DescribeTopicPartitionsRequest,
  describeTopicPartitionsApi,
} from '../../../src/wire/messages/describe-topic-partitions.ts'
import { type CaseContext, differential } from '../case.ts'
import type { Partially } from '../client.ts'

const LIMIT = 2000

function ask(
  t: CaseContext,
  names: readonly string[],
  request: Partially<DescribeTopicPartitionsRequest> = {},
) {
  const topics = names.map((name) => ({ name }))
  return t.send(describeTopicPartitionsApi, 0, { topics, responsePartitionLimit: LIMIT, ...request })
}

/** Two topics, a and b, of three partitions each. */
async function pair(t: CaseContext): Promise<readonly [a: string, b: string]> {
  const options = { partitions: 3 }
  return [(await t.topic('a', options)).name, (await t.topic('b', options)).name]
}

differential('DescribeTopicPartitions', 'v0 two topics, the later name first', async (t) => {
  const [a, b] = await pair(t)
  return ask(t, [b, a])
})
differential('DescribeTopicPartitions', 'v0 the same topic twice', async (t) => {
  const { name } = await t.topic('a')
  return ask(t, [name, name])
})
differential('DescribeTopicPartitions', 'v0 an internal topic', async (t) => {
  await t.group('g')
  return ask(t, ['__consumer_offsets'], { responsePartitionLimit: 1 })
})

for (const name of ['describe-nowhere', 'not a name', '.', '', 'x'.repeat(250)]) {
  const called = name === '' ? 'no name' : name.length > 20 ? 'a name that is too long' : `the name '${name}'`
  differential('DescribeTopicPartitions', `v0 ${called}`, (t) => ask(t, [name]))
}
differential('DescribeTopicPartitions', 'v0 topics of which some are unknown', async (t) => {
  const { name } = await t.topic('b')
  return ask(t, [t.name('c'), name, t.name('a'), 'not a name'])
})
differential('DescribeTopicPartitions', 'v0 no name, and a topic', async (t) =>
  ask(t, [(await t.topic('a')).name, '']),
)

for (const limit of [1, 2, 3, 4, 0, -1]) {
  const called = limit < 0 ? 'minus one' : limit
  differential('DescribeTopicPartitions', `v0 a limit of ${called}`, async (t) =>
    ask(t, await pair(t), { responsePartitionLimit: limit }),
  )
}
differential('DescribeTopicPartitions', 'v0 a limit that is reached before an unknown topic', async (t) => {
  const { name } = await t.topic('a')
  return ask(t, [name, t.name('nowhere')], { responsePartitionLimit: 1 })
})
differential('DescribeTopicPartitions', 'v0 a limit that unknown topics do not count for', async (t) => {
  const { name } = await t.topic('z')
  return ask(t, [t.name('nowhere'), t.name('nowhere2'), name], { responsePartitionLimit: 1 })
})

for (const partitionIndex of [0, 2, 3, 9, -1]) {
  const called = partitionIndex < 0 ? 'minus one' : partitionIndex
  differential('DescribeTopicPartitions', `v0 from partition ${called} of the first topic on`, async (t) => {
    const [a, b] = await pair(t)
    return ask(t, [a, b], { cursor: { topicName: a, partitionIndex }, responsePartitionLimit: 2 })
  })
}
differential('DescribeTopicPartitions', 'v0 from the second topic on', async (t) => {
  const [a, b] = await pair(t)
  return ask(t, [a, b], { cursor: { topicName: b, partitionIndex: 1 } })
})
differential('DescribeTopicPartitions', 'v0 from a topic on that is not asked for', async (t) => {
  const [a, b] = await pair(t)
  return ask(t, [b], { cursor: { topicName: a, partitionIndex: 0 } })
})
differential('DescribeTopicPartitions', 'v0 from a topic on that is unknown', async (t) => {
  const { name } = await t.topic('a')
  const topicName = t.name('nowhere')
  return ask(t, [name, topicName], { cursor: { topicName, partitionIndex: 5 } })
})
differential('DescribeTopicPartitions', 'v0 from no name on', async (t) => {
  const { name } = await t.topic('a')
  return ask(t, ['', name], { cursor: { topicName: '', partitionIndex: 0 } })
})
differential('DescribeTopicPartitions', 'v0 page by page to the end', async (t) => {
  const topics = await pair(t)
  const pages: unknown[] = []
  let cursor: DescribeTopicPartitionsRequest['cursor'] = null
  do {
    const page = await ask(t, topics, { cursor, responsePartitionLimit: 2 })
    pages.push(page)
    cursor = page.nextCursor
  } while (cursor !== null && pages.length < 10)
  return pages
})

differential('DescribeTopicPartitions', 'v0 all topics from one on', async (t) => {
  const { name } = await t.topic('a', { partitions: 3 })
  return ask(t, [], { cursor: { topicName: name, partitionIndex: 0 }, responsePartitionLimit: 2 })
})
differential('DescribeTopicPartitions', 'v0 all topics from a name on that is unknown', async (t) => {
  await t.topic('a', { partitions: 3 })
  return ask(t, [], { cursor: { topicName: t.name(''), partitionIndex: 1 }, responsePartitionLimit: 2 })
})
differential('DescribeTopicPartitions', 'v0 all topics from a negative partition on', (t) =>
  ask(t, [], { cursor: { topicName: t.name('a'), partitionIndex: -5 } }),
)
differential('DescribeTopicPartitions', 'v0 all topics behind the last one', (t) =>
  ask(t, [], { cursor: { topicName: '~', partitionIndex: 0 } }),
)
