import { type MetadataRequest, metadataApi } from '../../../src/wire/messages/metadata.ts'
import { ZERO_UUID } from '../../../src/wire/reader.ts'
import { type CaseContext, differential } from '../case.ts'
import type { Partially } from '../client.ts'

/** Asks, and keeps of the topics this case's own: others run beside it. */
async function own(t: CaseContext, version: number, request: Partially<MetadataRequest>): Promise<unknown> {
  const answer = await t.send(metadataApi, version, request)
  return { ...answer, topics: answer.topics.filter((topic) => topic.name?.startsWith(t.name(''))) }
}

for (const version of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]) {
  differential('Metadata', `v${version} a topic of two partitions`, async (t) => {
    const { name } = await t.topic('a', { partitions: 2 })
    return t.send(metadataApi, version, { topics: [{ name }], allowAutoTopicCreation: false })
  })
}

for (const version of [0, 1, 9, 12]) {
  differential('Metadata', `v${version} all topics`, async (t) => {
    await t.topic('a')
    await t.topic('b', { partitions: 2 })
    return own(t, version, { topics: version === 0 ? [] : null })
  })
}
for (const version of [1, 12]) {
  differential('Metadata', `v${version} no topics`, (t) => t.send(metadataApi, version, { topics: [] }))
}

for (const version of [4, 9, 12]) {
  differential('Metadata', `v${version} an unknown topic, not to be created`, (t) =>
    t.send(metadataApi, version, { topics: [{ name: t.name('a') }], allowAutoTopicCreation: false }),
  )
}
for (const version of [0, 1, 4, 12]) {
  differential('Metadata', `v${version} an unknown topic, to be created`, async (t) => {
    const name = t.name('a')
    const first = await t.send(metadataApi, version, { topics: [{ name }] })
    await t.ready(name, 1)
    return { first, afterwards: await t.send(metadataApi, version, { topics: [{ name }] }) }
  })
}

const badNames: ReadonlyArray<readonly [condition: string, name: string]> = [
  ['an empty name', ''],
  ['a dot', '.'],
  ['two dots', '..'],
  ['a space', 'not a name'],
  ['a slash', 'not/a/name'],
  ['a letter that is not ASCII', 'naïve'],
  ['250 characters', 'x'.repeat(250)],
]
for (const [condition, name] of badNames) {
  differential('Metadata', `v8 ${condition}, to be created`, (t) =>
    t.send(metadataApi, 8, { topics: [{ name }] }),
  )
}
differential('Metadata', 'v8 a bad name, not to be created', (t) =>
  t.send(metadataApi, 8, { topics: [{ name: 'not a name' }], allowAutoTopicCreation: false }),
)
differential('Metadata', 'v8 a name that collides with another, to be created', async (t) => {
  const { name } = await t.topic('a.b')
  return t.send(metadataApi, 8, { topics: [{ name: name.replace('a.b', 'a_b') }] })
})
differential('Metadata', 'v8 the same topic twice', async (t) => {
  const { name } = await t.topic('a')
  return t.send(metadataApi, 8, { topics: [{ name }, { name }] })
})
differential('Metadata', 'v8 known, unknown and bad topics', async (t) => {
  const { name } = await t.topic('a')
  const topics = [{ name: 'not a name' }, { name: t.name('b') }, { name }]
  return t.send(metadataApi, 8, { topics, allowAutoTopicCreation: false })
})
differential('Metadata', 'v12 the offsets topic', async (t) => {
  await t.group('g')
  return t.send(metadataApi, 12, { topics: [{ name: '__consumer_offsets' }], allowAutoTopicCreation: false })
})

for (const version of [8, 10]) {
  differential('Metadata', `v${version} authorized operations of cluster and topic`, async (t) => {
    const { name } = await t.topic('a')
    return t.send(metadataApi, version, {
      topics: [{ name }],
      includeClusterAuthorizedOperations: true,
      includeTopicAuthorizedOperations: true,
    })
  })
}
differential('Metadata', 'v12 authorized operations of known and unknown topics', async (t) => {
  const { name } = await t.topic('a')
  return t.send(metadataApi, 12, {
    topics: [{ name }, { name: t.name('b') }],
    allowAutoTopicCreation: false,
    includeTopicAuthorizedOperations: true,
  })
})

for (const version of [10, 11, 12, 13]) {
  differential('Metadata', `v${version} by id`, async (t) => {
    const { topicId } = await t.topic('a')
    return t.send(metadataApi, version, { topics: [{ name: null, topicId }] })
  })
  differential('Metadata', `v${version} by an unknown id`, (t) =>
    t.send(metadataApi, version, { topics: [{ name: null, topicId: 'AAAAAAAAAAAAAAAAAAAQAA' }] }),
  )
}
differential('Metadata', 'v12 by id and name', async (t) => {
  const topic = await t.topic('a')
  return t.send(metadataApi, 12, { topics: [topic] })
})
differential('Metadata', 'v12 by ids and by names in one request', async (t) => {
  const [one, two] = [await t.topic('a'), await t.topic('b')]
  return t.send(metadataApi, 12, { topics: [{ name: null, topicId: one.topicId }, { name: two.name }] })
})
differential('Metadata', 'v12 by the id of nothing and without a name', (t) =>
  t.send(metadataApi, 12, { topics: [{ name: null, topicId: ZERO_UUID }] }),
)
differential('Metadata', 'v12 by known and unknown ids', async (t) => {
  const { topicId } = await t.topic('a')
  const unknown = { name: null, topicId: 'AAAAAAAAAAAAAAAAAAAQAA' }
  return t.send(metadataApi, 12, { topics: [unknown, { name: null, topicId }] })
})
