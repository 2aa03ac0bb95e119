import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { ManualClock } from './clock.ts'
import { type Broker, startBroker, startCluster } from './cluster.ts'
import { ConfigError } from './config/config-error.ts'
import { fetchRequest } from './handlers/harness.suite.ts'
import type { ConfigChange } from './metadata/config-control.ts'
import { ListenError } from './server/bind.ts'
import { RawClient } from './server/raw-client.suite.ts'
import { fetchApi } from './wire/messages/fetch.ts'
import { type MetadataRequest, metadataApi } from './wire/messages/metadata.ts'

const ALL_TOPICS: MetadataRequest = {
  topics: null,
  allowAutoTopicCreation: false,
  includeClusterAuthorizedOperations: false,
  includeTopicAuthorizedOperations: false,
}

function portOf(bootstrapServers: string): number {
  return Number(bootstrapServers.split(':').at(-1))
}

/** A port that somebody else listens on, for as long as `use` takes. */
async function withTakenPort<T>(use: (port: number) => Promise<T>): Promise<T> {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const address = other.address()
  try {
    return await use(typeof address === 'object' && address !== null ? address.port : 0)
  } finally {
    other.close()
  }
}

/** Whether anybody listens on the port. */
function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.unref()
  })
}

describe('starting', () => {
  it('makes the topics before anybody can connect', async () => {
    await using cluster = await startCluster({
      topics: ['orders', { name: 'state', partitions: 3, config: { 'cleanup.policy': 'compact' } }],
    })
    expect(cluster.clusterId).toMatch(/^[\w][\w-]{21}$/)
    const client = await RawClient.connect(portOf(cluster.bootstrapServers))
    const { topics } = await client.request(metadataApi, 12, ALL_TOPICS)
    expect(topics.map(({ name, partitions }) => [name, partitions.length])).toEqual([
      ['orders', 1],
      ['state', 3],
    ])
    client.socket.destroy()
  })

  it('opens each listener, and tells where', async () => {
    await using cluster = await startCluster({
      config: {
        listeners: 'IN://127.0.0.1:0,OUT://localhost:0',
        'listener.security.protocol.map': 'IN:PLAINTEXT,OUT:PLAINTEXT',
        'advertised.listeners': 'OUT://broker.example.com:19092',
      },
    })
    expect([...cluster.listeners.keys()]).toEqual(['IN', 'OUT'])
    expect(cluster.bootstrapServers).toBe(cluster.listeners.get('IN'))
    const told = async (name: string) => {
      const client = await RawClient.connect(portOf(cluster.listeners.get(name) ?? ''))
      const { brokers } = await client.request(metadataApi, 12, ALL_TOPICS)
      client.socket.destroy()
      return brokers.map(({ host, port }) => `${host}:${port}`)
    }
    expect(await told('IN')).toEqual([cluster.bootstrapServers])
    expect(await told('OUT')).toEqual(['broker.example.com:19092'])
  })

  it.each([
    ['a name that no topic may have', ['a b']],
    ['a name twice', ['a', 'a']],
    ['no partitions', [{ name: 'a', partitions: 0 }]],
    ['far too many partitions', [{ name: 'a', partitions: 20_000 }]],
    ['an unknown config', [{ name: 'a', config: { 'no.such': '1' } }]],
  ])('fails for a topic with %s', async (_what, topics) => {
    const failed = startCluster({ topics })
    await expect(failed).rejects.toThrow(ConfigError)
    await expect(failed).rejects.toThrow('cannot be created')
  })

  it.each([
    ['a port that is none', { port: 70_000 }],
    ['a host that is none', { host: 'a b' }],
    ['both a port and listeners', { port: 9092, config: { listeners: 'PLAINTEXT://:9092' } }],
    ['a listener without a protocol', { config: { listeners: 'MINE://:0' } }],
    ['a config of the wrong type', { config: { 'num.partitions': 'many' } }],
  ])('fails for %s', async (_what, options) => {
    await expect(startCluster(options)).rejects.toThrow(ConfigError)
  })

  it('fails where a port is taken, and leaves nothing open', async () => {
    await withTakenPort(async (taken) => {
      await expect(startCluster({ port: taken })).rejects.toThrow(ListenError)
      const free = await withTakenPort(async (port) => port)
      const config = {
        listeners: `IN://127.0.0.1:${free},OUT://127.0.0.1:${taken}`,
        'listener.security.protocol.map': 'IN:PLAINTEXT,OUT:PLAINTEXT',
      }
      await expect(startCluster({ config })).rejects.toThrow(`cannot listen on 127.0.0.1:${taken}`)
      expect(await isOpen(free)).toBe(false)
    })
  })
})

describe('stopping', () => {
  it('closes the port, and waits for the same stop when it is called again', async () => {
    const cluster = await startCluster()
    const port = portOf(cluster.bootstrapServers)
    const stopped = cluster.stop()
    expect(cluster.stop()).toBe(stopped)
    await stopped
    expect(await isOpen(port)).toBe(false)
    await cluster.stop()
  })

  it('answers long polls at once, and leaves no timer', async () => {
    const clock = new ManualClock()
    const cluster = await startBroker({ topics: ['a'], clock })
    const own = clock.pending
    const clients = await Promise.all(
      [1, 2, 3].map(() => RawClient.connect(portOf(cluster.bootstrapServers))),
    )
    const polls = clients.map((client) =>
      client.request(fetchApi, 12, fetchRequest([{ topic: 'a' }], { maxWaitMs: 2 ** 31 - 1 })),
    )
    // All three wait: each is one timer, beside that of idle connections.
    while (clock.pending < own + 4) await new Promise((resolve) => setImmediate(resolve))
    await cluster.stop()
    for (const poll of polls) expect(await poll).toMatchObject({ errorCode: 0 })
    expect(clock.pending).toBe(0)
    for (const client of clients) await client.closed()
  })
})

it('a stop that was forgotten does not keep the process alive', async () => {
  const program = `
    import { connect } from 'node:net'
    import { startCluster } from ${JSON.stringify(new URL('index.ts', import.meta.url).href)}
    const cluster = await startCluster({ topics: ['a'] })
    const socket = connect(Number(cluster.bootstrapServers.split(':').at(-1)))
    await new Promise((resolve) => socket.once('connect', resolve))
    socket.unref()
    console.log('started')
  `
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  const [code] = await once(child, 'close')
  expect(output).toBe('started\n')
  expect(code).toBe(0)
})

describe('listeners that change while the broker runs', () => {
  const map = 'PLAINTEXT:PLAINTEXT,OTHER:PLAINTEXT'
  const listeners = (value: string) => [
    { name: 'listeners', operation: 0, value },
    { name: 'listener.security.protocol.map', operation: 0, value: map },
  ]

  async function change(broker: Broker, changes: readonly ConfigChange[]): Promise<string> {
    const change = { resourceType: 4, resourceName: '1', changes, replacesAll: false }
    const [outcome] = await broker.services.controller.alterConfigs([change], false)
    return outcome !== undefined && 'error' in outcome ? outcome.error.message : 'done'
  }

  it('open when they are new, and stay when clients have been told of them', async () => {
    const broker = await startBroker({ config: { listeners: 'PLAINTEXT://127.0.0.1:0' } })
    const both = 'PLAINTEXT://127.0.0.1:0,OTHER://127.0.0.1:0'
    expect(await change(broker, listeners(both))).toBe('done')
    while ((broker.addresses.get('OTHER') ?? ':0').endsWith(':0'))
      await new Promise((resolve) => setImmediate(resolve))
    const client = await RawClient.connect(portOf(broker.addresses.get('OTHER') ?? ''))
    expect(await client.request(metadataApi, 4, ALL_TOPICS)).toMatchObject({ brokers: [{ nodeId: 1 }] })
    expect(await change(broker, listeners('PLAINTEXT://127.0.0.1:0'))).toContain('OTHER cannot go')
    await broker.stop()
    await client.closed()
  })

  it('close when nobody has been told of them', async () => {
    const broker = await startBroker({
      config: { listeners: 'PLAINTEXT://127.0.0.1:0', 'advertised.listeners': 'PLAINTEXT://127.0.0.1:0' },
    })
    await change(broker, listeners('PLAINTEXT://127.0.0.1:0,OTHER://127.0.0.1:0'))
    while ((broker.addresses.get('OTHER') ?? ':0').endsWith(':0'))
      await new Promise((resolve) => setImmediate(resolve))
    const port = portOf(broker.addresses.get('OTHER') ?? '')
    expect(await change(broker, listeners('PLAINTEXT://127.0.0.1:0'))).toBe('done')
    expect(broker.addresses.has('OTHER')).toBe(false)
    while (await isOpen(port)) await new Promise((resolve) => setImmediate(resolve))
    expect(await change(broker, listeners('OTHER://127.0.0.1:0'))).toContain(
      'advertised.listeners names PLAINTEXT, which listeners does not have',
    )
    await broker.stop()
  })

  it('are an error in the log when their port cannot be had, and no more', async () => {
    await withTakenPort(async (taken) => {
      const lines: string[] = []
      const logger = pino({ level: 'error' }, { write: (line) => lines.push(JSON.parse(line).msg) })
      const broker = await startBroker({ config: { listeners: 'PLAINTEXT://127.0.0.1:0' }, logger })
      const both = `PLAINTEXT://127.0.0.1:0,OTHER://127.0.0.1:${taken}`
      expect(await change(broker, listeners(both))).toBe('done')
      while (lines.length === 0) await new Promise((resolve) => setImmediate(resolve))
      expect(lines).toEqual(['the listeners could not be changed as the config listeners says'])
      expect(broker.addresses.size).toBe(1)
      await broker.stop()
    })
  })
})

it('groups are spread over the partitions that __consumer_offsets has had from the start', async () => {
  const broker = await startBroker({ topics: [{ name: '__consumer_offsets', partitions: 3 }] })
  const { groups, controller } = broker.services
  const partitions = () => new Set(['a', 'b', 'c', 'd', 'e', 'f'].map((group) => groups.partitionFor(group)))
  expect(partitions()).toEqual(new Set([0, 1, 2]))
  await controller.createPartitions([{ name: '__consumer_offsets', count: 9, assignments: null }], false)
  expect(partitions()).toEqual(new Set([0, 1, 2]))
  await broker.stop()
})
