/** InitProducerId of a transactional id: a producer starts, and whoever had the id before is fenced. */
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID } from '../wire/batch.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type { InitProducerIdRequest } from '../wire/messages/init-producer-id.ts'
import { type Decision, type DecisionContext, NEEDS_PRODUCER_ID, type TxnRequest } from './decision.ts'
import { concurrentTransactions } from './errors.ts'
import { fence } from './fence.ts'
import {
  isEpochExhausted,
  newTransaction,
  resolvedTimeoutMs,
  type Transaction,
  TransactionState,
  withNewProducerId,
  withNextEpoch,
} from './transaction.ts'
import type { TxnConfig } from './txn-services.ts'

/** A producer id and an epoch of it. */
export interface ProducerIdAndEpoch {
  readonly producerId: bigint
  readonly producerEpoch: number
}

/**
 * Checks what has nothing to do with what is known of the transactional id, if there is one.
 * @throws KafkaError INVALID_REQUEST, TRANSACTIONAL_ID_AUTHORIZATION_FAILED (two-phase commit is not enabled),
 * UNSUPPORTED_VERSION (prepared transactions are not kept), INVALID_TRANSACTION_TIMEOUT.
 */
export function checkInitProducerId(request: InitProducerIdRequest, config: TxnConfig): void {
  const { transactionalId, transactionTimeoutMs, producerId, producerEpoch } = request
  if ((producerId === NO_PRODUCER_ID) !== (producerEpoch === NO_PRODUCER_EPOCH)) {
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `producer id ${producerId} and epoch ${producerEpoch} do not go together: give both or neither`,
    )
  }
  if (transactionalId === null) return
  if (transactionalId === '') {
    throw new KafkaError(ErrorCode.INVALID_REQUEST, 'the transactional id is empty')
  }
  if (request.enable2Pc && !config.twoPhaseCommit) {
    throw new KafkaError(
      ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
      'two-phase commit is not enabled: see transaction.two.phase.commit.enable',
    )
  }
  if (request.keepPreparedTxn) {
    throw new KafkaError(ErrorCode.UNSUPPORTED_VERSION, 'prepared transactions are not kept')
  }
  if (!request.enable2Pc && !(transactionTimeoutMs > 0 && transactionTimeoutMs <= config.maxTimeoutMs)) {
    throw new KafkaError(
      ErrorCode.INVALID_TRANSACTION_TIMEOUT,
      `a transaction timeout of ${transactionTimeoutMs} ms is not within 1 and ${config.maxTimeoutMs}`,
    )
  }
}

/** Answered with what the producer is from now on. */
export function initProducerId(request: InitProducerIdRequest): TxnRequest<ProducerIdAndEpoch> {
  const timeoutMs = resolvedTimeoutMs(request.transactionTimeoutMs, request.enable2Pc)
  const expected = request.producerId === NO_PRODUCER_ID ? null : request
  return {
    decide(known, context) {
      const { newProducerId, now } = context
      if (known === undefined) {
        if (newProducerId === null) return NEEDS_PRODUCER_ID
        const created = newTransaction(newProducerId, timeoutMs, now)
        return initialized(withNextEpoch(created, timeoutMs, expected?.producerEpoch ?? null, now))
      }
      if (expected !== null && !mayHave(known, expected)) {
        throw new KafkaError(
          ErrorCode.PRODUCER_FENCED,
          `the producer has id ${expected.producerId}: the transactional id belongs to ${known.producerId}`,
        )
      }
      switch (known.state) {
        case TransactionState.ONGOING:
          return fence(known, context)
        case TransactionState.EMPTY:
        case TransactionState.COMPLETE_ABORT:
        case TransactionState.COMPLETE_COMMIT:
          return next(known, timeoutMs, expected, context)
        default:
          throw concurrentTransactions()
      }
    },
  }
}

function next(
  known: Transaction,
  timeoutMs: number,
  expected: ProducerIdAndEpoch | null,
  { newProducerId, now }: DecisionContext,
): Decision<ProducerIdAndEpoch> {
  const { producerEpoch } = known
  if (isEpochExhausted(producerEpoch) && (expected === null || expected.producerEpoch === producerEpoch)) {
    if (newProducerId === null) return NEEDS_PRODUCER_ID
    return initialized(withNewProducerId(known, newProducerId, timeoutMs, expected !== null, now))
  }
  return initialized(withNextEpoch(known, timeoutMs, expected?.producerEpoch ?? null, now))
}

function initialized(next: Transaction): Decision<ProducerIdAndEpoch> {
  const { producerId, producerEpoch } = next
  return { kind: 'record', next, response: { producerId, producerEpoch } }
}

/**
 * Whether the producer may be the one that the id belongs to (KIP-360); its epoch is checked when it is bumped. One
 * with the producer id before it has used its epochs up, and has not heard that it got another one.
 */
function mayHave(known: Transaction, expected: ProducerIdAndEpoch): boolean {
  return (
    expected.producerId === known.producerId ||
    (expected.producerId === known.previousProducerId && isEpochExhausted(expected.producerEpoch))
  )
}
