import {
  type CreatePartitionsRequest,
  createPartitionsApi,
} from '../../../src/wire/messages/create-partitions.ts'
import { metadataApi } from '../../../src/wire/messages/metadata.ts'
import { type CaseContext, differential } from '../case.ts'
import type { Partially } from '../client.ts'

type Growing = Partially<CreatePartitionsRequest['topics'][number]>

/** Grows a topic of two partitions, and tells how many it has then. */
async function grow(t: CaseContext, version: number, topic: Growing, validateOnly = false): Promise<unknown> {
  const { name } = await t.topic('a', { partitions: 2 })
  const topics = [{ name, assignments: null, ...topic }]
  const answer = await t.send(createPartitionsApi, version, { topics, timeoutMs: 30_000, validateOnly })
  const grown = answer.results[0]?.errorCode === 0 && !validateOnly
  await t.ready(name, grown ? (topic.count ?? 0) : 2)
  const metadata = await t.send(metadataApi, 12, { topics: [{ name }] })
  return { answer, partitions: metadata.topics[0]?.partitions }
}

for (const version of [0, 1, 2, 3]) {
  differential('CreatePartitions', `v${version} from two to four`, (t) => grow(t, version, { count: 4 }))
}
const conditions: ReadonlyArray<readonly [condition: string, topic: Growing]> = [
  ['to as many', { count: 2 }],
  ['to fewer', { count: 1 }],
  ['to none', { count: 0 }],
  ['to -1', { count: -1 }],
  ['with an assignment', { count: 3, assignments: [{ brokerIds: [1] }] }],
  ['with an assignment to an unknown broker', { count: 3, assignments: [{ brokerIds: [7] }] }],
  ['with an assignment of two replicas', { count: 3, assignments: [{ brokerIds: [1, 7] }] }],
  ['with an assignment to the same broker twice', { count: 3, assignments: [{ brokerIds: [1, 1] }] }],
  ['with an assignment to nobody', { count: 3, assignments: [{ brokerIds: [] }] }],
  ['with too many assignments', { count: 3, assignments: [{ brokerIds: [1] }, { brokerIds: [1] }] }],
  ['with too few assignments', { count: 4, assignments: [{ brokerIds: [1] }] }],
  ['with no assignments', { count: 3, assignments: [] }],
  ['of a topic that is unknown', { name: 'create-partitions-nowhere', count: 3 }],
  ['of a topic with a bad name', { name: 'not a name', count: 3 }],
  ['of a topic without a name', { name: '', count: 3 }],
]
for (const [condition, topic] of conditions) {
  differential('CreatePartitions', `v3 ${condition}`, (t) => grow(t, 3, topic))
}
differential('CreatePartitions', 'v3 only checked', (t) => grow(t, 3, { count: 4 }, true))
differential('CreatePartitions', 'v3 to fewer, only checked', (t) => grow(t, 3, { count: 1 }, true))
differential('CreatePartitions', 'v3 no topics', (t) => t.send(createPartitionsApi, 3, { timeoutMs: 1000 }))
differential('CreatePartitions', 'v3 the same topic twice, and another', async (t) => {
  const [one, two] = [await t.topic('a'), await t.topic('b')]
  const topics = [one, one, two].map(({ name }) => ({ name, count: 3, assignments: null }))
  return t.send(createPartitionsApi, 3, { topics, timeoutMs: 30_000 })
})
for (const timeoutMs of [0, -1]) {
  differential('CreatePartitions', `v3 a timeout of ${timeoutMs === 0 ? '0' : 'minus one'}`, async (t) => {
    const { name } = await t.topic('a')
    return t.send(createPartitionsApi, 3, { topics: [{ name, count: 2, assignments: null }], timeoutMs })
  })
}
