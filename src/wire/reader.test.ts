import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fetchApi } from './messages/fetch.ts'
import { metadataApi } from './messages/metadata.ts'
import { Reader, ZERO_UUID } from './reader.ts'
import { WireError } from './wire-error.ts'
import { Writer } from './writer.ts'

describe('Reader', () => {
  test('reads integers of every width', () => {
    const reader = reading(
      '80 ff fe 80 00 7fffffff ffffffff 8000000000000000 0000000000000005 ffff 3ff0000000000000 02',
    )
    expect(reader.int8()).toBe(-128)
    expect(reader.int16()).toBe(-2)
    expect(reader.int16()).toBe(-32768)
    expect(reader.int32()).toBe(0x7fffffff)
    expect(reader.uint32()).toBe(0xffffffff)
    expect(reader.int64()).toBe(-(2n ** 63n))
    expect(reader.int64()).toBe(5n)
    expect(reader.uint16()).toBe(0xffff)
    expect(reader.float64()).toBe(1)
    expect(reader.boolean()).toBe(true)
    expect(reader.remaining).toBe(0)
  })

  test('reads any int64, whether much or little follows', () => {
    const anyInt64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    fc.assert(
      fc.property(anyInt64, fc.constantFrom(0, 1000), (value, following) => {
        const bytes = Buffer.alloc(8 + following)
        bytes.writeBigInt64BE(value)
        return new Reader(bytes).int64() === value
      }),
    )
  })

  test('reads varints, and refuses longer ones than their type has', () => {
    expect(reading('00').uvarint()).toBe(0)
    expect(reading('ac02').uvarint()).toBe(300)
    expect(reading('ffffffff0f').uvarint()).toBe(0xffffffff)
    expect(reading('ffffffff0f').varint()).toBe(-0x80000000)
    expect(reading('01').varint()).toBe(-1)
    expect(reading('ffffffffffffffffff01').varlong()).toBe(-(2n ** 63n))
    expect(() => reading('8080808080 00').uvarint()).toThrow(/unsigned varint of at most 5 bytes at byte 5/)
    expect(() => reading('80808080808080808080 00').varlong()).toThrow(/at most 10 bytes/)
    expect(() => reading('80').uvarint()).toThrow(WireError)
  })

  test('gives bytes as views', () => {
    const buffer = Buffer.from('00000002abcd', 'hex')
    const bytes = new Reader(buffer).bytes()
    buffer[4] = 0x11
    expect(bytes.toString('hex')).toBe('11cd')
  })

  test('replaces what is not UTF-8, as Kafka does', () => {
    expect(reading('0003 61ff62').string()).toBe('a\ufffdb')
  })

  test('takes null only where it is allowed', () => {
    expect(reading('ffff').nullableString()).toBeNull()
    expect(reading('00').compactNullableString()).toBeNull()
    expect(reading('ffffffff').nullableBytes()).toBeNull()
    expect(reading('00').nullableInt32s(true)).toBeNull()
    expect(reading('ffffffff').nullableStrings(false)).toBeNull()
    for (const refused of [
      () => reading('ffff').string(),
      () => reading('00').compactString(),
      () => reading('ffffffff').bytes(),
      () => reading('00').compactBytes(),
      () => reading('00').int32s(true),
      () => reading('ffffffff').strings(false),
    ]) {
      expect(refused).toThrow(/cannot be null/)
    }
  })

  test('refuses strings above 32767 bytes, though there are as many', () => {
    const bytes = Buffer.alloc(40_000, 'x')
    bytes.set([0x81, 0x80, 0x02])
    expect(() => new Reader(bytes).compactString()).toThrow(/at most 32767 bytes, not 32768/)
  })

  test('compares lengths with what is left before it allocates', () => {
    expect(() => reading('7fffffff 00').bytes()).toThrow(
      /bytes \(2147483647 bytes\) at byte 4, where 1 bytes are left/,
    )
    expect(() => reading('7fffffff 00').int32s(false)).toThrow(/an array of 2147483647 elements of 4 bytes/)
    expect(() => reading('ffffffff0f 00').uuids(true)).toThrow(/an array of 4294967294 elements/)
    expect(() => reading('00000002 0001 61 00').strings(false)).toThrow(WireError)
    // A partition of a Fetch request takes 16 bytes or more in any version.
    const request = `${'00'.repeat(17)} 00000001 0001 61 00000002 ${'00'.repeat(31)}`
    expect(() => fetchApi.request.read(reading(request), 4)).toThrow(
      /an array of 2 elements of 16 bytes or more/,
    )
  })

  test('keeps to the part of the buffer that it was given', () => {
    const reader = new Reader(Buffer.from('0001020304', 'hex'), 1, 3)
    expect(reader.int16()).toBe(0x0102)
    expect(() => reader.int8()).toThrow(/an int8 at byte 3, where 0 bytes are left/)
    expect(() => new Reader(Buffer.alloc(3), 2, 4)).toThrow(WireError)
  })

  test('reads uuids in the form in which Kafka shows them', () => {
    expect(reading('0123456789abcdef0123456789abcdef').uuid()).toBe('ASNFZ4mrze8BI0VniavN7w')
    expect(reading('00'.repeat(16)).uuid()).toBe(ZERO_UUID)
    expect(ZERO_UUID).toBe(Buffer.alloc(16).toString('base64url'))
  })

  test('tells uuids apart, those that it read before and those that it did not', () => {
    const uuids = Array.from({ length: 1000 }, (_, index) => {
      const bytes = Buffer.alloc(16, index * 31)
      bytes.writeInt32BE(index * 65_537, (index % 4) * 4)
      return bytes
    })
    for (let time = 0; time < 2; time++) {
      for (const uuid of uuids) expect(new Reader(uuid).uuid()).toBe(uuid.toString('base64url'))
      expect(reading('00'.repeat(16)).uuid()).toBe(ZERO_UUID)
    }
  })
})

describe('generated code', () => {
  test('skips tagged fields that it does not know', () => {
    const request = {
      topics: [],
      allowAutoTopicCreation: true,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: true,
    }
    const bytes = written((writer) => metadataApi.request.write(writer, 12, request))
    const tagged = Buffer.concat([
      bytes.subarray(0, -1),
      Buffer.from('02 05 01 ff 63 03 010203'.replaceAll(' ', ''), 'hex'),
    ])
    const reader = new Reader(tagged)
    expect(metadataApi.request.read(reader, 12)).toEqual(request)
    expect(reader.remaining).toBe(0)
  })

  test('refuses a known tag in a version that does not define it', () => {
    const body = Buffer.concat([
      written((writer) => fetchApi.request.write(writer, 14, fetchRequest)).subarray(0, -1),
    ])
    const replicaState = Buffer.from('01 01 0d 00000001 0000000000000002 00'.replaceAll(' ', ''), 'hex')
    expect(() => fetchApi.request.read(new Reader(Buffer.concat([body, replicaState])), 14)).toThrow(
      'FetchRequest version 14 does not define tag 1',
    )
  })

  test('refuses versions that the definition does not have', () => {
    expect(() => fetchApi.request.read(reading(''), 3)).toThrow(
      'FetchRequest has no version 3: versions 4 to 18 are known',
    )
    expect(() => fetchApi.request.write(new Writer(), 19, fetchRequest)).toThrow(WireError)
    expect(() => fetchApi.request.read(reading(''), Number.NaN)).toThrow(WireError)
  })
})

const fetchRequest = {
  clusterId: null,
  replicaId: -1,
  replicaState: { replicaId: -1, replicaEpoch: -1n },
  maxWaitMs: 500,
  minBytes: 1,
  maxBytes: 1024,
  isolationLevel: 0,
  sessionId: 0,
  sessionEpoch: -1,
  topics: [],
  forgottenTopicsData: [],
  rackId: '',
}

function reading(hex: string): Reader {
  return new Reader(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
}

function written(write: (writer: Writer) => void): Buffer {
  const writer = new Writer()
  write(writer)
  return writer.concat()
}
