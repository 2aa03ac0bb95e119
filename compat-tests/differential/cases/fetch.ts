import { apiVersionsApi } from '../../../src/wire/messages/api-versions.ts'
import { createTopicsApi } from '../../../src/wire/messages/create-topics.ts'
import { deleteTopicsApi } from '../../../src/wire/messages/delete-topics.ts'
import { type FetchRequest, type FetchResponse, fetchApi } from '../../../src/wire/messages/fetch.ts'
import { ZERO_UUID } from '../../../src/wire/reader.ts'
import { batch, Codec, readBatches } from '../batch.ts'
import { type CaseContext, type Client, differential, type Topic } from '../case.ts'
import type { Complete, Partially } from '../client.ts'
import { deleteRecords } from './reading.ts'

type Sender = Pick<Client, 'send'>
type PartitionRequest = Partially<FetchRequest['topics'][number]['partitions'][number]>

interface Ask extends Omit<Partially<FetchRequest>, 'topics'> {
  readonly partitions?: readonly PartitionRequest[]
  readonly topics?: Partially<FetchRequest>['topics']
}

/** Fetches from one topic, by default partition 0 from its start without waiting. */
async function fetch(sender: Sender, version: number, topic: Topic | null, ask: Ask = {}): Promise<unknown> {
  const { partitions = [{}], ...rest } = ask
  const own =
    topic === null
      ? []
      : [
          {
            topic: topic.name,
            topicId: topic.topicId,
            partitions: partitions.map((one) => ({ partitionMaxBytes: 1_000_000, ...one })),
          },
        ]
  const answer = await sender.send(fetchApi, version, {
    maxWaitMs: 0,
    maxBytes: 1_000_000,
    topics: own,
    ...rest,
  })
  return readable(answer)
}

/** The answer with its records in words. */
function readable(answer: Complete<FetchResponse>): Complete<FetchResponse> {
  const responses = answer.responses.map((topic) => ({
    ...topic,
    partitions: topic.partitions.map((partition) => ({
      ...partition,
      records: readBatches(partition.records as Buffer | null) as never,
    })),
  }))
  return { ...answer, responses }
}

/** Three batches of two records each: offsets 0 to 5. */
async function filled(t: CaseContext, suffix = 'a', partitions = 1): Promise<Topic> {
  const topic = await t.topic(suffix, { partitions })
  for (const values of [
    ['a', 'b'],
    ['c', 'd'],
    ['e', 'f'],
  ])
    await t.produce(topic, 0, batch(values))
  return topic
}

for (const version of [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18]) {
  differential('Fetch', `v${version} from the start`, async (t) => fetch(t, version, await filled(t)))
}

for (const version of [4, 7, 12]) {
  differential('Fetch', `v${version} an unknown topic and an unknown partition`, async (t) => {
    const topic = await t.topic('a')
    const topics = [
      { topic: topic.name, partitions: [{ partition: 5, partitionMaxBytes: 1000 }] },
      { topic: 'fetch-nowhere', partitions: [{ partition: 0, partitionMaxBytes: 1000 }] },
    ]
    return fetch(t, version, null, { topics })
  })
}
differential('Fetch', 'v13 a topic id that is unknown', (t) =>
  fetch(t, 13, { name: '', topicId: 'AAAAAAAAAAAAAAAAAAAQAA' }),
)
differential('Fetch', 'v13 the topic id of nothing', (t) => fetch(t, 13, { name: '', topicId: ZERO_UUID }))
differential('Fetch', 'v13 an unknown partition', async (t) =>
  fetch(t, 13, await t.topic('a'), { partitions: [{ partition: 3 }, { partition: -1 }] }),
)
differential('Fetch', 'v12 a bad topic name', (t) => fetch(t, 12, { name: 'not a name', topicId: ZERO_UUID }))
differential('Fetch', 'v4 no topics', (t) => fetch(t, 4, null))
differential('Fetch', 'v12 no topics, no session', (t) => fetch(t, 12, null))
differential('Fetch', 'v12 a topic without partitions', async (t) =>
  fetch(t, 12, await t.topic('a'), { partitions: [] }),
)
differential('Fetch', 'v12 the same partition twice', async (t) =>
  fetch(t, 12, await filled(t), { partitions: [{}, { fetchOffset: 4n }] }),
)
differential('Fetch', 'v4 the same topic twice', async (t) => {
  const topic = await filled(t)
  const one = { topic: topic.name, partitions: [{ partitionMaxBytes: 1000, fetchOffset: 4n }] }
  return fetch(t, 4, null, { topics: [one, one] })
})
differential('Fetch', 'v12 the offsets topic', async (t) => {
  await t.group('g')
  const answer = (await fetch(t, 12, {
    name: '__consumer_offsets',
    topicId: ZERO_UUID,
  })) as Complete<FetchResponse>
  return answer.responses[0]?.partitions[0]?.errorCode
})

/** One partition of three batches of two records, 65 bytes of records each. */
const positions: ReadonlyArray<readonly [condition: string, ask: PartitionRequest, rest?: Ask]> = [
  ['in the middle of a batch', { fetchOffset: 3n }],
  ['at the end', { fetchOffset: 6n }],
  ['above the end', { fetchOffset: 7n }],
  ['far above the end', { fetchOffset: 2n ** 62n }],
  ['a negative offset', { fetchOffset: -1n }],
  ['a log start offset of its own', { logStartOffset: 3n }],
  ['one byte of the partition', { partitionMaxBytes: 1 }],
  ['no byte of the partition', { partitionMaxBytes: 0 }],
  ['a negative size of the partition', { partitionMaxBytes: -1 }],
  ['just one batch of the partition', { partitionMaxBytes: 77 }],
  ['a cut in the header of the second batch', { partitionMaxBytes: 90 }],
  ['a cut in the records of the second batch', { partitionMaxBytes: 150 }],
  ['a byte less than the second batch', { partitionMaxBytes: 153 }],
  ['two whole batches', { partitionMaxBytes: 154 }],
  ['one byte of all', {}, { maxBytes: 1 }],
  ['no byte of all', {}, { maxBytes: 0 }],
  ['a negative size of all', {}, { maxBytes: -1 }],
  ['a cut by the size of all', {}, { maxBytes: 100 }],
  ['read committed', {}, { isolationLevel: 1 }],
  ['an isolation level that is unknown', {}, { isolationLevel: 5 }],
  ['a minimum above the maximum', {}, { minBytes: 1000, maxBytes: 100, maxWaitMs: 50 }],
  ['a minimum that is not reached in time', {}, { minBytes: 100_000, maxWaitMs: 50 }],
  ['a negative wait', { fetchOffset: 6n }, { maxWaitMs: -1, minBytes: 1 }],
  ['a current leader epoch that is right', { currentLeaderEpoch: 0 }],
  ['a current leader epoch that is too high', { currentLeaderEpoch: 3 }],
  ['a current leader epoch that is negative', { currentLeaderEpoch: -2 }],
  ['a last fetched epoch that is negative', { lastFetchedEpoch: -7 }],
  ['a last fetched epoch that is right', { lastFetchedEpoch: 0, fetchOffset: 2n }],
  ['a last fetched epoch that is ahead of the log', { lastFetchedEpoch: 3, fetchOffset: 2n }],
  ['a rack', {}, { rackId: 'r1' }],
  ['a cluster id of another cluster', {}, { clusterId: 'another' }],
]

for (const [condition, ask, rest] of positions) {
  differential('Fetch', `v12 ${condition}`, async (t) =>
    fetch(t, 12, await filled(t), { ...rest, partitions: [ask] }),
  )
}

differential('Fetch', 'v12 from an offset below the log start', async (t) => {
  const topic = await filled(t)
  await deleteRecords(t, topic, 3n)
  return {
    below: await fetch(t, 12, topic),
    at: await fetch(t, 12, topic, { partitions: [{ fetchOffset: 3n }] }),
  }
})

differential('Fetch', 'v12 a replica id of a broker that does not exist', async (t) =>
  fetch(t, 12, await filled(t), { replicaId: 7 }),
)
differential('Fetch', 'v12 the replica id of a consumer of old', async (t) =>
  fetch(t, 12, await filled(t), { replicaId: -2 }),
)

for (const [codec, attributes] of Object.entries(Codec)) {
  differential('Fetch', `v12 a batch of codec ${codec}`, async (t) => {
    const topic = await t.topic('a')
    await t.produce(topic, 0, batch(['x', 'y', 'z'], { attributes }))
    return fetch(t, 12, topic, { partitions: [{ fetchOffset: 1n }] })
  })
}
differential('Fetch', 'v9 a zstd batch', async (t) => {
  const topic = await t.topic('a')
  await t.produce(topic, 0, batch(['x'], { attributes: Codec.ZSTD }))
  return fetch(t, 9, topic)
})

differential('Fetch', 'v12 the size of all over two partitions', async (t) => {
  const topic = await filled(t, 'a', 2)
  await t.produce(topic, 1, batch(['x', 'y']))
  await t.produce(topic, 1, batch(['z']))
  const both = [{ partition: 0 }, { partition: 1 }]
  return {
    oneByte: await fetch(t, 12, topic, { maxBytes: 1, partitions: both }),
    turned: await fetch(t, 12, topic, { maxBytes: 1, partitions: both.toReversed() }),
    moreThanTheFirst: await fetch(t, 12, topic, { maxBytes: 300, partitions: both }),
  }
})

for (const version of [12, 13]) {
  differential('Fetch', `v${version} waits for the good partition when another is unknown`, async (t) => {
    const topic = await t.topic('a')
    const startedMs = Date.now()
    const partitions = [{ partition: 0 }, { partition: 9 }]
    const answer = await fetch(t, version, topic, { maxWaitMs: 400, minBytes: 1, partitions })
    return { answer, waited: Date.now() - startedMs >= 380 }
  })
}

differential('Fetch', 'v12 does not wait for the good partition when another is out of range', async (t) => {
  const topic = await t.topic('a', { partitions: 2 })
  const partitions = [{ partition: 0 }, { partition: 1, fetchOffset: 4n }]
  return fetch(t, 12, topic, { maxWaitMs: 30_000, minBytes: 1, partitions })
})

differential('Fetch', 'v12 does not wait when every partition is unknown', async (t) => {
  const topic = await t.topic('a')
  return fetch(t, 12, topic, { maxWaitMs: 30_000, minBytes: 1, partitions: [{ partition: 9 }] })
})

differential('Fetch', 'v12 waits for a batch', async (t) => {
  const topic = await t.topic('a')
  const client = await t.connect()
  const waiting = fetch(client, 12, topic, { maxWaitMs: 30_000, minBytes: 1 })
  await t.produce(topic, 0, batch(['x']))
  return waiting
})

differential('Fetch', 'v12 waits until there are enough bytes', async (t) => {
  const topic = await t.topic('a')
  const client = await t.connect()
  const waiting = fetch(client, 12, topic, { maxWaitMs: 30_000, minBytes: 100 })
  await t.produce(topic, 0, batch(['x']))
  await t.produce(topic, 0, batch(['y']))
  return waiting
})

differential('Fetch', 'v12 waits in vain', async (t) =>
  fetch(t, 12, await t.topic('a'), { maxWaitMs: 20, minBytes: 1 }),
)

for (const version of [12, 13]) {
  differential('Fetch', `v${version} waits while the topic is deleted`, async (t) => {
    const topic = await t.topic('a')
    const client = await t.connect()
    const helper = await t.helper()
    // A broker that has answered on both connections reads from both, whatever comes.
    await client.send(apiVersionsApi, 0, {})
    const waiting = fetch(client, version, topic, { maxWaitMs: 30_000, minBytes: 1 })
    await helper.send(apiVersionsApi, 0, {})
    await helper.send(deleteTopicsApi, 5, { topicNames: [topic.name], timeoutMs: 30_000 })
    return waiting
  })
}

differential('Fetch', 'v13 a topic that was made anew', async (t) => {
  const topic = await filled(t)
  const helper = await t.helper()
  await helper.send(deleteTopicsApi, 5, { topicNames: [topic.name], timeoutMs: 30_000 })
  await t.gone(topic.name)
  const again = { name: topic.name, numPartitions: 1, replicationFactor: 1 }
  await helper.send(createTopicsApi, 5, { topics: [again], timeoutMs: 30_000 })
  const anew = await t.ready(topic.name, 1)
  return { old: await fetch(t, 13, topic), anew: await fetch(t, 13, anew) }
})

/** Sessions (KIP-227). */
async function session(client: Client, version: number, topic: Topic): Promise<number> {
  const first = (await fetch(client, version, topic, { sessionEpoch: 0 })) as Complete<FetchResponse>
  return first.sessionId
}

for (const version of [7, 12, 13]) {
  differential('Fetch', `v${version} a session: new, unchanged, changed, closed`, async (t) => {
    const topic = await filled(t)
    const client = await t.connect()
    const opened = (await fetch(client, version, topic, { sessionEpoch: 0 })) as Complete<FetchResponse>
    const next = (sessionEpoch: number, ask: Ask = {}): Promise<unknown> =>
      fetch(client, version, null, { sessionId: opened.sessionId, sessionEpoch, ...ask })
    const unmoved = await next(1)
    const moved = await fetch(client, version, topic, {
      sessionId: opened.sessionId,
      sessionEpoch: 2,
      partitions: [{ fetchOffset: 6n }],
    })
    const empty = await next(3)
    await t.produce(topic, 0, batch(['g']))
    const appended = await next(4)
    const closed = await next(-1)
    return { opened, unmoved, moved, empty, appended, closed, after: await next(5) }
  })
}

differential('Fetch', 'v12 a session: a partition that is forgotten', async (t) => {
  const topic = await filled(t, 'a', 2)
  const client = await t.connect()
  const opened = (await fetch(client, 12, topic, {
    sessionEpoch: 0,
    partitions: [{ partition: 0 }, { partition: 1 }],
  })) as Complete<FetchResponse>
  const { sessionId } = opened
  const forgottenTopicsData = [{ topic: topic.name, partitions: [0] }]
  const forgotten = await fetch(client, 12, null, { sessionId, sessionEpoch: 1, forgottenTopicsData })
  await t.produce(topic, 1, batch(['x']))
  return { opened, forgotten, other: await fetch(client, 12, null, { sessionId, sessionEpoch: 2 }) }
})

differential('Fetch', 'v12 a session: a partition that is added', async (t) => {
  const topic = await filled(t, 'a', 2)
  const client = await t.connect()
  const sessionId = await session(client, 12, topic)
  const partitions = [{ partition: 1 }]
  const added = await fetch(client, 12, topic, { sessionId, sessionEpoch: 1, partitions })
  await t.produce(topic, 1, batch(['x']))
  return { added, afterwards: await fetch(client, 12, null, { sessionId, sessionEpoch: 2 }) }
})

differential('Fetch', 'v12 a session: an unknown partition is told again and again', async (t) => {
  const topic = await filled(t)
  const client = await t.connect()
  const partitions = [{ partition: 4 }]
  const opened = (await fetch(client, 12, topic, { sessionEpoch: 0, partitions })) as Complete<FetchResponse>
  return { opened, again: await fetch(client, 12, null, { sessionId: opened.sessionId, sessionEpoch: 1 }) }
})

differential('Fetch', 'v12 a session: the log start moves', async (t) => {
  const topic = await filled(t)
  const client = await t.connect()
  const partitions = [{ fetchOffset: 6n }]
  const opened = (await fetch(client, 12, topic, { sessionEpoch: 0, partitions })) as Complete<FetchResponse>
  await deleteRecords(t, topic, 2n)
  return { opened, moved: await fetch(client, 12, null, { sessionId: opened.sessionId, sessionEpoch: 1 }) }
})

differential('Fetch', 'v12 a session that is unknown', async (t) =>
  fetch(t, 12, await filled(t), { sessionId: 123, sessionEpoch: 1 }),
)
differential('Fetch', 'v12 a session of an epoch that is wrong', async (t) => {
  const topic = await filled(t)
  const client = await t.connect()
  const sessionId = await session(client, 12, topic)
  const ahead = await fetch(client, 12, topic, { sessionId, sessionEpoch: 5 })
  const right = await fetch(client, 12, topic, { sessionId, sessionEpoch: 1 })
  return { ahead, right, behind: await fetch(client, 12, topic, { sessionId, sessionEpoch: 1 }) }
})
differential('Fetch', 'v12 a session replaced by a new one', async (t) => {
  const topic = await filled(t)
  const client = await t.connect()
  const sessionId = await session(client, 12, topic)
  const renewed = await fetch(client, 12, topic, { sessionId, sessionEpoch: 0 })
  return { renewed, old: await fetch(client, 12, null, { sessionId, sessionEpoch: 1 }) }
})
differential('Fetch', 'v12 no session: epoch -1 with an id', async (t) => {
  const topic = await filled(t)
  const client = await t.connect()
  const sessionId = await session(client, 12, topic)
  return fetch(client, 12, topic, { sessionId, sessionEpoch: -1 })
})
differential('Fetch', 'v12 an epoch above 0 without a session', async (t) =>
  fetch(t, 12, await filled(t), { sessionId: 0, sessionEpoch: 1 }),
)
differential('Fetch', 'v12 a session without partitions', (t) => fetch(t, 12, null, { sessionEpoch: 0 }))
differential('Fetch', 'v13 a session opened by name', async (t) => {
  const topic = await filled(t)
  const client = await t.connect()
  const sessionId = await session(client, 12, topic)
  return fetch(client, 13, topic, { sessionId, sessionEpoch: 1 })
})
differential('Fetch', 'v12 a session opened by id', async (t) => {
  const topic = await filled(t)
  const client = await t.connect()
  const sessionId = await session(client, 13, topic)
  return fetch(client, 12, topic, { sessionId, sessionEpoch: 1 })
})
for (const anew of [false, true]) {
  const condition = anew ? 'made anew' : 'deleted'
  differential('Fetch', `v13 a session with a topic that was ${condition}`, async (t) => {
    const topic = await filled(t)
    const client = await t.connect()
    const sessionId = await session(client, 13, topic)
    const helper = await t.helper()
    await helper.send(deleteTopicsApi, 5, { topicNames: [topic.name], timeoutMs: 30_000 })
    await t.gone(topic.name)
    if (anew) {
      const again = { name: topic.name, numPartitions: 1, replicationFactor: 1 }
      await helper.send(createTopicsApi, 5, { topics: [again], timeoutMs: 30_000 })
      await t.ready(topic.name, 1)
    }
    return fetch(client, 13, null, { sessionId, sessionEpoch: 1 })
  })
}

differential('Fetch', 'v13 a session: an unknown topic id is told again', async (t) => {
  const client = await t.connect()
  const nowhere = { name: '', topicId: 'AAAAAAAAAAAAAAAAAAAQAA' }
  const opened = (await fetch(client, 13, nowhere, { sessionEpoch: 0 })) as Complete<FetchResponse>
  return { opened, again: await fetch(client, 13, null, { sessionId: opened.sessionId, sessionEpoch: 1 }) }
})
