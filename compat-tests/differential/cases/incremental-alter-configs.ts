import {
  type IncrementalAlterConfigsRequest,
  incrementalAlterConfigsApi,
} from '../../../src/wire/messages/incremental-alter-configs.ts'
import { type CaseContext, differential } from '../case.ts'
import type { Partially } from '../client.ts'
import { BROKER, BROKER_LOGGER, CLIENT_METRICS, described, GROUP, TOPIC } from '../configs.ts'

type Resource = Partially<IncrementalAlterConfigsRequest['resources'][number]>
type Operation = readonly [name: string, operation: number, value: string | null]

const [SET, DELETE, APPEND, SUBTRACT] = [0, 1, 2, 3] as const

const resource = (
  resourceType: number,
  resourceName: string,
  ...operations: readonly Operation[]
): Resource => ({
  resourceType,
  resourceName,
  configs: operations.map(([name, configOperation, value]) => ({ name, configOperation, value })),
})

const alter = (t: CaseContext, version: number, resources: readonly Resource[], validateOnly = false) =>
  t.send(incrementalAlterConfigsApi, version, { resources, validateOnly })

for (const version of [0, 1]) {
  differential('IncrementalAlterConfigs', `v${version} a config is set and another deleted`, async (t) => {
    const { name } = await t.topic('a', { configs: { 'retention.ms': '1000', 'flush.ms': '5' } })
    const change = resource(TOPIC, name, ['retention.ms', SET, ' 2000 '], ['flush.ms', DELETE, null])
    const answer = await alter(t, version, [change])
    return { answer, described: await described(t, TOPIC, name, ['retention.ms', 'flush.ms'], '2000') }
  })
  differential('IncrementalAlterConfigs', `v${version} a wrong value`, async (t) => {
    const { name } = await t.topic('a')
    return alter(t, version, [resource(TOPIC, name, ['retention.ms', SET, 'x'])])
  })
}

/** Operations on cleanup.policy of one topic, and what the policy is then. */
const policies: ReadonlyArray<
  readonly [condition: string, before: string | null, operation: number, value: string, after: string]
> = [
  ['appends to the default', null, APPEND, 'compact', 'delete,compact'],
  ['appends what is there', 'compact', APPEND, 'compact', 'compact'],
  ['appends to nothing', '', APPEND, 'compact', 'compact'],
  ['appends nothing', 'compact', APPEND, '', 'compact'],
  ['appends two', '', APPEND, 'compact,delete', 'compact,delete'],
  ['appends what is wrong', 'compact', APPEND, 'x', 'compact'],
  ['subtracts one', 'compact,delete', SUBTRACT, 'delete', 'compact'],
  ['subtracts the last', 'compact', SUBTRACT, 'compact', ''],
  ['subtracts what is not there', 'compact', SUBTRACT, 'delete,x', 'compact'],
  ['subtracts from the default', null, SUBTRACT, 'delete', ''],
]
for (const [condition, before, operation, value, after] of policies) {
  differential('IncrementalAlterConfigs', `v1 ${condition}`, async (t) => {
    const { name } = await t.topic('a', before === null ? {} : { configs: { 'cleanup.policy': before } })
    const answer = await alter(t, 1, [resource(TOPIC, name, ['cleanup.policy', operation, value])])
    return { answer, described: await described(t, TOPIC, name, ['cleanup.policy'], after) }
  })
}

const ofTopic: ReadonlyArray<readonly [condition: string, operations: readonly Operation[]]> = [
  ['an unknown config', [['no.such.config', SET, '1']]],
  ['an unknown config deleted', [['no.such.config', DELETE, null]]],
  ['an unknown config appended to', [['no.such.config', APPEND, '1']]],
  ['a config without a name', [['', SET, '1']]],
  ['a value that is null', [['retention.ms', SET, null]]],
  ['null appended', [['cleanup.policy', APPEND, null]]],
  ['a value for what is deleted', [['retention.ms', DELETE, '5']]],
  ['an empty value', [['retention.ms', SET, '']]],
  ['a value out of range', [['min.cleanable.dirty.ratio', SET, '2']]],
  ['a list with a wrong item', [['cleanup.policy', SET, 'compact,keep']]],
  ['an append to a number', [['retention.ms', APPEND, '5']]],
  ['a subtraction from a number', [['retention.ms', SUBTRACT, '5']]],
  [
    'a config twice',
    [
      ['flush.ms', SET, '1'],
      ['flush.ms', DELETE, null],
    ],
  ],
  ['an operation that is unknown', [['flush.ms', 4, '1']]],
  ['an operation below all', [['flush.ms', -1, '1']]],
  [
    'configs that contradict each other',
    [
      ['min.compaction.lag.ms', SET, '2'],
      ['max.compaction.lag.ms', SET, '1'],
    ],
  ],
  ['tiered storage', [['remote.storage.enable', SET, 'true']]],
  ['no operations', []],
]
for (const [condition, operations] of ofTopic) {
  differential('IncrementalAlterConfigs', `v1 ${condition}`, async (t) => {
    const { name } = await t.topic('a')
    return alter(t, 1, [resource(TOPIC, name, ...operations)])
  })
}

differential('IncrementalAlterConfigs', 'v1 only checked', async (t) => {
  const { name } = await t.topic('a', { configs: { 'flush.ms': '5' } })
  const answer = await alter(t, 1, [resource(TOPIC, name, ['flush.ms', SET, '6'])], true)
  return { answer, described: await described(t, TOPIC, name, ['flush.ms'], '5') }
})
differential('IncrementalAlterConfigs', 'v1 the configs of a group', async (t) => {
  const name = t.name('g')
  const [session, heartbeat] = ['consumer.session.timeout.ms', 'consumer.heartbeat.interval.ms'] as const
  const answer = await alter(t, 1, [
    resource(GROUP, name, [session, SET, ' 46000 '], [heartbeat, SET, '6000']),
  ])
  const set = await described(t, GROUP, name, [session, heartbeat], '46000')
  const deleted = await alter(t, 1, [resource(GROUP, name, [session, DELETE, null])])
  return { answer, set, deleted, left: await described(t, GROUP, name, [session, heartbeat], '45000') }
})
differential('IncrementalAlterConfigs', 'v1 the configs of client metrics', async (t) => {
  const name = t.name('m')
  const answer = await alter(t, 1, [
    resource(
      CLIENT_METRICS,
      name,
      ['interval.ms', SET, '1000'],
      ['match', SET, 'client_id=a, client_software_name=b.*'],
    ),
  ])
  const set = await described(t, CLIENT_METRICS, name, ['interval.ms', 'match', 'metrics'], '1000')
  const deleted = await alter(t, 1, [resource(CLIENT_METRICS, name, ['interval.ms', DELETE, null])])
  const left = await described(t, CLIENT_METRICS, name, ['interval.ms', 'match'], '300000')
  await alter(t, 1, [resource(CLIENT_METRICS, name, ['match', DELETE, null])])
  return { answer, set, deleted, left }
})

const NOWHERE = 'incremental-alter-configs-nowhere'
const M = 'incremental-alter-configs-metrics'
const G = 'incremental-alter-configs-group'

/** None of them changes anything. */
const single: ReadonlyArray<readonly [condition: string, resource: Resource]> = [
  ['an unknown topic', resource(TOPIC, NOWHERE, ['flush.ms', SET, '1'])],
  ['an unknown topic and a wrong value', resource(TOPIC, NOWHERE, ['flush.ms', SET, 'x'])],
  ['no operations on an unknown topic', resource(TOPIC, NOWHERE)],
  ['a bad topic name', resource(TOPIC, 'not a name', ['flush.ms', SET, '1'])],
  ['an empty topic name', resource(TOPIC, '', ['flush.ms', SET, '1'])],
  ['a group without a name', resource(GROUP, '', ['consumer.session.timeout.ms', SET, '50000'])],
  ['a group config that is unknown', resource(GROUP, G, ['session.timeout.ms', SET, '50000'])],
  ['a group config below its bound', resource(GROUP, G, ['consumer.session.timeout.ms', SET, '100'])],
  ['a group config above its bound', resource(GROUP, G, ['share.heartbeat.interval.ms', SET, '60000'])],
  ['a group config of the wrong type', resource(GROUP, G, ['streams.num.standby.replicas', SET, 'one'])],
  ['too many standby replicas', resource(GROUP, G, ['streams.num.standby.replicas', SET, '3'])],
  ['an append to a group config', resource(GROUP, G, ['consumer.session.timeout.ms', APPEND, '50000'])],
  ['client metrics without a name', resource(CLIENT_METRICS, '', ['interval.ms', SET, '1000'])],
  ['client metrics too often', resource(CLIENT_METRICS, M, ['interval.ms', SET, '99'])],
  ['client metrics too seldom', resource(CLIENT_METRICS, M, ['interval.ms', SET, '3600001'])],
  ['client metrics of the wrong type', resource(CLIENT_METRICS, M, ['interval.ms', SET, 'x'])],
  ['client metrics of unknown name', resource(CLIENT_METRICS, M, ['interval', SET, '1000'])],
  ['client metrics of nobody', resource(CLIENT_METRICS, M, ['match', SET, 'client=x'])],
  ['client metrics by a bad expression', resource(CLIENT_METRICS, M, ['match', SET, 'client_id=['])],
  ['client metrics by no expression', resource(CLIENT_METRICS, M, ['match', SET, 'client_id='])],
  ['an append to client metrics', resource(CLIENT_METRICS, M, ['metrics', APPEND, 'a'])],
  ['a type that is unknown', resource(99, 'x', ['a', SET, 'b'])],
  ['the type of nothing', resource(0, 'x', ['a', SET, 'b'])],
  ['another broker', resource(BROKER, '2', ['log.retention.ms', SET, '1'])],
  ['a broker that is no number', resource(BROKER, 'one', ['log.retention.ms', SET, '1'])],
  ['a broker whose number is too great', resource(BROKER, '2147483648', ['log.retention.ms', SET, '1'])],
  ['a broker config', resource(BROKER, '1', ['log.retention.ms', SET, '1000'])],
  ['a broker config for all', resource(BROKER, '', ['log.retention.ms', SET, '1000'])],
  ['a broker config that is unknown', resource(BROKER, '1', ['no.such.config', SET, '1'])],
  ['a broker config that only a start can change', resource(BROKER, '1', ['num.partitions', SET, '2'])],
  [
    'a broker config that only a start can change, deleted',
    resource(BROKER, '1', ['num.partitions', DELETE, null]),
  ],
  ['an internal broker config', resource(BROKER, '1', ['log.initial.task.delay.ms', SET, '2'])],
  ['a broker config of the wrong type', resource(BROKER, '1', ['log.retention.ms', SET, 'x'])],
  ['a broker config out of range', resource(BROKER, '1', ['log.segment.bytes', SET, '1'])],
  ['a retention of nothing', resource(BROKER, '1', ['log.retention.ms', SET, '0'])],
  [
    'a local retention above the retention',
    resource(BROKER, '1', ['log.retention.bytes', SET, '1'], ['log.local.retention.bytes', SET, '2']),
  ],
  ['a class that nobody has', resource(BROKER, '1', ['principal.builder.class', SET, 'a.B'])],
  ['a reporter that nobody has', resource(BROKER, '1', ['metric.reporters', SET, 'a.B'])],
  ['a key store for every listener', resource(BROKER, '1', ['ssl.keystore.location', SET, '/a'])],
  [
    'a key store for one listener',
    resource(BROKER, '1', ['listener.name.plaintext.ssl.keystore.location', SET, '/a']),
  ],
  [
    'a key store of all brokers',
    resource(BROKER, '', ['listener.name.plaintext.ssl.keystore.location', SET, '/a']),
  ],
  ['a broker config of one broker for all', resource(BROKER, '', ['sasl.enabled.mechanisms', SET, 'PLAIN'])],
  ['too many threads', resource(BROKER, '1', ['num.io.threads', SET, '17'])],
  ['too few threads', resource(BROKER, '1', ['num.io.threads', SET, '3'])],
  ['half the threads', resource(BROKER, '1', ['num.io.threads', SET, '4'])],
  ['too many cleaners', resource(BROKER, '1', ['log.cleaner.threads', SET, '3'])],
  ['no cleaners', resource(BROKER, '1', ['log.cleaner.threads', SET, '0'])],
  ['no connections', resource(BROKER, '1', ['max.connections', SET, '0'])],
  [
    'no connections to one listener',
    resource(BROKER, '1', ['listener.name.plaintext.max.connections', SET, '0']),
  ],
  [
    'connections to one listener',
    resource(BROKER, '', ['listener.name.plaintext.max.connections', SET, '5']),
  ],
  [
    'a wrong number of connections to one listener',
    resource(BROKER, '1', ['listener.name.plaintext.max.connections', SET, 'x']),
  ],
  ['no connections from anywhere', resource(BROKER, '1', ['max.connections.per.ip', SET, '0'])],
  [
    'a limit of connections that cannot be read',
    resource(BROKER, '1', ['max.connections.per.ip.overrides', SET, 'x']),
  ],
  ['an append to a broker config', resource(BROKER, '1', ['log.cleanup.policy', APPEND, 'compact'])],
  ['a wrong append to a broker config', resource(BROKER, '1', ['log.cleanup.policy', APPEND, 'x'])],
  ['an append to a broker config that is no list', resource(BROKER, '1', ['log.retention.ms', APPEND, '1'])],
  ['an append to a broker config that is unknown', resource(BROKER, '1', ['no.such.config', APPEND, '1'])],
  [
    'an append to a broker config that only a start can change',
    resource(BROKER, '1', ['log.dirs', APPEND, '/a']),
  ],
  ['an append to a broker config without a default', resource(BROKER, '1', ['process.roles', APPEND, 'x'])],
  ['an unknown operation on a broker', resource(BROKER, '1', ['log.retention.ms', 4, '1'])],
  ['a rate of replication', resource(BROKER, '1', ['leader.replication.throttled.rate', SET, '1000'])],
  [
    'a rate of replication below zero',
    resource(BROKER, '', ['follower.replication.throttled.rate', SET, '-1']),
  ],
  ['min.insync.replicas of one broker', resource(BROKER, '1', ['min.insync.replicas', SET, '1'])],
  [
    'min.insync.replicas of one broker, deleted',
    resource(BROKER, '1', ['min.insync.replicas', DELETE, null]),
  ],
  ['min.insync.replicas for all', resource(BROKER, '', ['min.insync.replicas', SET, '2'])],
  ['min.insync.replicas for all, deleted', resource(BROKER, '', ['min.insync.replicas', DELETE, null])],
  ['min.insync.replicas for all, of nothing', resource(BROKER, '', ['min.insync.replicas', SET, '0'])],
  ['the level of the root logger', resource(BROKER_LOGGER, '1', ['root', SET, 'DEBUG'])],
  ['a level that is unknown', resource(BROKER_LOGGER, '1', ['root', SET, 'LOUD'])],
  ['a level in small letters', resource(BROKER_LOGGER, '1', ['root', SET, 'debug'])],
  ['a logger that is unknown', resource(BROKER_LOGGER, '1', ['no.such.logger', SET, 'DEBUG'])],
  ['the root logger deleted', resource(BROKER_LOGGER, '1', ['root', DELETE, null])],
  ['an append to a logger', resource(BROKER_LOGGER, '1', ['root', APPEND, 'DEBUG'])],
  ['an unknown operation on a logger', resource(BROKER_LOGGER, '1', ['root', 4, 'DEBUG'])],
  ['the loggers of another broker', resource(BROKER_LOGGER, '2', ['root', SET, 'DEBUG'])],
  ['the loggers of no broker', resource(BROKER_LOGGER, '', ['root', SET, 'DEBUG'])],
]
for (const [condition, one] of single) {
  differential('IncrementalAlterConfigs', `v1 ${condition}`, (t) => alter(t, 1, [one], true))
}

differential('IncrementalAlterConfigs', 'v1 a resource twice, a good one and bad ones', async (t) => {
  const [{ name: a }, { name: b }] = [await t.topic('a'), await t.topic('b')]
  return alter(t, 1, [
    resource(TOPIC, a, ['flush.ms', SET, '1']),
    resource(TOPIC, b, ['flush.ms', SET, '3']),
    resource(TOPIC, a, ['flush.ms', SET, '2']),
    resource(TOPIC, t.name('c'), ['flush.ms', SET, '4']),
    resource(99, 'x'),
  ])
})
differential('IncrementalAlterConfigs', 'v1 an unknown operation beside good ones', async (t) => {
  const [{ name: a }, { name: b }] = [await t.topic('a'), await t.topic('b')]
  return alter(t, 1, [
    resource(TOPIC, a, ['flush.ms', 4, '1']),
    resource(TOPIC, b, ['flush.ms', SET, '3']),
    resource(BROKER, '2', ['log.retention.ms', SET, '1']),
  ])
})
differential('IncrementalAlterConfigs', 'v1 more changes than one request may hold', async (t) => {
  const { name } = await t.topic('a')
  const many = Array.from({ length: 10_001 }, (_, at): Operation => [`no.such.config.${at}`, SET, '1'])
  return alter(t, 1, [resource(BROKER, '1', ...many), resource(TOPIC, name, ['flush.ms', SET, '1'])], true)
})
differential('IncrementalAlterConfigs', 'v1 no resources', (t) => alter(t, 1, []))
