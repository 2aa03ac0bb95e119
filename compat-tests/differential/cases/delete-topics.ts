import { type DeleteTopicsRequest, deleteTopicsApi } from '../../../src/wire/messages/delete-topics.ts'
import { ZERO_UUID } from '../../../src/wire/reader.ts'
import { type CaseContext, differential, type Topic } from '../case.ts'
import type { Partially } from '../client.ts'

const remove = (t: CaseContext, version: number, request: Partially<DeleteTopicsRequest>) =>
  t.send(deleteTopicsApi, version, { timeoutMs: 30_000, ...request })

for (const version of [1, 2, 3, 4, 5]) {
  differential('DeleteTopics', `v${version} a topic, then again`, async (t) => {
    const { name } = await t.topic('a')
    const answer = await remove(t, version, { topicNames: [name] })
    return { answer, again: await remove(t, version, { topicNames: [name] }) }
  })
}
for (const version of [1, 5, 6]) {
  differential('DeleteTopics', `v${version} no topics`, (t) => remove(t, version, {}))
}
for (const version of [1, 5]) {
  differential('DeleteTopics', `v${version} a bad name and an empty name`, (t) =>
    remove(t, version, { topicNames: ['not a name', ''] }),
  )
  differential('DeleteTopics', `v${version} the same name twice`, async (t) => {
    const { name } = await t.topic('a')
    return remove(t, version, { topicNames: [name, name] })
  })
}
differential('DeleteTopics', 'v5 known and unknown topics', async (t) => {
  const { name } = await t.topic('a')
  return remove(t, 5, { topicNames: [t.name('b'), name] })
})

type State = (topic: Topic) => ReadonlyArray<{ readonly name?: string | null; readonly topicId?: string }>
const byId: ReadonlyArray<readonly [condition: string, topics: State]> = [
  ['by name', ({ name }) => [{ name }]],
  ['by id', ({ topicId }) => [{ topicId }]],
  ['by name and id', ({ name, topicId }) => [{ name, topicId }]],
  ['by neither', () => [{ name: null, topicId: ZERO_UUID }]],
  ['by an unknown name', () => [{ name: 'delete-topics-nowhere' }]],
  ['by an unknown id', () => [{ topicId: 'AAAAAAAAAAAAAAAAAAAQAA' }]],
  ['by name twice', ({ name }) => [{ name }, { name }]],
  ['by id twice', ({ topicId }) => [{ topicId }, { topicId }]],
  ['by name, and again by id', ({ name, topicId }) => [{ name }, { topicId }]],
  ['by an empty name', () => [{ name: '' }]],
  [
    'by an unknown id twice',
    () => [{ topicId: 'AAAAAAAAAAAAAAAAAAAQAA' }, { topicId: 'AAAAAAAAAAAAAAAAAAAQAA' }],
  ],
]
for (const [condition, topics] of byId) {
  differential('DeleteTopics', `v6 ${condition}`, async (t) =>
    remove(t, 6, { topics: topics(await t.topic('a')) }),
  )
}
for (const timeoutMs of [0, -1]) {
  differential('DeleteTopics', `v5 a timeout of ${timeoutMs === 0 ? '0' : 'minus one'}`, async (t) =>
    remove(t, 5, { topicNames: [(await t.topic('a')).name], timeoutMs }),
  )
}
