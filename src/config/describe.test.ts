import { expect, test } from 'vitest'
import { BrokerConfig } from './broker-config.ts'
import { createdTopicConfigs, describeBroker, describeTopic } from './describe.ts'

const broker = new BrokerConfig({
  overrides: {
    'log.retention.minutes': '60',
    'log.roll.jitter.ms': '5',
    'log.cleanup.policy': 'compact , delete',
    'listener.name.plaintext.max.connections': '55',
    'listener.name.plaintext.plain.sasl.jaas.config': 'secret',
    'group.consumer.regex.refresh.interval.ms': '12000',
  },
})

broker.setDynamic({ cluster: new Map([['min.insync.replicas', '1']]), broker: new Map() })

function created(overrides: Record<string, string> = {}) {
  const configs = createdTopicConfigs(broker.topicConfig(new Map(Object.entries(overrides))))
  return new Map(configs.map(({ name, value, source }) => [name, { value, source }]))
}

test('a created topic is told its configs as they were set, and by whom, whatever the unit', () => {
  const configs = created({ 'retention.bytes': ' 07' })
  expect(configs.size).toBe(33)
  expect(configs.get('retention.bytes')).toEqual({ value: ' 07', source: 1 })
  expect(configs.get('retention.ms')).toEqual({ value: '3600000', source: 4 })
  expect(configs.get('cleanup.policy')).toEqual({ value: 'compact , delete', source: 4 })
  expect(configs.get('min.insync.replicas')).toEqual({ value: '1', source: 3 })
  expect(configs.get('segment.ms')).toEqual({ value: '604800000', source: 5 })
})

test('an internal config shows where it is set', () => {
  expect(created().has('internal.segment.bytes')).toBe(false)
  expect(created({ 'internal.segment.bytes': '5' }).get('internal.segment.bytes')).toEqual({
    value: '5',
    source: 1,
  })
  const names = new Set(['group.consumer.regex.refresh.interval.ms', 'log.initial.task.delay.ms'])
  expect(describeBroker(broker, names).map(({ name, value }) => [name, value])).toEqual([
    ['group.consumer.regex.refresh.interval.ms', '12000'],
  ])
})

test('a topic config that comes in another unit has no synonyms, and counts as a default', () => {
  const [retention, jitter] = describeTopic(
    broker.topicConfig(),
    new Set(['retention.ms', 'segment.jitter.ms']),
  )
  expect(retention).toMatchObject({ value: '3600000', source: 5, synonyms: [] })
  expect(jitter?.synonyms).toEqual([
    { name: 'log.roll.jitter.ms', value: '5', source: 4 },
    { name: 'log.roll.jitter.hours', value: '0', source: 5 },
  ])
})

test("a listener's own config has the type and the secrecy of the one it stands for", () => {
  const names = new Set([
    'listener.name.plaintext.max.connections',
    'listener.name.plaintext.plain.sasl.jaas.config',
  ])
  const described = describeBroker(broker, names)
  expect(described.map(({ value, sensitive, readOnly, type }) => [value, sensitive, readOnly, type])).toEqual(
    [
      ['55', false, true, 3],
      [null, true, true, 9],
    ],
  )
  expect(described[0]?.synonyms.map(({ name }) => name)).toEqual([
    'listener.name.plaintext.max.connections',
    'max.connections',
  ])
})

test('internal.segment.bytes is what segment.bytes says', () => {
  expect(broker.topicConfig(new Map([['internal.segment.bytes', '5000']])).get('segment.bytes')).toBe(5000)
})
