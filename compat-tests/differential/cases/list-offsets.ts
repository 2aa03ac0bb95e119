import { type ListOffsetsResponse, listOffsetsApi } from '../../../src/wire/messages/list-offsets.ts'
import { BASE_TIMESTAMP, batch, Codec } from '../batch.ts'
import { type CaseContext, differential, type Topic } from '../case.ts'
import type { Complete } from '../client.ts'
import { deleteRecords } from './reading.ts'

interface Extra {
  readonly currentLeaderEpoch?: number
  readonly isolationLevel?: number
  readonly replicaId?: number
  readonly timeoutMs?: number
}

/** Asks for these timestamps of partition 0, each in a request of its own. */
async function offsets(
  t: CaseContext,
  version: number,
  topic: Topic,
  timestamps: readonly bigint[],
  extra: Extra = {},
): Promise<Record<string, Complete<ListOffsetsResponse>>> {
  const out: Record<string, Complete<ListOffsetsResponse>> = {}
  for (const timestamp of timestamps) {
    const { currentLeaderEpoch = -1, ...rest } = extra
    const partitions = [{ partitionIndex: 0, currentLeaderEpoch, timestamp }]
    out[String(timestamp)] = await t.send(listOffsetsApi, version, {
      replicaId: -1,
      timeoutMs: 10_000,
      topics: [{ name: topic.name, partitions }],
      ...rest,
    })
  }
  return out
}

/** Offsets 0 to 4; the times in seconds after the base are 0, 10, 5, 20, 20. */
async function filled(t: CaseContext): Promise<Topic> {
  const topic = await t.topic('a')
  const at = (...seconds: readonly number[]): Buffer =>
    batch(seconds.map((second) => ({ value: 'x', timestampDelta: second * 1000 })))
  for (const records of [at(0, 10), at(5), at(20, 20)]) await t.produce(topic, 0, records)
  return topic
}

for (const version of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) {
  differential('ListOffsets', `v${version} latest and earliest`, async (t) =>
    offsets(t, version, await filled(t), [-1n, -2n]),
  )
}

const special = [-3n, -4n, -5n, -6n, -7n, -8n, -100n]
for (const version of [1, 6, 7, 8, 9, 10, 11]) {
  differential('ListOffsets', `v${version} special timestamps`, async (t) =>
    offsets(t, version, await filled(t), special),
  )
}

differential('ListOffsets', 'v7 special timestamps of an empty partition', async (t) =>
  offsets(t, 7, await t.topic('a'), [-1n, -2n, -3n, 0n]),
)

const seconds = (count: number): bigint => BASE_TIMESTAMP + BigInt(count * 1000)
differential('ListOffsets', 'v4 timestamps', async (t) => {
  const asked = [
    0n,
    seconds(0),
    seconds(0) + 1n,
    seconds(5),
    seconds(10),
    seconds(11),
    seconds(20),
    seconds(21),
  ]
  return offsets(t, 4, await filled(t), asked)
})

differential('ListOffsets', 'v4 timestamps inside a compressed batch', async (t) => {
  const topic = await t.topic('a')
  const records = [0, 1, 2].map((second) => ({ value: 'x', timestampDelta: second * 1000 }))
  await t.produce(topic, 0, batch(records, { attributes: Codec.GZIP }))
  return offsets(t, 7, topic, [seconds(0), seconds(1), seconds(2), seconds(3), -3n])
})

differential('ListOffsets', 'v7 after records were deleted', async (t) => {
  const topic = await filled(t)
  await deleteRecords(t, topic, 2n)
  return offsets(t, 8, topic, [-1n, -2n, -3n, -4n, 0n, seconds(10)])
})

differential('ListOffsets', 'v7 the greatest timestamp stands first', async (t) => {
  const topic = await t.topic('a')
  await t.produce(topic, 0, batch([{ value: 'x', timestampDelta: 9000 }, 'y']))
  await t.produce(topic, 0, batch(['z']))
  return offsets(t, 7, topic, [-3n])
})

differential('ListOffsets', 'v4 a current leader epoch that is too high', async (t) =>
  offsets(t, 4, await filled(t), [-1n], { currentLeaderEpoch: 4 }),
)
differential('ListOffsets', 'v4 a current leader epoch that is negative', async (t) =>
  offsets(t, 4, await filled(t), [-1n], { currentLeaderEpoch: -2 }),
)
differential('ListOffsets', 'v4 the current leader epoch that is right', async (t) =>
  offsets(t, 4, await filled(t), [-1n, -2n, seconds(5)], { currentLeaderEpoch: 0 }),
)
differential('ListOffsets', 'v2 read committed', async (t) =>
  offsets(t, 2, await filled(t), [-1n, -2n, seconds(20)], { isolationLevel: 1 }),
)
differential('ListOffsets', 'v2 the replica id of a broker', async (t) =>
  offsets(t, 2, await filled(t), [-1n], { replicaId: 3 }),
)
differential('ListOffsets', 'v2 the replica id of a debugger', async (t) =>
  offsets(t, 2, await filled(t), [-1n], { replicaId: -2 }),
)
differential('ListOffsets', 'v11 timeout of 0', async (t) =>
  offsets(t, 11, await filled(t), [-1n, seconds(5), -6n], { timeoutMs: 0 }),
)

for (const version of [1, 4]) {
  differential('ListOffsets', `v${version} an unknown topic and an unknown partition`, async (t) => {
    const topic = await t.topic('a')
    return t.send(listOffsetsApi, version, {
      replicaId: -1,
      topics: [
        {
          name: topic.name,
          partitions: [5, -1].map((partitionIndex) => ({ partitionIndex, timestamp: -1n })),
        },
        { name: 'list-offsets-nowhere', partitions: [{ partitionIndex: 0, timestamp: -1n }] },
        { name: 'not a name', partitions: [{ partitionIndex: 0, timestamp: -1n }] },
      ],
    })
  })
}

differential('ListOffsets', 'v5 the same partition twice', async (t) => {
  const topic = await filled(t)
  const partitions = [-1n, -2n].map((timestamp) => ({ partitionIndex: 0, timestamp }))
  return t.send(listOffsetsApi, 5, { replicaId: -1, topics: [{ name: topic.name, partitions }] })
})

differential('ListOffsets', 'v5 no topics', (t) => t.send(listOffsetsApi, 5, { replicaId: -1 }))
