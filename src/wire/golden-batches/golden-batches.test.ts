/** Holds batches, records and codecs against what Apache Kafka's own classes write; see GoldenBatches.java. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import * as batch from '../batch.ts'
import { crc32c } from '../crc32c.ts'
import type { BatchOptions, NewRecord } from '../record-builder.ts'
import { buildBatch, buildCompressedBatch, type RecordValue, readRecords, walkBatch } from '../records.ts'

interface Golden {
  readonly name: string
  readonly bytes: string
  readonly records: readonly GoldenRecord[]
  readonly [field: string]: unknown
}

interface GoldenRecord {
  readonly offset: string
  readonly timestamp: string
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly (readonly [key: string, value: string | null])[]
}

const goldens: readonly Golden[] = gunzipSync(
  readFileSync(new URL('golden-batches.jsonl.gz', import.meta.url)),
)
  .toString()
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Golden)

describe.each(goldens)('$name', (golden) => {
  const bytes = Buffer.from(golden.bytes, 'base64')

  test('the header says what Kafka reads in it', () => {
    expect(batch.batchBytes(bytes)).toBe(bytes.length)
    expect(batch.magic(bytes)).toBe(batch.MAGIC_V2)
    expect(batch.isCrcValid(bytes)).toBe(true)
    const { name: _, bytes: __, records, ...header } = golden
    expect({
      baseOffset: `${batch.baseOffset(bytes)}`,
      lastOffset: `${batch.lastOffset(bytes)}`,
      leaderEpoch: batch.leaderEpoch(bytes),
      codec: batch.compressionCodec(bytes),
      timestampType: batch.timestampType(bytes),
      isTransactional: batch.isTransactional(bytes),
      isControl: batch.isControlBatch(bytes),
      baseTimestamp: `${batch.baseTimestamp(bytes)}`,
      maxTimestamp: `${batch.maxTimestamp(bytes)}`,
      producerId: `${batch.producerId(bytes)}`,
      producerEpoch: batch.producerEpoch(bytes),
      baseSequence: batch.baseSequence(bytes),
      lastSequence: batch.lastSequence(bytes),
    }).toEqual(header)
    expect(batch.recordsCount(bytes)).toBe(records.length)
  })

  test('the records are those that Kafka reads', async () => {
    const records = await readRecords(bytes)
    expect(records.map(described)).toEqual(golden.records)
  })

  test('a walk comes by every record', async () => {
    const base = batch.baseTimestamp(bytes)
    const walked: unknown[] = []
    await walkBatch(bytes, 0, (record) => {
      walked.push([
        record.index,
        record.offsetDelta,
        base + record.exactTimestampDelta(),
        record.keyBytes,
        record.valueBytes,
        record.headersCount,
      ])
    })
    const logAppendTime = batch.timestampType(bytes) === batch.TimestampType.LOG_APPEND_TIME
    const expected = (await readRecords(bytes)).map((record, index) => [
      index,
      Number(record.offset - batch.baseOffset(bytes)),
      logAppendTime ? walked[index]?.[2 as never] : record.timestamp,
      record.key?.length ?? -1,
      record.value?.length ?? -1,
      record.headers.length,
    ])
    expect(walked).toEqual(expected)
  })

  test('the same records make the same batch', async () => {
    const { records, options } = await taken(bytes)
    const codec = batch.compressionCodec(bytes) as batch.Codec
    if (codec === batch.Codec.NONE) expect(buildBatch(records, options)).toEqual(bytes)
    const again = await buildCompressedBatch(records, codec, options)
    expect(batch.isCrcValid(again)).toBe(true)
    expect((await readRecords(again)).map(described)).toEqual(golden.records)
  })
})

/** What a batch is made of, for making it again. */
async function taken(bytes: Buffer): Promise<{ records: NewRecord[]; options: BatchOptions }> {
  const logAppendTime = batch.timestampType(bytes) === batch.TimestampType.LOG_APPEND_TIME
  const deltas: bigint[] = []
  await walkBatch(bytes, 0, (record) => {
    deltas.push(record.exactTimestampDelta())
  })
  const records = (await readRecords(bytes)).map((record, index) => ({
    ...record,
    timestamp: batch.baseTimestamp(bytes) + (deltas[index] as bigint),
  }))
  const options = {
    baseOffset: batch.baseOffset(bytes),
    leaderEpoch: batch.leaderEpoch(bytes),
    timestampType: batch.timestampType(bytes),
    ...(logAppendTime ? { maxTimestamp: batch.maxTimestamp(bytes) } : {}),
    producerId: batch.producerId(bytes),
    producerEpoch: batch.producerEpoch(bytes),
    baseSequence: batch.baseSequence(bytes),
    isTransactional: batch.isTransactional(bytes),
    isControl: batch.isControlBatch(bytes),
  }
  return { records, options }
}

function described(record: RecordValue): GoldenRecord {
  return {
    offset: `${record.offset}`,
    timestamp: `${record.timestamp}`,
    key: text(record.key),
    value: text(record.value),
    headers: record.headers.map(({ key, value }) => [key, text(value)]),
  }
}

function text(bytes: Buffer | null): string | null {
  if (bytes === null) return null
  return bytes.length <= 500 ? bytes.toString('base64') : `${bytes.length} bytes, CRC-32C ${crc32c(bytes)}`
}
