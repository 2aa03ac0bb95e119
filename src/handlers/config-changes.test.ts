/** Configs that change while the broker runs: what is answered, described, listed, and in force. */
import { describe, expect, test } from 'vitest'
import { type ErrorCode, errorName } from '../wire/error-codes.ts'
import { alterConfigsHandler } from './alter-configs.ts'
import { describeConfigsHandler } from './describe-configs.ts'
import { fetchHandler } from './fetch.ts'
import {
  batchOf,
  fetched,
  fetchRequest,
  isSettled,
  produce,
  produceRequest,
  type TestBroker,
  testBroker,
} from './harness.suite.ts'
import { incrementalAlterConfigsHandler } from './incremental-alter-configs.ts'
import { listConfigResourcesHandler } from './list-config-resources.ts'
import { produceHandler } from './produce.ts'

const [TOPIC, BROKER, LOGGER, METRICS, GROUP] = [2, 4, 8, 16, 32] as const
const [SET, DELETE, APPEND, SUBTRACT] = [0, 1, 2, 3] as const

type Operation = readonly [name: string, operation: number, value: string | null]
type Resource = readonly [resourceType: number, resourceName: string, ...operations: Operation[]]

/** What became of each resource: `NONE`, or the error's name and message. */
async function alter(
  broker: TestBroker,
  resources: readonly Resource[],
  validateOnly = false,
): Promise<string[]> {
  const { responses } = await broker.ask(incrementalAlterConfigsHandler, 1, {
    resources: resources.map(([resourceType, resourceName, ...operations]) => ({
      resourceType,
      resourceName,
      configs: operations.map(([name, configOperation, value]) => ({ name, configOperation, value })),
    })),
    validateOnly,
  })
  expect(responses.map(({ resourceType, resourceName }) => [resourceType, resourceName])).toEqual(
    resources.map(([resourceType, resourceName]) => [resourceType, resourceName]),
  )
  return responses.map(told)
}

async function replace(
  broker: TestBroker,
  type: number,
  name: string,
  configs: Record<string, string | null>,
) {
  const { responses } = await broker.ask(alterConfigsHandler, 2, {
    resources: [
      {
        resourceType: type,
        resourceName: name,
        configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
      },
    ],
    validateOnly: false,
  })
  return responses.map(told)
}

function told({ errorCode, errorMessage }: { errorCode: number; errorMessage: string | null }): string {
  return errorMessage === null
    ? errorName(errorCode as ErrorCode)
    : `${errorName(errorCode as ErrorCode)}: ${errorMessage}`
}

/** The value and the source of one config. */
async function described(broker: TestBroker, resourceType: number, resourceName: string, name: string) {
  const { results } = await broker.ask(describeConfigsHandler, 4, {
    resources: [{ resourceType, resourceName, configurationKeys: [name] }],
    includeSynonyms: false,
    includeDocumentation: false,
  })
  const [config] = results[0]?.configs ?? []
  return config === undefined ? null : [config.value, config.configSource]
}

async function listed(broker: TestBroker, resourceTypes: readonly number[], version = 1) {
  const request = { resourceTypes }
  const { configResources } = await broker.ask(listConfigResourcesHandler, version, request)
  return configResources.map(({ resourceType, resourceName }) => `${resourceType} ${resourceName}`)
}

describe('a topic', () => {
  test('has single configs changed, or all of them replaced', async () => {
    const broker = await testBroker({ topics: [{ name: 'a', config: { 'flush.ms': '5' } }] })
    expect(await alter(broker, [[TOPIC, 'a', ['retention.ms', SET, ' 7 ']]])).toEqual(['NONE'])
    expect(await described(broker, TOPIC, 'a', 'retention.ms')).toEqual(['7', 1])
    expect(await described(broker, TOPIC, 'a', 'flush.ms')).toEqual(['5', 1])
    expect(await replace(broker, TOPIC, 'a', { 'retention.ms': '8' })).toEqual(['NONE'])
    expect(await described(broker, TOPIC, 'a', 'retention.ms')).toEqual(['8', 1])
    expect(await described(broker, TOPIC, 'a', 'flush.ms')).toEqual(['9223372036854775807', 5])
    expect(await alter(broker, [[TOPIC, 'a', ['retention.ms', DELETE, null]]])).toEqual(['NONE'])
    expect(await described(broker, TOPIC, 'a', 'retention.ms')).toEqual(['604800000', 5])
  })

  test.each<[before: string | null, operation: number, value: string, after: string]>([
    [null, APPEND, 'compact', 'delete,compact'],
    ['compact', APPEND, 'compact,delete', 'compact,delete'],
    ['compact', APPEND, '', 'compact'],
    ['', APPEND, 'delete', 'delete'],
    ['delete,compact', SUBTRACT, 'delete,x', 'compact'],
    ['compact', SUBTRACT, 'compact', ''],
  ])('with the policy %j, operation %i of %j makes it %j', async (before, operation, value, after) => {
    const config: Record<string, string> = before === null ? {} : { 'cleanup.policy': before }
    const broker = await testBroker({ topics: [{ name: 'a', config }] })
    await alter(broker, [[TOPIC, 'a', ['cleanup.policy', operation, value]]])
    expect((await described(broker, TOPIC, 'a', 'cleanup.policy'))?.[0]).toBe(after)
  })

  test('follows its configs, and the broker’s, from the next batch on', async () => {
    const broker = await testBroker({ topics: ['a', 'b'] })
    const size = batchOf('x'.repeat(100)).length
    const send = async (topic: string) => {
      const request = produceRequest(topic, 0, batchOf('x'.repeat(100)))
      const { responses } = await broker.ask(produceHandler, 9, request)
      return errorName(responses[0]?.partitionResponses[0]?.errorCode as ErrorCode)
    }
    expect([await send('a'), await send('b')]).toEqual(['NONE', 'NONE'])
    await alter(broker, [[TOPIC, 'a', ['max.message.bytes', SET, String(size - 1)]]])
    expect([await send('a'), await send('b')]).toEqual(['MESSAGE_TOO_LARGE', 'NONE'])
    await alter(broker, [
      [TOPIC, 'a', ['max.message.bytes', SET, String(size)]],
      [BROKER, '', ['message.max.bytes', SET, String(size - 1)]],
    ])
    expect([await send('a'), await send('b')]).toEqual(['NONE', 'MESSAGE_TOO_LARGE'])
    await alter(broker, [[BROKER, '1', ['message.max.bytes', SET, String(size)]]])
    expect([await send('a'), await send('b')]).toEqual(['NONE', 'NONE'])
  })

  test('is fetched from as before while its configs change', async () => {
    const broker = await testBroker({ topics: ['a'] })
    const request = fetchRequest([{ topic: 'a' }], { maxWaitMs: 10_000 })
    const waiting = broker.ask(fetchHandler, 12, request)
    expect(await isSettled(waiting)).toBe(false)
    for (let at = 1; at <= 20; at++) {
      await alter(broker, [
        [TOPIC, 'a', ['retention.ms', SET, String(at)], ['max.message.bytes', SET, String(1000 + at)]],
        [BROKER, '1', ['log.retention.ms', SET, String(at)]],
      ])
    }
    expect(await isSettled(waiting)).toBe(false)
    await produce(broker, 'a', batchOf('v'))
    expect(fetched(await waiting)).toEqual(['a-0: 1'])
  })
})

test('each resource succeeds or fails by itself', async () => {
  const broker = await testBroker({ topics: ['a', 'b'] })
  const flush = (value: string): Operation => ['flush.ms', SET, value]
  expect(
    await alter(broker, [
      [TOPIC, 'a', flush('1')],
      [TOPIC, 'a', flush('2')],
      [TOPIC, 'b', flush('3')],
      [TOPIC, 'c', flush('4')],
      [99, 'x'],
      [GROUP, 'g', ['consumer.session.timeout.ms', SET, '50000']],
    ]),
  ).toEqual([
    'INVALID_REQUEST: Each resource must appear at most once.',
    'INVALID_REQUEST: Each resource must appear at most once.',
    'NONE',
    "UNKNOWN_TOPIC_OR_PARTITION: The topic 'c' does not exist.",
    'INVALID_REQUEST: Unknown resource type 99',
    'NONE',
  ])
  expect(await described(broker, TOPIC, 'b', 'flush.ms')).toEqual(['3', 1])
  expect(await described(broker, GROUP, 'g', 'consumer.session.timeout.ms')).toEqual(['50000', 8])
})

test('what is only checked changes nothing', async () => {
  const broker = await testBroker({ topics: ['a'] })
  const { revision } = broker.services.config
  const level = broker.services.logger.level
  expect(
    await alter(
      broker,
      [
        [TOPIC, 'a', ['flush.ms', SET, '1']],
        [BROKER, '1', ['log.retention.ms', SET, '1']],
        [GROUP, 'g', ['consumer.session.timeout.ms', SET, '50000']],
        [LOGGER, '1', ['root', SET, 'TRACE']],
      ],
      true,
    ),
  ).toEqual(['NONE', 'NONE', 'NONE', 'NONE'])
  expect(await described(broker, TOPIC, 'a', 'flush.ms')).toEqual(['9223372036854775807', 5])
  expect(await listed(broker, [GROUP])).toEqual([])
  expect([broker.services.config.revision, broker.services.logger.level]).toEqual([revision, level])
})

test.each<[string, Resource, string]>([
  [
    'a name twice',
    [TOPIC, 'a', ['flush.ms', SET, '1'], ['flush.ms', DELETE, null]],
    'INVALID_REQUEST: Error due to duplicate config keys',
  ],
  [
    'no value',
    [TOPIC, 'a', ['flush.ms', SET, null], ['retention.ms', APPEND, null]],
    'INVALID_REQUEST: Null value not supported for : flush.ms, retention.ms',
  ],
  ['no name', [TOPIC, 'a', ['', SET, '1']], 'INVALID_CONFIG: Unknown topic config name: '],
  [
    'an append to a number',
    [TOPIC, 'a', ['flush.ms', APPEND, '1']],
    "INVALID_CONFIG: Can't APPEND to key flush.ms because its type is not LIST.",
  ],
  [
    'an append to client metrics',
    [METRICS, 'm', ['metrics', APPEND, '1']],
    "INVALID_CONFIG: Can't APPEND to key metrics because its type is not LIST.",
  ],
  ['an unknown operation', [TOPIC, 'a', ['flush.ms', 4, '1']], 'UNKNOWN_SERVER_ERROR'],
  [
    'an unknown operation on a broker',
    [BROKER, '1', ['log.retention.ms', 4, '1']],
    'INVALID_REQUEST: Unknown operations type 4',
  ],
  [
    'no topic',
    [TOPIC, '', ['flush.ms', SET, '1']],
    'INVALID_REQUEST: Default topic resources are not allowed.',
  ],
  ['no group', [GROUP, ''], 'INVALID_REQUEST: Default group resources are not allowed.'],
  ['no subscription', [METRICS, ''], "INVALID_REQUEST: Subscription name can't be empty"],
  [
    'too rare metrics',
    [METRICS, 'm', ['interval.ms', SET, '9999999']],
    'INVALID_REQUEST: Invalid value 9999999 for interval.ms, interval must be between 100 and 3600000 (1 hour)',
  ],
  ['another broker', [BROKER, '2'], 'INVALID_REQUEST: Unexpected broker id, expected 1, but received 2'],
  ['no broker', [BROKER, 'x'], 'INVALID_REQUEST: Node id must be an integer, but it is: x'],
  ['the broker by another name', [BROKER, '+01', ['log.retention.ms', SET, '1']], 'NONE'],
  [
    'a read-only config',
    [BROKER, '1', ['num.partitions', SET, '1']],
    'INVALID_REQUEST: Cannot update these configs dynamically: [num.partitions]',
  ],
  [
    'min.insync.replicas of one broker',
    [BROKER, '1', ['min.insync.replicas', SET, '1']],
    'INVALID_CONFIG: Broker-level min.insync.replicas cannot be altered while ELR is enabled.',
  ],
  [
    'no min.insync.replicas',
    [BROKER, '', ['min.insync.replicas', DELETE, null]],
    'INVALID_CONFIG: Cluster-level min.insync.replicas cannot be removed while ELR is enabled.',
  ],
  ['a logger that is none', [LOGGER, '1', ['x', SET, 'INFO']], 'INVALID_CONFIG: Logger x does not exist!'],
  [
    'a level that is none',
    [LOGGER, '1', ['root', SET, 'info']],
    'INVALID_CONFIG: Cannot set the log level of root to info as it is not a supported log level. Valid log levels are DEBUG, ERROR, FATAL, INFO, TRACE, WARN',
  ],
  [
    'the root logger deleted',
    [LOGGER, '1', ['root', DELETE, null]],
    'INVALID_REQUEST: Removing the log level of the root logger is not allowed',
  ],
  [
    'an append to a logger',
    [LOGGER, '1', ['root', APPEND, 'INFO']],
    'INVALID_REQUEST: APPEND operation is not allowed for the BROKER_LOGGER resource',
  ],
  [
    'the logger of another broker',
    [LOGGER, '2', ['root', SET, 'INFO']],
    'INVALID_REQUEST: Unexpected node id. Expected 1, but received 2',
  ],
])('%s', async (_what, resource, answer) => {
  const broker = await testBroker({ topics: ['a'] })
  expect(await alter(broker, [resource])).toEqual([answer])
})

test('an unknown operation fails all that the controller is asked', async () => {
  const broker = await testBroker({ topics: ['a', 'b'] })
  const answers = await alter(broker, [
    [TOPIC, 'a', ['flush.ms', -1, '1']],
    [TOPIC, 'b', ['flush.ms', SET, '1']],
    [BROKER, '2'],
  ])
  expect(answers.map((answer) => answer.split(':')[0])).toEqual([
    'UNKNOWN_SERVER_ERROR',
    'UNKNOWN_SERVER_ERROR',
    'INVALID_REQUEST',
  ])
  expect(await described(broker, TOPIC, 'b', 'flush.ms')).toEqual(['9223372036854775807', 5])
})

test('a level changes at once', async () => {
  const broker = await testBroker()
  expect(await alter(broker, [[LOGGER, '1', ['root', SET, 'DEBUG']]])).toEqual(['NONE'])
  expect(broker.services.logger.isLevelEnabled('debug')).toBe(true)
  expect(await described(broker, LOGGER, '1', 'root')).toEqual(['DEBUG', 6])
  expect(await alter(broker, [[LOGGER, '1', ['root', SET, 'FATAL'], ['y', SET, 'INFO']]])).toEqual([
    'INVALID_CONFIG: Logger y does not exist!',
  ])
  expect(broker.services.logger.level).toBe('debug')
})

test('min.insync.replicas is set for all brokers from the start, and can change', async () => {
  const broker = await testBroker({ config: { 'min.insync.replicas': '2' }, topics: ['a'] })
  expect(await described(broker, BROKER, '', 'min.insync.replicas')).toEqual(['2', 3])
  await alter(broker, [[BROKER, '', ['min.insync.replicas', SET, '3']]])
  expect(await described(broker, TOPIC, 'a', 'min.insync.replicas')).toEqual(['3', 3])
  expect(await replace(broker, BROKER, '', { 'log.retention.ms': '1' })).toEqual([
    'INVALID_CONFIG: Cluster-level min.insync.replicas cannot be removed while ELR is enabled.',
  ])
  expect(await replace(broker, BROKER, '', { 'min.insync.replicas': '1' })).toEqual(['NONE'])
  expect(await described(broker, BROKER, '1', 'min.insync.replicas')).toEqual(['1', 3])
})

test('what has configs is listed', async () => {
  const broker = await testBroker({ topics: ['a'] })
  await alter(broker, [
    [GROUP, 'g', ['consumer.session.timeout.ms', SET, '50000']],
    [METRICS, 'm', ['interval.ms', SET, '1000']],
    [BROKER, '1', ['log.retention.ms', SET, '1000']],
  ])
  expect(await listed(broker, [])).toEqual(['2 a', '4 1', '8 1', '16 m', '32 g'])
  expect(await listed(broker, [GROUP, TOPIC, GROUP])).toEqual(['32 g', '2 a'])
  expect(await listed(broker, [], 0)).toEqual(['16 m'])
  await replace(broker, GROUP, 'g', {})
  expect(await listed(broker, [GROUP])).toEqual([])
})

test('a type that is none is not listed', async () => {
  const broker = await testBroker()
  const call = broker.call(1)
  expect(() => listConfigResourcesHandler.handle({ resourceTypes: [TOPIC, 99] }, call)).toThrow()
})

test('a hundred thousand changes are refused without being made', async () => {
  const broker = await testBroker({ topics: ['a'] })
  const many = Array.from({ length: 100_000 }, (_, at): Operation => [`x.${at}`, SET, '1'])
  expect(
    await alter(broker, [
      [BROKER, '1', ...many],
      [TOPIC, 'a', ['flush.ms', SET, '1']],
    ]),
  ).toEqual([
    'POLICY_VIOLATION: Unable to perform excessively large batch operation.',
    'POLICY_VIOLATION: Unable to perform excessively large batch operation.',
  ])
  expect(await described(broker, TOPIC, 'a', 'flush.ms')).toEqual(['9223372036854775807', 5])
})

test('values and names as long as a string can be are refused in few words', async () => {
  const broker = await testBroker({ topics: ['a'] })
  const long = Array.from({ length: 6_000 }, (_, at) => at).join()
  const answers = await alter(broker, [
    [TOPIC, 'a', ['leader.replication.throttled.replicas', APPEND, long]],
    [TOPIC, 'a'.repeat(30_000), ['flush.ms', SET, '1']],
    [BROKER, 'x'.repeat(32_767), ['flush.ms', SET, '1']],
    [GROUP, 'g', [long, SET, '1']],
  ])
  expect(answers.map((answer) => answer.split(':')[0])).toEqual([
    'INVALID_CONFIG',
    'INVALID_TOPIC_EXCEPTION',
    'INVALID_REQUEST',
    'INVALID_CONFIG',
  ])
  for (const answer of answers) expect(answer.length).toBeLessThan(10_000)
  expect(
    await alter(broker, [[TOPIC, 'a', ['leader.replication.throttled.replicas', SUBTRACT, long]]]),
  ).toEqual(['NONE'])
})

test('ten thousand topics change at once', async () => {
  const names = Array.from({ length: 10_000 }, (_, at) => `t${at}`)
  const broker = await testBroker()
  for (let at = 0; at < names.length; at += 5_000) {
    const specs = names.slice(at, at + 5_000).map((name) => ({
      name,
      numPartitions: 1,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    }))
    await broker.services.controller.createTopics(specs, false)
  }
  const flush = (value: string) => names.map((name): Resource => [TOPIC, name, ['flush.ms', SET, value]])
  const answers = await alter(broker, flush('5'))
  expect(new Set(answers)).toEqual(new Set(['NONE']))
  expect(await described(broker, TOPIC, 't9999', 'flush.ms')).toEqual(['5', 1])
  const more: Resource = [GROUP, 'g', ['consumer.session.timeout.ms', SET, '50000']]
  const refused = await alter(broker, [...flush('6'), more])
  expect(new Set(refused)).toEqual(
    new Set(['POLICY_VIOLATION: Unable to perform excessively large batch operation.']),
  )
})
