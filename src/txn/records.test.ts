import { describe, expect, it } from 'vitest'
import { WireError } from '../wire/wire-error.ts'
import { decodeRecord, encodeRecord } from './records.ts'
import {
  newTransaction,
  type Transaction,
  TransactionState,
  withNextEpoch,
  withPartitions,
} from './transaction.ts'

const ongoing: Transaction = {
  ...withPartitions(
    withNextEpoch(newTransaction(7n, 60_000, 1000n), 60_000, null, 1000n),
    new Map([['t', new Set([0, 2])]]),
    2,
    2000n,
  ),
  nextProducerId: 9n,
}

function bytes(transaction: Transaction | null, transactionVersion: number): (string | undefined)[] {
  const { key, value } = encodeRecord({ transactionalId: 'txn', transaction }, transactionVersion)
  return [key.toString('hex'), value?.toString('hex')]
}

describe('records of transactions', () => {
  it('are Kafka’s, in the version that transaction.version says', () => {
    const key = '0000000374786e'
    const times = '00000000000007d000000000000007d0'
    expect(bytes(ongoing, 0)).toEqual([
      key,
      `0000${'0000000000000007'}0000${'0000ea60'}01${'00000001'}${'000174'}${'00000002'}${'0000000000000002'}${times}`,
    ])
    const tags = `03${'00080000000000000007'}${'01080000000000000009'}${'02020002'}`
    for (const version of [1, 2]) {
      expect(bytes(ongoing, version)).toEqual([
        key,
        `0001${'0000000000000007'}0000${'0000ea60'}01${'02'}${'0274'}${'03'}${'0000000000000002'}00${times}${tags}`,
      ])
    }
    expect(bytes(null, 2)).toEqual([key, undefined])
  })

  it('have no partitions at all when there is no transaction', () => {
    const [, value] = bytes({ ...ongoing, state: TransactionState.EMPTY, partitions: new Map() }, 0)
    expect(value?.slice(4 + 16 + 4 + 8, 4 + 16 + 4 + 8 + 10)).toBe('00ffffffff')
  })

  it('are read as they were written, but for what is in memory alone', () => {
    const record = { transactionalId: 'txn', transaction: { ...ongoing, lastProducerEpoch: -1 } }
    expect(decodeRecord(encodeRecord(record, 2))).toEqual(record)
    expect(decodeRecord(encodeRecord(record, 0))).toEqual({
      ...record,
      transaction: {
        ...record.transaction,
        previousProducerId: -1n,
        nextProducerId: -1n,
        clientTransactionVersion: 0,
      },
    })
    const tombstone = { transactionalId: 'txn', transaction: null }
    expect(decodeRecord(encodeRecord(tombstone, 2))).toEqual(tombstone)
  })

  it('are refused when they are damaged', () => {
    const { key, value } = encodeRecord({ transactionalId: 'txn', transaction: ongoing }, 2)
    const damaged = Buffer.from(value ?? '')
    damaged.writeInt8(9, 16)
    expect(() => decodeRecord({ key, value: damaged })).toThrow('status 9')
    expect(() => decodeRecord({ key, value: damaged.subarray(0, 12) })).toThrow(WireError)
    expect(() => decodeRecord({ key: key.subarray(0, 4), value })).toThrow(WireError)
  })
})
