/** AlterPartitionReassignments, ListPartitionReassignments. */
import {
  type AlterPartitionReassignmentsRequest,
  alterPartitionReassignmentsApi,
} from '../../../src/wire/messages/alter-partition-reassignments.ts'
import { listPartitionReassignmentsApi } from '../../../src/wire/messages/list-partition-reassignments.ts'
import { type CaseContext, differential } from '../case.ts'
import type { Partially } from '../client.ts'

type Move = readonly [partitionIndex: number, replicas: readonly number[] | null]

const moves = (name: string, ...list: readonly Move[]) => ({
  name,
  partitions: list.map(([partitionIndex, replicas]) => ({ partitionIndex, replicas })),
})

const alter = (t: CaseContext, version: number, request: Partially<AlterPartitionReassignmentsRequest>) =>
  t.send(alterPartitionReassignmentsApi, version, { timeoutMs: 30_000, ...request })

/** Every way to move a partition of a topic of two. */
const everyMove: readonly Move[] = [
  [0, [1]],
  [0, null],
  [1, [7]],
  [1, [1, 7]],
  [1, [1, 1]],
  [1, []],
  [1, [-1]],
  [0, [1]],
  [7, [1]],
  [7, null],
  [7, [7]],
  [-1, [1]],
]

for (const version of [0, 1]) {
  differential('AlterPartitionReassignments', `v${version} every move`, async (t) => {
    const { name } = await t.topic('a', { partitions: 2 })
    return alter(t, version, { topics: [moves(name, ...everyMove)] })
  })
}
differential('AlterPartitionReassignments', 'v1 every move, keeping the number of replicas', async (t) => {
  const { name } = await t.topic('a', { partitions: 2 })
  return alter(t, 1, { topics: [moves(name, ...everyMove)], allowReplicationFactorChange: false })
})
differential(
  'AlterPartitionReassignments',
  'v1 topics that are unknown, twice, and without partitions',
  async (t) => {
    const { name } = await t.topic('a', { partitions: 2 })
    const topics = [
      moves('reassign-nowhere', [0, [1]], [1, null]),
      moves('not a name', [0, [7]]),
      moves(name, [1, [1]]),
      moves(name),
      moves(name, [1, [1]], [1, null]),
    ]
    return alter(t, 1, { topics })
  },
)
for (const version of [0, 1]) {
  differential('AlterPartitionReassignments', `v${version} no topics`, (t) => alter(t, version, {}))
}
differential('AlterPartitionReassignments', 'v1 no topics, keeping the number of replicas', (t) =>
  alter(t, 1, { allowReplicationFactorChange: false }),
)
for (const [called, timeoutMs] of [
  ['no time', 0],
  ['less than no time', -1],
] as const) {
  differential('AlterPartitionReassignments', `v1 in ${called}`, async (t) => {
    const { name } = await t.topic('a')
    const topics = [moves(name, [0, [1]], [0, null]), moves('reassign-nowhere', [0, null])]
    return alter(t, 1, { topics, timeoutMs, allowReplicationFactorChange: false })
  })
}
differential('AlterPartitionReassignments', 'v1 no topics in no time', (t) => alter(t, 1, { timeoutMs: 0 }))

differential('ListPartitionReassignments', 'v0 all', (t) =>
  t.send(listPartitionReassignmentsApi, 0, { topics: null, timeoutMs: 30_000 }),
)
differential('ListPartitionReassignments', 'v0 no topics', (t) =>
  t.send(listPartitionReassignmentsApi, 0, { topics: [], timeoutMs: 30_000 }),
)
differential('ListPartitionReassignments', 'v0 all in no time', (t) =>
  t.send(listPartitionReassignmentsApi, 0, { topics: null, timeoutMs: -1 }),
)
differential('ListPartitionReassignments', 'v0 topics that there are and that there are not', async (t) => {
  const { name } = await t.topic('a')
  const topics = [name, 'reassign-nowhere', 'not a name', name].map((topic) => ({
    name: topic,
    partitionIndexes: [0, 7, -1],
  }))
  return t.send(listPartitionReassignmentsApi, 0, { topics, timeoutMs: 30_000 })
})
