import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Cluster, startCluster } from '../index.ts'
import { API_VERSIONS_HELP, apiVersions, listeningPorts, ownAddress } from './api-versions.ts'
import { addressesOf, Client } from './client.ts'
import { CLIENT_APIS } from './client-apis.ts'
import { topics } from './topics.ts'

let cluster: Cluster
beforeAll(async () => {
  cluster = await startCluster({ topics: [{ name: 'orders', partitions: 2 }] })
})
afterAll(() => cluster.stop())

async function run(...args: string[]): Promise<{ code: number; output: string }> {
  let output = ''
  const code = await topics(['--bootstrap-server', cluster.bootstrapServers, ...args], (text) => {
    output += text
  })
  return { code, output: output.replace(/TopicId: \S+/g, 'TopicId: id') }
}

const failed = (why: string) => ({ code: 1, output: `Error while executing topic command : ${why}\n` })

test('the life of a topic, in the words of kafka-topics', async () => {
  const own = ['--topic', 'own']
  const created = await run('--create', ...own, '--partitions', '2', '--config', 'cleanup.policy=compact')
  expect(created).toEqual({ code: 0, output: 'Created topic own.\n' })
  expect(await run('--create', ...own)).toEqual(failed("Topic 'own' already exists."))
  expect(await run('--create', '--if-not-exists', ...own)).toEqual({ code: 0, output: '' })
  expect(await run('--list')).toEqual({ code: 0, output: 'orders\nown\n' })
  expect(await run('--list', '--topic', 'o.d.*,nothing')).toEqual({ code: 0, output: 'orders\n' })
  expect(await run('--describe', ...own)).toEqual({
    code: 0,
    output: [
      'Topic: own\tTopicId: id\tPartitionCount: 2\tReplicationFactor: 1\tConfigs: cleanup.policy=compact,min.insync.replicas=1',
      '\tTopic: own\tPartition: 0\tLeader: 1\tReplicas: 1\tIsr: 1\tElr: \tLastKnownElr: ',
      '\tTopic: own\tPartition: 1\tLeader: 1\tReplicas: 1\tIsr: 1\tElr: \tLastKnownElr: ',
      '',
    ].join('\n'),
  })
  expect((await run('--describe', '--under-replicated-partitions')).output).toBe('')
  expect((await run('--describe', '--at-min-isr-partitions', ...own)).output.split('\n')).toHaveLength(3)
  expect(await run('--alter', ...own, '--partitions', '3')).toEqual({ code: 0, output: '' })
  expect(await run('--alter', ...own, '--partitions=2')).toEqual(
    failed('The topic own currently has 3 partition(s); 2 would not be an increase.'),
  )
  expect(await run('--delete', ...own)).toEqual({ code: 0, output: '' })
  expect(await run('--delete', ...own)).toEqual(failed("Topic 'own' does not exist as expected"))
  expect(await run('--delete', '--if-exists', ...own)).toEqual({ code: 0, output: '' })
})

test.each([
  [['--create', '--topic', 'x', '--partitions', '0'], 'The partitions must be greater than 0'],
  [['--create', '--topic', 'x', '--config', 'nope=1'], 'Unknown topic config name: nope'],
  [['--describe', '--topic', 'nope'], "Topic 'nope' does not exist as expected"],
  [['--list', '--topic', '('], '( is an invalid regex.'],
])('%j fails', async (args, why) => {
  expect(await run(...args)).toEqual(failed(why))
})

test.each([
  [['--list', '--create'], 'Command must include exactly one action'],
  [['--create'], 'Missing required argument "[topic]"'],
  [['--list', '--partitions', '3'], 'Option "[partitions]" can\'t be used with option "[list]"'],
  [['--list', '--tpoic', 'x'], 'there is no option --tpoic: did you mean --topic?'],
  [['--create', '--topic', 'x', '--partitions', 'many'], '--partitions: many is no number'],
  [['--list', '--command-config', '/nowhere/x'], '--command-config: ENOENT'],
])('%j is refused', async (args, why) => {
  await expect(run(...args)).rejects.toThrow(why)
})

test('api-versions prints one line for each API', async () => {
  let output = ''
  await apiVersions(
    ['--bootstrap-server', cluster.bootstrapServers],
    (text) => {
      output += text
    },
    {},
  )
  expect(output).toMatch(
    /^\S+:\d+ \(id: 1 rack: null isFenced: false\) -> \(\n\tProduce\(0\): 0 to 13 \[usable: 13\],\n/,
  )
  expect(output).toMatch(/\n\)\n$/)
  expect(output.split('\n')).toHaveLength(CLIENT_APIS.length + 3)
  await apiVersions(['--help'], (text) => expect(text).toBe(API_VERSIONS_HELP), {})
})

test('a check asks the broker beside it', () => {
  expect(ownAddress({})).toBe('localhost:9092')
  expect(ownAddress({ KAFKA_LISTENERS: 'CONTROLLER://:9093,IN://0.0.0.0:19092' })).toBe('localhost:19092')
  expect(ownAddress({ KAFKA_CFG_LISTENERS: 'IN://10.0.0.1:5' })).toBe('10.0.0.1:5')
  expect(ownAddress({ KAFKA_ADVERTISED_LISTENERS: 'IN://kafka:9094' })).toBe('localhost:9094')
})

test('ports that are listened on, as Linux shows them', () => {
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 00000000:2384 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12 1 0 100 0 0 10 0',
    '   1: 0100007F:2384 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 13 1 0 20 4 30 10 -1',
  ].join('\n')
  expect(listeningPorts(table)).toEqual([9092])
})

test('servers that are no servers', async () => {
  expect(() => addressesOf('localhost')).toThrow('localhost is no server')
  expect(addressesOf('a:1, PLAINTEXT://[::1]:2')).toEqual([
    { host: 'a', port: 1 },
    { host: '::1', port: 2 },
  ])
  const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(
    0,
    '127.0.0.1',
  )
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  await expect(Client.open({ host: '127.0.0.1', port }, 1_000)).rejects.toThrow('is no Kafka broker')
  server.close()
})
