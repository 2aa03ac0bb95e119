import {
  type DescribeConfigsRequest,
  describeConfigsApi,
} from '../../../src/wire/messages/describe-configs.ts'
import { type CaseContext, differential } from '../case.ts'
import type { Partially } from '../client.ts'

const TOPIC = 2
const BROKER = 4
const BROKER_LOGGER = 8
const CLIENT_METRICS = 16
const GROUP = 32

type Resource = Partially<DescribeConfigsRequest['resources'][number]>

/** The keys of a resource that is null are all of them. */
const describe = (
  t: CaseContext,
  version: number,
  resources: readonly Resource[],
  more: Partially<DescribeConfigsRequest> = {},
) =>
  t.send(describeConfigsApi, version, {
    resources: resources.map((resource) => ({ configurationKeys: null, ...resource })),
    ...more,
  })

const some = ['retention.ms', 'cleanup.policy', 'max.message.bytes', 'compression.type', 'flush.ms']
const someOfBroker = [
  'log.retention.hours',
  'num.partitions',
  'group.max.size',
  'node.id',
  'ssl.key.password',
]
const changed = { 'retention.ms': '1000', 'cleanup.policy': 'compact,delete' }

for (const version of [1, 2, 3, 4]) {
  differential('DescribeConfigs', `v${version} some of a topic`, async (t) => {
    const { name } = await t.topic('a', { configs: changed })
    return describe(t, version, [{ resourceType: TOPIC, resourceName: name, configurationKeys: some }])
  })
  differential(
    'DescribeConfigs',
    `v${version} some of a topic, with synonyms and documentation`,
    async (t) => {
      const { name } = await t.topic('a', { configs: changed })
      const topic = { resourceType: TOPIC, resourceName: name, configurationKeys: some }
      return describe(t, version, [topic], { includeSynonyms: true, includeDocumentation: true })
    },
  )
  differential('DescribeConfigs', `v${version} some of the broker`, (t) => {
    const broker = { resourceType: BROKER, resourceName: '1', configurationKeys: someOfBroker }
    return describe(t, version, [broker], { includeSynonyms: true })
  })
}

differential('DescribeConfigs', 'v4 all of a topic', async (t) => {
  const { name } = await t.topic('a', { configs: { 'segment.bytes': '1048576' } })
  return describe(t, 4, [{ resourceType: TOPIC, resourceName: name }], { includeSynonyms: true })
})
differential('DescribeConfigs', 'v4 all of the broker', (t) =>
  describe(t, 4, [{ resourceType: BROKER, resourceName: '1' }], {
    includeSynonyms: true,
    includeDocumentation: true,
  }),
)
differential('DescribeConfigs', 'v1 all of the broker', (t) =>
  describe(t, 1, [{ resourceType: BROKER, resourceName: '1' }]),
)
differential('DescribeConfigs', 'v4 all of a topic with its documentation', async (t) => {
  const { name } = await t.topic('a')
  return describe(t, 4, [{ resourceType: TOPIC, resourceName: name }], { includeDocumentation: true })
})

const resources: ReadonlyArray<readonly [condition: string, resource: Resource]> = [
  ['the defaults of all brokers', { resourceType: BROKER, resourceName: '' }],
  ['another broker', { resourceType: BROKER, resourceName: '2' }],
  ['a broker that is no number', { resourceType: BROKER, resourceName: 'one' }],
  ['an unknown topic', { resourceType: TOPIC, resourceName: 'describe-configs-nowhere' }],
  ['a bad topic name', { resourceType: TOPIC, resourceName: 'not a name' }],
  ['an empty topic name', { resourceType: TOPIC, resourceName: '' }],
  ['a group', { resourceType: GROUP, resourceName: 'describe-configs-group' }],
  ['a group without a name', { resourceType: GROUP, resourceName: '' }],
  ['client metrics', { resourceType: CLIENT_METRICS, resourceName: 'describe-configs-metrics' }],
  ['client metrics without a name', { resourceType: CLIENT_METRICS, resourceName: '' }],
  ['the loggers of another broker', { resourceType: BROKER_LOGGER, resourceName: '2' }],
  ['the loggers of no broker', { resourceType: BROKER_LOGGER, resourceName: '' }],
  ['the loggers of a broker that is no number', { resourceType: BROKER_LOGGER, resourceName: 'one' }],
  ['a type that is unknown', { resourceType: 99, resourceName: 'x' }],
  ['the type of nothing', { resourceType: 0, resourceName: 'x' }],
  ['no keys of the broker', { resourceType: BROKER, resourceName: '1', configurationKeys: [] }],
  [
    'an unknown key of the broker',
    { resourceType: BROKER, resourceName: '1', configurationKeys: ['no.such.key', 'node.id'] },
  ],
  ['a key twice', { resourceType: BROKER, resourceName: '1', configurationKeys: ['node.id', 'node.id'] }],
]
for (const [condition, resource] of resources) {
  differential('DescribeConfigs', `v4 ${condition}`, (t) =>
    describe(t, 4, [resource], { includeSynonyms: true }),
  )
}
differential('DescribeConfigs', 'v4 no keys of a topic', async (t) => {
  const { name } = await t.topic('a')
  return describe(t, 4, [{ resourceType: TOPIC, resourceName: name, configurationKeys: [] }])
})
differential('DescribeConfigs', 'v4 the offsets topic', async (t) => {
  await t.group('g')
  return describe(
    t,
    4,
    [{ resourceType: TOPIC, resourceName: '__consumer_offsets', configurationKeys: some }],
    { includeSynonyms: true },
  )
})
differential('DescribeConfigs', 'v4 no resources', (t) => describe(t, 4, []))
differential('DescribeConfigs', 'v4 a good and a bad resource, and the good one again', async (t) => {
  const { name } = await t.topic('a')
  const good = { resourceType: TOPIC, resourceName: name, configurationKeys: ['flush.ms'] }
  return describe(t, 4, [good, { resourceType: TOPIC, resourceName: t.name('b') }, good])
})
