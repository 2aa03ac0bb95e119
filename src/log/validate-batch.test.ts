import { describe, expect, it } from 'vitest'
import * as batch from '../wire/batch.ts'
import { compress } from '../wire/compression.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import type { BatchOptions } from '../wire/record-builder.ts'
import { assemble, encodeRecords } from '../wire/record-builder.ts'
import { buildCompressedBatch, readRecords } from '../wire/records.ts'
import { defaultLogConfig, type LogConfig } from './log-config.ts'
import { encoded, patched, producedBatch, records, type TestRecord } from './test-log.suite.ts'
import { type ValidatedBatch, validateBatch } from './validate-batch.ts'

const NOW = 1_000_000
const { CREATE_TIME, LOG_APPEND_TIME } = batch.TimestampType

async function validate(
  frame: Buffer,
  config: Partial<LogConfig> = {},
  nowMs = NOW,
): Promise<ValidatedBatch> {
  return validateBatch(frame, {
    topicPartition: 'orders-3',
    config: { ...defaultLogConfig, ...config },
    nowMs,
  })
}

async function compressed(
  codec: batch.Codec,
  list: readonly TestRecord[],
  options: BatchOptions = {},
): Promise<Buffer> {
  return buildCompressedBatch(list.map(encoded), codec, options)
}

/** A batch around bytes that need be no records. */
async function around(payload: Buffer, codec: batch.Codec = batch.Codec.NONE, count = 1): Promise<Buffer> {
  return assemble(records(count).map(encoded), {}, codec, await compress(codec, payload))
}

const failsWith = (code: number) => expect.objectContaining({ code })
const invalid = failsWith(ErrorCode.INVALID_RECORD)
const corrupt = failsWith(ErrorCode.CORRUPT_MESSAGE)
const unknown = failsWith(ErrorCode.UNKNOWN_SERVER_ERROR)
const tooLarge = failsWith(ErrorCode.MESSAGE_TOO_LARGE)

describe('validateBatch: the header', () => {
  const changes: readonly [string, (frame: Buffer) => void][] = [
    ['a base offset', (frame) => batch.setBaseOffset(frame, 0, 5n)],
    ['a negative base offset', (frame) => batch.setBaseOffset(frame, 0, -1n)],
    ['a last delta above count - 1', (frame) => frame.writeInt32BE(5, batch.BatchField.LAST_OFFSET_DELTA)],
    ['a negative last delta', (frame) => frame.writeInt32BE(-5, batch.BatchField.LAST_OFFSET_DELTA)],
    [
      'the greatest last delta',
      (frame) => frame.writeInt32BE(2 ** 31 - 1, batch.BatchField.LAST_OFFSET_DELTA),
    ],
    ['a count above the last delta', (frame) => frame.writeInt32BE(3, batch.BatchField.RECORDS_COUNT)],
    ['a negative count', (frame) => frame.writeInt32BE(-1, batch.BatchField.RECORDS_COUNT)],
    ['a count of 0', (frame) => frame.writeInt32BE(0, batch.BatchField.RECORDS_COUNT)],
    ['the control bit', (frame) => frame.writeInt16BE(0x20, batch.BatchField.ATTRIBUTES)],
    ['a producer without a sequence', (frame) => frame.writeBigInt64BE(5n, batch.BatchField.PRODUCER_ID)],
  ]
  it.each(changes)('refuses %s', async (_name, change) => {
    await expect(validate(patched(producedBatch(records(2)), change))).rejects.toThrow(invalid)
  })

  it('refuses a batch without records, a count without records, and records beyond the count', async () => {
    await expect(validate(producedBatch([]))).rejects.toThrow(invalid)
    const counts = (count: number) => (frame: Buffer) => {
      frame.writeInt32BE(count, batch.BatchField.RECORDS_COUNT)
      frame.writeInt32BE(count - 1, batch.BatchField.LAST_OFFSET_DELTA)
    }
    for (const codec of [batch.Codec.NONE, batch.Codec.GZIP]) {
      for (const count of [1, 3]) {
        const frame = await compressed(codec, records(2))
        await expect(validate(patched(frame, counts(count)))).rejects.toThrow(invalid)
      }
    }
  })

  it('takes a producer id of -2 for none, and unknown attribute bits as they are', async () => {
    const frame = patched(producedBatch(records(1)), (bytes) => {
      bytes.writeBigInt64BE(-2n, batch.BatchField.PRODUCER_ID)
      bytes.writeUInt16BE(0x7f80, batch.BatchField.ATTRIBUTES)
    })
    const before = Buffer.from(frame)
    expect((await validate(frame)).frame.equals(before)).toBe(true)
  })

  it('compares the checksum, after base offset and size', async () => {
    const broken = (frame: Buffer): Buffer => {
      frame[frame.length - 1] = 0xff
      return frame
    }
    await expect(validate(broken(producedBatch(records(1))))).rejects.toThrow(corrupt)
    await expect(validate(broken(producedBatch(records(1))), { maxMessageBytes: 70 })).rejects.toThrow(
      tooLarge,
    )
    const base = producedBatch(records(1), { baseOffset: 1n })
    await expect(validate(broken(base), { maxMessageBytes: 70 })).rejects.toThrow(invalid)
    const stub = Buffer.from(producedBatch([]).subarray(0, 60))
    stub.writeInt32BE(48, batch.BatchField.BATCH_LENGTH)
    await expect(validate(stub)).rejects.toThrow(corrupt)
  })

  it('takes a batch of exactly max.message.bytes', async () => {
    const frame = producedBatch(records(1))
    await validate(Buffer.from(frame), { maxMessageBytes: frame.length })
    await expect(validate(frame, { maxMessageBytes: frame.length - 1 })).rejects.toThrow(tooLarge)
  })

  it('leaves out what stands behind the batch', async () => {
    const frame = producedBatch(records(1))
    const { frame: kept } = await validate(Buffer.concat([frame, Buffer.alloc(3)]))
    expect(kept.equals(frame)).toBe(true)
  })

  it('cannot read codecs 5 to 7, nor bytes that a codec did not make', async () => {
    for (const codec of [5, 6, 7]) {
      const frame = patched(producedBatch(records(1)), (bytes) =>
        bytes.writeInt16BE(codec, batch.BatchField.ATTRIBUTES),
      )
      await expect(validate(frame)).rejects.toThrow(unknown)
    }
    for (const codec of [1, 2, 3, 4] as const) {
      const frame = assemble(records(1).map(encoded), {}, codec, Buffer.from('hello there, all of you'))
      await expect(validate(frame)).rejects.toThrow(unknown)
    }
  })
})

describe('validateBatch: the records', () => {
  const encodeOne = (record: TestRecord = {}): Buffer =>
    encodeRecords([encoded({ timestamp: 1n, ...record })], {})
  const withSize = (size: number): Buffer => Buffer.concat([Buffer.from([2 * size]), encodeOne().subarray(1)])

  it('holds uncompressed records to their sizes, compressed ones not', async () => {
    const right = encodeOne().length - 1
    for (const size of [right - 1, right + 1, 60]) {
      await expect(validate(await around(withSize(size)))).rejects.toThrow(invalid)
      await validate(await around(withSize(size), batch.Codec.GZIP))
      await expect(
        validate(await around(withSize(size), batch.Codec.GZIP), { compressionType: 'uncompressed' }),
      ).rejects.toThrow(invalid)
    }
  })

  it('trips over the size of an uncompressed record that is no varint', async () => {
    const payload = Buffer.concat([Buffer.from([0x80, 0x80, 0x80, 0x80, 0x80, 1]), encodeOne().subarray(1)])
    await expect(validate(await around(payload))).rejects.toThrow(unknown)
    await expect(validate(await around(payload), { compressionType: 'gzip' })).rejects.toThrow(unknown)
    for (const compressionType of ['producer', 'uncompressed'] as const) {
      const frame = await around(payload, batch.Codec.GZIP)
      await expect(validate(frame, { compressionType })).rejects.toThrow(invalid)
    }
  })

  it('refuses what is cut and what has something behind it', async () => {
    const one = encodeOne()
    for (const payload of [Buffer.alloc(0), one.subarray(0, -1), Buffer.concat([one, Buffer.from([1])])]) {
      await expect(validate(await around(payload))).rejects.toThrow(invalid)
      await expect(validate(await around(payload, batch.Codec.GZIP))).rejects.toThrow(invalid)
    }
  })

  it('does not look at offset deltas, unless the batch is compressed', async () => {
    const deltas = [0, 0, 9].map((offsetDelta): TestRecord => ({ timestamp: 1n, offsetDelta }))
    const options = { lastOffsetDelta: 2 }
    const plain = producedBatch(deltas, options)
    const before = Buffer.from(plain)
    expect((await validate(plain)).frame.equals(before)).toBe(true)
    await expect(validate(await compressed(batch.Codec.GZIP, deltas, options))).rejects.toThrow(unknown)
    const rebuilt = await validate(await compressed(batch.Codec.GZIP, deltas, options), {
      compressionType: 'lz4',
    })
    expect((await readRecords(rebuilt.frame)).map(({ offset }) => offset)).toEqual([0n, 1n, 2n])
  })

  it('takes a compressed record that is far larger than max.message.bytes', async () => {
    const frame = await compressed(batch.Codec.GZIP, [{ timestamp: 1n, value: 'x'.repeat(8_000_000) }])
    expect(frame.length).toBeLessThan(20_000)
    const pending = validateBatch(frame, {
      topicPartition: 'orders-3',
      config: { ...defaultLogConfig, maxMessageBytes: 20_000 },
      nowMs: NOW,
    })
    expect(pending).toBeInstanceOf(Promise)
    expect((await pending).maxTimestamp).toBe(1n)
  })
})

it('compresses no batch anew that would take far more memory than its bytes', async () => {
  const count = 1_000_001
  const payload = Buffer.alloc(count * 7, Buffer.from([0x0c, 0, 0, 0, 1, 1, 0]))
  const frame = patched(await around(payload, batch.Codec.GZIP), (made) => {
    made.writeInt32BE(count - 1, batch.BatchField.LAST_OFFSET_DELTA)
    made.writeInt32BE(count, batch.BatchField.RECORDS_COUNT)
  })
  const refused = await validate(frame, { compressionType: 'lz4' }).catch((error) => error)
  expect(refused).toEqual(tooLarge)
  expect(refused.message).toBe('1000001 records to be compressed anew, at most 1000000 are')
})

describe('validateBatch: keys and timestamps', () => {
  it('names the records without a key on a compacted topic, the first three in the message', async () => {
    const list = [{}, { key: null }, { key: null }, { key: null }, { key: null }].map((record) => ({
      timestamp: 1n,
      ...record,
    }))
    const text = 'Compacted topic cannot accept message without key in topic partition orders-3'
    const shown = [1, 2, 3].map((index) => `RecordError(batchIndex=${index}, message='${text}')`).join(', ')
    for (const codec of [batch.Codec.NONE, batch.Codec.GZIP]) {
      await expect(validate(await compressed(codec, list), { compacted: true })).rejects.toMatchObject({
        code: ErrorCode.INVALID_RECORD,
        message:
          'One or more records have been rejected due to 4 record errors in total, and only showing the ' +
          `first three errors at most: [${shown}]`,
        recordErrors: [1, 2, 3, 4].map((batchIndex) => ({ batchIndex, batchIndexErrorMessage: text })),
      })
      await validate(await compressed(codec, list))
    }
  })

  it('names only so many of the refused records that a few compressed bytes come to', async () => {
    const count = 300_000
    const payload = Buffer.alloc(count * 7, Buffer.from([0x0c, 0, 0, 0, 1, 1, 0]))
    const frame = await around(payload, batch.Codec.GZIP, count)
    const refused = await validate(frame, { messageTimestampBeforeMaxMs: 1_000 }).catch((error) => error)
    expect(refused).toMatchObject({ code: ErrorCode.INVALID_TIMESTAMP })
    expect(refused.recordErrors).toHaveLength(200_000)
  })

  it('bounds timestamps on both sides, both bounds included', async () => {
    const bounds = { messageTimestampBeforeMaxMs: 1000, messageTimestampAfterMaxMs: 2000 }
    await validate(
      producedBatch([{ timestamp: 999_000n }, { timestamp: 1_002_000n }, { timestamp: -1n }]),
      bounds,
    )
    const list = [998_999n, 1_000_000n, 1_002_001n, -2n].map((timestamp) => ({ timestamp }))
    for (const codec of [batch.Codec.NONE, batch.Codec.LZ4]) {
      await expect(validate(await compressed(codec, list), bounds)).rejects.toMatchObject({
        code: ErrorCode.INVALID_TIMESTAMP,
        message: 'One or more records have been rejected due to invalid timestamp',
        recordErrors: [
          [0, 998_999],
          [2, 1_002_001],
          [3, -2],
        ].map(([batchIndex, timestamp]) => ({
          batchIndex,
          batchIndexErrorMessage:
            `Timestamp ${timestamp} of message with offset ${batchIndex} is out of range. ` +
            'The timestamp should be within [999000, 1002000]',
        })),
      })
    }
  })

  it('says INVALID_TIMESTAMP where keys are missing too', async () => {
    const list = [
      { key: null, timestamp: 99_000_000n },
      { timestamp: 99_000_000n },
      { key: null, timestamp: 1n },
    ]
    const failed = validate(producedBatch(list), { compacted: true })
    await expect(failed).rejects.toMatchObject({ code: ErrorCode.INVALID_TIMESTAMP })
    await expect(failed).rejects.toHaveProperty('recordErrors.length', 3)
  })

  it('compares timestamps as Java does, where 64 bits wrap around', async () => {
    const outOfRange = failsWith(ErrorCode.INVALID_TIMESTAMP)
    const { min, max } = { min: -(2n ** 63n), max: 2n ** 63n - 1n }
    await expect(validate(producedBatch([{ timestamp: min }]))).rejects.toMatchObject({
      recordErrors: [
        {
          batchIndex: 0,
          batchIndexErrorMessage:
            `Timestamp ${min} of message with offset 0 is out of range. ` +
            `The timestamp should be within [${BigInt(NOW) - max}, ${NOW + 3_600_000}]`,
        },
      ],
    })
    await expect(validate(producedBatch([{ timestamp: max }]))).rejects.toThrow(outOfRange)
    await validate(producedBatch([{ timestamp: -2n }]))
    await validate(producedBatch([{ timestamp: -(2n ** 60n) }]))
    const all = { messageTimestampAfterMaxMs: 2 ** 63 }
    expect(
      (await validate(producedBatch([{ timestamp: 2n ** 60n }, { timestamp: 5n }]), all)).maxTimestamp,
    ).toBe(2n ** 60n)
  })

  it('corrects the latest timestamp, with a new checksum', async () => {
    for (const codec of [batch.Codec.NONE, batch.Codec.SNAPPY]) {
      const list = [{ timestamp: 500n }, { timestamp: 700n }, { timestamp: 600n }]
      const { frame, maxTimestamp } = await validate(await compressed(codec, list, { maxTimestamp: 9n }))
      expect(maxTimestamp).toBe(700n)
      expect(batch.maxTimestamp(frame)).toBe(700n)
      expect(batch.isCrcValid(frame)).toBe(true)
      expect(batch.baseTimestamp(frame)).toBe(500n)
    }
    const { frame } = await validate(producedBatch([{ timestamp: -5n }, { timestamp: -4n }]))
    expect(batch.maxTimestamp(frame)).toBe(-1n)
  })

  it('stamps what it takes on a LogAppendTime topic', async () => {
    const config = { messageTimestampType: LOG_APPEND_TIME }
    const validated = await validate(producedBatch([{ timestamp: 99_000_000n }]), config)
    expect(validated).toMatchObject({ maxTimestamp: BigInt(NOW), logAppendTimeMs: BigInt(NOW) })
    expect(batch.timestampType(validated.frame)).toBe(LOG_APPEND_TIME)
    expect(batch.isCrcValid(validated.frame)).toBe(true)
    expect((await readRecords(validated.frame))[0]?.timestamp).toBe(BigInt(NOW))
  })

  it('clears the LogAppendTime bit on a CreateTime topic', async () => {
    const options = { timestampType: LOG_APPEND_TIME, maxTimestamp: 123n }
    const validated = await validate(producedBatch(records(2, 99_000_000n), options))
    expect(validated).toMatchObject({ maxTimestamp: 123n, logAppendTimeMs: -1n })
    expect(batch.timestampType(validated.frame)).toBe(CREATE_TIME)
    expect(batch.isCrcValid(validated.frame)).toBe(true)
    const far = { timestampType: LOG_APPEND_TIME, maxTimestamp: 99_000_000n }
    await expect(validate(producedBatch(records(2), far))).rejects.toHaveProperty('recordErrors.length', 2)
  })

  it('lets no producer choose LogAppendTime on such a topic', async () => {
    const list = [{ timestamp: 1n }, { timestamp: 1n, key: null, value: null }]
    const options = { timestampType: LOG_APPEND_TIME, maxTimestamp: 123n }
    const config: Partial<LogConfig> = { messageTimestampType: LOG_APPEND_TIME }
    const message = (kind: string, index: number, keyBytes: number, valueBytes: number) => ({
      batchIndex: index,
      batchIndexErrorMessage:
        `Invalid timestamp type in message ${kind}(offset=${index}, timestamp=123, key=${keyBytes} bytes, ` +
        `value=${valueBytes} bytes). Producer should not set timestamp type to LogAppendTime.`,
    })
    await expect(validate(producedBatch(list, options), config)).rejects.toMatchObject({
      code: ErrorCode.INVALID_TIMESTAMP,
      recordErrors: [message('DefaultRecord', 0, 3, 5), message('DefaultRecord', 1, 0, 0)],
    })
    const gzip = await compressed(batch.Codec.GZIP, list, options)
    await expect(validate(Buffer.from(gzip), config)).rejects.toMatchObject({
      recordErrors: [message('PartialDefaultRecord', 0, 3, 5), message('PartialDefaultRecord', 1, -1, -1)],
    })
    await expect(validate(gzip, { ...config, compressionType: 'lz4' })).rejects.toMatchObject({
      recordErrors: [message('DefaultRecord', 0, 3, 5), message('DefaultRecord', 1, 0, 0)],
    })
    const none = { timestampType: LOG_APPEND_TIME, maxTimestamp: -1n }
    await expect(validate(producedBatch(records(1), none))).rejects.toHaveProperty(
      'recordErrors.0.batchIndexErrorMessage',
      message('DefaultRecord', 0, 3, 5).batchIndexErrorMessage.replace('=123', '=-1'),
    )
  })
})

describe('validateBatch: compression.type', () => {
  const list: readonly TestRecord[] = [
    { timestamp: 1050n, headers: [{ key: 'h', value: null }] },
    { timestamp: 1020n, key: null },
    { timestamp: 1070n, value: null },
  ]
  const options = { producerId: 9n, producerEpoch: 2, baseSequence: 17, maxTimestamp: 5n }

  it('gives a batch the codec of the topic, and its records as they were', async () => {
    const types = ['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'] as const
    for (const [codec, compressionType] of types.entries()) {
      for (const source of [0, 1, 2, 3, 4] as const) {
        const sent = await compressed(source, list, options)
        const before = Buffer.from(sent)
        const { frame, maxTimestamp } = await validate(sent, { compressionType })
        expect(batch.compressionCodec(frame)).toBe(codec)
        expect(maxTimestamp).toBe(1070n)
        expect(batch.maxTimestamp(frame)).toBe(1070n)
        expect(batch.baseTimestamp(frame)).toBe(1050n)
        expect(batch.isCrcValid(frame)).toBe(true)
        expect([batch.producerId(frame), batch.producerEpoch(frame), batch.baseSequence(frame)]).toEqual([
          9n,
          2,
          17,
        ])
        expect(await readRecords(frame)).toEqual(await readRecords(before))
        if (source === codec) expect(frame.buffer).toBe(sent.buffer)
      }
    }
  })

  it('keeps what the producer chose where the topic says producer', async () => {
    const sent = await compressed(batch.Codec.LZ4, list)
    expect((await validate(sent)).frame.buffer).toBe(sent.buffer)
  })

  it('stamps a rebuilt batch with the time of append', async () => {
    const config: Partial<LogConfig> = { compressionType: 'gzip', messageTimestampType: LOG_APPEND_TIME }
    const validated = await validate(producedBatch(list), config)
    expect(validated.logAppendTimeMs).toBe(BigInt(NOW))
    expect(batch.maxTimestamp(validated.frame)).toBe(BigInt(NOW))
    expect(batch.baseTimestamp(validated.frame)).toBe(1050n)
    expect(batch.timestampType(validated.frame)).toBe(LOG_APPEND_TIME)
  })

  it('measures a rebuilt batch again', async () => {
    const large = await compressed(batch.Codec.GZIP, [{ timestamp: 1n, value: 'x'.repeat(3000) }])
    const config: Partial<LogConfig> = { compressionType: 'uncompressed', maxMessageBytes: 2000 }
    await expect(validate(large, config)).rejects.toThrow(tooLarge)
    const bomb = await compressed(batch.Codec.GZIP, [{ timestamp: 1n, value: 'x'.repeat(3_000_000) }])
    await expect(validate(bomb, { ...config, maxMessageBytes: 10_000 })).rejects.toThrow(tooLarge)
  })

  it('fails like Kafka over a timestamp that it cannot write', async () => {
    await expect(validate(producedBatch([{ timestamp: -2n }]), { compressionType: 'gzip' })).rejects.toThrow(
      unknown,
    )
    await validate(producedBatch([{ timestamp: -1n }]), { compressionType: 'gzip' })
  })
})
