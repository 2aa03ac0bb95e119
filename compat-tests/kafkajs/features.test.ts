/** kafkajs, feature by feature. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  CompressionTypes,
  ConfigResourceTypes,
  type Message,
  ResourcePatternTypes,
} from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startBroker, type TestBroker, unique } from '../broker.ts'
import { featuresOf } from '../features.ts'
import { storedBatches } from '../stored-batches.ts'
import { root } from '../tools.ts'
import { until } from '../until.ts'
import {
  committedOffsets,
  createTopic,
  kafkaClient,
  numbered,
  send,
  startReader,
  withAdmin,
  withProducer,
} from './client.ts'
import { registerCodecs } from './codecs.ts'
import { stableAssignment } from './group.ts'
import { offsetsInTransactions, transactions } from './transactions.ts'
import { startWorker } from './worker-process.ts'

const { shows, complete, version } = featuresOf('kafkajs')

let broker: TestBroker
beforeAll(async () => {
  registerCodecs()
  broker = await startBroker('kafkajs')
})
afterAll(async () => {
  await broker[Symbol.asyncDispose]()
})

const client = () => kafkaClient(broker.bootstrapServers)

describe('kafkajs', () => {
  test('is the version that the table names', () => {
    const manifest = readFileSync(join(root, 'node_modules/kafkajs/package.json'), 'utf8')
    expect((JSON.parse(manifest) as { version: string }).version).toBe(version)
  })

  // The longest come first: they wait for a session's end, and for kafkajs's own pauses.
  shows('crash and resume', async () => {
    const topic = unique('crash')
    const groupId = unique('crash')
    await createTopic(client(), topic)
    await send(client(), topic, numbered(12))
    await using worker = startWorker({
      bootstrapServers: broker.bootstrapServers,
      topic,
      groupId,
      order: 'process, then commit',
      holdAt: 6,
    })
    await worker.told('holding')
    await worker.kill()
    expect(await committedOffsets(client(), groupId, topic)).toEqual(new Map([[0, 4]]))
    await using successor = await startReader(client(), { topic, groupId })
    await successor.values(8)
    expect(successor.seen.map(({ offset }) => offset)).toEqual([4, 5, 6, 7, 8, 9, 10, 11])
  })

  shows('admin: topics', () =>
    withAdmin(client(), async (admin) => {
      const topic = unique('admin')
      const configEntries = [{ name: 'retention.ms', value: '123456' }]
      const creation = { topics: [{ topic, numPartitions: 2, configEntries }] }
      expect(await admin.createTopics({ ...creation, validateOnly: true, waitForLeaders: false })).toBe(true)
      expect(await admin.listTopics()).not.toContain(topic)
      expect(await admin.createTopics(creation)).toBe(true)
      expect(await admin.createTopics(creation), 'it exists already').toBe(false)
      expect(await admin.listTopics()).toContain(topic)

      await admin.createPartitions({ topicPartitions: [{ topic, count: 5 }] })
      const [metadata] = (await admin.fetchTopicMetadata({ topics: [topic] })).topics
      expect(metadata?.partitions.map(({ partitionId }) => partitionId).sort()).toEqual([0, 1, 2, 3, 4])
      await expect(admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] })).rejects.toThrow(
        /number of partitions/i,
      )

      const described = await admin.describeConfigs({
        includeSynonyms: true,
        resources: [{ type: ConfigResourceTypes.TOPIC, name: topic }],
      })
      const entry = (name: string) =>
        described.resources[0]?.configEntries.find(({ configName }) => configName === name)
      expect(entry('retention.ms')).toMatchObject({ configValue: '123456', isDefault: false })
      expect(entry('cleanup.policy')).toMatchObject({ configValue: 'delete', isDefault: true })

      await send(client(), topic, numbered(10, 3))
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 3, offset: '6' }] })
      const ends = await admin.fetchTopicOffsets(topic)
      expect(ends.find(({ partition }) => partition === 3)).toMatchObject({ low: '6', high: '10' })

      const cluster = await admin.describeCluster()
      expect(cluster.brokers.length).toBe(1)
      expect(cluster.brokers[0]?.nodeId).toBe(cluster.controller)
      expect(cluster.clusterId).toMatch(/^[\w-]{22}$/)

      await admin.deleteTopics({ topics: [topic] })
      await until('the topic is gone', async () => !(await admin.listTopics()).includes(topic))
      // kafkajs holds the error for a passing one: without a limit it would try again for seconds.
      const hasty = client().admin({ retry: { retries: 0 } })
      await hasty.connect()
      await expect(hasty.deleteTopics({ topics: [topic] })).rejects.toThrow(/does not host this topic/)
      await hasty.disconnect()
    }),
  )

  shows('admin: groups and offsets', () =>
    withAdmin(client(), async (admin) => {
      const topic = unique('admin-groups')
      const groupId = unique('admin-groups')
      await createTopic(client(), topic, 2)
      await send(client(), topic, numbered(5))
      {
        await using reader = await startReader(client(), { topic, groupId, autoCommit: {} })
        await reader.values(5)
        const [listed] = (await admin.listGroups()).groups.filter((group) => group.groupId === groupId)
        expect(listed).toEqual({ groupId, protocolType: 'consumer' })
        const [described] = (await admin.describeGroups([groupId])).groups
        expect(described).toMatchObject({ errorCode: 0, state: 'Stable', protocol: 'RoundRobinAssigner' })
        expect(described?.members[0]).toMatchObject({ clientId: 'kafkajs-test', clientHost: '/127.0.0.1' })
        await expect(admin.deleteGroups([groupId]), 'it has a member').rejects.toThrow()
      }
      expect((await admin.describeGroups([groupId])).groups[0]?.state).toBe('Empty')
      expect((await committedOffsets(client(), groupId, topic)).get(0)).toBe(5)

      await admin.resetOffsets({ groupId, topic, earliest: true })
      // kafkajs commits its own sign for the earliest offset, and a broker keeps what it is given.
      expect([...(await committedOffsets(client(), groupId, topic)).values()]).toEqual([-2, -2])

      expect(await admin.deleteGroups([groupId])).toMatchObject([{ groupId, errorCode: 0 }])
      expect((await admin.describeGroups([groupId])).groups[0]?.state).toBe('Dead')
      expect(await committedOffsets(client(), groupId, topic)).toEqual(
        new Map([
          [0, -1],
          [1, -1],
        ]),
      )
    }),
  )

  shows('admin: configs', () =>
    withAdmin(client(), async (admin) => {
      const name = unique('configs')
      await createTopic(client(), name)
      const resource = { type: ConfigResourceTypes.TOPIC, name }
      const config = async (wanted: string) => {
        const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [resource] })
        const found = resources[0]?.configEntries.find(({ configName }) => configName === wanted)
        return found && { value: found.configValue, isDefault: found.isDefault }
      }
      // Its only way replaces all that there was.
      const alter = (configName: string, value: string) =>
        admin.alterConfigs({
          validateOnly: false,
          resources: [{ ...resource, configEntries: [{ name: configName, value }] }],
        })
      await alter('segment.ms', '654321')
      await until('it is set', async () => (await config('segment.ms'))?.value === '654321')
      await alter('retention.ms', '123456')
      await until('it is replaced', async () => (await config('segment.ms'))?.isDefault)
      expect(await config('retention.ms')).toEqual({ value: '123456', isDefault: false })
      await expect(alter('retention.ms', 'long')).rejects.toThrow(/configuration is invalid/i)
    }),
  )

  shows('admin: cluster', () =>
    withAdmin(client(), async (admin) => {
      const topic = unique('cluster')
      await createTopic(client(), topic)
      const topics = [{ topic, partitions: [0] }]
      expect(await admin.listPartitionReassignments({ topics })).toMatchObject({ topics: [] })
      const anything = {
        resourceType: AclResourceTypes.ANY,
        resourcePatternType: ResourcePatternTypes.ANY,
        operation: AclOperationTypes.ANY,
        permissionType: AclPermissionTypes.ANY,
      }
      await expect(admin.describeAcls(anything)).rejects.toThrow(/security features are disabled/i)
    }),
  )

  const codecs = {
    gzip: CompressionTypes.GZIP,
    snappy: CompressionTypes.Snappy,
    lz4: CompressionTypes.LZ4,
    zstd: CompressionTypes.ZSTD,
  } as const
  for (const [codec, compression] of Object.entries(codecs)) {
    shows(codec, async () => {
      const topic = unique(codec)
      await createTopic(client(), topic)
      const messages = Array.from({ length: 50 }, (_, index) => ({ value: `${index} `.repeat(200) }))
      await withProducer(client(), (producer) => producer.send({ topic, messages, compression }))
      expect(await storedBatches(broker.bootstrapServers, topic)).toMatchObject([{ codec, recordCount: 50 }])
      await using reader = await startReader(client(), { topic, groupId: unique(codec) })
      expect(await reader.values(50)).toEqual(messages.map(({ value }) => value))
    })
  }

  shows('headers', async () => {
    const topic = unique('headers')
    await createTopic(client(), topic)
    const headers = { plain: 'text', empty: '', binary: Buffer.of(0, 255, 128), twice: ['one', 'two'] }
    await send(client(), topic, [{ value: 'with', headers }, { value: 'without' }])
    await using reader = await startReader(client(), { topic, groupId: unique('headers') })
    await reader.values(2)
    expect(reader.seen.map(({ message }) => message.headers)).toEqual([
      {
        plain: Buffer.from('text'),
        empty: Buffer.alloc(0),
        binary: Buffer.of(0, 255, 128),
        twice: [Buffer.from('one'), Buffer.from('two')],
      },
      {},
    ])
  })

  shows('keys', async () => {
    const topic = unique('keys')
    await createTopic(client(), topic, 4)
    const keys = Array.from({ length: 20 }, (_, index) => `key ${index}`)
    const messages = keys.flatMap((key): Message[] => [
      { key, value: `${key} first` },
      { key, value: `${key} second` },
    ])
    await send(client(), topic, [
      ...messages,
      { key: null, value: 'no key' },
      { key: '', value: 'empty key' },
    ])
    await using reader = await startReader(client(), { topic, groupId: unique('keys') })
    await reader.values(42)
    for (const key of keys) {
      const found = reader.seen.filter(({ message }) => message.key?.toString() === key)
      expect(found.map(({ value }) => value)).toEqual([`${key} first`, `${key} second`])
      expect(found[0]?.partition).toBe(found[1]?.partition)
    }
    expect(new Set(reader.seen.map(({ partition }) => partition)).size).toBe(4)
    const keyOf = (value: string) => reader.seen.find((each) => each.value === value)?.message.key
    expect([keyOf('no key'), keyOf('empty key')]).toEqual([null, Buffer.alloc(0)])
  })

  shows('null values', async () => {
    const topic = unique('nulls')
    await createTopic(client(), topic)
    await send(client(), topic, [
      { key: 'a', value: null },
      { key: 'a', value: '' },
    ])
    await using reader = await startReader(client(), { topic, groupId: unique('nulls') })
    expect(await reader.values(2)).toEqual([null, ''])
  })

  shows('acks 0, 1 and all', async () => {
    const topic = unique('acks')
    await createTopic(client(), topic)
    const answers: unknown[] = []
    await withProducer(client(), async (producer) => {
      for (const acks of [-1, 1, 0]) {
        answers.push(await producer.send({ topic, acks, messages: [{ value: `acks ${acks}` }] }))
      }
      // acks=0 is answered by nothing at all; the next answer on the connection must still be the right one.
      answers.push(await producer.send({ topic, acks: -1, messages: [{ value: 'at last' }] }))
    })
    expect(answers).toMatchObject([[{ baseOffset: '0' }], [{ baseOffset: '1' }], [], [{ baseOffset: '3' }]])
    await using reader = await startReader(client(), { topic, groupId: unique('acks') })
    expect(await reader.values(4)).toEqual(['acks -1', 'acks 1', 'acks 0', 'at last'])
  })

  shows('groups with rebalances', async () => {
    const topic = unique('rebalance')
    const groupId = unique('rebalance')
    await createTopic(client(), topic, 3)
    await using one = await startReader(client(), { topic, groupId })
    expect([...(await stableAssignment(client(), groupId, topic, 1)).values()]).toEqual([[0, 1, 2]])
    await using two = await startReader(client(), { topic, groupId })
    const shared = await stableAssignment(client(), groupId, topic, 2)
    expect([...shared.values()].flat().sort()).toEqual([0, 1, 2])
    expect([...shared.values()].map((held) => held.length).sort()).toEqual([1, 2])
    await one.consumer.disconnect()
    expect([...(await stableAssignment(client(), groupId, topic, 1)).values()]).toEqual([[0, 1, 2]])
    await until('the other has learnt that it reads everything', () => two.assigned().length === 3)
  })

  shows('seeks', async () => {
    const topic = unique('seeks')
    await createTopic(client(), topic)
    await send(client(), topic, numbered(10))
    await using reader = await startReader(client(), { topic, groupId: unique('seeks') })
    await reader.values(10)
    const { consumer } = reader
    consumer.seek({ topic, partition: 0, offset: '8' })
    expect((await reader.values(12)).slice(10)).toEqual(['message 8', 'message 9'])

    consumer.pause([{ topic }])
    expect(consumer.paused()).toEqual([{ topic, partitions: [0] }])
    await send(client(), topic, [{ value: 'while paused' }])
    const fetches = reader.fetches()
    await until('fetches go on', () => reader.fetches() > fetches + 2)
    expect(reader.seen.length).toBe(12)
    consumer.resume([{ topic }])
    expect((await reader.values(13)).at(-1)).toBe('while paused')
  })

  shows('offsets by time', async () => {
    const topic = unique('time')
    await createTopic(client(), topic, 2)
    const startMs = Date.now() - 600_000
    const at = (seconds: number): string => String(startMs + seconds * 1000)
    await send(client(), topic, [
      { partition: 0, value: 'a', timestamp: at(10) },
      { partition: 0, value: 'b', timestamp: at(30) },
      { partition: 0, value: 'c', timestamp: at(20) },
      { partition: 1, value: 'd', timestamp: at(25) },
    ])
    const offsets = (seconds: number) =>
      withAdmin(client(), async (admin) => {
        const found = await admin.fetchTopicOffsetsByTimestamp(topic, Number(at(seconds)))
        return found.sort((a, b) => a.partition - b.partition).map(({ offset }) => offset)
      })
    expect(await offsets(5)).toEqual(['0', '0'])
    expect(await offsets(15)).toEqual(['1', '0'])
    expect(await offsets(26)).toEqual(['1', '1'])
    expect(await offsets(31)).toEqual(['3', '1'])
    await using reader = await startReader(client(), { topic, groupId: unique('time') })
    await reader.values(4)
    const stamps = reader.seen.map(({ message }) => message.timestamp)
    expect(stamps.sort()).toEqual([at(10), at(20), at(25), at(30)])
  })

  shows('idempotence', async () => {
    const topic = unique('idempotence')
    await createTopic(client(), topic)
    await withProducer(
      client(),
      async (producer) => {
        for (let index = 0; index < 5; index++) {
          await producer.send({ topic, acks: -1, messages: [{ value: `${index}` }, { value: `${index}'` }] })
        }
      },
      { idempotent: true, maxInFlightRequests: 1 },
    )
    const batches = await storedBatches(broker.bootstrapServers, topic)
    expect(batches.map(({ baseSequence }) => baseSequence)).toEqual([0, 2, 4, 6, 8])
    expect(new Set(batches.map(({ producerId }) => producerId)).size).toBe(1)
    expect(batches[0]?.producerId).toBeGreaterThanOrEqual(0n)
  })

  shows('transactions', () => transactions(client))

  shows('offsets in transactions', () => offsetsInTransactions(client))

  complete()
})
