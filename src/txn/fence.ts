/** The coordinator itself aborts a transaction: its producer has been replaced, or took too long. */
import { NO_PRODUCER_ID } from '../wire/batch.ts'
import { type Decision, type DecisionContext, NEEDS_PRODUCER_ID, type TxnRequest } from './decision.ts'
import { EPOCH_BUMP_VERSION, fenced, isEpochExhausted, isOverdue, type Transaction } from './transaction.ts'

/** Aborts an ongoing transaction and bumps the epoch of its producer; then it is decided again. */
export function fence(transaction: Transaction, context: DecisionContext): Decision<never> {
  const { newProducerId, now, transactionVersion } = context
  const exhausts = transactionVersion >= EPOCH_BUMP_VERSION && isEpochExhausted(transaction.producerEpoch)
  if (exhausts && newProducerId === null) return NEEDS_PRODUCER_ID
  const nextProducerId = exhausts && newProducerId !== null ? newProducerId : NO_PRODUCER_ID
  return {
    kind: 'end',
    prepared: fenced(transaction, transactionVersion, nextProducerId, now),
    response: null,
  }
}

/** Aborts the transaction if it is overdue; answers whether it was. */
export const abortOverdue: TxnRequest<boolean> = {
  decide(transaction, context) {
    if (transaction === undefined || !isOverdue(transaction, context.now)) {
      return { kind: 'answer', response: false }
    }
    const decision = fence(transaction, context)
    return decision.kind === 'end' ? { ...decision, response: true } : decision
  },
}
