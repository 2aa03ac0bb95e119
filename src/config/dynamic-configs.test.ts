import { describe, expect, test } from 'vitest'
import { BrokerConfig } from './broker-config.ts'
import { describeBroker, describeDefaultBroker } from './describe.ts'
import { type BrokerScope, checkDynamicConfigs } from './dynamic-configs.ts'

function check(
  texts: Record<string, string>,
  scope: BrokerScope = 'broker',
  given: Record<string, string> = {},
) {
  return () =>
    checkDynamicConfigs(new BrokerConfig({ overrides: given }), new Map(Object.entries(texts)), scope)
}

// The messages are Kafka's where its own say enough.
describe('what cannot be changed', () => {
  test.each<[Record<string, string>, string]>([
    [{ 'num.partitions': '3' }, 'Cannot update these configs dynamically: [num.partitions]'],
    [{ 'group.max.size': '3' }, 'Cannot update these configs dynamically: [group.max.size]'],
    [
      { 'advertised.listeners': 'A://a:1' },
      'Cannot update these configs dynamically: [advertised.listeners]',
    ],
    [
      { 'log.initial.task.delay.ms': '3' },
      'Cannot update these configs dynamically: [log.initial.task.delay.ms]',
    ],
    [
      { 'ssl.keystore.location': '/a' },
      'These security configs can be dynamically updated only per-listener using the listener prefix: [ssl.keystore.location]',
    ],
    [
      { 'log.retention.ms': 'x' },
      'Invalid value x for configuration log.retention.ms: Not a number of type LONG',
    ],
    [
      { 'listener.name.plaintext.max.connections': 'x' },
      'Invalid value x for configuration max.connections: Not a number of type INT',
    ],
    [
      { 'listener.name.plaintext.num.partitions': 'x' },
      'Invalid value x for configuration num.partitions: Not a number of type INT',
    ],
    [{ 'log.retention.ms': '0' }, 'log.retention.ms must be unlimited (-1) or, greater than or equal to 1'],
    [{ 'principal.builder.class': 'a.B' }, 'Class a.B could not be found.'],
    [{ 'metric.reporters': 'a.B' }, 'no class a.B'],
    [{ 'num.io.threads': '17' }, 'should not be greater than double the current value 8'],
    [{ 'num.io.threads': '3' }, 'should be at least half the current value 8'],
    [{ 'listener.name.plaintext.num.network.threads': '7' }, 'greater than double the current value 3'],
    [{ 'log.cleaner.threads': '3' }, 'cannot be increased to more than double the current value 1'],
    [
      { 'log.cleaner.threads': '0' },
      'log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.',
    ],
    [
      { 'log.retention.bytes': '1', 'log.local.retention.bytes': '2' },
      'Value must not be more than log.retention.bytes',
    ],
    [
      { 'log.local.retention.ms': '-1' },
      'Value must not be -1 as log.retention.ms value is set as 604800000.',
    ],
    [{ 'max.connections': '0' }, 'Invalid max.connections 0'],
    [{ 'listener.name.plaintext.max.connections': '0' }, 'Invalid max.connections 0'],
    [{ 'max.connections.per.ip': '0' }, 'max.connections.per.ip can be set to zero only if'],
    [
      { 'max.connections.per.ip.overrides': 'a' },
      'max.connections.per.ip.overrides: a is not of the form host:limit',
    ],
    [{ 'cordoned.log.dirs': '/nowhere' }, 'Missing entries : /nowhere'],
    [{ 'cordoned.log.dirs': '*,/tmp' }, 'it must not contain other values'],
    [{ listeners: 'nonsense' }, 'listeners: nonsense is not of the form NAME://host:port'],
    [{ 'listener.security.protocol.map': 'PLAINTEXT:SSL' }, 'only PLAINTEXT is'],
    [
      { 'listener.name.plaintext.max.connections.per.ip': '5', 'num.network.threads': '4' },
      'Configs cannot be updated dynamically for existing listener PLAINTEXT',
    ],
  ])('%j', (texts, message) => {
    expect(check(texts)).toThrow(message)
  })

  test.each<[Record<string, string>, string]>([
    [{ 'sasl.enabled.mechanisms': 'PLAIN' }, 'broker id must be specified: [sasl.enabled.mechanisms]'],
    [
      { 'listener.name.a.message.max.bytes': '1' },
      'broker id must be specified: [listener.name.a.message.max.bytes]',
    ],
    [{ listeners: 'PLAINTEXT://:9092' }, 'broker id must be specified: [listeners]'],
  ])('%j of all brokers', (texts, message) => {
    expect(check(texts, 'cluster')).toThrow(
      `Cannot update these configs at default cluster level, ${message}`,
    )
  })
})

describe('what can be changed', () => {
  test.each<[Record<string, string>, BrokerScope]>([
    [{ 'log.retention.ms': ' 5 ' }, 'broker'],
    [{ 'log.retention.ms': '5' }, 'cluster'],
    [{ 'no.such.config': 'x' }, 'cluster'],
    [{ 'sasl.enabled.mechanisms': 'PLAIN' }, 'broker'],
    [{ 'listener.name.plaintext.ssl.keystore.location': '/a' }, 'broker'],
    [{ 'listener.name.plaintext.max.connections': '5' }, 'cluster'],
    [{ 'listener.name.other.num.partitions': 'x' }, 'broker'],
    [{ 'num.io.threads': '4', 'num.replica.fetchers': '2' }, 'broker'],
    [{ 'max.connections.per.ip': '0', 'max.connections.per.ip.overrides': '127.0.0.1:5' }, 'broker'],
    [{ 'leader.replication.throttled.rate': '5' }, 'cluster'],
  ])('%j of the %s', (texts, scope) => {
    expect(check(texts, scope)).not.toThrow()
  })
})

describe('what is in force', () => {
  const set = (cluster: Record<string, string>, broker: Record<string, string>) => ({
    cluster: new Map(Object.entries(cluster)),
    broker: new Map(Object.entries(broker)),
  })

  test("the broker's own wins over that of all, which wins over what it was started with", () => {
    const config = new BrokerConfig({ overrides: { 'message.max.bytes': '1' } })
    const topic = config.topicConfig()
    expect(topic.get('max.message.bytes')).toBe(1)
    const before = config.revision
    config.setDynamic(set({ 'message.max.bytes': '2' }, {}))
    expect([config.get('message.max.bytes'), topic.get('max.message.bytes')]).toEqual([2, 2])
    expect(config.revision).toBeGreaterThan(before)
    config.setDynamic(set({ 'message.max.bytes': '2' }, { 'message.max.bytes': '3' }))
    expect([config.get('message.max.bytes'), topic.get('max.message.bytes')]).toEqual([3, 3])
    config.setDynamic(set({}, {}))
    expect([config.get('message.max.bytes'), topic.get('max.message.bytes')]).toEqual([1, 1])
  })

  test('what says the same in another unit is set aside, but not forgotten', () => {
    const config = new BrokerConfig({ overrides: { 'log.retention.minutes': '60' } })
    config.setDynamic(set({ 'log.retention.ms': '5' }, {}))
    expect(config.topicConfig().get('retention.ms')).toBe(5)
    const [minutes] = describeBroker(config, new Set(['log.retention.minutes']))
    expect(minutes).toMatchObject({ value: null, source: 4 })
    config.setDynamic(set({}, {}))
    expect(config.get('log.retention.minutes')).toBe(60)
  })

  test('every source is told, in order', () => {
    const config = new BrokerConfig({ overrides: { 'log.retention.minutes': '60' } })
    config.setDynamic(set({ 'log.retention.ms': ' 5 ' }, { 'log.retention.ms': '6' }))
    expect(describeBroker(config, new Set(['log.retention.ms']))).toMatchObject([
      {
        value: '6',
        source: 2,
        synonyms: [
          { name: 'log.retention.ms', value: '6', source: 2 },
          { name: 'log.retention.ms', value: ' 5 ', source: 3 },
          { name: 'log.retention.minutes', value: '60', source: 4 },
          { name: 'log.retention.hours', value: '168', source: 5 },
        ],
      },
    ])
    expect(describeDefaultBroker(config, null)).toMatchObject([
      { name: 'log.retention.ms', value: ' 5 ', source: 3, synonyms: [{ source: 3 }] },
    ])
  })

  test('what could not have been set has no effect', () => {
    const warnings: string[] = []
    const config = new BrokerConfig({ warn: (message) => warnings.push(message) })
    config.setDynamic(
      set(
        { listeners: 'A://:1', 'log.retention.ms': '5' },
        { 'num.partitions': '3', 'message.max.bytes': 'x' },
      ),
    )
    expect([config.get('num.partitions'), config.text('listeners')]).toEqual([1, 'PLAINTEXT://:9092'])
    expect([config.get('message.max.bytes'), config.get('log.retention.ms')]).toEqual([1_048_588, 5])
    expect(warnings).toHaveLength(3)
  })
})

test.each<[Record<string, string>, string]>([
  [{ 'log.roll.ms': '0' }, 'log.roll.ms must be greater than or equal to 1'],
  [{ 'log.roll.jitter.ms': '-1' }, 'log.roll.jitter.ms must be greater than or equal to 0'],
  [{ 'log.retention.minutes': '0' }, 'log.retention.ms must be unlimited (-1) or,'],
  [{ 'replica.fetch.wait.max.ms': '40000' }, 'replica.socket.timeout.ms should always be at least'],
  [{ 'queued.max.request.bytes': '5' }, 'queued.max.request.bytes must be larger or equal to'],
  [
    { 'connections.max.idle.ms': '50' },
    'connection.failed.authentication.delay.ms=100 should always be less',
  ],
  [{ 'node.id': '1', 'broker.id': '2' }, 'You must set `node.id` to the same value as `broker.id`.'],
  [
    { 'group.consumer.session.timeout.ms': '5' },
    'group.consumer.session.timeout.ms must be greater than or equal to',
  ],
  [
    { 'group.share.heartbeat.interval.ms': '16000' },
    'must be less than or equal to group.share.max.heartbeat',
  ],
  [
    { 'group.streams.num.standby.replicas': '3' },
    'must be less than or equal to group.streams.max.standby.replicas',
  ],
  [
    { 'group.consumer.max.heartbeat.interval.ms': '50000', 'group.consumer.heartbeat.interval.ms': '45000' },
    'group.consumer.heartbeat.interval.ms must be less than group.consumer.session.timeout.ms',
  ],
])('no broker starts with %j', (overrides, message) => {
  expect(() => new BrokerConfig({ overrides })).toThrow(message)
})
