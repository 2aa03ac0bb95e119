import { type ElectLeadersRequest, electLeadersApi } from '../../../src/wire/messages/elect-leaders.ts'
import { type CaseContext, differential } from '../case.ts'
import type { Partially } from '../client.ts'

const Election = { PREFERRED: 0, UNCLEAN: 1 } as const

const ask = (t: CaseContext, version: number, request: Partially<ElectLeadersRequest>) =>
  t.send(electLeadersApi, version, { timeoutMs: 30_000, ...request })

/** Partitions that there are, and such that there are not. */
async function some(t: CaseContext): Promise<NonNullable<ElectLeadersRequest['topicPartitions']>> {
  const { name } = await t.topic('a', { partitions: 2 })
  return [
    { topic: name, partitions: [1, 0, 0, 7, -1] },
    { topic: 'election-nowhere', partitions: [0] },
    { topic: 'not a name', partitions: [0] },
    { topic: name, partitions: [] },
    { topic: name, partitions: [1] },
  ]
}

for (const version of [0, 1, 2]) {
  differential('ElectLeaders', `v${version} preferred leaders`, async (t) =>
    ask(t, version, { topicPartitions: await some(t), electionType: Election.PREFERRED }),
  )
}
for (const version of [1, 2]) {
  differential('ElectLeaders', `v${version} any leaders`, async (t) =>
    ask(t, version, { topicPartitions: await some(t), electionType: Election.UNCLEAN }),
  )
}
for (const electionType of [2, -1]) {
  const called = electionType < 0 ? 'minus one' : electionType
  differential('ElectLeaders', `v2 an election of type ${called}`, async (t) =>
    ask(t, 2, { topicPartitions: await some(t), electionType }),
  )
}
differential('ElectLeaders', 'v2 everywhere, an election of type 2', (t) =>
  ask(t, 2, { topicPartitions: null, electionType: 2 }),
)
differential('ElectLeaders', 'v2 nowhere, an election of type 2', (t) =>
  ask(t, 2, { topicPartitions: [], electionType: 2 }),
)
for (const [called, electionType] of [
  ['preferred leaders', Election.PREFERRED],
  ['any leaders', Election.UNCLEAN],
] as const) {
  differential('ElectLeaders', `v2 ${called} everywhere`, async (t) => {
    const { name } = await t.topic('a', { partitions: 2 })
    const answer = await ask(t, 2, { topicPartitions: null, electionType })
    const mine = answer.replicaElectionResults.filter(({ topic }) => topic === name)
    return { ...answer, replicaElectionResults: mine }
  })
}
for (const [called, timeoutMs] of [
  ['no time', 0],
  ['less than no time', -1],
] as const) {
  for (const version of [0, 2]) {
    differential('ElectLeaders', `v${version} in ${called}`, async (t) =>
      ask(t, version, { topicPartitions: await some(t), timeoutMs }),
    )
  }
}
differential('ElectLeaders', 'v2 everywhere in no time', (t) =>
  ask(t, 2, { topicPartitions: null, timeoutMs: 0 }),
)
differential('ElectLeaders', 'v2 nowhere in no time', (t) => ask(t, 2, { topicPartitions: [], timeoutMs: 0 }))
differential('ElectLeaders', 'v2 an election of type 2 in no time', async (t) =>
  ask(t, 2, { topicPartitions: await some(t), electionType: 2, timeoutMs: 0 }),
)
