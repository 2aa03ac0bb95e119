import { expect, test } from 'vitest'
import { readEnvironment } from './environment.ts'

function configs(environment: Record<string, string>): Record<string, string> {
  return Object.fromEntries(readEnvironment(environment).settings.map(({ name, value }) => [name, value]))
}

test('one underscore is a dot, two are one, three are a dash', () => {
  expect(
    configs({
      KAFKA_NUM_PARTITIONS: '3',
      KAFKA_CFG_AUTO_CREATE_TOPICS_ENABLE: 'false',
      KAFKA_LISTENER_NAME_MY__OWN___ONE_SSL_KEY_PASSWORD: 'x',
      PATH: '/bin',
      NUM_PARTITIONS: '5',
    }),
  ).toEqual({
    'num.partitions': '3',
    'auto.create.topics.enable': 'false',
    'listener.name.my_own-one.ssl.key.password': 'x',
  })
})

test("Bitnami's name wins over Kafka's, whichever comes first", () => {
  expect(configs({ KAFKA_CFG_NUM_PARTITIONS: '4', KAFKA_NUM_PARTITIONS: '3' })).toEqual({
    'num.partitions': '4',
  })
})

test('what is no config is a warning', () => {
  const { settings, warnings } = readEnvironment({
    KAFKA_NUM_PARTITION: '3',
    KAFKA_HEAP_OPTS: '-Xmx1g',
    KAFKA_LOG4J_ROOT_LOGLEVEL: 'WARN',
    KAFKA_ZOOKEEPER_CONNECT: 'zookeeper:2181',
    KAFKA_SOMETHING_ELSE_ALTOGETHER: 'x',
    KAFKA_: 'x',
  })
  expect(settings).toEqual([])
  expect(warnings).toEqual([
    'KAFKA_ stands for no broker config that is known () and has no effect',
    'KAFKA_NUM_PARTITION stands for no broker config that is known (num.partition) and has no effect: was KAFKA_NUM_PARTITIONS meant?',
    'KAFKA_SOMETHING_ELSE_ALTOGETHER stands for no broker config that is known (something.else.altogether) and has no effect',
    'KAFKA_HEAP_OPTS, KAFKA_LOG4J_ROOT_LOGLEVEL, KAFKA_ZOOKEEPER_CONNECT: there is no JVM and no ZooKeeper here, so this has no effect',
  ])
})

test('topics to create', () => {
  const { topics, warnings } = readEnvironment({
    KAFKA_CREATE_TOPICS: 'orders:3:1, customers:2:3:compact,\npayments:4,notes',
  })
  expect(topics).toEqual([
    { name: 'orders', partitions: 3, config: {} },
    { name: 'customers', partitions: 2, config: { 'cleanup.policy': 'compact' } },
    { name: 'payments', partitions: 4, config: {} },
    { name: 'notes', partitions: undefined, config: {} },
  ])
  expect(warnings).toEqual([
    'KAFKA_CREATE_TOPICS: customers gets 1 replica instead of 3: there is one broker',
  ])
  expect(() => readEnvironment({ KAFKA_CREATE_TOPICS: 'orders:x' })).toThrow(
    'KAFKA_CREATE_TOPICS: orders:x is no topic: give its name, partitions and replicas, as in orders:3:1',
  )
})
