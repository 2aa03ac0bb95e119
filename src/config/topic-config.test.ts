import { expect, test } from 'vitest'
import { BrokerConfig } from './broker-config.ts'
import { checkTopicConfigs } from './topic-config.ts'

test('a topic without overrides follows the broker, in its own units', () => {
  const config = new BrokerConfig().topicConfig()
  expect(config.get('retention.ms')).toBe(604_800_000)
  expect(config.get('segment.ms')).toBe(604_800_000)
  expect(config.get('segment.jitter.ms')).toBe(0)
  expect(config.get('flush.ms')).toBe(2 ** 63)
  expect(config.get('cleanup.policy')).toEqual(['delete'])
  expect(config.get('remote.storage.enable')).toBe(false)
})

test('the finer unit of the broker wins', () => {
  const retention = (overrides: Record<string, string>) =>
    new BrokerConfig({ overrides }).topicConfig().get('retention.ms')
  expect(retention({ 'log.retention.hours': '2' })).toBe(7_200_000)
  expect(retention({ 'log.retention.hours': '2', 'log.retention.minutes': '3' })).toBe(180_000)
  expect(
    retention({ 'log.retention.hours': '2', 'log.retention.minutes': '3', 'log.retention.ms': '4' }),
  ).toBe(4)
  expect(retention({ 'log.retention.hours': '-1' })).toBe(-1)
})

test('an override of the topic wins over the broker', () => {
  const broker = new BrokerConfig({ overrides: { 'log.retention.ms': '5', 'message.max.bytes': '1000' } })
  const config = broker.topicConfig(new Map([['retention.ms', '-1']]))
  expect(config.get('retention.ms')).toBe(-1)
  expect(config.get('max.message.bytes')).toBe(1000)
})

test.each([
  [{ 'no.such': '1' }, 'Unknown topic config name: no.such'],
  [{ 'retention.ms': null }, 'Null value not supported for topic configs: retention.ms'],
  [{ 'retention.ms': 'abc' }, 'Invalid value abc for configuration retention.ms: Not a number of type LONG'],
  [
    { 'retention.ms': '9223372036854775808' },
    'Invalid value 9223372036854775808 for configuration retention.ms: Not a number of type LONG',
  ],
  [
    { 'min.compaction.lag.ms': '2', 'max.compaction.lag.ms': '1' },
    'conflict topic config setting min.compaction.lag.ms (2) > max.compaction.lag.ms (1)',
  ],
])('%j is refused', (configs, message) => {
  expect(() => checkTopicConfigs(Object.entries(configs), new BrokerConfig())).toThrow(message)
})

test('configs that fit are returned as they were given', () => {
  const checked = checkTopicConfigs([['retention.ms', ' 5 ']], new BrokerConfig())
  expect([...checked]).toEqual([['retention.ms', ' 5 ']])
})
