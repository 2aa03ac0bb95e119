/** The records of `__transaction_state`, in Kafka's bytes. */
import type { CoordinatorRecord } from '../coordinator/coordinator-log.ts'
import { encode } from '../coordinator/encode.ts'
import { NO_PRODUCER_EPOCH } from '../wire/batch.ts'
import {
  type TransactionLogValue,
  transactionLogRecord,
} from '../wire/coordinator-records/transaction-log.ts'
import { Reader } from '../wire/reader.ts'
import { WireError } from '../wire/wire-error.ts'
import { NO_PARTITIONS, type Partitions, type Transaction, TransactionState } from './transaction.ts'

/** What a record says of a transactional id: a null transaction is a tombstone. */
export interface TransactionRecord {
  readonly transactionalId: string
  readonly transaction: Transaction | null
}

/**
 * @param transactionVersion the finalized level: values are flexible, and tell of the producer ids before and
 * behind the current one, from 1 on.
 */
export function encodeRecord(record: TransactionRecord, transactionVersion: number): CoordinatorRecord {
  const { transactionalId, transaction } = record
  const key = encode(transactionLogRecord.type, transactionLogRecord.key, 0, { transactionalId })
  if (transaction === null) return { key, value: null }
  const version = transactionVersion >= 1 ? 1 : 0
  return { key, value: encode(version, transactionLogRecord.value, version, toValue(transaction)) }
}

/**
 * Null for a type of record, or a version of its value, that is not known here: of a Kafka that is newer.
 * @throws WireError when the bytes are no such record.
 */
export function decodeRecord({ key, value }: CoordinatorRecord): TransactionRecord | null {
  const keyReader = new Reader(key)
  if (keyReader.int16() !== transactionLogRecord.type) return null
  const { transactionalId } = transactionLogRecord.key.read(keyReader, 0)
  if (value === null) return { transactionalId, transaction: null }
  const reader = new Reader(value)
  const version = reader.int16()
  const [oldest, newest] = transactionLogRecord.value.versions
  if (version < oldest || version > newest) return null
  return { transactionalId, transaction: transactionOf(transactionLogRecord.value.read(reader, version)) }
}

function toValue(transaction: Transaction): TransactionLogValue {
  const { partitions, state } = transaction
  return {
    producerId: transaction.producerId,
    previousProducerId: transaction.previousProducerId,
    nextProducerId: transaction.nextProducerId,
    producerEpoch: transaction.producerEpoch,
    nextProducerEpoch: NO_PRODUCER_EPOCH,
    transactionTimeoutMs: transaction.timeoutMs,
    transactionStatus: state,
    transactionPartitions:
      state === TransactionState.EMPTY
        ? null
        : Array.from(partitions, ([topic, indexes]) => ({ topic, partitionIds: [...indexes] })),
    transactionLastUpdateTimestampMs: transaction.lastUpdateTimestamp,
    transactionStartTimestampMs: transaction.startTimestamp,
    clientTransactionVersion: transaction.clientTransactionVersion,
  }
}

function transactionOf(value: TransactionLogValue): Transaction {
  return {
    producerId: value.producerId,
    previousProducerId: value.previousProducerId,
    nextProducerId: value.nextProducerId,
    producerEpoch: value.producerEpoch,
    lastProducerEpoch: NO_PRODUCER_EPOCH,
    timeoutMs: value.transactionTimeoutMs,
    state: stateOf(value.transactionStatus),
    partitions: partitionsOf(value),
    startTimestamp: value.transactionStartTimestampMs,
    lastUpdateTimestamp: value.transactionLastUpdateTimestampMs,
    clientTransactionVersion: value.clientTransactionVersion,
  }
}

function partitionsOf({ transactionPartitions }: TransactionLogValue): Partitions {
  if (transactionPartitions === null) return NO_PARTITIONS
  return new Map(transactionPartitions.map(({ topic, partitionIds }) => [topic, new Set(partitionIds)]))
}

/** What Kafka never records is taken for damage: nobody could go on from it. */
function stateOf(status: number): TransactionState {
  switch (status) {
    case TransactionState.EMPTY:
    case TransactionState.ONGOING:
    case TransactionState.PREPARE_COMMIT:
    case TransactionState.PREPARE_ABORT:
    case TransactionState.COMPLETE_COMMIT:
    case TransactionState.COMPLETE_ABORT:
      return status
    default:
      throw new WireError(`status ${status} of a transaction is none that is recorded`)
  }
}
