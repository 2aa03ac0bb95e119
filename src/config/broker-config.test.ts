import { expect, test } from 'vitest'
import { BrokerConfig } from './broker-config.ts'
import { ConfigError } from './config-error.ts'

test('values have their types, and Kafka defaults unless ottla has its own', () => {
  const config = new BrokerConfig()
  expect(config.get('num.partitions')).toBe(1)
  expect(config.get('auto.create.topics.enable')).toBe(true)
  expect(config.get('log.cleanup.policy')).toEqual(['delete'])
  expect(config.get('log.retention.ms')).toBeNull()
  expect(config.get('log.message.timestamp.before.max.ms')).toBe(2 ** 63)
  expect(config.get('offsets.topic.replication.factor')).toBe(1)
  expect(config.get('group.initial.rebalance.delay.ms')).toBe(0)
})

test('a realistic broker has the waits of Kafka, unless told otherwise', () => {
  const realistic = new BrokerConfig({ overrides: { 'ottla.realistic': 'true' } })
  expect(realistic.get('ottla.realistic')).toBe(true)
  expect(realistic.get('group.initial.rebalance.delay.ms')).toBe(3000)
  const given = { 'ottla.realistic': ' TRUE ', 'group.initial.rebalance.delay.ms': '0' }
  expect(new BrokerConfig({ overrides: given }).get('group.initial.rebalance.delay.ms')).toBe(0)
  expect(new BrokerConfig().get('ottla.realistic')).toBe(false)
  expect(() => new BrokerConfig({ overrides: { 'ottla.realistic': 'yes' } })).toThrow(ConfigError)
})

test('what is given wins over every default', () => {
  const config = new BrokerConfig({
    overrides: { 'num.partitions': ' 7 ', 'group.initial.rebalance.delay.ms': '3000' },
  })
  expect(config.get('num.partitions')).toBe(7)
  expect(config.get('group.initial.rebalance.delay.ms')).toBe(3000)
})

test('a value that does not fit fails the start, and says why', () => {
  expect(() => new BrokerConfig({ overrides: { 'num.partitions': 'many' } })).toThrow(ConfigError)
  expect(() => new BrokerConfig({ overrides: { 'num.partitions': 'many' } })).toThrow(
    'Invalid value many for configuration num.partitions: Not a number of type INT',
  )
  expect(() => new BrokerConfig({ overrides: { 'num.partitions': '0' } })).toThrow(
    'Invalid value 0 for configuration num.partitions: Value must be at least 1',
  )
  expect(() => new BrokerConfig({ overrides: { 'offsets.topic.compression.codec': '5' } })).toThrow(
    'Unknown compression type id: 5',
  )
})

test('an unknown name is a warning with the name that was meant', () => {
  const warnings: string[] = []
  new BrokerConfig({
    overrides: {
      'num.partition': '3',
      'zookeeper.connect': 'x',
      'listener.name.plain.ssl.key.password': 'x',
    },
    warn: (message) => warnings.push(message),
  })
  expect(warnings).toEqual([
    'Broker config num.partition is not known and has no effect: was num.partitions meant?',
    'Broker config zookeeper.connect is not known and has no effect',
  ])
})

test('topics without overrides share one set of configs', () => {
  const config = new BrokerConfig()
  expect(config.topicConfig(new Map())).toBe(config.topicConfig())
  expect(config.topicConfig(new Map([['retention.ms', '1']]))).not.toBe(config.topicConfig())
})
