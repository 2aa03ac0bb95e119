import { gzipSync } from 'node:zlib'
import { type ProduceResponse, produceApi } from '../../../src/wire/messages/produce.ts'
import { ZERO_UUID } from '../../../src/wire/reader.ts'
import {
  BASE_TIMESTAMP,
  type BatchOptions,
  batch,
  CONTROL,
  Codec,
  encodeRecords,
  LOG_APPEND_TIME,
  oldMessage,
  type RecordOptions,
  TRANSACTIONAL,
} from '../batch.ts'
import { type CaseContext, differential, orClosed, type Topic, type TopicOptions } from '../case.ts'
import type { Complete } from '../client.ts'
import { readBack } from './reading.ts'

interface Extra {
  readonly acks?: number
  readonly transactionalId?: string
  readonly partition?: number
}

/** Sends one partition's records in any version. */
function produce(
  t: CaseContext,
  version: number,
  topic: Topic,
  records: Buffer | null,
  extra: Extra = {},
): Promise<Complete<ProduceResponse>> {
  const partitionData = [{ index: extra.partition ?? 0, records }]
  return t.send(produceApi, version, {
    transactionalId: extra.transactionalId ?? null,
    acks: extra.acks ?? -1,
    timeoutMs: 10_000,
    topicData: [{ name: topic.name, topicId: topic.topicId, partitionData }],
  })
}

for (const version of [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]) {
  differential('Produce', `v${version} one batch of two records`, async (t) => {
    return produce(t, version, await t.topic('a'), batch(['x', 'y']))
  })
}

for (const version of [7, 8, 10]) {
  differential('Produce', `v${version} an unknown topic and an unknown partition`, async (t) => {
    const topic = await t.topic('a')
    return t.send(produceApi, version, {
      acks: -1,
      timeoutMs: 10_000,
      topicData: [
        { name: 'produce-nowhere', partitionData: [{ index: 0, records: batch() }] },
        { name: topic.name, partitionData: [7, -1, 0].map((index) => ({ index, records: batch() })) },
      ],
    })
  })
}

differential('Produce', 'v13 a topic id that is unknown', async (t) => {
  return produce(t, 13, { name: '', topicId: 'AAAAAAAAAAAAAAAAAAAQAA' }, batch())
})
differential('Produce', 'v13 the topic id of nothing', async (t) => {
  return produce(t, 13, { name: '', topicId: ZERO_UUID }, batch())
})
differential('Produce', 'v13 a partition that is unknown', async (t) => {
  return produce(t, 13, await t.topic('a'), batch(), { partition: 3 })
})

const acks = [
  ['acks of the leader', 1],
  ['acks of all', -1],
  ['acks of two', 2],
  ['acks of -2', -2],
] as const
for (const [condition, value] of acks) {
  differential('Produce', `v9 ${condition}`, async (t) => {
    return produce(t, 9, await t.topic('a'), batch(), { acks: value })
  })
}

differential('Produce', 'v9 no topics', (t) => t.send(produceApi, 9, { acks: 1, timeoutMs: 1000 }))
differential('Produce', 'v9 a topic without partitions', async (t) => {
  const topic = await t.topic('a')
  return t.send(produceApi, 9, { acks: 1, timeoutMs: 1000, topicData: [{ name: topic.name }] })
})
differential('Produce', 'v9 a bad topic name', (t) =>
  produce(t, 9, { name: 'not a name', topicId: ZERO_UUID }, batch()),
)
differential('Produce', 'v9 the offsets topic', async (t) => {
  await t.group('g')
  return produce(t, 9, { name: '__consumer_offsets', topicId: ZERO_UUID }, batch())
})
differential('Produce', 'v9 the same partition twice in one request', async (t) => {
  const topic = await t.topic('a')
  const partitionData = ['x', 'y'].map((value) => ({ index: 0, records: batch([value]) }))
  return orClosed(
    t.send(produceApi, 9, { acks: -1, timeoutMs: 1000, topicData: [{ name: topic.name, partitionData }] }),
  )
})
differential('Produce', 'v9 the same topic twice in one request', async (t) => {
  const topic = await t.topic('a', { partitions: 2 })
  const topicData = [0, 1].map((index) => ({
    name: topic.name,
    partitionData: [{ index, records: batch() }],
  }))
  return t.send(produceApi, 9, { acks: -1, timeoutMs: 1000, topicData })
})

/** What is produced, and where; the answer is compared, and then everything that is stored. */
interface Produced {
  readonly condition: string
  readonly version?: number
  readonly configs?: TopicOptions['configs']
  readonly records: Buffer | null
}

const rec = (options: RecordOptions, more: BatchOptions = {}): Buffer => batch([options], more)
const zeros = (size: number): Buffer => Buffer.alloc(size)
const body = (...records: readonly RecordOptions[]): Buffer => encodeRecords(records)
const raw = (payload: Buffer, count: number, more: BatchOptions = {}): Buffer =>
  batch([], { payload, count, lastOffsetDelta: count - 1, ...more })

const wrongBatches: readonly Produced[] = [
  { condition: 'records of no bytes', records: zeros(0) },
  { condition: 'a stub of 10 bytes', records: zeros(10) },
  { condition: 'a stub of 20 bytes', records: zeros(20) },
  { condition: 'a batch of zeros', records: zeros(80) },
  { condition: 'a wrong checksum', records: batch(['x'], { crcError: 1 }) },
  { condition: 'magic 3', records: batch(['x'], { magic: 3 }) },
  { condition: 'magic -1', records: batch(['x'], { magic: -1 }) },
  { condition: 'a message of magic 0', records: oldMessage(0, 'x') },
  { condition: 'a message of magic 1', records: oldMessage(1, 'x') },
  { condition: 'a base offset that is not 0', records: batch(['x'], { baseOffset: 5n }) },
  { condition: 'a last offset delta that is too high', records: batch(['x', 'y'], { lastOffsetDelta: 5 }) },
  { condition: 'a last offset delta that is too low', records: batch(['x', 'y'], { lastOffsetDelta: 0 }) },
  { condition: 'a count that is too high', records: batch(['x', 'y'], { count: 3, lastOffsetDelta: 2 }) },
  { condition: 'a count that is too low', records: batch(['x', 'y'], { count: 1, lastOffsetDelta: 0 }) },
  {
    condition: 'a count that is far too high',
    records: batch(['x'], { count: 2 ** 30, lastOffsetDelta: 2 ** 30 - 1 }),
  },
  { condition: 'a negative count', records: batch(['x'], { count: -1 }) },
  { condition: 'a count of 0 with a record', records: batch(['x'], { count: 0 }) },
  { condition: 'no record', records: batch([]) },
  { condition: 'no record, a last offset delta of 0', records: batch([], { lastOffsetDelta: 0 }) },
  { condition: 'two batches', records: Buffer.concat([batch(['x']), batch(['y'])]) },
  { condition: 'bytes after the batch', records: Buffer.concat([batch(['x']), Buffer.from('abc')]) },
  {
    condition: 'a second batch that is cut',
    records: Buffer.concat([batch(['x']), batch(['y']).subarray(0, 40)]),
  },
  { condition: 'a batch that is cut', records: batch(['x'.repeat(50)]).subarray(0, 90) },
  { condition: 'a length that is too small', records: batch(['x'], { lengthError: -5 }) },
  { condition: 'a length below a header', records: batch(['x'], { lengthError: -40 }) },
  { condition: 'a length that is too large', records: batch(['x'], { lengthError: 5 }) },
  { condition: 'a negative length', records: batch(['x'], { lengthError: -1000 }) },
  {
    condition: 'a producer id without a sequence',
    records: batch(['x'], { producerId: 77n, producerEpoch: 0 }),
  },
  {
    condition: 'a control batch',
    records: batch([{ key: '\0\0\0\x01', value: '\0\0\0\0\0\0' }], {
      attributes: CONTROL,
      producerId: 78n,
      producerEpoch: 0,
      baseSequence: 0,
    }),
  },
  { condition: 'codec 5', records: batch(['x'], { attributes: 5 }) },
  { condition: 'codec 7', records: batch(['x'], { attributes: 7 }) },
  { condition: 'garbage as gzip', records: raw(Buffer.from('garbage'), 1, { attributes: Codec.GZIP }) },
  { condition: 'garbage as snappy', records: raw(Buffer.from('garbage'), 1, { attributes: Codec.SNAPPY }) },
  { condition: 'garbage as lz4', records: raw(Buffer.from('garbage'), 1, { attributes: Codec.LZ4 }) },
  { condition: 'garbage as zstd', records: raw(Buffer.from('garbage'), 1, { attributes: Codec.ZSTD }) },
  {
    condition: 'gzip that is cut',
    records: raw(gzipSync(body({ value: 'x'.repeat(200) })).subarray(0, 20), 1, { attributes: Codec.GZIP }),
  },
  {
    condition: 'gzip of nothing, one record promised',
    records: raw(gzipSync(zeros(0)), 1, { attributes: Codec.GZIP }),
  },
  {
    condition: 'gzip with bytes after the records',
    records: raw(gzipSync(Buffer.concat([body({ value: 'x' }), zeros(3)])), 1, { attributes: Codec.GZIP }),
  },
  {
    condition: 'gzip with fewer records than promised',
    records: raw(gzipSync(body({ value: 'x' })), 2, { attributes: Codec.GZIP }),
  },
  {
    condition: 'uncompressed inner deltas that do not rise',
    records: batch([{ value: 'x' }, { value: 'y', offsetDelta: 0 }]),
  },
  {
    condition: 'compressed inner deltas that do not rise',
    records: batch([{ value: 'x' }, { value: 'y', offsetDelta: 0 }], { attributes: Codec.GZIP }),
  },
  { condition: 'a record that is longer than the batch', records: raw(Buffer.from('7e000000', 'hex'), 1) },
  { condition: 'a record of negative length', records: raw(Buffer.from('0100000000', 'hex'), 1) },
  {
    condition: 'a record whose value is longer than it',
    records: raw(Buffer.from('0e00000001107800', 'hex'), 1),
  },
  { condition: 'a header without a key', records: raw(Buffer.from('10000000010178020101', 'hex'), 1) },
  { condition: 'a negative number of headers', records: raw(Buffer.from('0c00000001017801', 'hex'), 1) },
]

const goodBatches: readonly Produced[] = [
  {
    condition: 'keys, headers, null values',
    records: batch([
      {
        key: 'k',
        value: null,
        headers: [
          ['h', 'v'],
          ['n', null],
        ],
      },
      { value: '' },
    ]),
  },
  { condition: 'gzip', records: batch(['x', 'y'], { attributes: Codec.GZIP }) },
  { condition: 'snappy', records: batch(['x', 'y'], { attributes: Codec.SNAPPY }) },
  { condition: 'lz4', records: batch(['x', 'y'], { attributes: Codec.LZ4 }) },
  { condition: 'zstd', records: batch(['x', 'y'], { attributes: Codec.ZSTD }) },
  { condition: 'zstd in v6', version: 6, records: batch(['x'], { attributes: Codec.ZSTD }) },
  { condition: 'zstd in v7', version: 7, records: batch(['x'], { attributes: Codec.ZSTD }) },
  { condition: 'a leader epoch of its own', records: batch(['x'], { leaderEpoch: 9 }) },
  {
    condition: 'a maximum timestamp that is too high',
    records: batch(['x'], { maxTimestamp: BASE_TIMESTAMP + 5n }),
  },
  { condition: 'a maximum timestamp of -1', records: batch(['x'], { maxTimestamp: -1n }) },
  {
    condition: 'a maximum timestamp that is too high, gzip',
    records: batch(['x'], { maxTimestamp: BASE_TIMESTAMP + 5n, attributes: Codec.GZIP }),
  },
  {
    condition: 'timestamps that go down',
    records: batch([
      { value: 'x', timestampDelta: 5 },
      { value: 'y', timestampDelta: -5 },
    ]),
  },
  { condition: 'timestamps of -1', records: batch(['x'], { baseTimestamp: -1n }) },
  { condition: 'timestamps of -2', records: batch(['x'], { baseTimestamp: -2n }) },
  { condition: 'unknown attribute bits', records: batch(['x'], { attributes: 0x4040 }) },
  {
    condition: 'the bit of log append time on a CreateTime topic',
    records: batch(['x'], { attributes: LOG_APPEND_TIME }),
  },
  {
    condition: 'a CreateTime batch on a LogAppendTime topic',
    configs: { 'message.timestamp.type': 'LogAppendTime' },
    records: batch(['x', 'y']),
  },
  {
    condition: 'a gzip batch on a LogAppendTime topic',
    configs: { 'message.timestamp.type': 'LogAppendTime' },
    records: batch(['x'], { attributes: Codec.GZIP }),
  },
  { condition: 'a delete horizon bit', records: batch(['x'], { attributes: 0x40 }) },
  {
    condition: 'uncompressed to a topic of compression.type gzip',
    configs: { 'compression.type': 'gzip' },
    records: batch(['x']),
  },
  {
    condition: 'gzip to a topic of compression.type uncompressed',
    configs: { 'compression.type': 'uncompressed' },
    records: batch(['x', 'y'], { attributes: Codec.GZIP }),
  },
  {
    condition: 'gzip to a topic of compression.type gzip',
    configs: { 'compression.type': 'gzip' },
    records: batch(['x'], { attributes: Codec.GZIP }),
  },
  {
    condition: 'two batches to a topic of compression.type gzip',
    configs: { 'compression.type': 'gzip' },
    records: Buffer.concat([batch(['x']), batch(['y'])]),
  },
  { condition: 'a record attribute byte', records: raw(Buffer.from('0e7f000001027800', 'hex'), 1) },
]

const limits: readonly Produced[] = [
  {
    condition: 'a batch of exactly max.message.bytes',
    configs: { 'max.message.bytes': '100' },
    records: rec({ value: 'x'.repeat(32) }),
  },
  {
    condition: 'a batch above max.message.bytes',
    configs: { 'max.message.bytes': '100' },
    records: rec({ value: 'x'.repeat(33) }),
  },
  {
    condition: 'a gzip batch below max.message.bytes, above it inside',
    configs: { 'max.message.bytes': '200' },
    records: rec({ value: 'x'.repeat(9000) }, { attributes: Codec.GZIP }),
  },
  {
    condition: 'max.message.bytes after recompression',
    configs: { 'max.message.bytes': '200', 'compression.type': 'uncompressed' },
    records: rec({ value: 'x'.repeat(9000) }, { attributes: Codec.GZIP }),
  },
  {
    condition: 'a batch above segment.bytes',
    configs: { 'segment.bytes': '1048576', 'max.message.bytes': '3000000' },
    records: rec({ value: 'x'.repeat(1048600) }),
  },
  {
    condition: 'a null key on a compacted topic',
    configs: { 'cleanup.policy': 'compact' },
    records: batch([{ key: 'k', value: 'v' }, { value: 'x' }, { value: 'y' }]),
  },
  {
    condition: 'a null key on a topic that is compacted and deleted from',
    configs: { 'cleanup.policy': 'compact,delete' },
    records: batch(['x']),
  },
  {
    condition: 'a null key in gzip on a compacted topic',
    configs: { 'cleanup.policy': 'compact' },
    records: batch(['x'], { attributes: Codec.GZIP }),
  },
  {
    condition: 'a key on a compacted topic',
    configs: { 'cleanup.policy': 'compact' },
    records: batch([{ key: 'k', value: null }]),
  },
  {
    condition: 'a timestamp that is too old',
    configs: { 'message.timestamp.before.max.ms': '1000' },
    records: batch(['x', { value: 'y', timestampDelta: 1 }]),
  },
  {
    condition: 'a timestamp that is too old, on a LogAppendTime topic',
    configs: { 'message.timestamp.before.max.ms': '1000', 'message.timestamp.type': 'LogAppendTime' },
    records: batch(['x']),
  },
  {
    condition: 'a timestamp that is too far ahead',
    records: batch(['x'], { baseTimestamp: 4_000_000_000_000n }),
  },
  {
    condition: 'no timestamp on a topic with a lower bound',
    configs: { 'message.timestamp.before.max.ms': '1000' },
    records: batch(['x'], { baseTimestamp: -1n }),
  },
  {
    condition: 'a timestamp that is too old, in gzip',
    configs: { 'message.timestamp.before.max.ms': '1000' },
    records: batch(['x'], { attributes: Codec.GZIP }),
  },
]

for (const one of [...wrongBatches, ...goodBatches, ...limits]) {
  const version = one.version ?? 9
  differential('Produce', `v${version} ${one.condition}`, async (t) => {
    const topic = await t.topic('a', one.configs === undefined ? {} : { configs: one.configs })
    const answer = await orClosed(produce(t, version, topic, one.records))
    return { answer, stored: await readBack(t, topic) }
  })
}

for (const version of [7, 8]) {
  differential('Produce', `v${version} errors of single records`, async (t) => {
    const topic = await t.topic('a', { configs: { 'cleanup.policy': 'compact' } })
    return produce(t, version, topic, batch(['x', { key: 'k', value: 'v' }, 'z']))
  })
}

differential('Produce', 'v9 one good and one bad partition', async (t) => {
  const topic = await t.topic('a', { partitions: 2 })
  const partitionData = [
    { index: 1, records: batch(['x'], { crcError: 1 }) },
    { index: 0, records: batch(['y']) },
  ]
  return t.send(produceApi, 9, {
    acks: -1,
    timeoutMs: 1000,
    topicData: [{ name: topic.name, partitionData }],
  })
})

const idempotent = (sequence: number, epoch: number, values: readonly string[] = ['x']): Buffer =>
  batch(values, { producerId: 9001n, producerEpoch: epoch, baseSequence: sequence })

/** Batches of one producer, one after the other: each answer is compared, then what is stored. */
const sequences: ReadonlyArray<readonly [condition: string, batches: readonly Buffer[]]> = [
  ['sequences in order', [idempotent(0, 0, ['a', 'b']), idempotent(2, 0), idempotent(3, 0)]],
  [
    'a duplicate',
    [idempotent(0, 0, ['a', 'b']), idempotent(2, 0), idempotent(0, 0, ['a', 'b']), idempotent(2, 0)],
  ],
  ['a gap', [idempotent(0, 0), idempotent(2, 0)]],
  ['a duplicate beyond the window of five', [0, 1, 2, 3, 4, 5, 0].map((sequence) => idempotent(sequence, 0))],
  [
    'the oldest duplicate within the window',
    [0, 1, 2, 3, 4, 5, 1].map((sequence) => idempotent(sequence, 0)),
  ],
  ['a part of a duplicate', [idempotent(0, 0, ['a', 'b', 'c']), idempotent(1, 0)]],
  ['an unknown producer that starts in the middle', [idempotent(500, 0), idempotent(501, 0)]],
  ['a new epoch from 0', [idempotent(0, 0), idempotent(1, 0), idempotent(0, 1)]],
  ['a new epoch that does not start at 0', [idempotent(0, 0), idempotent(1, 1)]],
  ['a lower epoch', [idempotent(0, 3), idempotent(1, 2)]],
  ['a lower epoch, sequence 0', [idempotent(0, 3), idempotent(0, 2)]],
  ['sequences that wrap', [idempotent(2147483646, 0, ['a', 'b']), idempotent(0, 0)]],
  ['sequences that wrap inside a batch', [idempotent(2147483647, 0, ['a', 'b', 'c']), idempotent(2, 0)]],
  ['a negative epoch', [idempotent(0, -1)]],
  ['a sequence of -2', [idempotent(-2, 0)]],
]

for (const [condition, batches] of sequences) {
  differential('Produce', `v9 idempotent: ${condition}`, async (t) => {
    const topic = await t.topic('a')
    const answers: unknown[] = []
    for (const records of batches) answers.push((await produce(t, 9, topic, records)).responses)
    return { answers, stored: await readBack(t, topic) }
  })
}

differential('Produce', 'v8 a duplicate on a LogAppendTime topic', async (t) => {
  const topic = await t.topic('a', { configs: { 'message.timestamp.type': 'LogAppendTime' } })
  const first = await produce(t, 8, topic, idempotent(0, 0))
  return { first, again: await produce(t, 8, topic, idempotent(0, 0)) }
})

const transactional = batch(['x'], {
  attributes: TRANSACTIONAL,
  producerId: 9002n,
  producerEpoch: 0,
  baseSequence: 0,
})

for (const version of [9, 11, 12]) {
  differential('Produce', `v${version} a transactional batch without a transactional id`, async (t) => {
    return produce(t, version, await t.topic('a'), transactional)
  })
}
differential('Produce', 'v9 a transactional id and a batch that is not transactional', async (t) => {
  return produce(t, 9, await t.topic('a'), batch(['x']), { transactionalId: await t.transactionalId('txn') })
})
for (const version of [9, 11, 12]) {
  differential('Produce', `v${version} a transactional id that is unknown`, async (t) => {
    return produce(t, version, await t.topic('a'), transactional, {
      transactionalId: await t.transactionalId('txn'),
    })
  })
}
