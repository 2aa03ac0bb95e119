/**
 * Whether the transactional batches of a Produce belong to an ongoing transaction (KIP-890): a partition that does not
 * know asks the transaction coordinator, before anything else is looked at. Up to Produce v11 the coordinator only
 * looks; from v12 on it adds what is missing (transactions V2).
 */
import type { VerificationGuard } from '../log/verifications.ts'
import type { TopicPartition } from '../txn/transaction-coordinator.ts'
import * as batch from '../wire/batch.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type { PartitionProduceData, ProduceRequest } from '../wire/messages/produce.ts'
import type { Call } from './handler.ts'

/** The first version that knows TRANSACTION_ABORTABLE, and the first whose partitions are added implicitly. */
const TRANSACTION_ABORTABLE_VERSION = 11
const ADDING_VERSION = 12

/** One transactional batch of a request, for a partition that exists. */
export interface TransactionalBatch {
  readonly topic: string
  readonly data: PartitionProduceData
  readonly records: Buffer
  /** Begins to ask; see `Partition.startVerification`. */
  readonly start: (supportsEpochBump: boolean) => VerificationGuard | null
}

/** What `Partition.append` wants with a batch (undefined: verification is off), or why it is refused. */
export type Verdict = VerificationGuard | null | undefined | VerificationError

/** The verdicts by what the request has for a partition. */
export type Verdicts = ReadonlyMap<PartitionProduceData, Verdict>

/** Refused before the log has seen the batch. */
export class VerificationError extends KafkaError {
  /** What the client is told beside the code, where Kafka tells it. */
  readonly told: string | null

  constructor(code: ErrorCode, message: string, told: string | null = null) {
    super(code, message)
    this.told = told
  }
}

/**
 * Asks the coordinator, all in one, about the partitions that do not have the transaction.
 * @throws KafkaError INVALID_PRODUCER_ID_MAPPING for batches of more than one producer: it concerns the whole request.
 */
export function verifyBatches(
  batches: readonly TransactionalBatch[],
  request: ProduceRequest,
  call: Call,
): Verdicts | Promise<Verdicts> {
  const [first] = batches
  if (first === undefined) return new Map()
  const producerId = batch.producerId(first.records)
  const producerEpoch = batch.producerEpoch(first.records)
  for (const { records } of batches) {
    if (batch.producerId(records) === producerId && batch.producerEpoch(records) === producerEpoch) continue
    throw new KafkaError(
      ErrorCode.INVALID_PRODUCER_ID_MAPPING,
      `transactional batches of producers ${producerId} and ${batch.producerId(records)} in one request`,
    )
  }
  const adds = call.version >= ADDING_VERSION
  if (!adds && !call.config.get('transaction.partition.verification.enable')) return new Map()
  const { transactionalId } = request
  const attempt = (): Attempt | Promise<Attempt> =>
    verifyOnce(batches, adds, call.version, (asked) =>
      call.transactions.verifyOrAdd(transactionalId ?? '', producerId, producerEpoch, asked, !adds),
    )
  const done = adds ? untilEnded(attempt, call) : attempt()
  return done instanceof Promise ? done.then(({ verdicts }) => verdicts) : done.verdicts
}

interface Attempt {
  readonly verdicts: Verdicts
  /** Whether the transaction before has not ended yet. */
  readonly concurrent: boolean
}

type Ask = (asked: readonly TopicPartition[]) => Errors | Promise<Errors>
type Errors = readonly (KafkaError | null)[]

function verifyOnce(
  batches: readonly TransactionalBatch[],
  adds: boolean,
  version: number,
  ask: Ask,
): Attempt | Promise<Attempt> {
  const verdicts = new Map<PartitionProduceData, Verdict>()
  const asked = batches.filter((one) => {
    const verdict = start(one, adds)
    verdicts.set(one.data, verdict)
    return verdict !== null && !(verdict instanceof VerificationError)
  })
  const judge = (errors: Errors): Attempt => {
    for (const [at, { data }] of asked.entries()) {
      const error = errors[at]
      if (error) verdicts.set(data, asOfProduce(error, version))
    }
    return { verdicts, concurrent: errors.some((error) => error?.code === ErrorCode.CONCURRENT_TRANSACTIONS) }
  }
  if (asked.length === 0) return judge([])
  const errors = ask(asked.map(({ topic, data }) => ({ topic, partition: data.index })))
  return errors instanceof Promise ? errors.then(judge) : judge(errors)
}

/**
 * The end of the transaction before may still be on its way: what is added to the next one waits a moment for it, and
 * begins anew, since the marker of that end undoes what had been verified.
 */
function untilEnded(attempt: () => Attempt | Promise<Attempt>, call: Call): Attempt | Promise<Attempt> {
  const deadline = call.clock.now() + call.config.get('add.partitions.to.txn.retry.backoff.max.ms')
  const backoffMs = call.config.get('add.partitions.to.txn.retry.backoff.ms')
  const again = (done: Attempt): Attempt | Promise<Attempt> => {
    if (!done.concurrent || call.clock.now() >= deadline || call.signal.aborted) return done
    return new Promise<void>((resolve) => call.clock.schedule(backoffMs, resolve)).then(attempt).then(again)
  }
  const done = attempt()
  return done instanceof Promise ? done.then(again) : again(done)
}

function start(one: TransactionalBatch, adds: boolean): Verdict {
  try {
    return one.start(adds)
  } catch (error) {
    if (error instanceof KafkaError) return new VerificationError(error.code, error.message)
    throw error
  }
}

/** What producers of the version know in place of errors of the transaction coordinator. */
function asOfProduce(error: KafkaError, version: number): VerificationError {
  switch (error.code) {
    case ErrorCode.PRODUCER_FENCED:
      return new VerificationError(ErrorCode.INVALID_PRODUCER_EPOCH, error.message)
    case ErrorCode.TRANSACTION_ABORTABLE:
      if (version >= TRANSACTION_ABORTABLE_VERSION) return new VerificationError(error.code, error.message)
      return new VerificationError(ErrorCode.INVALID_TXN_STATE, error.message, error.message)
    case ErrorCode.CONCURRENT_TRANSACTIONS:
    case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
    case ErrorCode.COORDINATOR_NOT_AVAILABLE:
    case ErrorCode.NOT_COORDINATOR: {
      // Older clients would give up on these; this one they all try again, without asking for metadata.
      const told = `the transaction cannot be looked at now: ${error.message}`
      return new VerificationError(ErrorCode.NOT_ENOUGH_REPLICAS, told, told)
    }
    default:
      return new VerificationError(error.code, error.message)
  }
}
