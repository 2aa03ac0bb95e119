import { expect, test } from 'vitest'
import { BrokerConfig } from './broker-config.ts'
import { checkClientMetricsConfigs } from './client-metrics-config.ts'
import { describeClientMetrics, describeGroup } from './describe.ts'
import { checkGroupConfigs, groupConfigValue } from './group-config.ts'

const broker = new BrokerConfig({ overrides: { 'group.consumer.session.timeout.ms': '50000' } })
const texts = (configs: Record<string, string>) => new Map(Object.entries(configs))

test('a group has its own configs over the broker’s', () => {
  expect(groupConfigValue('consumer.session.timeout.ms', new Map(), broker)).toBe(50_000)
  expect(groupConfigValue('share.auto.offset.reset', new Map(), broker)).toBe('latest')
  const own = texts({ 'consumer.session.timeout.ms': ' 46000 ' })
  expect(groupConfigValue('consumer.session.timeout.ms', own, broker)).toBe(46_000)
  expect(describeGroup(own, broker, new Set(['consumer.session.timeout.ms']))).toMatchObject([
    {
      value: '46000',
      source: 8,
      synonyms: [
        { name: 'consumer.session.timeout.ms', value: '46000', source: 8 },
        { name: 'group.consumer.session.timeout.ms', value: '50000', source: 4 },
        { name: 'group.consumer.session.timeout.ms', value: '45000', source: 5 },
      ],
    },
  ])
})

test.each<[Record<string, string>, string]>([
  [{ 'session.timeout.ms': '1' }, 'Unknown group config name: session.timeout.ms'],
  [{ 'share.delivery.count.limit': '1' }, 'Value must be at least 2'],
  [
    { 'consumer.session.timeout.ms': '1000' },
    'consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms',
  ],
  [
    { 'share.heartbeat.interval.ms': '60000' },
    'share.heartbeat.interval.ms must be less than or equal to group.share.max.heartbeat.interval.ms',
  ],
  [
    { 'streams.num.standby.replicas': '3' },
    'streams.num.standby.replicas must be less than or equal to group.streams.max.standby.replicas',
  ],
])('a group cannot have %j', (configs, message) => {
  expect(() => checkGroupConfigs(texts(configs), broker)).toThrow(message)
})

test('a heartbeat comes more often than a session ends', () => {
  const slow = new BrokerConfig({ overrides: { 'group.consumer.max.heartbeat.interval.ms': '60000' } })
  const configs = texts({ 'consumer.heartbeat.interval.ms': '45000' })
  expect(() => checkGroupConfigs(configs, slow)).toThrow(
    'consumer.session.timeout.ms must be greater than consumer.heartbeat.interval.ms',
  )
})

test.each<[Record<string, string>]>([
  [{ 'consumer.session.timeout.ms': '50000', 'consumer.heartbeat.interval.ms': '6000' }],
  [{ 'share.auto.offset.reset': 'by_duration:PT1H', 'share.isolation.level': 'read_committed' }],
  [{ 'streams.initial.rebalance.delay.ms': '100000000' }],
])('a group can have %j', (configs) => {
  expect(() => checkGroupConfigs(texts(configs), broker)).not.toThrow()
})

test('a subscription is described with what was set', () => {
  expect(describeClientMetrics(texts({ 'interval.ms': ' 1000 ' }), null)).toMatchObject([
    { name: 'interval.ms', value: '1000', source: 7, synonyms: [{ name: 'interval.ms', value: '1000' }] },
    { name: 'match', value: '', source: 5, synonyms: [] },
    { name: 'metrics', value: '', source: 5, synonyms: [] },
  ])
})

test.each<[Record<string, string>, string]>([
  [{ interval: '1' }, 'Unknown client metrics configuration: interval'],
  [{ 'interval.ms': 'x' }, 'Not a number of type INT'],
  [
    { 'interval.ms': '99' },
    'Invalid value 99 for interval.ms, interval must be between 100 and 3600000 (1 hour)',
  ],
  [{ match: 'client=x' }, 'Illegal client matching pattern: client=x'],
  [{ match: 'client_id=' }, 'Illegal client matching pattern: client_id='],
  [{ match: 'client_id=a=b' }, 'Illegal client matching pattern: client_id=a=b'],
  [{ match: 'client_id=[' }, 'Illegal client matching pattern: client_id=['],
  [{ metrics: 'a,,b' }, "Configuration 'metrics' values must not be empty."],
])('a subscription cannot have %j', (configs, message) => {
  expect(() => checkClientMetricsConfigs('s', texts(configs))).toThrow(message)
})

test('a subscription has a name, and expressions of Java’s', () => {
  expect(() => checkClientMetricsConfigs('', new Map())).toThrow("Subscription name can't be empty")
  const match = 'client_id=(?i)a.*+, client_software_name=\\Q[\\E|(?>b)|(?x:c), client_source_port = 1\\d+'
  expect(() => checkClientMetricsConfigs('s', texts({ match }))).not.toThrow()
})
