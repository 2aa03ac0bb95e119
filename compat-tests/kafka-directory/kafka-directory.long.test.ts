/**
 * A data directory goes from Apache Kafka to ottla and back: each finds what the other has left, after a clean
 * shutdown and after a crash.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { type Cluster, type ClusterOptions, startCluster } from '../../src/index.ts'
import type { Target } from '../differential/case.ts'
import { formatStorage, startKafka } from '../differential/kafka.ts'
import { describeWith, javaLibs, javaServer } from '../tools.ts'
import {
  describeCluster,
  describeState,
  endOpenTransaction,
  finalizedFeatures,
  populate,
  produceOne,
} from './cluster-state.ts'

const LIMIT_MS = 180_000

const folder = mkdtempSync(join(tmpdir(), 'ottla-directory-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

// Kafka makes the files of its indexes as large as they may get.
const config = { 'log.index.size.max.bytes': '4096', 'log.retention.ms': '-1' }

async function ottla(dataDir: string, more: ClusterOptions = {}): Promise<Target & Pick<Cluster, 'stop'>> {
  const cluster = await startCluster({ dataDir, config: { 'log.retention.ms': '-1' }, ...more })
  const port = Number(cluster.bootstrapServers.split(':').at(-1))
  return { host: '127.0.0.1', port, stop: () => cluster.stop() }
}

async function describeOnce(dataDir: string): Promise<unknown> {
  const cluster = await ottla(dataDir)
  const state = await describeState(cluster)
  await cluster.stop()
  return state
}

/** What Kafka's own tool reads in a file of the metadata log. */
function dump(file: string): string {
  const [java, ...options] = javaServer.command
  const tool = 'org.apache.kafka.tools.DumpLogSegments'
  const classpath = ['-cp', join(javaLibs, '*')]
  const run = spawnSync(
    java,
    [...options, ...classpath, tool, '--cluster-metadata-decoder', '--files', file],
    { encoding: 'utf8', maxBuffer: 1 << 28 },
  )
  return run.stdout + run.stderr
}

describeWith(javaServer, 'a data directory', () => {
  it.each(['stop', 'kill'] as const)(
    'that Kafka has left by a %s is taken over',
    async (end) => {
      const dataDir = join(folder, end)
      const kafka = await startKafka(javaLibs, { dataDir, config })
      let left: unknown
      try {
        await populate(kafka)
        left = await describeState(kafka)
      } finally {
        await kafka[end]()
      }

      for (const _ of ['its first start here', 'and the next one']) {
        const taken = await ottla(dataDir)
        expect(await describeState(taken)).toEqual(left)
        expect(await finalizedFeatures(taken)).toMatchObject({
          'metadata.version': 30,
          'transaction.version': 2,
        })
        await taken.stop()
      }
      const last = await ottla(dataDir)
      expect(await endOpenTransaction(last)).toEqual(['a', 'b'])
      await produceOne(last, 'orders', 'from ottla')
      const changed = await describeState(last)
      await last.stop()

      const back = await startKafka(javaLibs, { dataDir, config })
      try {
        expect(await describeState(back)).toEqual(changed)
        // What is not known here was kept all the same.
        expect(await finalizedFeatures(back)).toMatchObject({ 'group.version': 1, 'share.version': 1 })
      } finally {
        await back.stop()
      }
    },
    LIMIT_MS,
  )

  it.each([
    ['for a static quorum', { 'controller.quorum.voters': '1@localhost:9093' }, [], {}],
    [
      'for a dynamic one',
      { 'controller.quorum.bootstrap.servers': 'localhost:9093' },
      ['--standalone'],
      { 'kraft.version': 1 },
    ],
  ] as const)(
    'that kafka-storage has formatted %s begins as it was told',
    async (_, quorum, flags, features) => {
      const dataDir = join(folder, `formatted${flags.length}`)
      const properties = `${dataDir}.properties`
      const lines = {
        'process.roles': 'broker,controller',
        'node.id': '1',
        listeners: 'PLAINTEXT://:9092,CONTROLLER://:9093',
        'controller.listener.names': 'CONTROLLER',
        'log.dirs': dataDir,
        ...quorum,
      }
      const text = Object.entries(lines).map(([key, value]) => `${key}=${value}\n`)
      writeFileSync(properties, text.join(''))
      const scram = 'SCRAM-SHA-256=[name=alice,password=secret]'
      formatStorage(
        javaLibs,
        properties,
        '--feature',
        'transaction.version=1',
        '--add-scram',
        scram,
        ...flags,
      )
      for (const _ of ['its first start', 'and the next one']) {
        const begun = await ottla(dataDir)
        const wanted = { 'metadata.version': 30, 'transaction.version': 1, ...features }
        expect(await finalizedFeatures(begun)).toMatchObject(wanted)
        expect(await describeCluster(begun)).toMatchObject({
          clusterId: 'b3R0bGEtZGlmZmVyZW50aQ',
          credentials: [{ user: 'alice', credentialInfos: [{ mechanism: 1 }] }],
        })
        await begun.stop()
      }
    },
    LIMIT_MS,
  )

  it(
    'that was made here is taken over by Kafka',
    async () => {
      const dataDir = join(folder, 'made')
      // Snapshots after every few changes, and no log below the newest one.
      const small = {
        'metadata.log.max.record.bytes.between.snapshots': '3000',
        'metadata.max.retention.bytes': '1000',
        'internal.metadata.log.segment.bytes': '1000',
        'log.retention.ms': '-1',
      }
      const made = await ottla(dataDir, { clusterId: 'b3R0bGEtZGlmZmVyZW50aQ', config: small })
      await populate(made)
      const left = await describeState(made)
      await made.stop()
      const metadata = join(dataDir, '__cluster_metadata-0')
      const files = readdirSync(metadata)
      const [checkpoint = '', ...others] = files.filter((name) => name.endsWith('.checkpoint'))
      expect(others).toEqual([])
      const logs = files.filter((name) => name.endsWith('.log'))
      expect(logs).not.toContain('00000000000000000000.log')
      const dumped = [checkpoint, ...logs].map((name) => dump(join(metadata, name)))
      expect(dumped[0]).toContain('"type":"TOPIC_RECORD","version":0,"data":{"name":"orders"')
      expect(dumped[0]).toContain('SnapshotFooter')
      for (const text of dumped) expect(text).not.toMatch(/isvalid: false|Error|Exception/)
      expect(await describeOnce(dataDir)).toEqual(left)

      const kafka = await startKafka(javaLibs, { dataDir, config })
      try {
        expect(await describeState(kafka)).toEqual(left)
        await produceOne(kafka, 'orders', 'from Kafka')
      } finally {
        await kafka.stop()
      }
      const again = await ottla(dataDir)
      const { records } = (await describeState(again)) as { records: { orders: readonly string[][] } }
      expect(records.orders[0]).toContain('from Kafka')
      await again.stop()
    },
    LIMIT_MS,
  )
})
