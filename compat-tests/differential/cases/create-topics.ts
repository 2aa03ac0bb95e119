import { type CreateTopicsRequest, createTopicsApi } from '../../../src/wire/messages/create-topics.ts'
import { metadataApi } from '../../../src/wire/messages/metadata.ts'
import { type CaseContext, differential } from '../case.ts'
import type { Partially } from '../client.ts'

type Creatable = Partially<CreateTopicsRequest['topics'][number]>

/** Creates, and tells what metadata then say of each topic. */
async function create(
  t: CaseContext,
  version: number,
  topics: readonly Creatable[],
  validateOnly = false,
): Promise<unknown> {
  const list = topics.map((topic) => ({
    name: t.name('a'),
    numPartitions: 1,
    replicationFactor: 1,
    ...topic,
  }))
  return t.send(createTopicsApi, version, { topics: list, timeoutMs: 30_000, validateOnly })
}

for (const version of [2, 3, 4, 5, 6, 7]) {
  differential('CreateTopics', `v${version} a topic of two partitions`, (t) =>
    create(t, version, [{ numPartitions: 2 }]),
  )
  differential('CreateTopics', `v${version} a topic that exists`, async (t) => {
    await t.topic('a')
    return create(t, version, [{}])
  })
}
for (const version of [4, 7]) {
  differential('CreateTopics', `v${version} the broker's defaults`, (t) =>
    create(t, version, [{ numPartitions: -1, replicationFactor: -1 }]),
  )
  differential('CreateTopics', `v${version} only checked`, async (t) => {
    const answer = await create(t, version, [{ numPartitions: 3 }], true)
    const metadata = await t.send(metadataApi, 12, {
      topics: [{ name: t.name('a') }],
      allowAutoTopicCreation: false,
    })
    return { answer, metadata: metadata.topics }
  })
}

const assign = (...assignments: ReadonlyArray<readonly [number, ...number[]]>): Creatable => ({
  numPartitions: -1,
  replicationFactor: -1,
  assignments: assignments.map(([partitionIndex, ...brokerIds]) => ({ partitionIndex, brokerIds })),
})
const configs = (...list: ReadonlyArray<readonly [string, string | null]>): Creatable => ({
  configs: list.map(([name, value]) => ({ name, value })),
})

const single: ReadonlyArray<readonly [condition: string, topic: Creatable]> = [
  ['an empty name', { name: '' }],
  ['a dot for a name', { name: '.' }],
  ['two dots for a name', { name: '..' }],
  ['a name with a space', { name: 'not a name' }],
  ['a name of 249 characters', { name: `createtopics-${'x'.repeat(236)}` }],
  ['a name of 250 characters', { name: 'x'.repeat(250) }],
  ['a name of 300 characters', { name: 'x'.repeat(300) }],
  ['no partitions', { numPartitions: 0 }],
  ['-2 partitions', { numPartitions: -2 }],
  ['no replicas', { replicationFactor: 0 }],
  ['-2 replicas', { replicationFactor: -2 }],
  ['more replicas than brokers', { replicationFactor: 2 }],
  ['far too many partitions', { numPartitions: 20_000 }],
  ['an assignment', assign([0, 1], [1, 1])],
  ['an assignment in another order', assign([1, 1], [0, 1])],
  ['an assignment with partitions', { ...assign([0, 1]), numPartitions: 1 }],
  ['an assignment with replicas', { ...assign([0, 1]), replicationFactor: 1 }],
  ['an assignment to an unknown broker', assign([0, 7])],
  ['an assignment with a gap', assign([0, 1], [2, 1])],
  ['an assignment that does not start at 0', assign([1, 1])],
  ['an assignment of a partition twice', assign([0, 1], [0, 1])],
  ['an assignment to the same broker twice', assign([0, 1, 1])],
  ['an assignment to nobody', assign([0])],
  ['an assignment of a negative partition', assign([-1, 1])],
  ['assignments of different sizes', assign([0, 1], [1, 1, 7])],
  ['configs', configs(['retention.ms', '1000'], ['cleanup.policy', 'compact'], ['max.message.bytes', '100'])],
  ['a config that is unknown', configs(['no.such.config', '1'])],
  ['a config of a wrong value', configs(['cleanup.policy', 'nonsense'])],
  ['a config that is no number', configs(['retention.ms', 'soon'])],
  ['a config out of its range', configs(['min.insync.replicas', '0'])],
  ['a config that is null', configs(['retention.ms', null])],
  ['a config that is empty', configs(['retention.ms', ''])],
  ['a config with spaces around its value', configs(['retention.ms', ' 1000 '])],
  ['a config twice', configs(['retention.ms', '1000'], ['retention.ms', '2000'])],
  ['a list config', configs(['cleanup.policy', 'compact,delete'])],
  ['a list config with spaces', configs(['cleanup.policy', 'delete, compact'])],
  ['a list config with a value twice', configs(['cleanup.policy', 'delete,delete'])],
  ['an empty list config', configs(['cleanup.policy', ''])],
  ['a boolean config in capitals', configs(['preallocate', 'TRUE'])],
  ['a boolean config that is none', configs(['preallocate', 'yes'])],
  ['a config of the broker', configs(['log.retention.ms', '1000'])],
  ['an empty config name', configs(['', '1'])],
  [
    'compression of a level that is out of range',
    configs(['compression.type', 'gzip'], ['compression.gzip.level', '50']),
  ],
  ['remote storage', configs(['remote.storage.enable', 'true'])],
  ['local retention above retention', configs(['local.retention.ms', '2000'], ['retention.ms', '1000'])],
  ['throttled replicas that are malformed', configs(['leader.replication.throttled.replicas', 'nonsense'])],
  ['the old message format', configs(['message.format.version', '2.0'])],
]
for (const [condition, topic] of single) {
  differential('CreateTopics', `v7 ${condition}`, (t) => create(t, 7, [topic]))
}
for (const [condition, topic] of [single[0], single[7], single[26]].flatMap((one) => (one ? [one] : []))) {
  differential('CreateTopics', `v4 ${condition}`, (t) => create(t, 4, [topic]))
}

differential('CreateTopics', 'v7 no topics', (t) => t.send(createTopicsApi, 7, { timeoutMs: 1000 }))
differential('CreateTopics', 'v7 the same topic twice', (t) => create(t, 7, [{}, {}]))
differential('CreateTopics', 'v7 a topic three times, and another', (t) =>
  create(t, 7, [{}, { numPartitions: 2 }, {}, { name: t.name('b') }]),
)
differential('CreateTopics', 'v7 good and bad topics', (t) =>
  create(t, 7, [{ name: t.name('a') }, { name: 'not a name' }, { name: t.name('c'), numPartitions: 0 }]),
)
differential('CreateTopics', 'v7 a name that collides with another', async (t) => {
  const { name } = await t.topic('a.b')
  return create(t, 7, [{ name: name.replace('a.b', 'a_b') }])
})
differential('CreateTopics', 'v7 names that collide in one request', (t) =>
  create(t, 7, [{ name: t.name('x.y') }, { name: t.name('x_y') }]),
)
differential('CreateTopics', 'v7 a bad topic, only checked', (t) =>
  create(t, 7, [{ numPartitions: 0 }], true),
)
differential('CreateTopics', 'v7 a topic that exists, only checked', async (t) => {
  await t.topic('a')
  return create(t, 7, [{}], true)
})
differential('CreateTopics', 'v7 the offsets topic', async (t) => {
  await t.group('g')
  return create(t, 7, [{ name: '__consumer_offsets' }])
})
for (const timeoutMs of [0, -1]) {
  differential('CreateTopics', `v7 a timeout of ${timeoutMs === 0 ? '0' : 'minus one'}`, (t) =>
    t.send(createTopicsApi, 7, {
      topics: [{ name: t.name('a'), numPartitions: 1, replicationFactor: 1 }],
      timeoutMs,
    }),
  )
}
