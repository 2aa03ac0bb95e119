import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeRecords } from './record-builder.ts'
import { walkRecords } from './record-parser.ts'
import { scanUsualRecords } from './record-scan.ts'

// Hundreds of errors are thrown here whose stack nobody looks at.
Error.stackTraceLimit = 0

const anyBytes = fc.uint8Array({ maxLength: 40 })
const anyRecord = fc.record({
  key: fc.option(anyBytes),
  value: fc.option(anyBytes),
  // Some further apart than four bytes can say.
  timestamp: fc.oneof(fc.bigInt(10n ** 9n, 10n ** 9n + 10n ** 6n), fc.bigInt(0n, 2n ** 40n)),
  headers: fc.array(fc.record({ key: fc.string({ maxLength: 5 }), value: fc.option(anyBytes) }), {
    maxLength: 3,
  }),
})
const anyRecords = fc.array(anyRecord, { minLength: 1, maxLength: 8 })

interface Walked {
  readonly timestamps: readonly number[]
  readonly hasNullKey: boolean
  readonly error: string | null
}

/** What a walk tells of the records before `count`, and how it ends. */
function walked(payload: Buffer, count: number, upTo: number): Walked {
  const timestamps: number[] = []
  let hasNullKey = false
  try {
    walkRecords(payload, count, ({ index, timestampDelta, keyBytes }) => {
      if (index >= upTo) return
      timestamps.push(timestampDelta)
      hasNullKey ||= keyBytes < 0
    })
    return { timestamps, hasNullKey, error: null }
  } catch (error) {
    return { timestamps, hasNullKey, error: String(error) }
  }
}

/** A scan and a walk of what it leaves must come to the same as a walk of everything. */
function expectAgreement(payload: Buffer, count: number): void {
  const scanned = scanUsualRecords(payload, count)
  const whole = walked(payload, count, scanned.index)
  expect(whole.timestamps).toHaveLength(scanned.index)
  if (scanned.index > 0) {
    expect(scanned.minTimestampDelta).toBe(Math.min(...whole.timestamps))
    expect(scanned.maxTimestampDelta).toBe(Math.max(...whole.timestamps))
  }
  expect(scanned.hasNullKey).toBe(whole.hasNullKey)
  let error: string | null = null
  try {
    walkRecords(payload, count, () => {}, scanned)
  } catch (thrown) {
    error = String(thrown)
  }
  expect(error).toBe(whole.error)
}

test('agrees with a walk about any records', () => {
  fc.assert(
    fc.property(anyRecords, fc.integer({ min: -1, max: 2 }), (records, more) => {
      expectAgreement(encodeRecords(records, {}), records.length + more)
    }),
    { numRuns: 500 },
  )
})

test('agrees with a walk about records that were changed or cut', () => {
  const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(anyRecords, place, fc.nat({ max: 255 }), place, (records, at, byte, cut) => {
      const payload = encodeRecords(records, {})
      payload[Math.floor(at * payload.length)] = byte
      expectAgreement(payload, records.length)
      expectAgreement(payload.subarray(0, Math.floor(cut * payload.length)), records.length)
    }),
    { numRuns: 2_000 },
  )
})

test('passes usual records, headers and all, but for those too near the end to tell', () => {
  const records = Array.from({ length: 20 }, (_, index) => ({
    key: Buffer.from('k'),
    value: Buffer.alloc(100),
    timestamp: 1000n - BigInt(index),
    headers: [{ key: 'h', value: null }],
  }))
  const payload = encodeRecords(records, {})
  const { index, position, ...rest } = scanUsualRecords(payload, 20)
  expect(index).toBe(19)
  expect(payload.length - position).toBe(payload.length / 20)
  expect(rest).toEqual({ minTimestampDelta: -18, maxTimestampDelta: 0, hasNullKey: false })
})

test('the time of records that are all before the base is not the base', () => {
  const record = { key: null, value: Buffer.alloc(20), headers: [] }
  const records = [1000n, 990n, 980n].map((timestamp) => ({ ...record, timestamp }))
  const payload = encodeRecords(records, {})
  const first = scanUsualRecords(payload, 1).position
  expect(scanUsualRecords(payload.subarray(first), 2)).toMatchObject({
    minTimestampDelta: -20,
    maxTimestampDelta: -10,
    hasNullKey: true,
  })
})

test('passes numbers of one, two and three bytes, and stops at longer ones', () => {
  // In zigzag coding, the last of each length and the first of the next.
  const sizes = [63, 64, 8_191, 8_192, 2 ** 20 - 1, 2 ** 20]
  for (const part of ['key', 'value'] as const) {
    for (const bytes of sizes) {
      const record = { key: null, value: null, headers: [], timestamp: 0n, [part]: Buffer.alloc(bytes) }
      const behind = { key: null, value: Buffer.alloc(20), headers: [], timestamp: 0n }
      const payload = encodeRecords([record, behind], {})
      expectAgreement(payload, 2)
      expect(scanUsualRecords(payload, 2).index).toBe(bytes < 2 ** 20 - 10 ? 2 : 0)
    }
  }
  for (const apartMs of sizes) {
    const record = { key: null, value: Buffer.alloc(20), headers: [] }
    const records = [0n, BigInt(apartMs), -BigInt(apartMs)].map((timestamp) => ({ ...record, timestamp }))
    const payload = encodeRecords(records, {})
    expectAgreement(payload, 3)
    expect(scanUsualRecords(payload, 3).index).toBe(apartMs < 2 ** 20 ? 3 : 1)
  }
})
