/** Kafka's own DumpLogSegments reads what ottla wrote: data, indexes, offsets, transactions, metadata, snapshots. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startBroker } from '../broker.ts'
import { describeWith, java } from '../tools.ts'

const CLASS = 'org.apache.kafka.tools.DumpLogSegments'

describeWith(java, 'DumpLogSegments', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'ottla-dump-'))
  afterAll(() => rmSync(dataDir, { recursive: true, force: true }))

  beforeAll(async () => {
    await using broker = await startBroker('kafkajs', undefined, {
      'log.dirs': dataDir,
      'offsets.topic.num.partitions': '1',
      'transaction.state.log.num.partitions': '1',
    })
    await fill(broker.bootstrapServers)
  }, 60_000)

  it('reads data, and finds the indexes in order', async () => {
    const segments = filesOf('orders-0', '.log')
    expect(segments.length).toBeGreaterThan(1)
    const indexes = [...filesOf('orders-0', '.index'), ...filesOf('orders-0', '.timeindex')]
    const printed = await dump([...segments, ...indexes], '--print-data-log')
    expect(printed).toContain('payload: value 99 9')
    expect(printed).toContain('isControl: true')
    expect(printed).toMatch(/offset: \d+ position: \d+/)
    expect(printed).toMatch(/timestamp: \d{13} offset: \d+/)
  })

  it('reads producer snapshots and the index of transactions', async () => {
    expect(await dump(filesOf('orders-0', '.snapshot'))).toMatch(/producerId: \d+ producerEpoch: \d+/)
    expect(await dump(filesOf('orders-0', '.txnindex'))).toMatch(
      /version: 0 producerId: \d+ firstOffset: \d+/,
    )
  })

  it('decodes offsets, transactions and metadata', async () => {
    const offsets = await dump(filesOf('__consumer_offsets-0', '.log'), '--offsets-decoder')
    expect(offsets).toContain('"group":"readers"')
    const transactions = await dump(filesOf('__transaction_state-0', '.log'), '--transaction-log-decoder')
    expect(transactions).toContain('writer')
    const metadata = await dump(filesOf('__cluster_metadata-0', '.log'), '--cluster-metadata-decoder')
    expect(metadata).toContain('"type":"TOPIC_RECORD"')
    expect(metadata).toContain('"name":"orders"')
  })

  function filesOf(directory: string, kind: string): string[] {
    const names = readdirSync(join(dataDir, directory)).filter((name) => name.endsWith(kind))
    return names.map((name) => join(dataDir, directory, name))
  }
})

async function fill(brokers: string): Promise<void> {
  const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  const configEntries = [{ name: 'segment.bytes', value: `${1024 * 1024}` }]
  await admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 1, configEntries }] })
  const producer = kafka.producer({ transactionalId: 'writer', idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  for (let round = 0; round < 100; round++) {
    const transaction = await producer.transaction()
    const messages = Array.from({ length: 10 }, (_, index) => ({
      value: `value ${round} ${index}`.padEnd(1200),
    }))
    await transaction.send({ topic: 'orders', messages })
    if (round % 40 === 20) await transaction.abort()
    else await transaction.commit()
  }
  await admin.setOffsets({ groupId: 'readers', topic: 'orders', partitions: [{ partition: 0, offset: '7' }] })
  await producer.disconnect()
  await admin.disconnect()
}

/** @throws Error when the tool fails, or finds something out of order. */
async function dump(files: readonly string[], ...args: readonly string[]): Promise<string> {
  expect(files.length).toBeGreaterThan(0)
  const [program, ...prefix] = java.command
  const child = spawn(program, [...prefix, CLASS, '--files', files.join(','), ...args])
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      printed += chunk.toString()
    })
  }
  const [code] = await once(child, 'close')
  expect(code, printed).toBe(0)
  for (const line of printed.split('\n')) {
    expect(line).not.toMatch(/mismatch|out of order|isvalid: false|Exception|not found|Error/i)
  }
  return printed
}
