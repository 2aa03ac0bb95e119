import { Kafka, logLevel } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../clock.ts'
import { type Cluster, startCluster } from '../cluster.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import type { KafkaRecord } from './kafka-record.ts'
import { WaitTimeoutError } from './wait.ts'

function client(cluster: Cluster): Kafka {
  return new Kafka({ brokers: [cluster.bootstrapServers], logLevel: logLevel.NOTHING })
}

async function all(records: AsyncIterable<KafkaRecord>): Promise<string[]> {
  const read: string[] = []
  for await (const record of records) read.push(String(record))
  return read
}

describe('records', () => {
  it('are decoded', async () => {
    await using cluster = await startCluster({ topics: ['orders'], clock: new ManualClock(5000) })
    await cluster
      .topic('orders')
      .produce([
        { key: 'a', value: '{"id":1}', headers: { trace: 'x', none: null } },
        { key: 'a', timestamp: 7 },
        'text',
      ])
    const records: KafkaRecord[] = []
    for await (const record of cluster.topic('orders').records()) records.push(record)
    expect(records).toMatchObject([
      {
        topic: 'orders',
        partition: 0,
        offset: 0n,
        timestamp: 5000,
        key: Buffer.from('a'),
        value: Buffer.from('{"id":1}'),
        headers: [
          { key: 'trace', value: Buffer.from('x') },
          { key: 'none', value: null },
        ],
      },
      { offset: 1n, timestamp: 7, value: null, headers: [] },
      { offset: 2n, key: null, value: Buffer.from('text') },
    ])
    const [first, tombstone] = records
    expect(first?.json()).toEqual({ id: 1 })
    expect(first?.header('trace')).toBe('x')
    expect(first?.header('none')).toBeNull()
    expect(first?.header('other')).toBeUndefined()
    expect(tombstone?.text()).toBeNull()
    expect(tombstone?.json()).toBeNull()
  })

  it('are read from an offset, a time or the end on, of one partition or of all', async () => {
    await using cluster = await startCluster({ topics: [{ name: 't', partitions: 2 }] })
    const topic = cluster.topic('t')
    const produced = await topic.produce(
      [0, 1, 2, 3].map((each) => ({ value: `${each}`, partition: each % 2, timestamp: 1000 + each })),
    )
    expect(produced).toEqual([0, 1, 2, 3].map((each) => ({ partition: each % 2, offset: BigInt(each >> 1) })))
    const values = async (options: Parameters<typeof topic.records>[0]): Promise<string> => {
      const read: (string | null)[] = []
      for await (const record of topic.records(options)) read.push(record.text())
      return read.join('')
    }
    expect(await values({})).toBe('0213')
    expect(await values({ partition: 1 })).toBe('13')
    expect(await values({ from: 1 })).toBe('23')
    expect(await values({ from: 1n, partition: 0 })).toBe('2')
    expect(await values({ from: 99 })).toBe('')
    expect(await values({ from: new Date(1002) })).toBe('23')
    expect(await values({ from: new Date(9999) })).toBe('')
    expect(await values({ from: 'end' })).toBe('')
    await expect(values({ partition: 2 })).rejects.toThrow(
      'topic t has 2 partition(s), and none with index 2',
    )
  })

  it('of a topic that is not there are an error that names those that are', async () => {
    await using cluster = await startCluster({ topics: ['orders'] })
    const failed = all(cluster.topic('odrers').records())
    await expect(failed).rejects.toThrow('there is no topic odrers: there are orders')
    await expect(failed).rejects.toMatchObject({ code: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION })
    expect(cluster.topic('odrers').exists).toBe(false)
  })

  it('are followed through a topic that comes, grows, goes and comes again, until the stop', async () => {
    const cluster = await startCluster()
    const topic = cluster.topic('late')
    const read: string[] = []
    const followed = (async () => {
      for await (const record of topic.records({ follow: true }))
        read.push(`${record.offset}${record.text()}`)
    })()
    await topic.produce(['a', 'b'])
    await expect.poll(() => read).toEqual(['0a', '1b'])
    await topic.produce(['c'])
    await expect.poll(() => read).toEqual(['0a', '1b', '2c'])
    await cluster.reset()
    await topic.produce(['d'])
    await expect.poll(() => read.at(-1)).toBe('0d')
    await cluster.stop()
    await followed
    expect(read).toHaveLength(4)
  })

  it('are followed from the end, and until somebody says so', async () => {
    await using cluster = await startCluster()
    const topic = cluster.topic('t')
    await topic.produce(['before'])
    const enough = new AbortController()
    const records = topic.records({ follow: true, from: 'end', signal: enough.signal })
    await topic.produce(['after'])
    expect((await records.next()).value?.text()).toBe('after')
    const next = records.next()
    enough.abort()
    expect(await next).toEqual({ done: true, value: undefined })
  })

  it('of transactions are read when they are committed', async () => {
    await using cluster = await startCluster({ topics: ['t'] })
    const producer = client(cluster).producer({
      transactionalId: 'tx',
      idempotent: true,
      maxInFlightRequests: 1,
    })
    await producer.connect()
    for (const value of ['aborted', 'committed']) {
      const transaction = await producer.transaction()
      await transaction.send({ topic: 't', messages: [{ value }] })
      if (value === 'aborted') await transaction.abort()
      else await transaction.commit()
    }
    const open = await producer.transaction()
    await open.send({ topic: 't', messages: [{ value: 'open' }] })
    expect(await all(cluster.topic('t').records())).toEqual(['t-0@2 key=null value=committed'])
    expect(await all(cluster.topic('t').records({ isolation: 'read_uncommitted' }))).toHaveLength(3)
    expect(cluster.topic('t').partition(0)).toMatchObject({
      logStartOffset: 0n,
      lastStableOffset: 4n,
      highWatermark: 5n,
      logEndOffset: 5n,
    })
    const [transaction] = cluster.transactions()
    expect(transaction).toMatchObject({
      transactionalId: 'tx',
      state: 'Ongoing',
      partitions: [{ topic: 't', partition: 0 }],
    })
    expect(transaction?.startedMs).toBeGreaterThan(0)
    await open.abort()
    expect(cluster.transactions()).toMatchObject([{ state: 'CompleteAbort', partitions: [] }])
    await producer.disconnect()
  })
})

describe('waitFor', () => {
  it('finds what is there, and what comes', async () => {
    await using cluster = await startCluster()
    const topic = cluster.topic('orders')
    const found = topic.waitFor((record) => record.text() === 'b')
    await topic.produce(['a', 'b'])
    expect(await found).toMatchObject({ offset: 1n })
    expect(await topic.waitFor((record) => record.offset === 0n, { timeoutMs: 100 })).toMatchObject({
      offset: 0n,
    })
  })

  it('says what it saw instead', async () => {
    await using cluster = await startCluster({ topics: [{ name: 'orders', partitions: 2 }] })
    const topic = cluster.topic('orders')
    const failed = (name = 'orders') => cluster.topic(name).waitFor(() => false, { timeoutMs: 30 })
    await expect(failed('none')).rejects.toThrow(
      'no record of none was the one waited for within 30 ms: there is no such topic',
    )
    await expect(failed()).rejects.toThrow('there were no records')
    await topic.produce([{ key: 'k', value: 'x'.repeat(500), partition: 1 }])
    await expect(failed()).rejects.toThrow(
      `there were 1 others (1 in partition 1); all of them:\n  orders-1@0 key=k value=${'x'.repeat(120)}…`,
    )
    await topic.produce([...Array(7)].map((_, at) => ({ value: Buffer.from([255, at]), partition: 0 })))
    await expect(failed()).rejects.toThrow(
      'there were 8 others (7 in partition 0, 1 in partition 1); the last 5 of them:\n  orders-0@3',
    )
    await expect(failed()).rejects.toThrow(WaitTimeoutError)
    await expect(failed()).rejects.toThrow('value=<2 bytes ff06>')
  })

  it('hands on what the predicate throws', async () => {
    await using cluster = await startCluster()
    await cluster.topic('t').produce(['{'])
    await expect(cluster.topic('t').waitFor((record) => record.json() === 1)).rejects.toThrow(SyntaxError)
  })
})

describe('produce', () => {
  it('puts keys where other clients put them', async () => {
    await using cluster = await startCluster({ topics: [{ name: 't', partitions: 7 }] })
    const keys = [...Array(40)].map((_, at) => 'key'.repeat(at % 5) + at)
    const producer = client(cluster).producer()
    await producer.connect()
    await producer.send({ topic: 't', messages: keys.map((key) => ({ key, value: 'theirs' })) })
    await producer.disconnect()
    const ours = await cluster.topic('t').produce(keys.map((key) => ({ key, value: 'ours' })))
    const theirs = new Map<string, number>()
    for await (const { key, partition } of cluster.topic('t').records()) theirs.set(`${key}`, partition)
    expect(ours.map(({ partition }) => partition)).toEqual(keys.map((key) => theirs.get(key)))
  })

  it('makes as many batches as the topic wants, and lets other records take turns', async () => {
    await using cluster = await startCluster({
      topics: [
        { name: 't', config: { 'max.message.bytes': '1000' } },
        { name: 'turns', partitions: 3 },
      ],
    })
    const produced = await cluster.topic('t').produce([...Array(50)].map(() => 'x'.repeat(200)))
    expect(produced.at(-1)).toEqual({ partition: 0, offset: 49n })
    await expect(cluster.topic('t').produce(['x'.repeat(2000)])).rejects.toMatchObject({
      code: ErrorCode.MESSAGE_TOO_LARGE,
    })
    const turns = await cluster.topic('turns').produce(['a', 'b', 'c', 'd'])
    expect(turns.map(({ partition }) => partition)).toEqual([0, 1, 2, 0])
    expect(cluster.topic('turns').partitionCount).toBe(3)
  })

  it('fails as a producer would', async () => {
    await using cluster = await startCluster({
      topics: [{ name: 'compacted', config: { 'cleanup.policy': 'compact' } }],
      config: { 'auto.create.topics.enable': 'false' },
    })
    await expect(cluster.topic('none').produce(['a'])).rejects.toThrow(
      'there is no topic none: there are compacted',
    )
    await expect(cluster.topic('compacted').produce(['a'])).rejects.toMatchObject({
      code: ErrorCode.INVALID_RECORD,
    })
    await expect(cluster.topic('compacted').produce([{ key: 'a', partition: 3 }])).rejects.toThrow(
      'none with index 3',
    )
  })
})

it('says so when the cluster has been stopped', async () => {
  const cluster = await startCluster({ topics: ['t'] })
  const waiting = cluster.topic('t').waitFor(() => false)
  const refused = expect(waiting).rejects.toThrow('the cluster has been stopped')
  await cluster.stop()
  await refused
  const topic = cluster.topic('t')
  await expect(
    all(
      (async function* () {
        yield* topic.records()
      })(),
    ),
  ).rejects.toThrow('the cluster has been stopped')
  await expect(topic.produce(['a'])).rejects.toThrow('the cluster has been stopped')
  await expect(cluster.reset()).rejects.toThrow('the cluster has been stopped')
  await expect(cluster.group('g').offsets()).rejects.toThrow('the cluster has been stopped')
  expect(() => topic.partition(0).highWatermark).toThrow('the cluster has been stopped')
  expect(() => cluster.group('g').state).toThrow('the cluster has been stopped')
  expect(() => cluster.transactions()).toThrow('the cluster has been stopped')
})
