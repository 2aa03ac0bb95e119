/** The features of @confluentinc/kafka-javascript, shown one by one (see ../js-harness.js). */
import { expect, main, numbered, refusal, unique, until, upTo, versionOf } from '../js-harness.js'
import { createTopic, ErrorCodes, kafka, messages, produce, Reader, withAdmin } from './client.js'
import { cooperative, crashAndResume, crashWorker, described, rebalances, staticMembers } from './groups.js'
import { offsetsInTransactions, transactions } from './transactions.js'

const codec = (compression) => async () => {
  const topic = await createTopic(compression)
  const values = upTo(50).map((index) => `${index} `.repeat(200))
  await produce(topic, messages(values), { compression })
  const reader = await new Reader(topic).run()
  expect(await reader.values(50), values)
  await reader.close()
  return { topic }
}

async function headers() {
  const topic = await createTopic('headers')
  const sent = { plain: 'text', empty: '', binary: Buffer.of(0, 255, 128), twice: ['one', 'two'] }
  await produce(topic, [{ value: 'with', headers: sent }, { value: 'without' }])
  const reader = await new Reader(topic).run()
  const read = await reader.read(2)
  expect(
    { ...read[0].headers },
    {
      plain: Buffer.from('text'),
      empty: Buffer.alloc(0),
      binary: Buffer.of(0, 255, 128),
      twice: [Buffer.from('one'), Buffer.from('two')],
    },
  )
  expect(Object.keys(read[1].headers ?? {}), [])
  await reader.close()
}

async function keys() {
  const topic = await createTopic('keys', 4)
  const names = upTo(20).map((index) => `key ${index}`)
  await produce(
    topic,
    [1, 2].flatMap((turn) => names.map((key) => ({ key, value: `${key} ${turn}` }))),
  )
  await produce(topic, [
    { key: null, value: 'no key' },
    { key: '', value: 'empty key' },
  ])
  const reader = await new Reader(topic).run()
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
  expect([keyOf('no key'), keyOf('empty key')], [null, Buffer.alloc(0)])
  await reader.close()
}

async function nullValues() {
  // The client makes null of an empty value, too.
  const topic = await createTopic('nulls')
  await produce(topic, [
    { key: 'a', value: null },
    { key: 'a', value: 'text' },
  ])
  const reader = await new Reader(topic).run()
  expect(await reader.values(2), [null, 'text'])
  await reader.close()
}

async function acks() {
  const topic = await createTopic('acks')
  for (const [index, acks] of [-1, 1, 0].entries()) {
    const [told] = await produce(topic, messages([`acks ${acks}`]), { acks })
    // With acks=0 nobody says where the message went.
    if (acks !== 0) expect(told.baseOffset, `${index}`)
  }
  const reader = await new Reader(topic).run()
  expect(await reader.values(3), ['acks -1', 'acks 1', 'acks 0'])
  await reader.close()
}

async function seeks() {
  const topic = await createTopic('seeks')
  await produce(topic, messages(numbered(10)))
  const reader = await new Reader(topic).run()
  await reader.read(10)
  const seek = (offset) => {
    reader.seen.length = 0
    reader.consumer.seek({ topic, partition: 0, offset: `${offset}` })
  }
  seek(7)
  expect(await reader.offsets(3), [7, 8, 9], 'from a given offset')
  seek(2)
  expect((await reader.offsets(8)).slice(0, 2), [2, 3], 'after a seek back')
  // Beyond the end, fromBeginning decides.
  seek(1000)
  expect((await reader.offsets(10))[0], 0, 'after a seek beyond the end')

  reader.consumer.pause([{ topic }])
  expect(reader.consumer.paused(), [{ topic, partitions: [0] }])
  reader.seen.length = 0
  await produce(topic, messages(['while paused']))
  reader.consumer.resume([{ topic }])
  expect(await reader.values(1), ['while paused'])
  await reader.close()
}

async function offsetsByTime() {
  const topic = await createTopic('time', 2)
  const startMs = Date.now() - 600_000
  const at = (seconds) => startMs + seconds * 1000
  const message = (partition, seconds) => ({ partition, value: 'x', timestamp: `${at(seconds)}` })
  await produce(topic, [message(0, 10), message(0, 30), message(0, 20), message(1, 25)])
  await withAdmin(async (admin) => {
    const offsets = async (seconds) => {
      const found = await admin.fetchTopicOffsetsByTimestamp(topic, at(seconds))
      return found.sort((a, b) => a.partition - b.partition).map(({ offset }) => offset)
    }
    expect(await offsets(5), ['0', '0'])
    expect(await offsets(15), ['1', '0'])
    expect(await offsets(26), ['1', '1'])
    const ends = await admin.fetchTopicOffsets(topic)
    expect(ends.map(({ partition, low, high }) => [partition, low, high]).sort(), [
      [0, '0', '3'],
      [1, '0', '1'],
    ])
  })
  const reader = await new Reader(topic).run()
  const stamps = (await reader.read(4)).map(({ timestamp }) => Number(timestamp))
  expect(stamps.sort(), [at(10), at(20), at(25), at(30)])
  await reader.close()
}

async function idempotence() {
  const topic = await createTopic('idempotence')
  const producer = kafka.producer({ kafkaJS: { idempotent: true }, 'batch.num.messages': 10 })
  await producer.connect()
  const values = upTo(50).map(String)
  await Promise.all(values.map((value) => producer.send({ topic, messages: messages([value]) })))
  await producer.disconnect()
  const reader = await new Reader(topic).run()
  expect(await reader.values(50), values)
  await reader.close()
  return { topic }
}

function adminTopics() {
  return withAdmin(async (admin) => {
    const topic = unique('admin')
    const creation = {
      topics: [{ topic, numPartitions: 2, configEntries: [{ name: 'retention.ms', value: '123456' }] }],
    }
    expect(await admin.createTopics(creation), true)
    expect(await admin.createTopics(creation), false, 'it exists already')
    expect((await admin.listTopics()).includes(topic), true)
    const [metadata] = await admin.fetchTopicMetadata({ topics: [topic], includeAuthorizedOperations: true })
    expect([metadata.name, metadata.isInternal, metadata.partitions.length], [topic, false, 2])

    await produce(topic, messages(numbered(10), 1))
    const [deleted] = await admin.deleteTopicRecords({ topic, partitions: [{ partition: 1, offset: '6' }] })
    expect([deleted.partition, Number(deleted.lowWatermark)], [1, 6])
    const ends = await admin.fetchTopicOffsets(topic)
    const { low, high } = ends.find(({ partition }) => partition === 1)
    expect([low, high], ['6', '10'])

    await admin.deleteTopics({ topics: [topic] })
    await until('the topic is gone', async () => !(await admin.listTopics()).includes(topic))
    const error = await refusal(() => admin.deleteTopics({ topics: [topic] }))
    expect(error.code, ErrorCodes.ERR_UNKNOWN_TOPIC_OR_PART)
  })
}

function adminGroups() {
  return withAdmin(async (admin) => {
    const [topic, group] = [await createTopic('admin-groups', 2), unique('admin-groups')]
    await produce(topic, messages(numbered(5)))
    const reader = await new Reader(topic, group, { 'client.id': 'the reader' }).run()
    await reader.read(5)
    await reader.consumer.commitOffsets([{ topic, partition: 0, offset: '5' }])

    const listed = (await admin.listGroups()).groups.filter(({ groupId }) => groupId === group)
    expect(
      listed.map(({ protocolType, isSimpleConsumerGroup }) => [protocolType, isSimpleConsumerGroup]),
      [['consumer', false]],
    )
    const { members, partitionAssignor } = await described(group)
    expect(
      [members[0].clientId, members[0].clientHost, partitionAssignor],
      ['the reader', '/127.0.0.1', 'roundrobin'],
    )
    const held = members[0].assignment.topicPartitions.map(({ partition }) => partition)
    expect(held.sort(), [0, 1])
    const inUse = await refusal(() => admin.deleteGroups([group]))
    expect(inUse.groups[0].error.code, ErrorCodes.ERR_NON_EMPTY_GROUP)
    const committed = async () => {
      const [found] = await admin.fetchOffsets({ groupId: group })
      return found?.partitions.find(({ partition }) => partition === 0)?.offset
    }
    expect(await committed(), '5')
    await reader.close()
    await until('the group is deleted', () =>
      admin.deleteGroups([group]).then(
        () => true,
        () => false,
      ),
    )
    expect(await committed(), undefined)
    const again = await refusal(() => admin.deleteGroups([group]))
    expect(again.groups[0].error.code, ErrorCodes.ERR_GROUP_ID_NOT_FOUND)
  })
}

await main(
  {
    version: versionOf('confluent-kafka-javascript', '@confluentinc/kafka-javascript'),
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
  },
  crashWorker,
)
