import {
  type OffsetForLeaderTopic,
  offsetForLeaderEpochApi,
} from '../../../src/wire/messages/offset-for-leader-epoch.ts'
import { batch } from '../batch.ts'
import { type CaseContext, differential, type Topic } from '../case.ts'
import type { Partially } from '../client.ts'
import { deleteRecords } from './reading.ts'

type Asked = Partially<OffsetForLeaderTopic['partitions'][number]>

/** Two records in partition 0, none in partition 1. */
async function filled(t: CaseContext): Promise<Topic> {
  const topic = await t.topic('a', { partitions: 2 })
  await t.produce(topic, 0, batch(['x', 'y']))
  return topic
}

const ask = (t: CaseContext, version: number, topic: string, ...partitions: readonly Asked[]) =>
  t.send(offsetForLeaderEpochApi, version, { replicaId: -1, topics: [{ topic, partitions }] })

for (const version of [2, 3, 4]) {
  differential('OffsetForLeaderEpoch', `v${version} the current epoch`, async (t) => {
    const { name } = await filled(t)
    const [known, unknown] = [{ currentLeaderEpoch: 0 }, { currentLeaderEpoch: -1 }]
    return ask(
      t,
      version,
      name,
      { partition: 0, leaderEpoch: 0, ...known },
      { partition: 1, leaderEpoch: 0, ...unknown },
    )
  })
}

const conditions: ReadonlyArray<readonly [condition: string, asked: Asked]> = [
  ['an epoch to come', { partition: 0, leaderEpoch: 5 }],
  ['no epoch', { partition: 0, leaderEpoch: -1 }],
  ['a negative epoch', { partition: 0, leaderEpoch: -7 }],
  ['a negative epoch of an empty partition', { partition: 1, leaderEpoch: -7 }],
  ['a leader epoch to come', { partition: 0, leaderEpoch: 0, currentLeaderEpoch: 1 }],
  ['a negative leader epoch', { partition: 0, leaderEpoch: 0, currentLeaderEpoch: -2 }],
  ['an unknown partition', { partition: 7, leaderEpoch: 0 }],
  ['a negative partition', { partition: -1, leaderEpoch: 0 }],
]
for (const [condition, asked] of conditions) {
  differential('OffsetForLeaderEpoch', `v4 ${condition}`, async (t) =>
    ask(t, 4, (await filled(t)).name, asked),
  )
}
differential('OffsetForLeaderEpoch', 'v4 a log whose start has moved', async (t) => {
  const topic = await filled(t)
  await deleteRecords(t, topic, 1n)
  return ask(t, 4, topic.name, { partition: 0, leaderEpoch: 0 }, { partition: 0, leaderEpoch: -7 })
})
differential('OffsetForLeaderEpoch', 'v4 an unknown topic', (t) =>
  ask(t, 4, 'epoch-nowhere', { partition: 0, leaderEpoch: 0 }, { partition: 3, leaderEpoch: 0 }),
)
differential('OffsetForLeaderEpoch', 'v4 a bad name', (t) =>
  ask(t, 4, 'not a name', { partition: 0, leaderEpoch: 0 }),
)
for (const replicaId of [7, -2, -9]) {
  const called = replicaId < 0 ? `minus ${-replicaId}` : replicaId
  differential('OffsetForLeaderEpoch', `v4 from replica ${called}`, async (t) => {
    const { name } = await filled(t)
    const topics = [{ topic: name, partitions: [{ partition: 0, leaderEpoch: 0 }] }]
    return t.send(offsetForLeaderEpochApi, 4, { replicaId, topics })
  })
}
differential('OffsetForLeaderEpoch', 'v4 no topics', (t) => t.send(offsetForLeaderEpochApi, 4, {}))
differential('OffsetForLeaderEpoch', 'v4 topics and partitions twice, and none', async (t) => {
  const [{ name }, other] = [await filled(t), await t.topic('b')]
  const [first, second] = [
    { partition: 0, leaderEpoch: 0 },
    { partition: 1, leaderEpoch: 0 },
  ]
  const topics = [
    { topic: other.name, partitions: [] },
    { topic: name, partitions: [second] },
    { topic: name, partitions: [first, first] },
  ]
  return t.send(offsetForLeaderEpochApi, 4, { topics })
})
