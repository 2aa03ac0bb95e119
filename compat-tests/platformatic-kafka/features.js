/** The features of @platformatic/kafka, shown one by one (see ../js-harness.js). */
import { expect, main, numbered, unique, until, upTo, versionOf } from '../js-harness.js'
import { createTopic, messages, newProducer, produce, Reader, refused, withAdmin } from './client.js'
import { adminCluster, adminConfigs } from './cluster.js'
import { cooperative, crashAndResume, crashWorker, described, rebalances, staticMembers } from './groups.js'
import { offsetsInTransactions, transactions } from './transactions.js'

const codec = (compression) => async () => {
  const topic = await createTopic(compression)
  const values = upTo(50).map((index) => `${index} `.repeat(200))
  await produce(topic, messages(values), { compression })
  const reader = await new Reader(topic).from('earliest')
  expect(await reader.values(50), values)
  await reader.close()
  return { topic }
}

async function headers() {
  const topic = await createTopic('headers')
  const entry = (key, value) => [Buffer.from(key), Buffer.from(value)]
  const sent = [entry('plain', 'text'), entry('empty', ''), entry('binary', [0, 255, 128])]
  const twice = entry('plain', 'again')
  await produce(topic, [
    { value: Buffer.from('with'), headers: new Map([...sent, twice]) },
    { value: Buffer.from('without') },
  ])
  const reader = await new Reader(topic).from('earliest')
  const read = await reader.read(2)
  expect(
    read.map(({ headerEntries }) => headerEntries),
    [[...sent, twice], []],
  )
  await reader.close()
}

async function keys() {
  const topic = await createTopic('keys', 4)
  const names = upTo(20).map((index) => `key ${index}`)
  const message = (key, value) => ({
    key: key === null ? undefined : Buffer.from(key),
    value: Buffer.from(value),
  })
  await produce(
    topic,
    [1, 2].flatMap((turn) => names.map((name) => message(name, `${name} ${turn}`))),
  )
  await produce(topic, [message(null, 'no key'), message('', 'empty key')])
  const reader = await new Reader(topic).from('earliest')
  const read = await reader.read(42)
  for (const name of names) {
    const found = read.filter(({ key }) => key !== null && String(key) === name)
    expect(
      found.map(({ value }) => String(value)),
      [`${name} 1`, `${name} 2`],
    )
    expect(found[0].partition, found[1].partition)
  }
  expect([...new Set(read.map(({ partition }) => partition))].sort(), upTo(4))
  const keyOf = (wanted) => read.find(({ value }) => String(value) === wanted).key
  expect([keyOf('no key') ?? null, keyOf('empty key')], [null, Buffer.alloc(0)])
  await reader.close()
}

async function nullValues() {
  const topic = await createTopic('nulls')
  const key = Buffer.from('a')
  await produce(topic, [
    { key, value: undefined },
    { key, value: Buffer.alloc(0) },
  ])
  const reader = await new Reader(topic).from('earliest')
  const read = await reader.read(2)
  expect(
    read.map(({ value }) => value ?? null),
    [null, Buffer.alloc(0)],
  )
  await reader.close()
}

async function acks() {
  const topic = await createTopic('acks')
  for (const [index, acks] of [-1, 1, 0].entries()) {
    const told = await produce(topic, messages([`acks ${acks}`]), { acks })
    // With acks=0 nobody says where the message went.
    if (acks !== 0) expect(told.offsets, [{ topic, partition: 0, offset: BigInt(index) }])
  }
  const reader = await new Reader(topic).from('earliest')
  expect(await reader.values(3), ['acks -1', 'acks 1', 'acks 0'])
  await reader.close()
}

async function seeks() {
  const topic = await createTopic('seeks')
  await produce(topic, messages(numbered(10)))
  const middle = await new Reader(topic).from({ 0: 7 })
  expect(await middle.offsets(3), [7, 8, 9])
  await middle.close()
  const latest = await new Reader(topic).from('latest')
  latest.stream.pause()
  await produce(topic, messages(['news']))
  latest.stream.resume()
  expect(await latest.values(1), ['news'])
  await latest.close()
  // Beyond the end, fallbackMode decides.
  const beyond = await new Reader(topic).from({ 0: 1000 })
  expect((await beyond.offsets(1))[0], 0)
  await beyond.close()
}

async function offsetsByTime() {
  const topic = await createTopic('time', 2)
  const startMs = Date.now() - 600_000
  const at = (seconds) => BigInt(startMs + seconds * 1000)
  const value = Buffer.from('x')
  const stamps = [
    [0, 10],
    [0, 30],
    [0, 20],
    [1, 25],
  ]
  for (const [partition, seconds] of stamps) {
    await produce(topic, [{ partition, value, timestamp: at(seconds) }])
  }
  const reader = new Reader(topic)
  const listed = async (timestamp) =>
    (await reader.consumer.listOffsets({ topics: [topic], timestamp })).get(topic)
  expect(await listed(at(5)), [0n, 0n])
  expect(await listed(at(15)), [1n, 0n])
  expect(await listed(at(26)), [1n, -1n])
  expect(await listed(-2n), [0n, 0n])
  expect(await listed(-1n), [3n, 1n])
  const greatest = await reader.consumer.listOffsetsWithTimestamps({ topics: [topic], timestamp: -3n })
  expect(greatest.get(topic).get(0), { offset: 1n, timestamp: at(30) })
  await reader.from('earliest')
  const read = await reader.read(4)
  expect(
    read.map(({ timestamp }) => Number(timestamp)).sort(),
    [10, 20, 25, 30].map((s) => Number(at(s))),
  )
  await reader.close()
}

async function idempotence() {
  const topic = await createTopic('idempotence')
  const producer = newProducer({ idempotent: true, acks: -1 })
  const values = upTo(50).map(String)
  for (let from = 0; from < 50; from += 10) {
    await producer.send({
      messages: messages(values.slice(from, from + 10)).map((each) => ({ topic, ...each })),
    })
  }
  await producer.close()
  const reader = await new Reader(topic).from('earliest')
  expect(await reader.values(50), values)
  await reader.close()
  return { topic }
}

function adminTopics() {
  return withAdmin(async (admin) => {
    const topic = unique('admin')
    const creation = {
      topics: [topic],
      partitions: 2,
      replicas: 1,
      configs: [{ name: 'retention.ms', value: '123456' }],
    }
    const [created] = await admin.createTopics(creation)
    expect(
      [
        created.name,
        created.partitions,
        created.configuration['retention.ms'].value ?? created.configuration['retention.ms'],
      ],
      [topic, 2, '123456'],
    )
    await until('the topic exists', async () => (await admin.listTopics()).includes(topic))
    await refused(() => admin.createTopics(creation), 'TOPIC_ALREADY_EXISTS')

    await admin.createPartitions({ topics: [{ name: topic, count: 5, assignments: null }] })
    await refused(
      () => admin.createPartitions({ topics: [{ name: topic, count: 3, assignments: null }] }),
      'INVALID_PARTITIONS',
    )
    const metadata = () => admin.metadata({ topics: [topic], forceUpdate: true })
    await until(
      'it has five partitions',
      async () => (await metadata()).topics.get(topic).partitionsCount === 5,
    )
    const { brokers, id, topics } = await metadata()
    expect([brokers.size, id.length, topics.get(topic).id], [1, 22, created.id])

    const resource = { resourceType: 2, resourceName: topic, configurationKeys: null }
    const [{ configs }] = await admin.describeConfigs({ resources: [resource], includeSynonyms: true })
    const found = (name) => configs.find((config) => config.name === name)
    expect([found('retention.ms').value, found('retention.ms').configSource], ['123456', 1])
    expect([found('cleanup.policy').value, found('cleanup.policy').configSource], ['delete', 5])

    await produce(topic, messages(numbered(10), 3))
    const deletion = { topics: [{ name: topic, partitions: [{ partition: 3, offset: 6n }] }] }
    expect(await admin.deleteRecords(deletion), [
      { name: topic, partitions: [{ partition: 3, lowWatermark: 6n }] },
    ])
    const ends = await Promise.all(
      [-2n, -1n].map(async (timestamp) => {
        const asked = [{ name: topic, partitions: [{ partitionIndex: 3, timestamp }] }]
        return (await admin.listOffsets({ topics: asked }))[0].partitions[0].offset
      }),
    )
    expect(ends, [6n, 10n])

    await admin.deleteTopics({ topics: [topic] })
    await until('the topic is gone', async () => !(await admin.listTopics()).includes(topic))
    await refused(() => admin.deleteTopics({ topics: [topic] }), 'UNKNOWN_TOPIC_OR_PARTITION')
  })
}

function adminGroups() {
  return withAdmin(async (admin) => {
    const [topic, group] = [await createTopic('admin-groups', 2), unique('admin-groups')]
    await produce(topic, messages(numbered(5)))
    const reader = await new Reader(topic, group, { clientId: 'the reader' }).join()
    await (await reader.read(5))[4].commit()

    const listed = (await admin.listGroups({ states: ['Stable'] })).get(group)
    expect([listed.protocolType, listed.state], ['consumer', 'Stable'])
    const { members } = await described(group, 1)
    const [member] = members.values()
    expect([member.clientId, member.clientHost], ['the reader', '/127.0.0.1'])
    expect([...member.assignments.values()], [{ topic, partitions: [0, 1] }])
    await refused(() => admin.deleteGroups({ groups: [group] }), 'NON_EMPTY_GROUP')

    const committed = async () => {
      const [{ topics }] = await admin.listConsumerGroupOffsets({ groups: [group] })
      return topics[0]?.partitions.find(({ partitionIndex }) => partitionIndex === 0)?.committedOffset
    }
    expect(await committed(), 5n)
    const wanted = {
      groupId: group,
      topics: [{ name: topic, partitionOffsets: [{ partition: 0, offset: 2n }] }],
    }
    await refused(() => admin.alterConsumerGroupOffsets(wanted), 'UNKNOWN_MEMBER_ID')
    await reader.close()
    await admin.alterConsumerGroupOffsets(wanted)
    expect(await committed(), 2n)
    const again = await new Reader(topic, group).join()
    expect(await again.offsets(3), [2, 3, 4])
    await again.close()
    await admin.deleteConsumerGroupOffsets({
      groupId: group,
      topics: [{ name: topic, partitionIndexes: [0] }],
    })
    expect(await committed(), undefined)
    await admin.deleteGroups({ groups: [group] })
    await refused(() => admin.deleteGroups({ groups: [group] }), 'GROUP_ID_NOT_FOUND')
  })
}

await main(
  {
    version: versionOf('platformatic-kafka', '@platformatic/kafka'),
    gzip: codec('gzip'),
    snappy: codec('snappy'),
    lz4: codec('lz4'),
    zstd: codec('zstd'),
    headers,
    keys,
    'null values': nullValues,
    'acks 0, 1 and all': acks,
    'groups with rebalances': rebalances,
    'cooperative rebalances': cooperative,
    'static members': staticMembers,
    'crash and resume': crashAndResume,
    seeks,
    'offsets by time': offsetsByTime,
    idempotence,
    transactions,
    'offsets in transactions': offsetsInTransactions,
    'admin: topics': adminTopics,
    'admin: groups and offsets': adminGroups,
    'admin: configs': adminConfigs,
    'admin: cluster': adminCluster,
  },
  crashWorker,
)
