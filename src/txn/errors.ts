/** The errors of the transaction coordinator. */
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type { Transaction } from './transaction.ts'

/**
 * What the client of a coordinator is told when the coordinator's own log failed: to look for the coordinator, or
 * to try again.
 */
export function logError(error: unknown): unknown {
  if (!(error instanceof KafkaError)) return error
  const code = clientCode(error.code)
  return code === error.code ? error : new KafkaError(code, error.message)
}

/**
 * @throws KafkaError INVALID_PRODUCER_ID_MAPPING when nothing is known of the id, or it belongs to another producer.
 */
export function checkMapping(
  transaction: Transaction | undefined,
  producerId: bigint,
): asserts transaction is Transaction {
  if (transaction === undefined) {
    throw new KafkaError(ErrorCode.INVALID_PRODUCER_ID_MAPPING, 'nothing is known of the transactional id')
  }
  if (transaction.producerId !== producerId) throw wrongProducerId(transaction, producerId)
}

export function wrongProducerId(transaction: Transaction, producerId: bigint): KafkaError {
  return new KafkaError(
    ErrorCode.INVALID_PRODUCER_ID_MAPPING,
    `the producer has id ${producerId}: the transactional id belongs to ${transaction.producerId}`,
  )
}

/** @throws KafkaError PRODUCER_FENCED when the producer has another epoch. */
export function checkEpoch(transaction: Transaction, producerEpoch: number): void {
  if (transaction.producerEpoch !== producerEpoch) throw producerFenced(transaction, producerEpoch)
}

export function producerFenced(transaction: Transaction, producerEpoch: number): KafkaError {
  return new KafkaError(
    ErrorCode.PRODUCER_FENCED,
    `the producer has epoch ${producerEpoch}: that of its transactional id is ${transaction.producerEpoch}`,
  )
}

export function concurrentTransactions(): KafkaError {
  return new KafkaError(
    ErrorCode.CONCURRENT_TRANSACTIONS,
    'an earlier change of the transactional id is still on its way',
  )
}

/**
 * The records of level 0 have no room for the version of a client.
 * @param level the finalized level of transaction.version.
 * @throws KafkaError UNSUPPORTED_VERSION
 */
export function checkLevel(clientVersion: number, level: number): void {
  if (level > 0 || clientVersion === 0) return
  throw new KafkaError(
    ErrorCode.UNSUPPORTED_VERSION,
    `a client of transactions V${clientVersion} cannot be served: transaction.version is ${level}`,
  )
}

/** What clients that do not know PRODUCER_FENCED are told in its place (KIP-588). */
export function asOlderFencing(error: unknown): unknown {
  if (!(error instanceof KafkaError) || error.code !== ErrorCode.PRODUCER_FENCED) return error
  return new KafkaError(ErrorCode.INVALID_PRODUCER_EPOCH, error.message)
}

function clientCode(code: ErrorCode): ErrorCode {
  switch (code) {
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
    case ErrorCode.NOT_ENOUGH_REPLICAS:
    case ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case ErrorCode.REQUEST_TIMED_OUT:
      return ErrorCode.COORDINATOR_NOT_AVAILABLE
    case ErrorCode.NOT_LEADER_OR_FOLLOWER:
    case ErrorCode.KAFKA_STORAGE_ERROR:
      return ErrorCode.NOT_COORDINATOR
    case ErrorCode.MESSAGE_TOO_LARGE:
    case ErrorCode.RECORD_LIST_TOO_LARGE:
      return ErrorCode.UNKNOWN_SERVER_ERROR
    default:
      return code
  }
}
