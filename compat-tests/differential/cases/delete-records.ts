import { deleteRecordsApi } from '../../../src/wire/messages/delete-records.ts'
import { batch } from '../batch.ts'
import { type CaseContext, differential, type Topic } from '../case.ts'
import { readBack } from './reading.ts'

/** Two batches: offsets 0 to 4. */
async function filled(t: CaseContext, configs: Record<string, string> = {}): Promise<Topic> {
  const topic = await t.topic('a', { configs })
  await t.produce(topic, 0, batch([{ key: 'a' }, { key: 'b' }, { key: 'c' }]))
  await t.produce(topic, 0, batch([{ key: 'd' }, { key: 'e' }]))
  return topic
}

const ask = (t: CaseContext, version: number, name: string, offset: bigint, partitionIndex = 0) =>
  t.send(deleteRecordsApi, version, {
    topics: [{ name, partitions: [{ partitionIndex, offset }] }],
    timeoutMs: 10_000,
  })

for (const version of [0, 1, 2]) {
  differential('DeleteRecords', `v${version} into the middle of a batch`, async (t) => {
    const topic = await filled(t)
    return { answer: await ask(t, version, topic.name, 1n), stored: await readBack(t, topic) }
  })
}

const offsets: ReadonlyArray<readonly [condition: string, offset: bigint]> = [
  ['up to the start', 0n],
  ['up to the end', 5n],
  ['up to the high watermark by -1', -1n],
  ['beyond the end', 6n],
  ['a negative offset', -2n],
]
for (const [condition, offset] of offsets) {
  differential('DeleteRecords', `v1 ${condition}`, async (t) => {
    const topic = await filled(t)
    return { answer: await ask(t, 1, topic.name, offset), stored: await readBack(t, topic) }
  })
}

differential('DeleteRecords', 'v1 below the log start', async (t) => {
  const topic = await filled(t)
  return { first: await ask(t, 1, topic.name, 4n), afterwards: await ask(t, 1, topic.name, 2n) }
})
differential('DeleteRecords', 'v1 of an empty partition', async (t) =>
  ask(t, 1, (await t.topic('a')).name, -1n),
)
differential('DeleteRecords', 'v1 an unknown topic', (t) => ask(t, 1, 'delete-records-nowhere', 0n))
differential('DeleteRecords', 'v1 an unknown partition', async (t) =>
  ask(t, 1, (await t.topic('a')).name, 0n, 4),
)
differential('DeleteRecords', 'v1 a compacted topic', async (t) =>
  ask(t, 1, (await filled(t, { 'cleanup.policy': 'compact' })).name, 1n),
)
differential('DeleteRecords', 'v1 a topic that is compacted and deleted from', async (t) =>
  ask(t, 1, (await filled(t, { 'cleanup.policy': 'compact,delete' })).name, 1n),
)
differential('DeleteRecords', 'v1 the offsets topic', async (t) => {
  await t.group('g')
  return ask(t, 1, '__consumer_offsets', 0n)
})
differential('DeleteRecords', 'v1 no topics', (t) => t.send(deleteRecordsApi, 1, { timeoutMs: 1000 }))
differential('DeleteRecords', 'v1 the same partition twice', async (t) => {
  const topic = await filled(t)
  const partitions = [1n, 3n].map((offset) => ({ partitionIndex: 0, offset }))
  const answer = await t.send(deleteRecordsApi, 1, {
    topics: [{ name: topic.name, partitions }],
    timeoutMs: 1000,
  })
  return { answer, stored: await readBack(t, topic) }
})
