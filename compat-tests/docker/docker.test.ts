/** The container image in the hands of those who run containers: Docker's own commands, and clients around it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { Client } from '../../src/cli/client.ts'
import { freePort } from '../broker-process.ts'
import { describeWith, kcat } from '../tools.ts'
import { until } from '../until.ts'
import { docker, dockerRun, dockerTry } from './engine.ts'
import { ensureBase, ensureImage } from './image.ts'

const BUILD_MS = 600_000

let image: string
const containers: string[] = []
const cleanUps: (() => Promise<unknown>)[] = []

/** Starts a container that is removed after the test. */
async function start(
  options: readonly string[],
  of = image,
  command: readonly string[] = [],
): Promise<string> {
  const id = await dockerRun('run', '--detach', ...options, of, ...command)
  containers.push(id)
  return id
}

/** Waits until the broker in the container says that it is ready. */
async function ready(id: string): Promise<void> {
  await until(
    'the container says that it is ready',
    async () => (await logsOf(id)).includes('RUNNING'),
    30_000,
  )
}

async function logsOf(id: string): Promise<string> {
  const { output, errors } = await dockerTry('logs', id)
  return output + errors
}

async function state(id: string, field: string): Promise<string> {
  return await dockerRun('inspect', '--format', `{{${field}}}`, id)
}

/** A broker of the image that is published on a port of its own. */
async function published(
  ...options: readonly string[]
): Promise<{ readonly id: string; readonly port: number }> {
  const port = await freePort()
  const told = `KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://localhost:${port}`
  const listening = 'KAFKA_LISTENERS=PLAINTEXT://:9092'
  const id = await start([
    '--publish',
    `127.0.0.1:${port}:9092`,
    '--env',
    told,
    '--env',
    listening,
    ...options,
  ])
  await ready(id)
  return { id, port }
}

async function roundTrip(port: number): Promise<void> {
  const kafka = new Kafka({ brokers: [`localhost:${port}`], logLevel: logLevel.NOTHING })
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic: 'orders', messages: [{ value: 'first' }] })
  await producer.disconnect()
  const consumer = kafka.consumer({ groupId: 'billing' })
  await consumer.connect()
  await consumer.subscribe({ topic: 'orders', fromBeginning: true })
  const value = await new Promise((resolve) => {
    void consumer.run({ eachMessage: async ({ message }) => resolve(`${message.value}`) })
  })
  await consumer.disconnect()
  expect(value).toBe('first')
}

async function inside(id: string, ...command: readonly string[]): Promise<string> {
  return await dockerRun('exec', id, ...command)
}

const SERVER = ['--bootstrap-server', 'localhost:9092']

describeWith(docker, 'The container image', () => {
  beforeAll(async () => {
    image = await ensureImage()
  }, BUILD_MS)

  afterEach(async () => {
    if (containers.length > 0) await dockerTry('rm', '--force', '--volumes', ...containers.splice(0))
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
  })

  const folder = mkdtempSync(join(tmpdir(), 'ottla-docker-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  test('kafkajs produces and consumes through a published port; a SIGTERM to process 1 stops it', async () => {
    const { id, port } = await published('--env', 'KAFKA_CREATE_TOPICS=orders:3:1,customers:1:1:compact')
    await roundTrip(port)
    expect(await inside(id, 'kafka-topics', ...SERVER, '--describe', '--topic', 'customers')).toContain(
      'cleanup.policy=compact',
    )
    expect(await inside(id, '/opt/kafka/bin/kafka-topics.sh', ...SERVER, '--list')).toContain('orders')
    expect(await inside(id, '/opt/bitnami/kafka/bin/kafka-broker-api-versions.sh', ...SERVER)).toContain(
      'Produce(0): 0 to 13 [usable: 13]',
    )
    expect(await inside(id, 'id', '-u')).toBe('1000')
    const began = performance.now()
    await dockerRun('stop', '--time', '20', id)
    expect(performance.now() - began).toBeLessThan(10_000)
    expect(await state(id, '.State.ExitCode')).toBe('0')
  }, 60_000)

  test('with nothing set clients are told the published port, as with the official image', async () => {
    const id = await start([])
    await ready(id)
    expect(await inside(id, 'kafka-broker-api-versions', ...SERVER)).toContain('localhost:9092 (id: 1 ')
    expect(await logsOf(id)).toContain('clients are told to connect to localhost:9092')
  }, 60_000)

  test.each([
    ['in the environment', ['--env', 'KAFKA_LISTENERS=PLAINTEXT://:19092'], []],
    ['on the command line', [], ['--port', '19093']],
  ])(
    'it becomes healthy, its port given %s',
    async (_where, options, command) => {
      const id = await start(['--health-interval', '500ms', ...options], image, command)
      await until('healthy', async () => (await state(id, '.State.Health.Status')) === 'healthy', 30_000)
    },
    60_000,
  )

  test('a container beside it and clients outside are each told what they can reach', async () => {
    const network = await dockerRun('network', 'create', `ottla-test-${process.pid}-${Date.now()}`)
    cleanUps.push(() => dockerTry('network', 'rm', network))
    const port = await freePort()
    const listeners = 'INSIDE://:9092,OUTSIDE://:9094,CONTROLLER://:9093'
    const variables = {
      KAFKA_LISTENERS: listeners,
      KAFKA_ADVERTISED_LISTENERS: `INSIDE://kafka:9092,OUTSIDE://localhost:${port}`,
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT',
      KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      KAFKA_INTER_BROKER_LISTENER_NAME: 'INSIDE',
      KAFKA_PROCESS_ROLES: 'broker,controller',
      KAFKA_CONTROLLER_QUORUM_VOTERS: '1@kafka:9093',
      KAFKA_NODE_ID: '1',
      KAFKA_HEAP_OPTS: '-Xmx256m',
      CLUSTER_ID: '4L6g3nShT-eMCtK--X86sw',
    }
    const environment = Object.entries(variables).flatMap(([name, value]) => ['--env', `${name}=${value}`])
    const where = ['--network', network, '--network-alias', 'kafka', '--publish', `127.0.0.1:${port}:9094`]
    await ready(await start([...where, ...environment]))
    await roundTrip(port)
    expect(await kcatIn(network, '-b', 'kafka:9092', '-L')).toContain('broker 1 at kafka:9092')
    expect(
      await kcatIn(network, '-b', 'kafka:9092', '-C', '-t', 'orders', '-o', 'beginning', '-e'),
    ).toContain('first')
  }, 60_000)

  test('a volume keeps everything, a container its data over a restart', async () => {
    const volume = await dockerRun('volume', 'create')
    cleanUps.push(() => dockerTry('volume', 'rm', volume))
    const first = await published('--volume', `${volume}:/var/lib/kafka/data`)
    await roundTrip(first.port)
    await dockerRun('stop', first.id)
    await dockerRun('rm', first.id)
    const second = await published('--volume', `${volume}:/var/lib/kafka/data`)
    await roundTripReads(second.port)
    await dockerRun('restart', second.id)
    await until(
      'back',
      async () => (await dockerTry('exec', second.id, 'ottla', 'api-versions', '--check')).code === 0,
    )
    await roundTripReads(second.port)
  }, 90_000)

  test.each([
    ['in a volume', []],
    ['in memory', ['--env', 'KAFKA_LOG_DIRS=']],
  ])(
    'a read-only root file system, data %s',
    async (_where, options) => {
      const { port } = await published('--read-only', ...options)
      await roundTrip(port)
    },
    60_000,
  )

  test('with 128 MiB of memory it forgets the oldest records and lives', async () => {
    const limits = ['--memory', '128m', '--memory-swap', '128m']
    const { id, port } = await published(...limits, '--env', 'KAFKA_LOG_DIRS=')
    const kafka = new Kafka({ brokers: [`localhost:${port}`], logLevel: logLevel.NOTHING })
    const [producer, admin] = [kafka.producer(), kafka.admin()]
    await Promise.all([producer.connect(), admin.connect()])
    await admin.createTopics({ topics: [{ topic: 'much', numPartitions: 3 }] })
    const message = { value: Buffer.alloc(100_000, 'x') }
    for (let sent = 0; sent < 250; sent++) {
      const topicMessages = [{ topic: 'much', messages: Array.from({ length: 9 }, () => message) }]
      await producer.sendBatch({ topicMessages })
    }
    const offsets = await admin.fetchTopicOffsets('much')
    await Promise.all([producer.disconnect(), admin.disconnect()])
    const sum = (which: 'low' | 'high'): number =>
      offsets.reduce((total, each) => total + Number(each[which]), 0)
    expect(sum('high')).toBe(2250)
    expect(sum('high') - sum('low')).toBeGreaterThan(100)
    expect(sum('high') - sum('low')).toBeLessThan(200)
    expect((await logsOf(id)).match(/ottla.memory.max.bytes/g)).toHaveLength(1)
    expect(await state(id, 'json .State')).toContain('"Running":true')
  }, 90_000)

  test('the mounted server.properties is read, and the environment is stronger', async () => {
    const file = join(folder, 'server.properties')
    writeFileSync(file, 'num.partitions=5\nlog.retention.hours=7\n', { mode: 0o644 })
    const mount = ['--volume', `${file}:/mnt/shared/config/server.properties:ro`]
    const id = await start([...mount, '--env', 'KAFKA_NUM_PARTITIONS=2'])
    await ready(id)
    await inside(id, 'kafka-topics', ...SERVER, '--create', '--topic', 'x')
    const described = await inside(id, 'kafka-topics', ...SERVER, '--describe', '--topic', 'x')
    expect(described).toContain('PartitionCount: 2')
  }, 60_000)

  test('a mounted file that cannot be read is said plainly', async () => {
    const file = join(folder, 'secret.properties')
    writeFileSync(file, 'num.partitions=5\n', { mode: 0o600 })
    const id = await start(['--volume', `${file}:/mnt/shared/config/server.properties:ro`])
    expect(await dockerRun('wait', id)).toBe('2')
    expect(await logsOf(id)).toContain(
      'cannot read the configs in /mnt/shared/config/server.properties: it may not be read',
    )
  }, 60_000)

  test('kafka-storage formats a directory, and the broker has the cluster that it was formatted for', async () => {
    const script = [
      'id=$(kafka-storage random-uuid)',
      'printf "log.dirs=/tmp/formatted\\nnode.id=7\\n" >/tmp/server.properties',
      'kafka-storage.sh format -t "$id" -c /tmp/server.properties --ignore-formatted',
      'kafka-storage.sh format -t "$id" -c /tmp/server.properties --ignore-formatted',
      'kafka-server-start /tmp/server.properties --override num.partitions=3',
    ]
    const id = await start([], image, ['sh', '-ec', script.join('\n')])
    await ready(id)
    expect(await inside(id, 'kafka-broker-api-versions', ...SERVER)).toContain('(id: 7 ')
    expect(await logsOf(id)).toMatch(
      /Formatting \/tmp\/formatted for cluster \S{22}\n\/tmp\/formatted is formatted already/,
    )
  }, 60_000)

  test('how much it adds to its base, and how soon it answers', async () => {
    const base = await ensureBase()
    const sizes = await Promise.all(
      [image, base].map((name) => dockerRun('image', 'inspect', '--format', '{{.Size}}', name)),
    )
    const addedBytes = Number(sizes[0]) - Number(sizes[1])
    expect(addedBytes).toBeLessThan(20_000_000)
    const nodeMs = await fastest(() => measured(() => dockerRun('run', '--rm', base, 'node', '-e', '0')))
    const answerMs = await fastest(async () => {
      const port = await freePort()
      const ms = await measured(async () => {
        await start(['--publish', `127.0.0.1:${port}:9092`])
        await answered(port)
      })
      await dockerTry('rm', '--force', '--volumes', ...containers.splice(0))
      return ms
    })
    console.log(
      `the image adds ${(addedBytes / 1e6).toFixed(2)} MB to its base; from docker run to the first answer ` +
        `${answerMs} ms, docker run --rm … node -e 0 takes ${nodeMs} ms`,
    )
  }, 90_000)
})

async function roundTripReads(port: number): Promise<void> {
  const admin = new Kafka({ brokers: [`localhost:${port}`], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  const [{ high } = { high: '' }] = await admin.fetchTopicOffsets('orders')
  const [group] = await admin.fetchOffsets({ groupId: 'billing' })
  await admin.disconnect()
  expect([high, group?.topic]).toEqual(['1', 'orders'])
}

/** The least of three: what the machine does beside only adds. */
async function fastest(measure: () => Promise<number>): Promise<number> {
  return Math.round(Math.min(await measure(), await measure(), await measure()))
}

async function measured(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

/** Resolves when the broker at the port has answered ApiVersions, asked anew every few milliseconds. */
async function answered(port: number): Promise<void> {
  const client = await until('an answer', () =>
    Client.open({ host: '127.0.0.1', port }, 1_000).catch(() => undefined),
  )
  client.close()
}

/** The machine's own kcat in a container of the network: its file system is the machine's. */
async function kcatIn(network: string, ...args: readonly string[]): Promise<string> {
  const program = kcat.command[0]
  const mounts = ['/usr', '/lib', '/lib64', '/etc/ssl'].flatMap((path) => ['--volume', `${path}:${path}:ro`])
  return await dockerRun('run', '--rm', '--network', network, ...mounts, await ensureBase(), program, ...args)
}
