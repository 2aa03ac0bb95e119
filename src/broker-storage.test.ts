import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { type Broker, startBroker } from './cluster.ts'
import type { BrokerOptions } from './cluster-options.ts'
import { encodeCheckpoint } from './metadata/checkpoint.ts'
import type { MetadataRecord } from './metadata/metadata.ts'
import { RawClient } from './server/raw-client.suite.ts'
import { describeConfigsApi } from './wire/messages/describe-configs.ts'
import { describeLogDirsApi } from './wire/messages/describe-log-dirs.ts'

const CLUSTER_ID = 'b3R0bGEtZGlmZmVyZW50aQ'
const OTHER_ID = '4L6g3nShT-eMCtK--X86sw'

const folder = mkdtempSync(join(tmpdir(), 'ottla-storage-'))
const running = new Set<Broker>()
let folders = 0

afterEach(async () => {
  for (const broker of running) await broker.stop()
  running.clear()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const newDir = (): string => join(folder, String(++folders))

interface Started {
  readonly broker: Broker
  readonly lines: readonly string[]
}

async function start(options: BrokerOptions): Promise<Started> {
  const lines: string[] = []
  const logger = pino({ level: 'warn' }, { write: (line) => lines.push(JSON.parse(line).msg) })
  const broker = await startBroker({ logger, ...options })
  running.add(broker)
  return { broker, lines }
}

async function stop({ broker }: Started): Promise<void> {
  running.delete(broker)
  await broker.stop()
}

async function ask(broker: Broker): Promise<RawClient> {
  return RawClient.connect(Number(broker.bootstrapServers.split(':').at(-1)))
}

const topicsOf = ({ broker }: Started) =>
  Array.from(broker.services.metadata.topics(), ({ name }) => name).sort()
const clusterIdOf = ({ broker }: Started) => broker.services.metadata.clusterId

describe('where the data are', () => {
  it('is memory, unless somebody says otherwise', async () => {
    const before = await start({ topics: ['a'] })
    const client = await ask(before.broker)
    const { results } = await client.request(describeLogDirsApi, 4, { topics: null })
    expect(results[0]?.logDir).toBe('memory')
  })

  it.each<[string, (dataDir: string) => BrokerOptions]>([
    ['the option dataDir', (dataDir) => ({ dataDir })],
    ['the config log.dirs', (dataDir) => ({ config: { 'log.dirs': ` ${dataDir} ` } })],
    ['the config log.dir', (dataDir) => ({ config: { 'log.dir': dataDir } })],
    [
      'log.dirs, which wins over log.dir',
      (dataDir) => ({ config: { 'log.dirs': dataDir, 'log.dir': '/nowhere' } }),
    ],
    [
      'log.dirs, and the same for the metadata',
      (dataDir) => ({ config: { 'log.dirs': dataDir, 'metadata.log.dir': dataDir } }),
    ],
  ])('is what %s says', async (_, optionsFor) => {
    const dataDir = newDir()
    const options = optionsFor(dataDir)
    const before = await start({ ...options, topics: ['a'] })
    expect(existsSync(join(dataDir, 'a-0/00000000000000000000.log'))).toBe(true)
    expect(existsSync(join(dataDir, '__cluster_metadata-0/quorum-state'))).toBe(true)
    const client = await ask(before.broker)
    const { results } = await client.request(describeLogDirsApi, 4, { topics: null })
    expect(results).toMatchObject([{ errorCode: 0, logDir: dataDir, topics: [{ name: 'a' }] }])
    expect(results[0]?.totalBytes).toBeGreaterThan(0n)
    const configs = await client.request(describeConfigsApi, 4, {
      resources: [{ resourceType: 4, resourceName: '1', configurationKeys: ['log.dirs', 'log.dir'] }],
      includeSynonyms: false,
      includeDocumentation: false,
    })
    expect(configs.results[0]?.configs.map(({ value }) => value?.trim())).toContain(dataDir)
    await stop(before)
    const after = await start({ ...options, topics: ['a', 'b'] })
    expect([topicsOf(after), clusterIdOf(after), after.lines]).toEqual([['a', 'b'], clusterIdOf(before), []])
  })

  it.each<[string, BrokerOptions, string]>([
    [
      'both ways',
      { dataDir: 'a', config: { 'log.dirs': 'b' } },
      'both the data directory a and the config log.dirs',
    ],
    [
      'in several directories',
      { config: { 'log.dirs': '/tmp/a,/tmp/b' } },
      'log.dirs names 2 directories (/tmp/a, /tmp/b): everything is kept in one here',
    ],
    [
      'in another place for the metadata',
      { config: { 'log.dirs': '/tmp/a', 'metadata.log.dir': '/tmp/m' } },
      'metadata.log.dir is /tmp/m',
    ],
    [
      'for the metadata alone',
      { config: { 'metadata.log.dir': '/tmp/m' } },
      'the other logs are kept in memory',
    ],
    ['of no cluster', { clusterId: 'my cluster' }, 'my cluster is no cluster id'],
  ])('cannot be said %s', async (_, options, message) => {
    await expect(start(options)).rejects.toMatchObject({
      name: 'ConfigError',
      message: expect.stringContaining(message),
    })
  })
})

describe('whose the data are', () => {
  it('is the cluster that made them, and the node', async () => {
    const dataDir = newDir()
    const before = await start({ dataDir, clusterId: CLUSTER_ID, config: { 'node.id': '7' } })
    expect(clusterIdOf(before)).toBe(CLUSTER_ID)
    await stop(before)
    // Who says nothing is whoever made them.
    const after = await start({ dataDir })
    expect([clusterIdOf(after), after.broker.services.brokerId]).toEqual([CLUSTER_ID, 7])
    await stop(after)
    await expect(start({ dataDir, clusterId: OTHER_ID })).rejects.toMatchObject({
      name: 'DataDirError',
      message: `${dataDir} belongs to cluster ${CLUSTER_ID}, not to ${OTHER_ID}`,
    })
    await expect(start({ dataDir, config: { 'node.id': '1' } })).rejects.toMatchObject({
      name: 'DataDirError',
      message: `${dataDir} belongs to node 7, not to 1`,
    })
    // Those who were refused have not kept it.
    await start({ dataDir, clusterId: CLUSTER_ID, config: { 'broker.id': '7' } })
  })

  it('is one broker at a time', async () => {
    const dataDir = newDir()
    await start({ dataDir })
    await expect(start({ dataDir })).rejects.toMatchObject({
      name: 'DataDirError',
      message: expect.stringContaining(`${dataDir} is in use`),
    })
  })

  it('is given back when a start fails', async () => {
    const dataDir = newDir()
    await expect(start({ dataDir, topics: ['a b'] })).rejects.toMatchObject({ name: 'ConfigError' })
    await start({ dataDir })
  })

  it('is given back when the broker cannot even be built', async () => {
    const dataDir = newDir()
    const broken = {
      dataDir,
      get onRequest(): never {
        throw new Error('broken')
      },
    }
    await expect(startBroker(broken)).rejects.toThrow('broken')
    await start({ dataDir })
  })
})

describe('a directory that cannot be used', () => {
  async function refusal(dataDir: string): Promise<string> {
    return start({ dataDir }).then(
      () => 'it is used',
      (error: Error) => `${error.name}: ${error.message.replaceAll(dataDir, 'DIR')}`,
    )
  }

  it('is a file', async () => {
    const dataDir = newDir()
    writeFileSync(dataDir, '')
    expect(await refusal(dataDir)).toBe('DataDirError: DIR is not a directory')
  })

  it('holds something else', async () => {
    const dataDir = newDir()
    mkdirSync(dataDir)
    writeFileSync(join(dataDir, 'letters.txt'), 'dear')
    expect(await refusal(dataDir)).toContain('DIR holds something else')
    expect(readdirSync(dataDir)).toEqual(['letters.txt'])
  })

  it('has half a meta.properties', async () => {
    const dataDir = newDir()
    await stop(await start({ dataDir }))
    const path = join(dataDir, 'meta.properties')
    writeFileSync(path, readFileSync(path).subarray(0, 20))
    expect(await refusal(dataDir)).toMatch(/^DataDirError: DIR\/meta\.properties is unusable/)
  })

  it('holds logs, and no metadata', async () => {
    const dataDir = newDir()
    await stop(await start({ dataDir, topics: ['a'] }))
    renameSync(join(dataDir, '__cluster_metadata-0'), join(dataDir, '..', `metadata-${folders}`))
    expect(await refusal(dataDir)).toBe(
      'DataDirError: DIR holds 1 logs and no __cluster_metadata-0: without it nobody knows their topics',
    )
    expect(existsSync(join(dataDir, 'a-0'))).toBe(true)
  })

  it('has metadata of a version that is not known', async () => {
    const dataDir = newDir()
    await formatted(dataDir, [
      { name: 'FeatureLevelRecord', value: { name: 'metadata.version', featureLevel: 31 } },
    ])
    expect(await refusal(dataDir)).toBe(
      'DataDirError: the metadata are of metadata.version 31, and only 7 to 30 are known here',
    )
  })

  it('has a torn bootstrap.checkpoint', async () => {
    const dataDir = newDir()
    await formatted(dataDir, [])
    const path = join(dataDir, 'bootstrap.checkpoint')
    writeFileSync(path, readFileSync(path).subarray(0, -1))
    expect(await refusal(dataDir)).toBe(
      'DataDirError: DIR/bootstrap.checkpoint is not whole: format the directory anew',
    )
  })
})

it('a formatted directory begins with what it was formatted with', async () => {
  const dataDir = newDir()
  const secret = { salt: Buffer.from('s'), storedKey: Buffer.from('k'), serverKey: Buffer.from('x') }
  await formatted(dataDir, [
    { name: 'FeatureLevelRecord', value: { name: 'metadata.version', featureLevel: 30 } },
    { name: 'FeatureLevelRecord', value: { name: 'transaction.version', featureLevel: 1 } },
    { name: 'UserScramCredentialRecord', value: { name: 'u', mechanism: 1, iterations: 4096, ...secret } },
  ])
  for (const _ of ['first', 'second']) {
    const started = await start({ dataDir })
    const { metadata, brokerId } = started.broker.services
    expect(Object.fromEntries(metadata.finalizedFeatures())).toEqual({
      'metadata.version': 30,
      'transaction.version': 1,
    })
    expect([...metadata.scramCredentials.users()]).toEqual(['u'])
    expect(metadata.broker(brokerId)?.logDirs).toEqual(['WncgS75CyWpgxYJESr2dAA'])
    await stop(started)
  }
})

it('logs of no topic are put aside, and nothing of them is lost', async () => {
  const dataDir = newDir()
  const [before, other] = [await start({ dataDir, topics: ['a'] }), newDir()]
  await stop(before)
  await stop(await start({ dataDir: other, topics: ['lost', 'a'] }))
  renameSync(join(other, 'lost-0'), join(dataDir, 'lost-0'))
  const after = await start({ dataDir })
  expect(topicsOf(after)).toEqual(['a'])
  expect(after.lines).toHaveLength(1)
  expect(after.lines[0]).toMatch(/^the log lost-0 \(topic id .*\) is of no partition that the metadata know/)
  const stray = readdirSync(dataDir).find((name) => name.startsWith('lost-0'))
  expect(stray).toMatch(/^lost-0\.[0-9a-f]{32}-stray$/)
  await stop(after)
  const again = await start({ dataDir })
  expect(again.lines).toEqual([])
  expect(readdirSync(dataDir)).toContain(stray)
})

it("a log that has lost its partition.metadata is still its topic's", async () => {
  const dataDir = newDir()
  await stop(await start({ dataDir, topics: ['a'] }))
  for (const name of ['a-0/partition.metadata', '.kafka_cleanshutdown']) rmSync(join(dataDir, name))
  const after = await start({ dataDir })
  expect([topicsOf(after), after.lines]).toEqual([['a'], []])
  await stop(after)
  expect(existsSync(join(dataDir, 'a-0/partition.metadata'))).toBe(true)
  expect(readdirSync(dataDir).filter((name) => name.endsWith('-stray'))).toEqual([])
})

it('after a crash every partition begins a new leader epoch, and after a clean shutdown none does', async () => {
  const dataDir = newDir()
  const epochs = async (): Promise<readonly number[]> => {
    const started = await start({ dataDir, topics: ['a'] })
    const topic = started.broker.services.metadata.topic('a')
    const partition = topic === undefined ? undefined : started.broker.services.replicas.get(topic, 0)
    await stop(started)
    return [topic?.partitions[0]?.leaderEpoch ?? -1, partition?.leaderEpoch ?? -1]
  }
  expect(await epochs()).toEqual([0, 0])
  expect(await epochs()).toEqual([0, 0])
  rmSync(join(dataDir, '.kafka_cleanshutdown'))
  expect(await epochs()).toEqual([1, 1])
  expect(await epochs()).toEqual([1, 1])
})

/** As `kafka-storage format` leaves it. */
async function formatted(dataDir: string, records: readonly MetadataRecord[]): Promise<void> {
  mkdirSync(dataDir)
  const properties = [
    'version=1',
    `cluster.id=${CLUSTER_ID}`,
    'node.id=1',
    'directory.id=WncgS75CyWpgxYJESr2dAA',
  ]
  writeFileSync(join(dataDir, 'meta.properties'), `#\n${properties.join('\n')}\n`)
  writeFileSync(join(dataDir, 'bootstrap.checkpoint'), encodeCheckpoint(records, 0, 1n))
}
