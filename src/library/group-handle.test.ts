import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { type Consumer, Kafka, logLevel, Partitioners } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../clock.ts'
import { type Cluster, startCluster } from '../cluster.ts'
import { RawClient } from '../server/raw-client.suite.ts'
import { joinGroupApi } from '../wire/messages/join-group.ts'
import { syncGroupApi } from '../wire/messages/sync-group.ts'

function client(cluster: Cluster): Kafka {
  return new Kafka({
    brokers: [cluster.bootstrapServers],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 20, maxRetryTime: 200, retries: 50 },
  })
}

interface Running {
  readonly consumer: Consumer
  readonly values: string[]
}

async function consume(kafka: Kafka, groupId: string, topic = 't'): Promise<Running> {
  const consumer = kafka.consumer({
    groupId,
    sessionTimeout: 6_000,
    heartbeatInterval: 100,
    maxWaitTimeInMs: 50,
  })
  const values: string[] = []
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message }) => void values.push(String(message.value)) })
  return { consumer, values }
}

describe('a group', () => {
  it('that is not there is dead', async () => {
    await using cluster = await startCluster()
    const group = cluster.group('g')
    expect(group.state).toBe('Dead')
    expect(group.members).toEqual([])
    expect(await group.offsets()).toEqual([])
    expect(await group.lag()).toBe(0)
    expect(() => group.expireMember('m')).toThrow()
    await expect(group.waitStable(1, { timeoutMs: 20 })).rejects.toThrow(
      'group g was not stable with 1 member(s) within 20 ms: it is Dead with 0 member(s)',
    )
  })

  it('tells its state, members, offsets and lag', async () => {
    await using cluster = await startCluster({ topics: [{ name: 't', partitions: 2 }] })
    await cluster.topic('t').produce(['a', 'b', 'c'])
    const { consumer } = await consume(client(cluster), 'g')
    const group = cluster.group('g')
    await group.waitStable(1)
    expect(group.state).toBe('Stable')
    expect(group.members).toMatchObject([
      {
        clientId: 'kafkajs',
        groupInstanceId: null,
        partitions: [
          { topic: 't', partition: 0 },
          { topic: 't', partition: 1 },
        ],
      },
    ])
    await expect.poll(() => group.lag(), { timeout: 10_000 }).toBe(0)
    await consumer.disconnect()
    expect(group.state).toBe('Empty')
    await cluster.topic('t').produce(['d', 'e'])
    expect(await group.lag()).toBe(2)
    expect(await group.offsets()).toEqual([
      { topic: 't', partition: 0, offset: 2n, metadata: '' },
      { topic: 't', partition: 1, offset: 1n, metadata: '' },
    ])
  })

  it('loses a member that is made to expire, which comes back', async () => {
    await using cluster = await startCluster({ topics: ['t'] })
    const { consumer } = await consume(client(cluster), 'g')
    const group = cluster.group('g')
    await group.waitStable(1)
    const [member] = group.members
    expect(() => group.expireMember('nobody')).toThrow(`its members are ${member?.memberId}`)
    group.expireMember(member?.memberId ?? '')
    expect(group.state).toBe('Empty')
    await group.waitStable(1, { timeoutMs: 10_000 })
    expect(group.members[0]?.memberId).not.toBe(member?.memberId)
    await consumer.disconnect()
  })
})

describe('time that is moved', () => {
  it('leaves a group stable, unless its clients are asleep', async () => {
    const clock = new ManualClock()
    await using cluster = await startCluster({ topics: ['t'], clock })
    const kafka = client(cluster)
    const running = [await consume(kafka, 'g')]
    const group = cluster.group('g')
    await group.waitStable(1)
    running.push(await consume(kafka, 'g'))
    // The first hears of the second in an answer to a fetch or a heartbeat.
    while (group.members.length < 2 || group.state !== 'Stable') await clock.advance(50)
    const before = group.members.map(({ memberId }) => memberId)
    await clock.advance('10m')
    await clock.advance('7d')
    expect(group.state).toBe('Stable')
    expect(group.members.map(({ memberId }) => memberId)).toEqual(before)
    await clock.advance('45s', { clientsAsleep: true })
    expect(group.members.map(({ memberId }) => memberId)).not.toEqual(before)
    while (group.members.length < 2 || group.state !== 'Stable') await clock.advance(50)
    await cluster.topic('t').produce(['after'])
    while (running.every(({ values }) => values.length === 0)) await clock.advance(50)
    await Promise.all(running.map(({ consumer }) => consumer.disconnect()))
  })

  it('expires a member whose connection is gone', async () => {
    const clock = new ManualClock()
    await using cluster = await startCluster({ topics: ['__consumer_offsets'], clock })
    const raw = await RawClient.connect(Number(cluster.bootstrapServers.split(':').at(-1)))
    const join = {
      groupId: 'g',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      memberId: '',
      groupInstanceId: null,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
      reason: null,
    }
    const { memberId } = await raw.request(joinGroupApi, 3, join)
    const sync = { groupId: 'g', generationId: 1, memberId, groupInstanceId: null, protocolType: null }
    await raw.request(syncGroupApi, 3, { ...sync, protocolName: null, assignments: [] })
    const group = cluster.group('g')
    await clock.advance('10m')
    expect(group.members).toMatchObject([{ memberId }])
    raw.socket.destroy()
    await expect
      .poll(async () => {
        await clock.advance('10s')
        return group.members
      })
      .toEqual([])
  })
})

describe('reset', () => {
  it.each(['in memory', 'on disk'])('makes everything go %s, and clients recover', async (where) => {
    const dataDir = where === 'on disk' ? await mkdtemp(joinPath(tmpdir(), 'ottla-reset-')) : undefined
    const cluster = await startCluster({ topics: ['t'], dataDir })
    const kafka = client(cluster)
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
    await producer.connect()
    const { consumer, values } = await consume(kafka, 'g')
    const tx = kafka.producer({ transactionalId: 'tx', idempotent: true, maxInFlightRequests: 1 })
    await tx.connect()
    await (await tx.transaction()).send({ topic: 't', messages: [{ value: 'never' }] })
    await producer.send({ topic: 't', messages: [{ value: 'before' }] })
    await tx.disconnect()
    await cluster.reset({ topics: ['fresh'] })
    expect(cluster.topic('t').exists).toBe(false)
    expect(cluster.topic('fresh').exists).toBe(true)
    expect(cluster.group('g').state).toBe('Dead')
    expect(cluster.transactions()).toEqual([])
    await producer.send({ topic: 't', messages: [{ value: 'after' }] })
    await expect.poll(() => values.at(-1), { timeout: 20_000 }).toBe('after')
    await consumer.disconnect()
    await producer.disconnect()
    await cluster.stop()
    if (dataDir !== undefined) await rm(dataDir, { recursive: true })
  })
})
