import { alterReplicaLogDirsApi } from '../../../src/wire/messages/alter-replica-log-dirs.ts'
import { describeLogDirsApi } from '../../../src/wire/messages/describe-log-dirs.ts'
import { type CaseContext, differential } from '../case.ts'

type Wanted = readonly [
  path: string,
  ...topics: readonly (readonly [name: string, ...partitions: number[]])[],
]

const ELSEWHERE = '/nowhere/at/all'

const ask = (t: CaseContext, version: number, ...dirs: readonly Wanted[]) =>
  t.send(alterReplicaLogDirsApi, version, {
    dirs: dirs.map(([path, ...topics]) => ({
      path,
      topics: topics.map(([name, ...partitions]) => ({ name, partitions })),
    })),
  })

/** The broker's own directory, and a topic of two partitions. */
async function own(t: CaseContext): Promise<{ path: string; name: string }> {
  const helper = await t.helper()
  const answer = await helper.send(describeLogDirsApi, 4, { topics: [] })
  const { name } = await t.topic('a', { partitions: 2 })
  return { path: answer.results[0]?.logDir ?? '', name }
}

for (const version of [1, 2]) {
  differential('AlterReplicaLogDirs', `v${version} to where they are`, async (t) => {
    const { path, name } = await own(t)
    return ask(t, version, [path, [name, 0, 1]])
  })
  differential('AlterReplicaLogDirs', `v${version} to somewhere else`, async (t) => {
    const { name } = await own(t)
    return ask(t, version, [ELSEWHERE, [name, 0]])
  })
}
for (const [called, path] of [
  ['nowhere', ''],
  ['a relative path', 'data'],
] as const) {
  differential('AlterReplicaLogDirs', `v2 to ${called}`, async (t) =>
    ask(t, 2, [path, [(await own(t)).name, 0]]),
  )
}
differential('AlterReplicaLogDirs', 'v2 unknown partitions and topics', async (t) => {
  const { path, name } = await own(t)
  return ask(t, 2, [path, [name, 7, -1], ['log-dirs-nowhere', 0], ['not a name', 0], ['', 0]])
})
differential('AlterReplicaLogDirs', 'v2 unknown partitions and topics, to somewhere else', async (t) =>
  ask(t, 2, [ELSEWHERE, [(await own(t)).name, 7, -1], ['log-dirs-nowhere', 0]]),
)
differential('AlterReplicaLogDirs', 'v2 a topic with the longest of names', async (t) => {
  const { path } = await own(t)
  return ask(t, 2, [path, ['x'.repeat(249), 0]])
})
differential('AlterReplicaLogDirs', 'v2 topics whose names are just too long, and just not', async (t) => {
  const { path } = await own(t)
  return ask(t, 2, [path, ['x'.repeat(213), 0, 10], ['x'.repeat(214), 0]], [ELSEWHERE, ['y'.repeat(249), 0]])
})
differential('AlterReplicaLogDirs', 'v2 the same partition twice', async (t) => {
  const { path, name } = await own(t)
  return ask(t, 2, [path, [name, 0, 0], [name, 0]])
})
differential('AlterReplicaLogDirs', 'v2 to where it is, then to somewhere else', async (t) => {
  const { path, name } = await own(t)
  return ask(t, 2, [path, [name, 0]], [ELSEWHERE, [name, 0, 1]])
})
differential('AlterReplicaLogDirs', 'v2 to somewhere else, then to where it is', async (t) => {
  const { path, name } = await own(t)
  return ask(t, 2, [ELSEWHERE, [name, 0, 1]], [path, [name, 0]])
})
differential('AlterReplicaLogDirs', 'v2 no partitions, no topics', async (t) => {
  const { path, name } = await own(t)
  return ask(t, 2, [path, [name]], [path])
})
differential('AlterReplicaLogDirs', 'v2 no directories', (t) => ask(t, 2))
