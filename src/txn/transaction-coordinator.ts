/** The transaction coordinator of one broker (KIP-98, KIP-890): what it answers to each API of transactions. */
import type { CoordinatorLog } from '../coordinator/coordinator-log.ts'
import { after, all } from '../coordinator/maybe-promise.ts'
import { CONSUMER_OFFSETS_TOPIC } from '../metadata/topic-name.ts'
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
import { addPartitions, partitionsOf, type TopicPartition, verifyPartitions } from './add-partitions.ts'
import {
  addPartitionsResponse,
  asAsked,
  byTopic,
  partitionsAsked,
  refusedPartitions,
  type TransactionOutcome,
  transactionsOf,
} from './add-partitions-answer.ts'
import { endTransaction } from './end-transaction.ts'
import { asOlderFencing } from './errors.ts'
import { checkInitProducerId, initProducerId, type ProducerIdAndEpoch } from './init-producer-id.ts'
import { describeTransaction, listTransactions, undescribed } from './listing.ts'
import { EPOCH_BUMP_VERSION } from './transaction.ts'
import type { ProducerIdSource, TxnRequestContext, TxnServices } from './txn-services.ts'
import type { TxnShard } from './txn-shard.ts'
import { TxnShards } from './txn-shards.ts'

export type { TopicPartition } from './add-partitions.ts'

/** From which version of its API on a client knows PRODUCER_FENCED (KIP-588). */
const INIT_PRODUCER_ID_FENCED_VERSION = 4
const FENCED_VERSION = 2

/** From which version of its API on a client ends and adds by the rules of transactions V2 (KIP-890). */
const END_TXN_V2_VERSION = 5
const ADD_PARTITIONS_V2_VERSION = 4

/** Errors of a whole request are thrown, or reject, as KafkaError: the handler's `fail` says them in its API's way. */
export class TransactionCoordinator {
  readonly #services: TxnServices
  readonly #shards: TxnShards
  #stopped = false

  constructor(services: TxnServices) {
    this.#services = { ...services, producerIds: retriable(services.producerIds) }
    this.#shards = new TxnShards(this.#services)
  }

  /**
   * Takes over a partition of `__transaction_state`; returns when it has been read. Transactions whose end had been
   * decided are completed.
   * @param coordinatorEpoch the leader epoch of the partition, which its markers carry.
   * @throws what reading the log threw, also as a rejection: the partition is then not coordinated here.
   */
  load(partition: number, log: CoordinatorLog, coordinatorEpoch: number): void | Promise<void> {
    if (!this.#stopped) return this.#shards.load(partition, log, coordinatorEpoch)
  }

  /** Gives a partition of `__transaction_state` up. */
  unload(partition: number): void {
    this.#shards.unload(partition)
  }

  /** Gives everything up, answers whoever waits, and refuses from then on. */
  stop(): void {
    this.#stopped = true
    this.#shards.unloadAll()
  }

  /** The partition of `__transaction_state` whose leader coordinates the transactional id. */
  partitionFor(transactionalId: string): number {
    return this.#shards.partitionFor(transactionalId)
  }

  /** @throws KafkaError with the code to answer; without a transactional id a fresh producer id is given. */
  initProducerId(
    request: InitProducerIdRequest,
    { version }: TxnRequestContext,
  ): InitProducerIdResponse | Promise<InitProducerIdResponse> {
    const { transactionalId } = request
    const answer = (producer: ProducerIdAndEpoch): InitProducerIdResponse => ({
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      ...producer,
    })
    checkInitProducerId(request, this.#services.config)
    if (transactionalId === null) {
      return after(this.#services.producerIds.next(), (producerId) =>
        answer({ producerId, producerEpoch: 0 }),
      )
    }
    return fencedAs(version >= INIT_PRODUCER_ID_FENCED_VERSION, () =>
      after(this.#shardOf(transactionalId).perform(transactionalId, initProducerId(request)), answer),
    )
  }

  /**
   * Every error is within the response, but for that of a client that the level of transaction.version is too low for.
   * @throws KafkaError UNSUPPORTED_VERSION
   */
  addPartitions(
    request: AddPartitionsToTxnRequest,
    { version }: TxnRequestContext,
  ): AddPartitionsToTxnResponse | Promise<AddPartitionsToTxnResponse> {
    const results = transactionsOf(request, version).map((transaction) => {
      const { transactionalId, verifyOnly } = transaction
      const partitions = partitionsAsked(transaction.topics)
      const refused = refusedPartitions(partitions, this.#services.topics, version)
      if (refused !== null) return { transactionalId, topicResults: byTopic(refused) }
      const clientVersion = version >= ADD_PARTITIONS_V2_VERSION ? EPOCH_BUMP_VERSION : 0
      const knowsFencing = version >= FENCED_VERSION
      const errors = this.#errorsOf(partitions, () =>
        fencedAs(knowsFencing, () =>
          this.#verifyOrAdd(transactionalId, transaction, partitions, verifyOnly ? 'verify' : clientVersion),
        ),
      )
      return after(errors, (each): TransactionOutcome => {
        if (!verifyOnly) {
          const [error] = each
          if (error?.code === ErrorCode.UNSUPPORTED_VERSION) throw error
          return { transactionalId, topicResults: asAsked(transaction.topics, codeOf(error)) }
        }
        const outcomes = partitions.map((partition, at) => ({ ...partition, errorCode: codeOf(each[at]) }))
        return { transactionalId, topicResults: byTopic(outcomes) }
      })
    })
    return after(all(results), (answered) => addPartitionsResponse(answered, version))
  }

  /** @throws KafkaError with the code to answer. */
  addOffsets(
    { transactionalId, groupId, producerId, producerEpoch }: AddOffsetsToTxnRequest,
    { version }: TxnRequestContext,
  ): AddOffsetsToTxnResponse | Promise<AddOffsetsToTxnResponse> {
    const partition = { topic: CONSUMER_OFFSETS_TOPIC, partition: this.#services.groupPartitionFor(groupId) }
    return fencedAs(version >= FENCED_VERSION, () =>
      after(this.#verifyOrAdd(transactionalId, { producerId, producerEpoch }, [partition], 0), () => ({
        throttleTimeMs: 0,
        errorCode: ErrorCode.NONE,
      })),
    )
  }

  /** @throws KafkaError with the code to answer. */
  endTransaction(
    request: EndTxnRequest,
    { version }: TxnRequestContext,
  ): EndTxnResponse | Promise<EndTxnResponse> {
    const { transactionalId } = request
    const clientVersion = version >= END_TXN_V2_VERSION ? EPOCH_BUMP_VERSION : 0
    return fencedAs(version >= FENCED_VERSION, () =>
      after(
        this.#shardOf(transactionalId).perform(transactionalId, endTransaction(request, clientVersion)),
        (producer) => ({ throttleTimeMs: 0, errorCode: ErrorCode.NONE, ...producer }),
      ),
    )
  }

  /** Every error is within the response. */
  describe({ transactionalIds }: DescribeTransactionsRequest): DescribeTransactionsResponse {
    const transactionStates = transactionalIds.map((transactionalId) => {
      try {
        return describeTransaction(this.#shardOf(transactionalId), transactionalId)
      } catch (error) {
        return undescribed(transactionalId, this.#kafkaError(error).code)
      }
    })
    return { throttleTimeMs: 0, transactionStates }
  }

  /** @throws KafkaError with the code to answer. */
  list(request: ListTransactionsRequest): ListTransactionsResponse {
    this.#checkRunning()
    return listTransactions(this.#shards.all(), request, BigInt(this.#services.clock.now()))
  }

  /**
   * For Produce and TxnOffsetCommit: whether partitions belong to the ongoing transaction.
   * @param verifyOnly only looks (transactions V1); otherwise those that do not are added (KIP-890, V2).
   * @returns the error of each partition, in their order; null for none.
   */
  verifyOrAdd(
    transactionalId: string,
    producerId: bigint,
    producerEpoch: number,
    partitions: readonly TopicPartition[],
    verifyOnly: boolean,
  ): readonly (KafkaError | null)[] | Promise<readonly (KafkaError | null)[]> {
    const how = verifyOnly ? 'verify' : EPOCH_BUMP_VERSION
    return this.#errorsOf(partitions, () =>
      this.#verifyOrAdd(transactionalId, { producerId, producerEpoch }, partitions, how),
    )
  }

  /** @param how only to verify, or to add for a client of that version of transactions. */
  #verifyOrAdd(
    transactionalId: string,
    producer: ProducerIdAndEpoch,
    partitions: readonly TopicPartition[],
    how: 'verify' | number,
  ): readonly (KafkaError | null)[] | Promise<readonly (KafkaError | null)[]> {
    const shard = this.#shardOf(transactionalId)
    if (how === 'verify') return shard.perform(transactionalId, verifyPartitions(producer, partitions))
    const added = shard.perform(transactionalId, addPartitions(producer, partitionsOf(partitions), how))
    return after(added, () => partitions.map(() => null))
  }

  /** An error of the whole is one of each partition. */
  #errorsOf(
    partitions: readonly TopicPartition[],
    run: () => readonly (KafkaError | null)[] | Promise<readonly (KafkaError | null)[]>,
  ): readonly (KafkaError | null)[] | Promise<readonly (KafkaError | null)[]> {
    const failed = (error: unknown): KafkaError[] => {
      const known = this.#kafkaError(error)
      return partitions.map(() => known)
    }
    try {
      const errors = run()
      return errors instanceof Promise ? errors.catch(failed) : errors
    } catch (error) {
      return failed(error)
    }
  }

  /** @throws KafkaError INVALID_REQUEST, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS. */
  #shardOf(transactionalId: string): TxnShard {
    this.#checkRunning()
    if (transactionalId === '')
      throw new KafkaError(ErrorCode.INVALID_REQUEST, 'the transactional id is empty')
    return this.#shards.shardOf(transactionalId)
  }

  #checkRunning(): void {
    if (this.#stopped) throw new KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, 'the broker stops')
  }

  #kafkaError(error: unknown): KafkaError {
    if (error instanceof KafkaError) return error
    this.#services.logger.error({ err: error }, 'a request to the transaction coordinator failed')
    return new KafkaError(
      ErrorCode.UNKNOWN_SERVER_ERROR,
      error instanceof Error ? error.message : String(error),
    )
  }
}

/** Where no producer id can be had now, one may be later: clients try again after COORDINATOR_LOAD_IN_PROGRESS. */
function retriable(producerIds: ProducerIdSource): ProducerIdSource {
  const failed = (error: unknown): never => {
    if (!(error instanceof KafkaError)) throw error
    throw new KafkaError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, error.message)
  }
  return {
    next() {
      try {
        const next = producerIds.next()
        return next instanceof Promise ? next.catch(failed) : next
      } catch (error) {
        return failed(error)
      }
    },
  }
}

/** Tells clients that do not know PRODUCER_FENCED of an INVALID_PRODUCER_EPOCH. */
function fencedAs<R>(known: boolean, run: () => R | Promise<R>): R | Promise<R> {
  if (known) return run()
  const failed = (error: unknown): never => {
    throw asOlderFencing(error)
  }
  try {
    const result = run()
    return result instanceof Promise ? result.catch(failed) : result
  } catch (error) {
    return failed(error)
  }
}

function codeOf(error: KafkaError | null | undefined): ErrorCode {
  return error?.code ?? ErrorCode.NONE
}
