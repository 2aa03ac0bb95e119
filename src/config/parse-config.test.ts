import { expect, test } from 'vitest'
import { type ConfigScope, configDefinitions } from './config-definition.ts'
import { normalText, parseConfig } from './parse-config.ts'

function parse(scope: ConfigScope, name: string, text: string) {
  const definition = configDefinitions(scope).get(name)
  if (definition === undefined) throw new Error(`${name} is not known`)
  return { value: parseConfig(definition, text), shown: normalText(definition.type, text) }
}

test('every default fits its own definition, and reads as it is written', () => {
  for (const scope of ['broker', 'topic', 'group', 'client metrics'] as const) {
    for (const { name, type, defaultText } of configDefinitions(scope).values()) {
      if (defaultText !== null) expect([name, normalText(type, defaultText)]).toEqual([name, defaultText])
      if (defaultText !== null && defaultText !== '') parse(scope, name, defaultText)
    }
  }
})

test.each([
  ['preallocate', ' TRUE ', true, 'true'],
  ['segment.bytes', ' +2000000', 2_000_000, '2000000'],
  ['retention.ms', '-0', 0, '0'],
  ['retention.ms', '007', 7, '7'],
  ['retention.ms', '9223372036854775807', 2 ** 63, '9223372036854775807'],
  ['min.cleanable.dirty.ratio', '1', 1, '1.0'],
  ['min.cleanable.dirty.ratio', '1e-5', 1e-5, '1.0E-5'],
  ['min.cleanable.dirty.ratio', '.5f', 0.5, '0.5'],
  ['cleanup.policy', ' compact , delete,compact ', ['compact', 'delete'], 'compact,delete'],
  ['cleanup.policy', '', [], ''],
  ['leader.replication.throttled.replicas', '*', ['*'], '*'],
  ['leader.replication.throttled.replicas', '0:1, 1:2', ['0:1', '1:2'], '0:1,1:2'],
  ['compression.type', ' gzip\n', 'gzip', 'gzip'],
])('topic config %s takes %j', (name, text, value, shown) => {
  expect(parse('topic', name, text)).toEqual({ value, shown })
})

const NO_LONG = 'Not a number of type LONG'
const CODECS = 'String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer'

// Each message as Apache Kafka 4.3.1 gives it.
test.each([
  ['retention.ms', 'abc', `Invalid value abc for configuration retention.ms: ${NO_LONG}`],
  ['retention.ms', '', `Invalid value  for configuration retention.ms: ${NO_LONG}`],
  ['retention.ms', '1.0', `Invalid value 1.0 for configuration retention.ms: ${NO_LONG}`],
  ['retention.ms', '1_000', `Invalid value 1_000 for configuration retention.ms: ${NO_LONG}`],
  ['retention.ms', '-2', 'Invalid value -2 for configuration retention.ms: Value must be at least -1'],
  ['segment.bytes', '01', 'Invalid value 1 for configuration segment.bytes: Value must be at least 1048576'],
  [
    'segment.bytes',
    '2147483648',
    'Invalid value 2147483648 for configuration segment.bytes: Not a number of type INT',
  ],
  [
    'min.cleanable.dirty.ratio',
    '5.',
    'Invalid value 5.0 for configuration min.cleanable.dirty.ratio: Value must be no more than 1',
  ],
  ['compression.type', 'GZIP', `Invalid value GZIP for configuration compression.type: ${CODECS}`],
  [
    'compression.gzip.level',
    '0',
    'Invalid value 0 for configuration compression.gzip.level: Value must be between 1 and 9 or equal to -1',
  ],
  [
    'cleanup.policy',
    'delete,none',
    'Invalid value none for configuration cleanup.policy: String must be one of: compact, delete',
  ],
  [
    'preallocate',
    'yes',
    'Invalid value yes for configuration preallocate: Expected value to be either true or false',
  ],
  [
    'leader.replication.throttled.replicas',
    '0:1,x',
    "Invalid value [0:1, x] for configuration leader.replication.throttled.replicas: leader.replication.throttled.replicas must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...",
  ],
])('topic config %s does not take %j', (name, text, message) => {
  expect(() => parse('topic', name, text)).toThrow(message)
})

test.each([
  ['listeners', '', "Configuration 'listeners' must not be empty. Valid values include: any non-empty value"],
  [
    'process.roles',
    '',
    "Configuration 'process.roles' must not be empty. Valid values include: [broker, controller]",
  ],
  ['log.dirs', 'a,,b', "Configuration 'log.dirs' values must not be empty."],
  [
    'group.consumer.migration.policy',
    'maybe',
    'Invalid value maybe for configuration group.consumer.migration.policy: String must be one of (case insensitive): DISABLED, DOWNGRADE, UPGRADE, BIDIRECTIONAL',
  ],
])('broker config %s does not take %j', (name, text, message) => {
  expect(() => parse('broker', name, text)).toThrow(message)
})

test.each(['latest', 'earliest', 'by_duration:PT1H', 'by_duration:P1DT2.5S', 'by_duration:-PT-1H'])(
  'a share group may start at %s',
  (text) => expect(parse('group', 'share.auto.offset.reset', text).value).toBe(text),
)

test.each([
  'none',
  'LATEST',
  'by_duration:',
  'by_duration:P',
  'by_duration:PT',
  'by_duration:-PT1H',
  'by_duration:P1Y',
])('a share group may not start at %s', (text) =>
  expect(() => parse('group', 'share.auto.offset.reset', text)).toThrow('by_duration:<PnDTnHnMn.nS>'),
)

test('a hostile text costs no more than its length, and is cut in the message', () => {
  const size = 2_000_000
  const texts: [string, string][] = [
    ['cleanup.policy', `delete${' '.repeat(size)}x`],
    ['retention.ms', '9'.repeat(size)],
    ['min.cleanable.dirty.ratio', `${'1'.repeat(size)}x`],
    ['leader.replication.throttled.replicas', `${'1'.repeat(size)}x`],
  ]
  for (const [name, text] of texts) {
    const startedMs = performance.now()
    expect(() => parse('topic', name, text)).toThrow(/^Invalid value .{1,9000}$/)
    expect(performance.now() - startedMs).toBeLessThan(1000)
  }
})
