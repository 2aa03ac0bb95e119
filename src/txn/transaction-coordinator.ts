/** The transaction coordinator of one broker (KIP-98, KIP-890): what it answers to each API of transactions. */
import type { CoordinatorLog } from '../coordinator/coordinator-log.ts'
import { partitionFor } from '../coordinator/partitioner.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type { AddOffsetsToTxnRequest, AddOffsetsToTxnResponse } from '../wire/messages/add-offsets-to-txn.ts'
import type {
  AddPartitionsToTxnRequest,
  AddPartitionsToTxnResponse,
} from '../wire/messages/add-partitions-to-txn.ts'
import type {
  DescribeTransactionsRequest,
  DescribeTransactionsResponse,
} from '../wire/messages/describe-transactions.ts'
import type { EndTxnRequest, EndTxnResponse } from '../wire/messages/end-txn.ts'
import type { InitProducerIdRequest, InitProducerIdResponse } from '../wire/messages/init-producer-id.ts'
import type { ListTransactionsRequest, ListTransactionsResponse } from '../wire/messages/list-transactions.ts'
import type { TxnRequestContext, TxnServices } from './txn-services.ts'

/** A partition of a topic, by name. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** Errors of a whole request are thrown, or reject, as KafkaError: the handler's `fail` says them in its API's way. */
export class TransactionCoordinator {
  readonly #services: TxnServices

  constructor(services: TxnServices) {
    this.#services = services
  }

  /**
   * Takes over a partition of `__transaction_state`; returns when it has been read. Transactions whose end had been
   * decided are completed.
   * @param coordinatorEpoch the leader epoch of the partition, which its markers carry.
   * @throws what reading the log threw, also as a rejection: the partition is then not coordinated here.
   */
  load(_partition: number, _log: CoordinatorLog, _coordinatorEpoch: number): void | Promise<void> {}

  /** Gives a partition of `__transaction_state` up. */
  unload(_partition: number): void {}

  /** Gives everything up, answers whoever waits, and refuses from then on. */
  stop(): void {}

  /** The partition of `__transaction_state` whose leader coordinates the transactional id. */
  partitionFor(transactionalId: string): number {
    return partitionFor(transactionalId, this.#services.config.partitionCount)
  }

  /** @throws KafkaError with the code to answer; a null transactional id is given a fresh producer id. */
  initProducerId(
    _request: InitProducerIdRequest,
    _context: TxnRequestContext,
  ): InitProducerIdResponse | Promise<InitProducerIdResponse> {
    throw notYet()
  }

  /** Every error is within the response. */
  addPartitions(
    _request: AddPartitionsToTxnRequest,
    _context: TxnRequestContext,
  ): AddPartitionsToTxnResponse | Promise<AddPartitionsToTxnResponse> {
    throw notYet()
  }

  /** @throws KafkaError with the code to answer. */
  addOffsets(
    _request: AddOffsetsToTxnRequest,
    _context: TxnRequestContext,
  ): AddOffsetsToTxnResponse | Promise<AddOffsetsToTxnResponse> {
    throw notYet()
  }

  /** @throws KafkaError with the code to answer. */
  endTransaction(
    _request: EndTxnRequest,
    _context: TxnRequestContext,
  ): EndTxnResponse | Promise<EndTxnResponse> {
    throw notYet()
  }

  describe(
    _request: DescribeTransactionsRequest,
  ): DescribeTransactionsResponse | Promise<DescribeTransactionsResponse> {
    throw notYet()
  }

  list(_request: ListTransactionsRequest): ListTransactionsResponse | Promise<ListTransactionsResponse> {
    throw notYet()
  }

  /**
   * For Produce and TxnOffsetCommit: whether partitions belong to the ongoing transaction.
   * @param verifyOnly only looks (transactions V1); otherwise those that do not are added (KIP-890, V2).
   * @returns the error of each partition, in their order; null for none.
   */
  verifyOrAdd(
    _transactionalId: string,
    _producerId: bigint,
    _producerEpoch: number,
    partitions: readonly TopicPartition[],
    _verifyOnly: boolean,
  ): readonly (KafkaError | null)[] | Promise<readonly (KafkaError | null)[]> {
    return partitions.map(() => notYet())
  }
}

function notYet(): KafkaError {
  return new KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, 'transactions are not coordinated yet')
}
