/** EndTxn: a producer commits or aborts, by the first rules (TV1) or by those that bump its epoch (TV2, KIP-890). */
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID } from '../wire/batch.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type { EndTxnRequest } from '../wire/messages/end-txn.ts'
import { type Decision, type DecisionContext, NEEDS_PRODUCER_ID, type TxnRequest } from './decision.ts'
import {
  checkEpoch,
  checkLevel,
  checkMapping,
  concurrentTransactions,
  producerFenced,
  wrongProducerId,
} from './errors.ts'
import type { ProducerIdAndEpoch } from './init-producer-id.ts'
import {
  EPOCH_BUMP_VERSION,
  isEpochExhausted,
  MAX_EPOCH,
  nextProducer,
  prepared,
  STATE_NAMES,
  type Transaction,
  TransactionState,
} from './transaction.ts'

/** What an answer of the first version says of the producer: nothing, since it stays what it was. */
const UNCHANGED: ProducerIdAndEpoch = { producerId: NO_PRODUCER_ID, producerEpoch: NO_PRODUCER_EPOCH }

/**
 * Answered with what the producer is from now on; in the first version, with -1.
 * @param transactionVersion as it follows from the version of the request: what is finalized does not matter.
 */
export function endTransaction(
  request: EndTxnRequest,
  transactionVersion: number,
): TxnRequest<ProducerIdAndEpoch> {
  return transactionVersion >= EPOCH_BUMP_VERSION
    ? endWithBump(request, transactionVersion)
    : endWithoutBump(request)
}

function endWithoutBump({
  producerId,
  producerEpoch,
  committed,
}: EndTxnRequest): TxnRequest<ProducerIdAndEpoch> {
  const check: (transaction: Transaction | undefined) => asserts transaction is Transaction = (
    transaction,
  ) => {
    checkMapping(transaction, producerId)
    checkEpoch(transaction, producerEpoch)
  }
  return {
    checkFirst: check,
    decide(transaction, { now }) {
      check(transaction)
      switch (transaction.state) {
        case TransactionState.ONGOING: {
          const end = { commit: committed, transactionVersion: 0, nextProducerId: NO_PRODUCER_ID }
          return { kind: 'end', prepared: prepared(transaction, end, now), response: UNCHANGED }
        }
        case TransactionState.EMPTY:
          throw invalidState(transaction, committed)
        default:
          return repeated(transaction, committed, UNCHANGED)
      }
    },
  }
}

function endWithBump(request: EndTxnRequest, transactionVersion: number): TxnRequest<ProducerIdAndEpoch> {
  const { producerId, producerEpoch, committed } = request
  return {
    decide(transaction, context) {
      if (transaction === undefined) checkMapping(transaction, producerId)
      const retry = isRetry(transaction, request)
      if (transaction.producerId !== producerId && retry !== 'rotated') {
        throw wrongProducerId(transaction, producerId)
      }
      if (!mayEnd(transaction, producerEpoch, retry !== null))
        throw producerFenced(transaction, producerEpoch)
      if (transaction.state === TransactionState.ONGOING) {
        return end(transaction, { commit: committed, transactionVersion }, context)
      }
      if (retry !== null && transaction.state !== TransactionState.EMPTY) {
        return repeated(transaction, committed, transaction)
      }
      if (committed) throw invalidState(transaction, committed)
      return end(transaction, { commit: false, transactionVersion, empty: true }, context)
    },
  }
}

/**
 * Whether the producer may be repeating itself, since the answer that gave it the next epoch, or the next producer
 * id after the last epoch, was lost.
 */
function isRetry(transaction: Transaction, request: EndTxnRequest): 'bumped' | 'rotated' | null {
  const { producerEpoch } = request
  if (transaction.producerEpoch === producerEpoch + 1) return 'bumped'
  const rotated =
    transaction.previousProducerId === request.producerId &&
    producerEpoch === MAX_EPOCH - 1 &&
    transaction.producerEpoch === 0
  return rotated ? 'rotated' : null
}

function mayEnd(transaction: Transaction, producerEpoch: number, retry: boolean): boolean {
  const current = transaction.producerEpoch === producerEpoch
  switch (transaction.state) {
    case TransactionState.COMPLETE_COMMIT:
    case TransactionState.COMPLETE_ABORT:
      return current || retry
    case TransactionState.PREPARE_COMMIT:
    case TransactionState.PREPARE_ABORT:
      return transaction.producerEpoch === producerEpoch + 1
    default:
      return current
  }
}

function end(
  transaction: Transaction,
  how: { readonly commit: boolean; readonly transactionVersion: number; readonly empty?: boolean },
  { newProducerId, now, transactionVersion }: DecisionContext,
): Decision<ProducerIdAndEpoch> {
  checkLevel(how.transactionVersion, transactionVersion)
  const exhausts = isEpochExhausted(transaction.producerEpoch)
  if (exhausts && newProducerId === null) return NEEDS_PRODUCER_ID
  const nextProducerId = exhausts && newProducerId !== null ? newProducerId : NO_PRODUCER_ID
  const { commit, empty = false } = how
  const ending = { commit, transactionVersion: how.transactionVersion, nextProducerId, empty }
  const next = prepared(transaction, ending, now)
  return { kind: 'end', prepared: next, response: nextProducer(next) }
}

/** The same end again is answered as it was before, the opposite one is too late. */
function repeated(
  transaction: Transaction,
  commit: boolean,
  { producerId, producerEpoch }: ProducerIdAndEpoch,
): Decision<ProducerIdAndEpoch> {
  switch (transaction.state) {
    case commit ? TransactionState.COMPLETE_COMMIT : TransactionState.COMPLETE_ABORT:
      return { kind: 'answer', response: { producerId, producerEpoch } }
    case commit ? TransactionState.PREPARE_COMMIT : TransactionState.PREPARE_ABORT:
      throw concurrentTransactions()
    default:
      throw invalidState(transaction, commit)
  }
}

function invalidState({ state }: Transaction, commit: boolean): KafkaError {
  return new KafkaError(
    ErrorCode.INVALID_TXN_STATE,
    `a transaction in state ${STATE_NAMES[state]} cannot be ${commit ? 'committed' : 'aborted'}`,
  )
}
