import { expect, test } from 'vitest'
import * as batch from './batch.ts'
import { ErrorCode } from './error-codes.ts'
import { RecordsError } from './records-error.ts'

/** A header with every field at a value of its own, and three bytes in place of records. */
function sample(): Buffer {
  const bytes = Buffer.alloc(batch.BATCH_HEADER_BYTES + 3, 0xee)
  bytes.writeBigInt64BE(1000n, 0)
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes.writeInt32BE(7, 12)
  bytes.writeInt8(2, 16)
  bytes.writeUInt16BE(0x8000 | 0x80 | 0x10 | 4, 21)
  bytes.writeInt32BE(4, 23)
  bytes.writeBigInt64BE(1_700_000_000_000n, 27)
  bytes.writeBigInt64BE(1_700_000_000_123n, 35)
  bytes.writeBigInt64BE(42n, 43)
  bytes.writeInt16BE(3, 51)
  bytes.writeInt32BE(2 ** 31 - 2, 53)
  bytes.writeInt32BE(5, 57)
  batch.setCrc(bytes)
  return bytes
}

test('reads every field, at any position', () => {
  const bytes = Buffer.concat([Buffer.from('xx'), sample()])
  expect(batch.batchBytes(bytes, 2)).toBe(64)
  expect(batch.baseOffset(bytes, 2)).toBe(1000n)
  expect(batch.lastOffset(bytes, 2)).toBe(1004n)
  expect(batch.leaderEpoch(bytes, 2)).toBe(7)
  expect(batch.magic(bytes, 2)).toBe(2)
  expect(batch.compressionCodec(bytes, 2)).toBe(batch.Codec.ZSTD)
  expect(batch.timestampType(bytes, 2)).toBe(batch.TimestampType.CREATE_TIME)
  expect(batch.isTransactional(bytes, 2)).toBe(true)
  expect(batch.isControlBatch(bytes, 2)).toBe(false)
  expect(batch.deleteHorizonMs(bytes, 2)).toBe(null)
  expect(batch.baseTimestamp(bytes, 2)).toBe(1_700_000_000_000n)
  expect(batch.maxTimestamp(bytes, 2)).toBe(1_700_000_000_123n)
  expect(batch.producerId(bytes, 2)).toBe(42n)
  expect(batch.hasProducerId(bytes, 2)).toBe(true)
  expect(batch.producerEpoch(bytes, 2)).toBe(3)
  expect(batch.lastSequence(bytes, 2)).toBe(2)
  expect(batch.recordsCount(bytes, 2)).toBe(5)
  expect(batch.recordsPayload(bytes, 2)).toEqual(Buffer.alloc(3, 0xee))
  expect(batch.isCrcValid(bytes, 2)).toBe(true)
})

test('base offset and leader epoch stand outside the checksum, nothing else does', () => {
  const bytes = sample()
  batch.setBaseOffset(bytes, 0, 2n ** 62n)
  batch.setLeaderEpoch(bytes, 0, -1)
  expect(batch.isCrcValid(bytes)).toBe(true)
  for (let position = batch.BatchField.CRC; position < bytes.length; position++) {
    const changed = Buffer.from(bytes)
    changed.writeUInt8((bytes.readUInt8(position) + 1) & 0xff, position)
    expect(batch.isCrcValid(changed)).toBe(false)
  }
})

test('a stamp gives the batch a new checksum and clears unknown bits, but only where it changes something', () => {
  const bytes = sample()
  expect(batch.stampBatch(bytes, 0, batch.TimestampType.CREATE_TIME, 1_700_000_000_123n)).toBe(false)
  expect(bytes).toEqual(sample())
  expect(batch.stampBatch(bytes, 0, batch.TimestampType.LOG_APPEND_TIME, 5n)).toBe(true)
  expect(batch.attributes(bytes)).toBe(0x10 | 0x08 | 4)
  expect(batch.timestampType(bytes)).toBe(batch.TimestampType.LOG_APPEND_TIME)
  expect(batch.maxTimestamp(bytes)).toBe(5n)
  expect(batch.isCrcValid(bytes)).toBe(true)
})

test('finds the whole batches of a buffer, at every length that it may be cut to', () => {
  const three = Buffer.concat([sample(), sample(), sample()])
  for (let length = 0; length <= three.length; length++) {
    const expected = [0, 64, 128].slice(0, Math.floor(length / 64))
    expect([...batch.wholeBatches(three.subarray(0, length))]).toEqual(expected)
    expect([...batch.wholeBatches(three, 0, length)]).toEqual(expected)
  }
})

test.each([13, 0, -1, -(2 ** 31)])('a batch length of %d is corrupt', (length) => {
  const bytes = sample()
  bytes.writeInt32BE(length, 8)
  expect(() => batch.batchBytes(bytes)).toThrow(
    expect.objectContaining({ code: ErrorCode.CORRUPT_MESSAGE, name: 'RecordsError' }),
  )
})

test.each([-1, 3, 127])('a magic of %d is corrupt', (magic) => {
  const bytes = sample()
  bytes.writeInt8(magic, 16)
  expect(() => batch.batchBytes(bytes)).toThrow(RecordsError)
})

test('a length that claims more than is there is no whole batch', () => {
  const bytes = sample()
  bytes.writeInt32BE(2 ** 31 - 1, 8)
  expect(batch.batchBytes(bytes)).toBe(0)
  bytes.writeInt32BE(14, 8)
  expect(batch.batchBytes(bytes)).toBe(26)
  expect(batch.isCrcValid(bytes)).toBe(false)
})

test('sequences wrap', () => {
  expect(batch.incrementSequence(2 ** 31 - 1, 1)).toBe(0)
  expect(batch.incrementSequence(2 ** 31 - 3, 4)).toBe(1)
})
