/** AddPartitionsToTxn and what amounts to it: partitions become part of a transaction, or are looked for in it. */
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type { TxnRequest } from './decision.ts'
import { checkEpoch, checkLevel, checkMapping, concurrentTransactions } from './errors.ts'
import type { ProducerIdAndEpoch } from './init-producer-id.ts'
import {
  containsAll,
  hasPartition,
  isPrepared,
  type Partitions,
  TransactionState,
  withPartitions,
} from './transaction.ts'

/** A partition of a topic, by name. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export function partitionsOf(partitions: Iterable<TopicPartition>): Partitions {
  const byTopic = new Map<string, Set<number>>()
  for (const { topic, partition } of partitions) {
    const indexes = byTopic.get(topic)
    if (indexes === undefined) byTopic.set(topic, new Set([partition]))
    else indexes.add(partition)
  }
  return byTopic
}

/**
 * Adds them all, and begins a transaction where there is none.
 * @param clientTransactionVersion which the coordinator remembers of its client.
 */
export function addPartitions(
  { producerId, producerEpoch }: ProducerIdAndEpoch,
  added: Partitions,
  clientTransactionVersion: number,
): TxnRequest<null> {
  return {
    decide(transaction, { now, transactionVersion }) {
      checkMapping(transaction, producerId)
      checkEpoch(transaction, producerEpoch)
      if (isPrepared(transaction)) throw concurrentTransactions()
      if (transaction.state === TransactionState.ONGOING && containsAll(transaction.partitions, added)) {
        return { kind: 'answer', response: null }
      }
      checkLevel(clientTransactionVersion, transactionVersion)
      const next = withPartitions(transaction, added, clientTransactionVersion, now)
      return { kind: 'record', next, response: null }
    },
  }
}

/** Answers the error of each: TRANSACTION_ABORTABLE for those that are no part of the transaction, null otherwise. */
export function verifyPartitions(
  { producerId, producerEpoch }: ProducerIdAndEpoch,
  partitions: readonly TopicPartition[],
): TxnRequest<readonly (KafkaError | null)[]> {
  return {
    readOnly: true,
    decide(transaction) {
      checkMapping(transaction, producerId)
      checkEpoch(transaction, producerEpoch)
      if (isPrepared(transaction)) throw concurrentTransactions()
      const response = partitions.map(({ topic, partition }) =>
        hasPartition(transaction, topic, partition)
          ? null
          : new KafkaError(
              ErrorCode.TRANSACTION_ABORTABLE,
              `${topic}-${partition} is no part of the transaction of producer ${producerId}`,
            ),
      )
      return { kind: 'answer', response }
    },
  }
}
