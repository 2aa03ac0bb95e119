import { Writable } from 'node:stream'
import { Kafka, logLevel } from 'kafkajs'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { startCluster } from '../index.ts'
import { defaultMaxBytes } from './memory-bound.ts'

const MIB = 2 ** 20

test('a part of the memory that the process may use, and never too little to work with', () => {
  expect(defaultMaxBytes(128 * MIB)).toBe(16 * MIB)
  expect(defaultMaxBytes(512 * MIB)).toBe(208 * MIB)
  expect(defaultMaxBytes(0)).toBe(defaultMaxBytes(2 ** 53))
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
  // What is kept is between what is left after some went, less one segment, and the bound.
  const kept = 300 - Number(fresh?.low)
  expect(kept).toBeGreaterThan(75)
  expect(kept).toBeLessThanOrEqual(103)
  expect(committed?.partitions[0]?.offset).toBe('7')
  expect(warnings).toEqual([expect.stringContaining('ottla.memory.max.bytes is 1000000')])
})
