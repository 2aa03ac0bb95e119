import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fetchApi } from './messages/fetch.ts'
import { metadataApi } from './messages/metadata.ts'
import { Reader, ZERO_UUID } from './reader.ts'
import { WireError } from './wire-error.ts'
import { Writer } from './writer.ts'

describe('Writer', () => {
  test('keeps large bytes as parts, without copying them', () => {
    const large = Buffer.alloc(5000, 1)
    const small = Buffer.alloc(100, 2)
    const writer = new Writer()
    writer.int32(7)
    writer.bytes([large, small])
    writer.compactNullableBytes(large)
    expect(writer.byteLength).toBe(4 + 4 + 5100 + 2 + 5000)
    const parts = writer.finish()
    expect(parts.map((part) => part.length)).toEqual([8, 5000, 102, 5000])
    expect(parts[1]).toBe(large)
    expect(parts[3]).toBe(large)
    expect(writer.byteLength).toBe(0)
  })

  test('never writes again to memory that it handed over', () => {
    const writer = new Writer(64)
    const messages: Buffer[][] = []
    for (let index = 0; index < 100; index++) {
      writer.int32(index)
      writer.string(`message ${index}`)
      messages.push(writer.finish())
    }
    for (const [index, parts] of messages.entries()) {
      const reader = new Reader(Buffer.concat(parts))
      expect(reader.int32()).toBe(index)
      expect(reader.string()).toBe(`message ${index}`)
    }
  })

  test('begins anew after reset, and after a message that could not be written', () => {
    const writer = new Writer()
    writer.openTag(0)
    expect(() => writer.uuid('too short')).toThrow(WireError)
    writer.reset()
    writer.bytes(Buffer.alloc(5000))
    expect(writer.finish()).toHaveLength(2)
    writer.int8(1)
    expect(writer.concat().toString('hex')).toBe('01')
  })

  test('concat gives memory of its own', () => {
    const writer = new Writer()
    const large = Buffer.alloc(5000)
    writer.int16(1)
    writer.raw(large)
    const whole = writer.concat()
    expect(whole.length).toBe(5002)
    expect(whole.buffer.byteLength).toBe(5002)
  })

  test('what it writes of any text and bytes, the reader reads', () => {
    const text = fc.string({ unit: 'binary', maxLength: 200 })
    const bytes = fc.uint8Array({ maxLength: 6000 }).map((array) => Buffer.from(array))
    fc.assert(
      fc.property(text, bytes, fc.integer({ min: 1, max: 100 }), (string, buffer, slabBytes) => {
        const writer = new Writer(slabBytes)
        const tag = writer.openTag(300)
        writer.string(string)
        const inner = writer.openTag(1)
        writer.compactString(string)
        writer.closeTag(inner)
        writer.compactBytes(buffer)
        writer.closeTag(tag)
        writer.compactNullableString(string)
        writer.bytes(buffer)
        const length = writer.byteLength
        const reader = new Reader(writer.concat())
        expect(reader.remaining).toBe(length)
        expect(reader.uvarint()).toBe(300)
        const size = reader.uvarint()
        const start = reader.position
        expect(reader.string()).toBe(string)
        expect(reader.uvarint()).toBe(1)
        const innerSize = reader.uvarint()
        const innerStart = reader.position
        expect(reader.compactString()).toBe(string)
        expect(reader.position - innerStart).toBe(innerSize)
        expect(reader.compactBytes()).toEqual(buffer)
        expect(reader.position - start).toBe(size)
        expect(reader.compactNullableString()).toBe(string)
        expect(reader.bytes()).toEqual(buffer)
        expect(reader.remaining).toBe(0)
      }),
    )
  })

  test('what it writes of any number, the reader reads', () => {
    const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    fc.assert(
      fc.property(
        fc.integer(),
        fc.nat(0xffffffff),
        int64,
        fc.double({ noNaN: true }),
        (int32, uint32, long, double) => {
          const writer = new Writer(1)
          writer.int32(int32)
          writer.varint(int32)
          writer.uvarint(uint32)
          writer.uint32(uint32)
          writer.varlong(long)
          writer.int64(long)
          writer.float64(double)
          const reader = new Reader(writer.concat())
          expect(reader.int32()).toBe(int32)
          expect(reader.varint()).toBe(int32)
          expect(reader.uvarint()).toBe(uint32)
          expect(reader.uint32()).toBe(uint32)
          expect(reader.varlong()).toBe(long)
          expect(reader.int64()).toBe(long)
          expect(reader.float64()).toBe(double)
        },
      ),
    )
  })

  test('refuses strings above 32767 bytes and what is no uuid', () => {
    const writer = new Writer()
    writer.string('x'.repeat(32767))
    writer.compactString('é'.repeat(16383))
    expect(() => writer.string('x'.repeat(32768))).toThrow(/32768 bytes is longer than 32767/)
    expect(() => writer.compactString('é'.repeat(16384))).toThrow(/32768 bytes/)
    expect(() => writer.uuid('not-base64url-at-all!!')).toThrow(/not a uuid/)
    for (const wrong of ['+', '/', '=', ' ', 'é', '€', '\0']) {
      for (const place of [0, 9, 20, 21]) {
        const text = 'A'.repeat(place) + wrong + 'A'.repeat(21 - place)
        expect(() => writer.uuid(text)).toThrow(/not a uuid/)
      }
    }
  })

  test('writes uuids of every character', () => {
    for (let first = 0; first < 256; first++) {
      const bytes = Buffer.from(Array.from({ length: 16 }, (_, index) => (first + index * 89) & 0xff))
      const writer = new Writer()
      writer.uuid(bytes.toString('base64url'))
      expect(writer.concat()).toEqual(bytes)
    }
  })

  test('refuses null where a version has none', () => {
    const request = {
      allowAutoTopicCreation: true,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    }
    const all = { ...request, topics: null }
    expect(() => metadataApi.request.write(new Writer(), 0, all)).toThrow(
      'MetadataRequest.topics cannot be null',
    )
    metadataApi.request.write(new Writer(), 1, all)
    const byId = { ...request, topics: [{ topicId: ZERO_UUID, name: null }] }
    expect(() => metadataApi.request.write(new Writer(), 9, byId)).toThrow(
      'MetadataRequestTopic.name cannot be null',
    )
  })
})

describe('generated code', () => {
  test('writes the default of a response field that is left out', () => {
    const partition = {
      partitionIndex: 3,
      errorCode: 0,
      highWatermark: 5n,
      abortedTransactions: null,
      records: null,
    }
    const response = {
      throttleTimeMs: 0,
      errorCode: 0,
      responses: [{ topic: '', topicId: ZERO_UUID, partitions: [partition] }],
    }
    const writer = new Writer()
    fetchApi.response.write(writer, 16, response)
    const read = fetchApi.response.read(new Reader(writer.concat()), 16)
    const everything = {
      ...partition,
      lastStableOffset: -1n,
      logStartOffset: -1n,
      divergingEpoch: { epoch: -1, endOffset: -1n },
      currentLeader: { leaderId: -1, leaderEpoch: -1 },
      snapshotId: { endOffset: -1n, epoch: -1 },
      preferredReadReplica: -1,
    }
    expect(read.responses[0]?.partitions[0]).toEqual(everything)
    expect(read).toMatchObject({ sessionId: 0, nodeEndpoints: [] })
  })

  test('leaves out a tagged struct that has nothing but defaults, partly given or not', () => {
    const write = (currentLeader: { leaderId?: number; leaderEpoch?: number }): number => {
      const partition = {
        partitionIndex: 3,
        errorCode: 0,
        highWatermark: 5n,
        abortedTransactions: null,
        records: null,
        currentLeader,
      }
      const writer = new Writer()
      fetchApi.response.write(writer, 16, {
        throttleTimeMs: 0,
        errorCode: 0,
        responses: [{ topic: '', topicId: ZERO_UUID, partitions: [partition] }],
      })
      return writer.byteLength
    }
    expect(write({ leaderId: -1 })).toBe(write({}))
    // Tag, size, leader id, leader epoch, no tags.
    expect(write({ leaderId: 1 })).toBe(write({}) + 1 + 1 + 4 + 4 + 1)
  })
})
