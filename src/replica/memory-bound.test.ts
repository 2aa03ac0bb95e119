import { Writable } from 'node:stream'
import { Kafka, logLevel } from 'kafkajs'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { ManualClock } from '../clock.ts'
import { type Broker, startBroker } from '../cluster.ts'
import { BrokerConfig } from '../config/broker-config.ts'
import { startCluster } from '../index.ts'
import { MemoryStore } from '../storage/memory-store.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { buildBatch } from '../wire/records.ts'
import { boundMemory, defaultMaxBytes, isAmple } from './memory-bound.ts'
import type { Partition } from './partition.ts'

const MIB = 2 ** 20

/** A broker whose logs may hold 1 MB, and a way to write to its topics. */
async function startSmall(topics: Parameters<typeof startBroker>[0]['topics']) {
  const warnings: string[] = []
  const logger = pino(
    { level: 'warn' },
    { write: (line: string) => void warnings.push(JSON.parse(line).msg) },
  )
  const broker = await startBroker({ topics, logger, config: { 'ottla.memory.max.bytes': '1000000' } })
  const partition = (topic: string, index = 0): Partition => partitionOf(broker, topic, index)
  const write = async (topic: string, bytes: number, index = 0): Promise<void> => {
    const target = partition(topic, index)
    target.append(await target.prepare(buildBatch([{ key: Buffer.from('key'), value: Buffer.alloc(bytes) }])))
    await new Promise(setImmediate)
  }
  const held = (topic: string, index = 0): number => {
    const { logStartOffset, logEndOffset } = partition(topic, index)
    return Number(logEndOffset - logStartOffset)
  }
  return { broker, warnings, partition, write, held }
}

function partitionOf({ services }: Broker, topic: string, index: number): Partition {
  const found = services.metadata.topic(topic)
  if (found === undefined) throw new Error(`no topic ${topic}`)
  return services.replicas.get(found, index)
}

test('of many small logs each gives up a part, not all that it has', async () => {
  const { broker, write, held } = await startSmall([{ name: 'many', partitions: 5 }])
  for (let round = 0; round < 100; round++) {
    for (let index = 0; index < 5; index++) await write('many', 5_000, index)
  }
  const kept = Array.from({ length: 5 }, (_, index) => held('many', index))
  // A fifth of the bound for each: 500 KB went into it.
  expect(Math.min(...kept)).toBeGreaterThan(20)
  expect(Math.max(...kept)).toBeLessThan(45)
  await broker.stop()
})

test('one log keeps its newest records whatever the size of its batches', async () => {
  const { broker, write, held } = await startSmall(['one'])
  for (let record = 0; record < 30; record++) await write('one', 100_000)
  expect(held('one')).toBeGreaterThan(6)
  expect(held('one')).toBeLessThan(11)
  await broker.stop()
})

test('compacted topics keep what they have, and nobody may produce while they take everything', async () => {
  const compacted = { name: 'compacted', config: { 'cleanup.policy': 'compact' } }
  const { broker, warnings, partition, write, held } = await startSmall(['plain', compacted])
  await write('plain', 20_000)
  for (let record = 0; record < 60; record++) await write('compacted', 20_000)
  expect([held('plain'), held('compacted')]).toEqual([0, 60])
  const { logRoom } = broker.services
  expect(() => logRoom.check()).toThrow(expect.objectContaining({ code: ErrorCode.KAFKA_STORAGE_ERROR }))
  expect(warnings).toEqual([
    expect.stringContaining('the oldest records go'),
    expect.stringContaining('nobody can produce'),
  ])
  await partition('compacted').deleteRecordsBefore(40n)
  expect(() => logRoom.check()).not.toThrow()
  await broker.stop()
})

test('while nothing may go it does not look at all partitions for each request, and sees room at once', async () => {
  const clock = new ManualClock()
  const store = new MemoryStore()
  let looks = 0
  const room = boundMemory(store, {
    clock,
    config: new BrokerConfig({ overrides: { 'ottla.memory.max.bytes': '1000000' } }),
    logger: pino({ level: 'silent' }),
    replicas: {
      partitions: () => {
        looks++
        return []
      },
    },
  })
  store.use.changed(1_000_001)
  store.use.appended(1_000_001)
  await new Promise(setImmediate)
  for (let request = 0; request < 100; request++) expect(() => room.check()).toThrow()
  expect(looks).toBe(1)
  await clock.advance(100)
  for (let request = 0; request < 100; request++) expect(() => room.check()).toThrow()
  expect(looks).toBe(2)
  store.use.changed(-1)
  expect(() => room.check()).not.toThrow()
})

test('counts requests that are kept alive by a small part of them', async () => {
  const { broker, partition, held } = await startSmall(['small'])
  const target = partition('small')
  for (let request = 0; request < 30; request++) {
    const batch = buildBatch([{ value: Buffer.alloc(20_000) }])
    const inRequest = Buffer.concat([batch, Buffer.alloc(100_000)]).subarray(0, batch.length)
    target.append(await target.prepare(inRequest))
    await new Promise(setImmediate)
  }
  expect(held('small')).toBeLessThan(9)
  await broker.stop()
})

test('a part of the memory that the process may use, and never too little to work with', () => {
  expect(defaultMaxBytes(128 * MIB)).toBe(16 * MIB)
  expect(defaultMaxBytes(512 * MIB)).toBe(128 * MIB)
  expect(defaultMaxBytes(1)).toBe(16 * MIB)
})

test('the oldest records go when the logs hold too much, with one warning', async () => {
  const warnings: string[] = []
  const lines = new Writable({
    write: (chunk, _encoding, done) => {
      warnings.push(JSON.parse(`${chunk}`).msg)
      done()
    },
  })
  await using cluster = await startCluster({
    config: { 'ottla.memory.max.bytes': '1000000' },
    logger: pino({ level: 'warn' }, lines),
  })
  const kafka = new Kafka({ brokers: [cluster.bootstrapServers], logLevel: logLevel.NOTHING })
  const [producer, admin] = [kafka.producer(), kafka.admin()]
  await Promise.all([producer.connect(), admin.connect()])
  const send = (topic: string): Promise<unknown> =>
    producer.send({ topic, messages: [{ value: Buffer.alloc(10_000) }] })
  await send('old')
  for (let record = 0; record < 300; record++) await send('new')
  await admin.setOffsets({ groupId: 'group', topic: 'new', partitions: [{ partition: 0, offset: '7' }] })
  const [old] = await admin.fetchTopicOffsets('old')
  const [fresh] = await admin.fetchTopicOffsets('new')
  const [committed] = await admin.fetchOffsets({ groupId: 'group' })
  await Promise.all([producer.disconnect(), admin.disconnect()])
  expect([old?.low, old?.high, fresh?.high]).toEqual(['1', '1', '300'])
  // Blocks of memory are larger than the records in them.
  const kept = 300 - Number(fresh?.low)
  expect(kept).toBeGreaterThan(60)
  expect(kept).toBeLessThanOrEqual(103)
  expect(committed?.partitions[0]?.offset).toBe('7')
  expect(warnings).toEqual([expect.stringContaining('ottla.memory.max.bytes is 1000000')])
})

test('memory that logs have freed lies about only where there is enough of it', () => {
  const GIB = 1024 * MIB
  for (const usableBytes of [128 * MIB, 512 * MIB, GIB])
    expect(isAmple(defaultMaxBytes(usableBytes), usableBytes)).toBe(false)
  for (const usableBytes of [2 * GIB, 24 * GIB])
    expect(isAmple(defaultMaxBytes(usableBytes), usableBytes)).toBe(true)
  expect(isAmple(3 * GIB, 4 * GIB)).toBe(false)
  expect(isAmple(64 * MIB, GIB)).toBe(true)
})
