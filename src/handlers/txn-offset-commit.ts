/**
 * TxnOffsetCommit (key 28), v0 to v5.
 * v1 throttle time · v2 leader epoch (KIP-320) · v3 flexible, member and generation (KIP-447) · v4 TRANSACTION_ABORTABLE
 * (KIP-890) · v5 adds the partition of `__consumer_offsets` to the transaction by itself (KIP-890, transactions V2).
 */
import { txnOffsetCommitError } from '../group/txn-commit.ts'
import type { VerificationGuard } from '../log/verifications.ts'
import { CONSUMER_OFFSETS_TOPIC } from '../metadata/topic-name.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import {
  type TxnOffsetCommitRequest,
  type TxnOffsetCommitResponse,
  txnOffsetCommitApi,
} from '../wire/messages/txn-offset-commit.ts'
import { buildBatch } from '../wire/records.ts'
import { type Call, type Handler, handler } from './handler.ts'

const TRANSACTION_ABORTABLE_FROM = 4
const ADDS_PARTITION_FROM = 5

export const txnOffsetCommitHandler: Handler<TxnOffsetCommitRequest, TxnOffsetCommitResponse> = handler(
  txnOffsetCommitApi,
  {
    handle: (request, call) =>
      call.groups.commitTransactionalOffsets(request, call, (partition) => verify(request, partition, call)),

    fail: ({ topics }, { code }, { version }) => ({
      throttleTimeMs: 0,
      topics: txnOffsetCommitError(topics, code, version),
    }),
  },
)

/** Asks the transaction coordinator unless the partition knows that the transaction is going on. */
function verify(
  { transactionalId, producerId, producerEpoch }: TxnOffsetCommitRequest,
  index: number,
  call: Call,
): VerificationGuard | null | undefined | Promise<VerificationGuard | null> {
  const { config, metadata, replicas, transactions, version } = call
  const adds = version >= ADDS_PARTITION_FROM
  const topic = metadata.topic(CONSUMER_OFFSETS_TOPIC)
  if (topic === undefined) {
    throw new KafkaError(
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      `there is no topic ${CONSUMER_OFFSETS_TOPIC} yet`,
    )
  }
  const partition = replicas.get(topic, index)
  if (!adds && !config.get('transaction.partition.verification.enable')) return undefined
  // Only the header of a batch is asked about, and the records are not made yet.
  const header = buildBatch([], { producerId, producerEpoch, isTransactional: true })
  const guard = partition.startVerification(header, adds)
  if (guard === null) return null
  const asked = [{ topic: CONSUMER_OFFSETS_TOPIC, partition: index }]
  const passed = ([error]: readonly (KafkaError | null)[]): VerificationGuard => {
    if (error) throw answered(error, version)
    return guard
  }
  const errors = transactions.verifyOrAdd(transactionalId, producerId, producerEpoch, asked, !adds)
  return errors instanceof Promise ? errors.then(passed) : passed(errors)
}

/** What clients of the version know in place of errors of the transaction coordinator. */
function answered(error: KafkaError, version: number): KafkaError {
  switch (error.code) {
    case ErrorCode.PRODUCER_FENCED:
      return new KafkaError(ErrorCode.INVALID_PRODUCER_EPOCH, error.message)
    case ErrorCode.TRANSACTION_ABORTABLE:
      return version >= TRANSACTION_ABORTABLE_FROM
        ? error
        : new KafkaError(ErrorCode.INVALID_TXN_STATE, error.message)
    default:
      return error
  }
}
