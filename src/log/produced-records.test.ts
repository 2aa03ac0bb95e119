import { describe, expect, it } from 'vitest'
import * as batch from '../wire/batch.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { checkProducedRecords, isTransactionalRequest } from './produced-records.ts'
import { patched, producedBatch, records } from './test-log.suite.ts'

const whole = (): Buffer => producedBatch(records(1))

function withLength(length: number): Buffer {
  return patched(whole(), (frame) => frame.writeInt32BE(49, batch.BatchField.BATCH_LENGTH)).fill(
    int32(length),
    batch.BatchField.BATCH_LENGTH,
    batch.BatchField.BATCH_LENGTH + 4,
  )
}

function withMagic(magic: number): Buffer {
  const frame = whole()
  frame.writeInt8(magic, batch.BatchField.MAGIC)
  return frame
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** A batch that says it is `bytes` long, and is. */
function stub(bytes: number): Buffer {
  const frame = Buffer.from(whole().subarray(0, bytes))
  frame.writeInt32BE(bytes - batch.LOG_OVERHEAD_BYTES, batch.BatchField.BATCH_LENGTH)
  return frame
}

describe('checkProducedRecords', () => {
  const failures: readonly [string, Buffer, number][] = [
    ['nothing', Buffer.alloc(0), ErrorCode.INVALID_RECORD],
    ['a few bytes', whole().subarray(0, 11), ErrorCode.INVALID_RECORD],
    ['a batch cut before its magic', whole().subarray(0, 16), ErrorCode.INVALID_RECORD],
    ['a cut batch', whole().subarray(0, -1), ErrorCode.INVALID_RECORD],
    ['two batches', Buffer.concat([whole(), whole()]), ErrorCode.INVALID_RECORD],
    ['magic 1', withMagic(1), ErrorCode.INVALID_RECORD],
    ['magic 0', withMagic(0), ErrorCode.INVALID_RECORD],
    ['magic 3', withMagic(3), ErrorCode.CORRUPT_MESSAGE],
    ['magic -1', withMagic(-1), ErrorCode.CORRUPT_MESSAGE],
    ['length 13', withLength(13), ErrorCode.CORRUPT_MESSAGE],
    ['length -1', withLength(-1), ErrorCode.CORRUPT_MESSAGE],
    ['a batch too short for its producer id', stub(50), ErrorCode.UNKNOWN_SERVER_ERROR],
    ['the same with zeros behind it', Buffer.concat([stub(50), Buffer.alloc(12)]), ErrorCode.CORRUPT_MESSAGE],
    ['zeros behind the batch', Buffer.concat([whole(), Buffer.alloc(12)]), ErrorCode.CORRUPT_MESSAGE],
  ]
  it.each(failures)('refuses %s', (_name, bytes, code) => {
    expect(() => checkProducedRecords(bytes, 9)).toThrow(expect.objectContaining({ code }))
  })

  it('overlooks a rest that is no whole batch', () => {
    checkProducedRecords(whole(), 3)
    checkProducedRecords(stub(51), 9)
    checkProducedRecords(Buffer.concat([whole(), Buffer.alloc(3)]), 9)
    checkProducedRecords(Buffer.concat([whole(), whole().subarray(0, 40)]), 9)
  })

  it('takes zstd from version 7 on', () => {
    const zstd = patched(whole(), (frame) =>
      frame.writeInt16BE(batch.Codec.ZSTD, batch.BatchField.ATTRIBUTES),
    )
    checkProducedRecords(zstd, 7)
    expect(() => checkProducedRecords(zstd, 6)).toThrow(
      expect.objectContaining({ code: ErrorCode.UNSUPPORTED_COMPRESSION_TYPE }),
    )
  })
})

describe('isTransactionalRequest', () => {
  it('looks at the first batch only', () => {
    const transactional = producedBatch(records(1), { isTransactional: true, producerId: 1n })
    expect(isTransactionalRequest(whole())).toBe(false)
    expect(isTransactionalRequest(transactional)).toBe(true)
    expect(isTransactionalRequest(Buffer.concat([whole(), transactional]))).toBe(false)
    expect(isTransactionalRequest(Buffer.concat([transactional, Buffer.alloc(20)]))).toBe(true)
    expect(isTransactionalRequest(Buffer.alloc(0))).toBe(false)
    expect(isTransactionalRequest(withMagic(1))).toBe(false)
  })

  it('tells the client what Kafka tells it of a batch that cannot be cut out', () => {
    expect(() => isTransactionalRequest(withMagic(3))).toThrow('Invalid magic found in record: 3')
    expect(() => isTransactionalRequest(withLength(13))).toThrow(
      'Record size 13 is less than the minimum record overhead (14)',
    )
  })

  it('fails like Kafka over a size beyond 2^31-1', () => {
    const unknown = expect.objectContaining({ code: ErrorCode.UNKNOWN_SERVER_ERROR })
    expect(() => isTransactionalRequest(withLength(2 ** 31 - 1))).toThrow(unknown)
    expect(() => isTransactionalRequest(null)).toThrow(unknown)
  })
})
