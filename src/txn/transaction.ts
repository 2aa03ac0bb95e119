/** What is known of one transactional id (KIP-98), and what becomes of it: values, never changed in place. */
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID } from '../wire/batch.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'

/** By their ids in the log. */
export const TransactionState = {
  EMPTY: 0,
  ONGOING: 1,
  PREPARE_COMMIT: 2,
  PREPARE_ABORT: 3,
  COMPLETE_COMMIT: 4,
  COMPLETE_ABORT: 5,
  DEAD: 6,
  PREPARE_EPOCH_FENCE: 7,
} as const

export type TransactionState = (typeof TransactionState)[keyof typeof TransactionState]

/** As DescribeTransactions and ListTransactions say them, by their ids. */
export const STATE_NAMES: readonly string[] = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'Dead',
  'PrepareEpochFence',
]

/** The level of transaction.version from which on every end of a transaction bumps the epoch (KIP-890). */
export const EPOCH_BUMP_VERSION = 2

/** The largest epoch; no client gets it, so that its producer can always be fenced. */
export const MAX_EPOCH = 32767

/** A timeout that never aborts: what a transaction of two-phase commit has (KIP-939). */
const NO_TIMEOUT_MS = 2 ** 31 - 1

/** Partitions by topic. */
export type Partitions = ReadonlyMap<string, ReadonlySet<number>>

export const NO_PARTITIONS: Partitions = new Map()

export interface Transaction {
  readonly producerId: bigint
  /** The producer id before the last change, which may be the same one. */
  readonly previousProducerId: bigint
  /** What the producer gets at the end of the transaction whose end uses its epochs up; -1 for none. */
  readonly nextProducerId: bigint
  /** -1 for an id that has just been made up. */
  readonly producerEpoch: number
  /** The epoch before the last bump, by which a repeated request is known; in memory alone. -1 for none. */
  readonly lastProducerEpoch: number
  readonly timeoutMs: number
  readonly state: TransactionState
  readonly partitions: Partitions
  /** Milliseconds; -1 when it has had no transaction. */
  readonly startTimestamp: bigint
  readonly lastUpdateTimestamp: bigint
  /** The version of transactions that the client spoke when the state changed last. */
  readonly clientTransactionVersion: number
}

/** A transactional id that nobody knew; its first record gives it epoch 0. */
export function newTransaction(producerId: bigint, timeoutMs: number, now: bigint): Transaction {
  return {
    producerId,
    previousProducerId: NO_PRODUCER_ID,
    nextProducerId: NO_PRODUCER_ID,
    producerEpoch: NO_PRODUCER_EPOCH,
    lastProducerEpoch: NO_PRODUCER_EPOCH,
    timeoutMs,
    state: TransactionState.EMPTY,
    partitions: NO_PARTITIONS,
    startTimestamp: -1n,
    lastUpdateTimestamp: now,
    clientTransactionVersion: 0,
  }
}

export function isEpochExhausted(epoch: number): boolean {
  return epoch >= MAX_EPOCH - 1
}

export function isPrepared({ state }: Transaction): boolean {
  return state === TransactionState.PREPARE_COMMIT || state === TransactionState.PREPARE_ABORT
}

/** Whether the id is forgotten once nobody has used it for transactional.id.expiration.ms. */
export function mayExpire({ state }: Transaction): boolean {
  return (
    state === TransactionState.EMPTY ||
    state === TransactionState.COMPLETE_COMMIT ||
    state === TransactionState.COMPLETE_ABORT
  )
}

export function isOverdue({ state, startTimestamp, timeoutMs }: Transaction, now: bigint): boolean {
  if (state !== TransactionState.ONGOING || timeoutMs === NO_TIMEOUT_MS) return false
  return startTimestamp + BigInt(timeoutMs) < now
}

/** For a request of two-phase commit. */
export function resolvedTimeoutMs(timeoutMs: number, twoPhaseCommit: boolean): number {
  return twoPhaseCommit ? NO_TIMEOUT_MS : timeoutMs
}

/**
 * A new epoch for a producer that starts, or starts again.
 * @param expectedEpoch the one that it has (KIP-360), null when it has none.
 * @throws KafkaError PRODUCER_FENCED when that is neither the current epoch nor the one before it.
 */
export function withNextEpoch(
  transaction: Transaction,
  timeoutMs: number,
  expectedEpoch: number | null,
  now: bigint,
): Transaction {
  const { producerEpoch, lastProducerEpoch } = transaction
  const initialized = (epoch: number, lastEpoch: number): Transaction => ({
    ...started(transaction),
    producerEpoch: epoch,
    lastProducerEpoch: lastEpoch,
    timeoutMs,
    lastUpdateTimestamp: now,
  })
  if (expectedEpoch === null) return initialized(producerEpoch + 1, NO_PRODUCER_EPOCH)
  if (producerEpoch === NO_PRODUCER_EPOCH || expectedEpoch === producerEpoch) {
    return initialized(producerEpoch + 1, producerEpoch)
  }
  // The same request again: the answer to the first one was lost.
  if (expectedEpoch === lastProducerEpoch) return initialized(producerEpoch, lastProducerEpoch)
  throw new KafkaError(
    ErrorCode.PRODUCER_FENCED,
    `the producer has epoch ${expectedEpoch}: now it is ${producerEpoch}, and ${lastProducerEpoch} before`,
  )
}

/** A new producer id, since the epochs of the old one are used up. */
export function withNewProducerId(
  transaction: Transaction,
  producerId: bigint,
  timeoutMs: number,
  rememberEpoch: boolean,
  now: bigint,
): Transaction {
  return {
    ...started(transaction),
    producerId,
    producerEpoch: 0,
    lastProducerEpoch: rememberEpoch ? transaction.producerEpoch : NO_PRODUCER_EPOCH,
    timeoutMs,
    lastUpdateTimestamp: now,
  }
}

export function withPartitions(
  transaction: Transaction,
  added: Partitions,
  clientTransactionVersion: number,
  now: bigint,
): Transaction {
  const ongoing = transaction.state === TransactionState.ONGOING
  return {
    producerId: transaction.producerId,
    previousProducerId: transaction.producerId,
    nextProducerId: transaction.nextProducerId,
    producerEpoch: transaction.producerEpoch,
    lastProducerEpoch: transaction.lastProducerEpoch,
    timeoutMs: transaction.timeoutMs,
    state: TransactionState.ONGOING,
    partitions: union(transaction.partitions, added),
    startTimestamp: ongoing ? transaction.startTimestamp : now,
    lastUpdateTimestamp: now,
    clientTransactionVersion,
  }
}

/** How a transaction is to end. */
export interface End {
  readonly commit: boolean
  /** Of the client, or, when the coordinator itself ends it, of the cluster. */
  readonly transactionVersion: number
  /** For a producer whose epochs the bump uses up; -1 otherwise. */
  readonly nextProducerId: bigint
  /** Whether there was no transaction: its abort alone is recorded (KIP-890). */
  readonly empty?: boolean
}

/** The decision of how it ends; everything after that only carries it out. */
export function prepared(transaction: Transaction, end: End, now: bigint): Transaction {
  const bumps = end.transactionVersion >= EPOCH_BUMP_VERSION
  const { producerEpoch, lastProducerEpoch } = transaction
  return {
    producerId: transaction.producerId,
    previousProducerId: transaction.producerId,
    nextProducerId: end.nextProducerId,
    producerEpoch: bumps ? Math.min(producerEpoch + 1, MAX_EPOCH) : producerEpoch,
    lastProducerEpoch: bumps ? producerEpoch : lastProducerEpoch,
    timeoutMs: transaction.timeoutMs,
    state: end.commit ? TransactionState.PREPARE_COMMIT : TransactionState.PREPARE_ABORT,
    partitions: transaction.partitions,
    startTimestamp: end.empty ? now : transaction.startTimestamp,
    lastUpdateTimestamp: now,
    // Without the bump nothing is left to tell the two first versions apart by.
    clientTransactionVersion: bumps ? end.transactionVersion : 0,
  }
}

/** The abort of a transaction whose producer must not go on: its epoch is bumped in every version. */
export function fenced(
  transaction: Transaction,
  transactionVersion: number,
  nextProducerId: bigint,
  now: bigint,
): Transaction {
  const end = { commit: false, transactionVersion, nextProducerId }
  if (transactionVersion >= EPOCH_BUMP_VERSION) return prepared(transaction, end, now)
  const producerEpoch = Math.min(transaction.producerEpoch + 1, MAX_EPOCH)
  return prepared({ ...transaction, producerEpoch, lastProducerEpoch: NO_PRODUCER_EPOCH }, end, now)
}

/** What a prepared transaction becomes when every partition has its marker. */
export function completed(transaction: Transaction, now: bigint): Transaction {
  const { producerId, producerEpoch } = nextProducer(transaction)
  return {
    producerId,
    previousProducerId: transaction.producerId,
    nextProducerId: NO_PRODUCER_ID,
    producerEpoch,
    lastProducerEpoch: transaction.lastProducerEpoch,
    timeoutMs: transaction.timeoutMs,
    state:
      transaction.state === TransactionState.PREPARE_COMMIT
        ? TransactionState.COMPLETE_COMMIT
        : TransactionState.COMPLETE_ABORT,
    partitions: NO_PARTITIONS,
    startTimestamp: transaction.startTimestamp,
    lastUpdateTimestamp: now,
    clientTransactionVersion: transaction.clientTransactionVersion,
  }
}

/** What the producer of a prepared transaction is from its end on. */
export function nextProducer({
  producerId,
  nextProducerId,
  producerEpoch,
  clientTransactionVersion,
}: Transaction): { readonly producerId: bigint; readonly producerEpoch: number } {
  const rotates = clientTransactionVersion >= EPOCH_BUMP_VERSION && nextProducerId !== NO_PRODUCER_ID
  return rotates ? { producerId: nextProducerId, producerEpoch: 0 } : { producerId, producerEpoch }
}

export function hasPartition({ partitions }: Transaction, topic: string, partition: number): boolean {
  return partitions.get(topic)?.has(partition) ?? false
}

export function containsAll(partitions: Partitions, others: Partitions): boolean {
  for (const [topic, indexes] of others) {
    const known = partitions.get(topic)
    for (const index of indexes) if (known === undefined || !known.has(index)) return false
  }
  return true
}

function started(transaction: Transaction): Transaction {
  return {
    ...transaction,
    previousProducerId: transaction.producerId,
    state: TransactionState.EMPTY,
    partitions: NO_PARTITIONS,
    startTimestamp: -1n,
  }
}

function union(partitions: Partitions, added: Partitions): Partitions {
  if (partitions.size === 0) return added
  const all = new Map(partitions)
  for (const [topic, indexes] of added) all.set(topic, new Set([...(all.get(topic) ?? []), ...indexes]))
  return all
}
