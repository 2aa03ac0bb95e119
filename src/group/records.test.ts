import { describe, expect, it } from 'vitest'
import { ZERO_UUID } from '../wire/reader.ts'
import { WireError } from '../wire/wire-error.ts'
import {
  decodeRecord,
  encodeRecord,
  type GroupRecord,
  groupRecord,
  groupTombstone,
  offsetRecord,
  offsetTombstone,
} from './records.ts'

const OFFSET = {
  offset: 42n,
  leaderEpoch: 3,
  metadata: 'm',
  commitTimestamp: 1_000n,
  expireTimestamp: -1n,
  topicId: 'ABEiM0RVZneImaq7zN3u_w',
}

const GROUP = {
  protocolType: 'consumer',
  generation: 7,
  protocol: 'range',
  leader: 'a',
  currentStateTimestamp: 1_000n,
  members: [
    {
      memberId: 'a',
      groupInstanceId: 'i',
      clientId: 'c',
      clientHost: '/127.0.0.1',
      rebalanceTimeout: 1,
      sessionTimeout: 2,
      subscription: Buffer.from('s'),
      assignment: Buffer.from('t'),
    },
  ],
}

describe('records of __consumer_offsets', () => {
  it.each<[string, GroupRecord]>([
    ['a committed offset', offsetRecord('g', 't', 1, OFFSET)],
    ['a committed offset that expires', offsetRecord('g', 't', 1, { ...OFFSET, expireTimestamp: 5_000n })],
    ['a forgotten offset', offsetTombstone('g', 't', 1)],
    ['a group', groupRecord('g', GROUP)],
    ['a forgotten group', groupTombstone('g')],
  ])('come back as they were: %s', (_, record) => {
    expect(decodeRecord(encodeRecord(record))).toEqual(record)
  })

  it('have the bytes that Kafka 4.3.1 writes', () => {
    const offset = encodeRecord(offsetRecord('g', 't', 1, { ...OFFSET, topicId: ZERO_UUID }))
    expect(offset.key.toString('hex')).toBe('0001000167000174' + '00000001')
    expect(offset.value?.toString('hex')).toBe('0004000000000000002a00000003026d00000000000003e800')
    const expiring = encodeRecord(offsetRecord('g', 't', 1, { ...OFFSET, expireTimestamp: 5_000n }))
    expect(expiring.value?.toString('hex')).toBe('0001000000000000002a00016d00000000000003e80000000000001388')
    const group = encodeRecord(groupRecord('g', { ...GROUP, members: [] }))
    expect(group.key.toString('hex')).toBe('0002000167')
    expect(group.value?.toString('hex')).toBe(
      '00030008636f6e73756d6572' + '00000007' + '000572616e6765' + '000161' + '00000000000003e8' + '00000000',
    )
  })

  it('that an old version expires lose what it has no room for, before they are applied too', () => {
    const record = offsetRecord('g', 't', 1, { ...OFFSET, expireTimestamp: 5_000n })
    expect(record.value).toMatchObject({ leaderEpoch: -1, topicId: ZERO_UUID })
  })

  it('of other kinds of groups are left alone', () => {
    expect(
      decodeRecord({ key: Buffer.from('0003000167', 'hex'), value: Buffer.from('00000000000100', 'hex') }),
    ).toBeNull()
  })

  it('that no version explains are refused', () => {
    const { key } = encodeRecord(groupRecord('g', GROUP))
    expect(() => decodeRecord({ key, value: Buffer.from('0009', 'hex') })).toThrow(WireError)
    expect(() => decodeRecord({ key: key.subarray(0, 3), value: null })).toThrow(WireError)
  })
})
