import { offsetFetchApi } from '../../../src/wire/messages/offset-fetch.ts'
import { type CaseContext, differential, type Topic } from '../case.ts'
import { stable } from './members.ts'
import { commitOffset } from './reading.ts'

interface Filled {
  readonly topic: Topic
  readonly groupId: string
}

/** A topic of two partitions, the first of which has a committed offset of 5. */
async function filled(t: CaseContext): Promise<Filled> {
  const [topic, groupId] = [await t.topic('a', { partitions: 2 }), await t.group('g')]
  await commitOffset(t, groupId, topic, 5n)
  return { topic, groupId }
}

const list = (topic: Topic, partitionIndexes: readonly number[]) => [
  { name: topic.name, topicId: topic.topicId, partitionIndexes },
]
const listOld = (topic: Topic, partitionIndexes: readonly number[]) => [
  { name: topic.name, partitionIndexes },
]
const nowhere: Topic = { name: 'offset-fetch-nowhere', topicId: 'AAAAAAAAAAAAAAAAAAAQAA' }

for (const version of [1, 2, 3, 4, 5, 6, 7]) {
  differential(
    'OffsetFetch',
    `v${version} a committed partition, another, one that does not exist`,
    async (t) => {
      const { topic, groupId } = await filled(t)
      return t.send(offsetFetchApi, version, { groupId, topics: listOld(topic, [0, 1, 9]) })
    },
  )
}
for (const version of [2, 5, 7]) {
  differential('OffsetFetch', `v${version} all of the group's`, async (t) => {
    const { groupId } = await filled(t)
    return t.send(offsetFetchApi, version, { groupId, topics: null })
  })
}
for (const version of [1, 2, 7]) {
  differential('OffsetFetch', `v${version} a group that does not exist`, async (t) => {
    const groupId = await t.group('g')
    return t.send(offsetFetchApi, version, { groupId, topics: listOld(nowhere, [0]) })
  })
  differential('OffsetFetch', `v${version} an empty group id`, (t) =>
    t.send(offsetFetchApi, version, { groupId: '', topics: listOld(nowhere, [0]) }),
  )
}
differential('OffsetFetch', 'v7 all of a group that does not exist', async (t) =>
  t.send(offsetFetchApi, 7, { groupId: await t.group('g'), topics: null }),
)
differential('OffsetFetch', 'v7 no topics', async (t) => {
  const { groupId } = await filled(t)
  return t.send(offsetFetchApi, 7, { groupId, topics: [] })
})
differential('OffsetFetch', 'v7 stable offsets only', async (t) => {
  const { topic, groupId } = await filled(t)
  return t.send(offsetFetchApi, 7, { groupId, topics: listOld(topic, [0]), requireStable: true })
})
differential('OffsetFetch', 'v5 the same partition twice', async (t) => {
  const { topic, groupId } = await filled(t)
  return t.send(offsetFetchApi, 5, { groupId, topics: listOld(topic, [0, 0]) })
})

for (const version of [8, 9, 10]) {
  differential('OffsetFetch', `v${version} several groups`, async (t) => {
    const { topic, groupId } = await filled(t)
    const other = await t.group('other')
    return t.send(offsetFetchApi, version, {
      groups: [
        { groupId, topics: list(topic, [0, 1, 9]) },
        { groupId: other, topics: list(topic, [0]) },
        { groupId, topics: null },
        { groupId: other, topics: null },
        { groupId, topics: [] },
      ],
    })
  })
}
differential('OffsetFetch', 'v8 no groups', (t) => t.send(offsetFetchApi, 8, { groups: [] }))
differential('OffsetFetch', 'v8 an empty group id among others', async (t) => {
  const { topic, groupId } = await filled(t)
  return t.send(offsetFetchApi, 8, {
    groups: [
      { groupId: '', topics: list(topic, [0]) },
      { groupId, topics: list(topic, [0]) },
    ],
  })
})
differential('OffsetFetch', 'v8 an unknown topic', async (t) => {
  const { groupId } = await filled(t)
  return t.send(offsetFetchApi, 8, { groups: [{ groupId, topics: list(nowhere, [0]) }] })
})
differential('OffsetFetch', 'v10 an unknown topic id', async (t) => {
  const { topic, groupId } = await filled(t)
  return t.send(offsetFetchApi, 10, {
    groups: [{ groupId, topics: [...list(nowhere, [0, 1]), ...list(topic, [0])] }],
  })
})

const members = [
  ['the member and its generation', {}],
  ['a member that is unknown', { memberId: 'nobody' }],
  ['another generation', { memberEpoch: 9 }],
  ['a member id and no generation', { memberEpoch: -1 }],
  ['no member and a generation', { memberId: null, memberEpoch: 1 }],
] as const
for (const [condition, more] of members) {
  differential('OffsetFetch', `v9 ${condition}, classic group`, async (t) => {
    const topic = await t.topic('a')
    const { groupId, memberId, generationId } = await stable(t)
    const group = { groupId, memberId, memberEpoch: generationId, topics: list(topic, [0]), ...more }
    return t.send(offsetFetchApi, 9, { groups: [group] })
  })
}
differential('OffsetFetch', 'v9 a member of a group that does not exist', async (t) => {
  const groupId = await t.group('g')
  const topics = list(await t.topic('a'), [0])
  return t.send(offsetFetchApi, 9, { groups: [{ groupId, memberId: 'm', memberEpoch: 1, topics }] })
})
