import { pino } from 'pino'
import { expect, test } from 'vitest'
import { BrokerConfig } from '../config/broker-config.ts'
import { followBrokerConfigs } from '../metadata/broker-configs.ts'
import { pinMinInSyncReplicas } from '../metadata/config-control.ts'
import { Metadata } from '../metadata/metadata.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type {
  DescribeConfigsRequest,
  DescribeConfigsResponse,
  DescribeConfigsResult,
} from '../wire/messages/describe-configs.ts'
import { describeConfigsApi } from '../wire/messages/describe-configs.ts'
import { Reader } from '../wire/reader.ts'
import { Writer } from '../wire/writer.ts'
import { describeConfigsHandler } from './describe-configs.ts'
import type { Call } from './handler.ts'

const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'

const metadata = new Metadata('AAAAAAAAAAAAAAAAAAAAAA')
metadata.apply({ name: 'TopicRecord', value: { name: 'orders', topicId: TOPIC_ID } })
for (const [name, value] of Object.entries({ 'retention.ms': ' 07 ', 'cleanup.policy': 'compact,compact' })) {
  metadata.apply({ name: 'ConfigRecord', value: { resourceType: 2, resourceName: 'orders', name, value } })
}
const config = new BrokerConfig({
  overrides: { 'node.id': '1', 'log.retention.minutes': '60', 'ssl.key.password': 'secret', 'my.own': 'x' },
})
for (const record of pinMinInSyncReplicas({ metadata, config })) {
  metadata.apply(record)
  followBrokerConfigs(config, 1, metadata, [record])
}
const logger = pino({ level: 'silent' })
const call = { brokerId: 1, config, metadata, logger } as unknown as Call

function resource(resourceType: number, resourceName: string, configurationKeys: string[] | null = null) {
  return { resourceType, resourceName, configurationKeys }
}

/** What a client reads of the answer. */
function ask(request: Partial<DescribeConfigsRequest>, version = 4): DescribeConfigsResponse {
  const writer = new Writer()
  const filled = { resources: [], includeSynonyms: false, includeDocumentation: false, ...request }
  const response = describeConfigsHandler.handle(filled, call) as DescribeConfigsResponse
  describeConfigsApi.response.write(writer, version, response)
  return describeConfigsApi.response.read(new Reader(writer.concat()), version)
}

function askOne(type: number, name: string, keys: string[] | null = null): DescribeConfigsResult {
  const [result] = ask({ resources: [resource(type, name, keys)], includeSynonyms: true }).results
  if (result === undefined) throw new Error('no result')
  return result
}

test('a broker has every config, each with its type', () => {
  const { configs } = askOne(4, '1')
  expect(configs.filter(({ name }) => name !== 'my.own')).toHaveLength(340)
  expect(configs.find(({ name }) => name === 'num.partitions')).toEqual({
    name: 'num.partitions',
    value: '1',
    readOnly: true,
    configSource: 5,
    isSensitive: false,
    synonyms: [{ name: 'num.partitions', value: '1', source: 5 }],
    configType: 3,
    documentation: null,
  })
})

test("ottla's own default stands as if it had been set, over Kafka's", () => {
  const [config] = askOne(4, '1', ['group.initial.rebalance.delay.ms']).configs
  expect(config).toMatchObject({
    value: '0',
    configSource: 4,
    synonyms: [
      { name: 'group.initial.rebalance.delay.ms', value: '0', source: 4 },
      { name: 'group.initial.rebalance.delay.ms', value: '3000', source: 5 },
    ],
  })
})

test('secrets, and what might be one, are not shown', () => {
  const secrets = askOne(4, '1', ['ssl.key.password', 'my.own']).configs
  expect(
    secrets.map(({ name, value, isSensitive, configType }) => [name, value, isSensitive, configType]),
  ).toEqual([
    ['ssl.key.password', null, true, 9],
    ['my.own', null, true, 0],
  ])
  expect(secrets[0]?.synonyms).toEqual([{ name: 'ssl.key.password', value: null, source: 4 }])
})

test('a synonym counts from the name that is asked for on', () => {
  const names = ['log.retention.hours', 'log.retention.minutes', 'log.retention.ms']
  const found = askOne(4, '1', names).configs.map(({ name, value, synonyms }) => [name, value, synonyms])
  const hours = { name: 'log.retention.hours', value: '168', source: 5 }
  expect(found).toEqual([
    ['log.retention.hours', '168', [hours]],
    ['log.retention.minutes', '60', [{ name: 'log.retention.minutes', value: '60', source: 4 }, hours]],
    ['log.retention.ms', null, []],
  ])
})

test('the cluster-wide defaults hold what eligible leader replicas pin', () => {
  expect(askOne(4, '').configs).toMatchObject([{ name: 'min.insync.replicas', value: '1', configSource: 3 }])
})

test('a topic shows its overrides as Kafka reads them, over the synonyms of the broker', () => {
  const { configs } = askOne(2, 'orders')
  expect(configs).toHaveLength(33)
  const find = (wanted: string) => configs.find(({ name }) => name === wanted)
  expect(find('retention.ms')).toMatchObject({ value: '7', configSource: 1, readOnly: false })
  expect(find('cleanup.policy')?.synonyms).toEqual([
    { name: 'cleanup.policy', value: 'compact', source: 1 },
    { name: 'log.cleanup.policy', value: 'delete', source: 5 },
  ])
})

test('groups and client metrics have their configs', () => {
  expect(askOne(32, 'group').configs).toHaveLength(17)
  expect(askOne(16, 'metrics').configs.map(({ name }) => name)).toEqual(['interval.ms', 'match', 'metrics'])
})

test('the root logger has its level', () => {
  expect(askOne(8, '1').configs).toMatchObject([
    { name: 'root', value: 'OFF', configSource: 6, configType: 0 },
  ])
})

test.each([
  [2, 'nobody', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ''],
  [2, '.', ErrorCode.INVALID_TOPIC_EXCEPTION, "Topic name is invalid: '.' is not allowed"],
  [4, '2', ErrorCode.INVALID_REQUEST, 'Unexpected broker id, expected 1 or empty string, but received 2'],
  [4, 'x', ErrorCode.INVALID_REQUEST, 'Broker id must be an integer, but it is: x'],
  [4, '2147483648', ErrorCode.INVALID_REQUEST, 'Broker id must be an integer, but it is: 2147483648'],
  [8, '2', ErrorCode.INVALID_REQUEST, 'Unexpected broker id, expected 1 but received 2'],
  [8, '', ErrorCode.INVALID_REQUEST, 'Broker id must not be empty'],
  [16, '', ErrorCode.INVALID_REQUEST, 'Client metrics subscription name must not be empty'],
  [32, '', ErrorCode.INVALID_REQUEST, 'Group name must not be empty'],
])('resource type %i named %j fails alone', (type, name, errorCode, errorMessage) => {
  const { results } = ask({ resources: [resource(type, name), resource(2, 'orders', ['retention.ms'])] })
  expect(results[0]).toEqual({ errorCode, errorMessage, resourceType: type, resourceName: name, configs: [] })
  expect(results[1]).toMatchObject({ errorCode: 0, errorMessage: '', configs: [{ name: 'retention.ms' }] })
})

test('a resource type that is not known fails the whole request', () => {
  const resources = [resource(2, 'orders'), resource(3, 'x')]
  const request = { resources, includeSynonyms: false, includeDocumentation: false }
  expect(() => describeConfigsHandler.handle(request, call)).toThrow(KafkaError)
  const failed = describeConfigsHandler.fail(request, new KafkaError(ErrorCode.INVALID_REQUEST, 'm'), call)
  expect(failed?.results.map(({ errorCode }) => errorCode)).toEqual([42, 42])
})

test('an empty list of names means all, and duplicates are answered each', () => {
  const { results } = ask({
    resources: [resource(2, 'orders', []), resource(2, 'orders', ['x', 'flush.ms'])],
  })
  expect(results.map(({ configs }) => configs.length)).toEqual([33, 1])
})

test('versions 1 and 2 carry no types', () => {
  const { results } = ask({ resources: [resource(4, '1', ['num.partitions'])] }, 1)
  expect(results[0]?.configs).toMatchObject([{ name: 'num.partitions', configSource: 5, configType: 0 }])
})
