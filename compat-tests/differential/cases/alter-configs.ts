import { type AlterConfigsRequest, alterConfigsApi } from '../../../src/wire/messages/alter-configs.ts'
import { type CaseContext, differential } from '../case.ts'
import type { Partially } from '../client.ts'
import { BROKER, BROKER_LOGGER, CLIENT_METRICS, described, GROUP, TOPIC } from '../configs.ts'

type Resource = Partially<AlterConfigsRequest['resources'][number]>
type Configs = Readonly<Record<string, string | null>>

const resource = (resourceType: number, resourceName: string, configs: Configs): Resource => ({
  resourceType,
  resourceName,
  configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
})

const alter = (t: CaseContext, version: number, resources: readonly Resource[], validateOnly = false) =>
  t.send(alterConfigsApi, version, { resources, validateOnly })

for (const version of [0, 1, 2]) {
  differential('AlterConfigs', `v${version} all configs of a topic`, async (t) => {
    const { name } = await t.topic('a', { configs: { 'retention.ms': '1000', 'flush.ms': '5' } })
    const answer = await alter(t, version, [resource(TOPIC, name, { 'retention.ms': '2000' })])
    return {
      answer,
      described: await described(t, TOPIC, name, ['retention.ms', 'flush.ms'], '2000'),
    }
  })
  differential('AlterConfigs', `v${version} a wrong value`, async (t) => {
    const { name } = await t.topic('a')
    return alter(t, version, [resource(TOPIC, name, { 'retention.ms': 'x' })])
  })
}

differential('AlterConfigs', 'v2 no configs, so none are left', async (t) => {
  const { name } = await t.topic('a', { configs: { 'flush.ms': '5' } })
  const answer = await alter(t, 2, [resource(TOPIC, name, {})])
  return { answer, described: await described(t, TOPIC, name, ['flush.ms'], '9223372036854775807') }
})
differential('AlterConfigs', 'v2 only checked', async (t) => {
  const { name } = await t.topic('a', { configs: { 'flush.ms': '5' } })
  const answer = await alter(t, 2, [resource(TOPIC, name, { 'flush.ms': '6' })], true)
  return { answer, described: await described(t, TOPIC, name, ['flush.ms'], '5') }
})
differential('AlterConfigs', 'v2 the configs of a group', async (t) => {
  const name = t.name('g')
  const answer = await alter(t, 2, [resource(GROUP, name, { 'consumer.session.timeout.ms': '46000' })])
  const set = await described(t, GROUP, name, ['consumer.session.timeout.ms'], '46000')
  const cleared = await alter(t, 2, [resource(GROUP, name, {})])
  return {
    answer,
    set,
    cleared,
    left: await described(t, GROUP, name, ['consumer.session.timeout.ms'], '45000'),
  }
})
differential('AlterConfigs', 'v2 the configs of client metrics', async (t) => {
  const name = t.name('m')
  const answer = await alter(t, 2, [resource(CLIENT_METRICS, name, { 'interval.ms': ' 1000 ' })])
  const set = await described(t, CLIENT_METRICS, name, ['interval.ms', 'match', 'metrics'], '1000')
  const cleared = await alter(t, 2, [resource(CLIENT_METRICS, name, {})])
  return { answer, set, cleared }
})

const ofTopic: ReadonlyArray<readonly [condition: string, configs: Configs]> = [
  ['an unknown config', { 'no.such.config': '1' }],
  ['a value that is null', { 'retention.ms': null }],
  ['a value out of range', { 'min.cleanable.dirty.ratio': '2' }],
  ['configs that contradict each other', { 'min.compaction.lag.ms': '2', 'max.compaction.lag.ms': '1' }],
]
for (const [condition, configs] of ofTopic) {
  differential('AlterConfigs', `v2 ${condition}`, async (t) => {
    const { name } = await t.topic('a')
    return alter(t, 2, [resource(TOPIC, name, configs)])
  })
}

const single: ReadonlyArray<readonly [condition: string, resource: Resource]> = [
  ['an unknown topic', resource(TOPIC, 'alter-configs-nowhere', { 'retention.ms': '1' })],
  ['a bad topic name', resource(TOPIC, 'not a name', {})],
  ['an empty topic name', resource(TOPIC, '', {})],
  ['a group without a name', resource(GROUP, '', {})],
  ['client metrics without a name', resource(CLIENT_METRICS, '', {})],
  ['loggers', resource(BROKER_LOGGER, '1', { root: 'INFO' })],
  ['a type that is unknown', resource(99, 'x', {})],
  ['the type of nothing', resource(0, 'x', {})],
  ['another broker', resource(BROKER, '2', {})],
  ['a broker that is no number', resource(BROKER, 'one', {})],
  ['a config that only a start can change', resource(BROKER, '1', { 'num.partitions': '2' })],
  [
    'a config of single brokers for all of them',
    resource(BROKER, '', { 'ssl.protocol': 'TLS', 'min.insync.replicas': '1' }),
  ],
  ['a wrong value for a broker', resource(BROKER, '1', { 'log.retention.ms': 'x' })],
  ['min.insync.replicas of one broker', resource(BROKER, '1', { 'min.insync.replicas': '1' })],
  ['no min.insync.replicas for the cluster', resource(BROKER, '', {})],
  ['a good value for a broker', resource(BROKER, '1', { 'log.retention.ms': '1000000000' })],
]
for (const [condition, one] of single) {
  differential('AlterConfigs', `v2 ${condition}`, (t) => alter(t, 2, [one], true))
}

differential('AlterConfigs', 'v2 a config twice', async (t) => {
  const { name } = await t.topic('a')
  const twice = [
    { name: 'flush.ms', value: '1' },
    { name: 'flush.ms', value: '2' },
  ]
  return alter(t, 2, [{ resourceType: TOPIC, resourceName: name, configs: twice }])
})
differential('AlterConfigs', 'v2 a good topic and a bad one', async (t) => {
  const { name } = await t.topic('a')
  return alter(t, 2, [
    resource(TOPIC, t.name('b'), { 'flush.ms': '4' }),
    resource(TOPIC, name, { 'flush.ms': '1' }),
    resource(99, 'x', {}),
  ])
})
differential('AlterConfigs', 'v2 no resources', (t) => alter(t, 2, []))
