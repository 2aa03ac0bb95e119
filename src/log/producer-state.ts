/** What a log remembers of the producers that wrote to it with an id (KIP-98, KIP-360, KIP-890). */
import * as batch from '../wire/batch.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type { ProducerEntry } from './producer-snapshot.ts'
import { type AbortedTransaction, readMarker, type TransactionMarker } from './transaction-marker.ts'
import { Transactions } from './transactions.ts'
import { type VerificationGuard, Verifications } from './verifications.ts'

/** How many of a producer's last batches are recognized when they come again. */
const REMEMBERED_BATCHES = 5
const MAX_SEQUENCE = 2 ** 31 - 1
const MAX_EPOCH = 2 ** 15 - 1
const NO_COORDINATOR_EPOCH = -1
const NO_TRANSACTION = -1n
/** The transaction.version from which on every transaction has an epoch of its own. */
const EPOCH_PER_TRANSACTION = 2

/** A batch that was appended, as far as it takes to recognize it and to answer for it again. */
export interface RememberedBatch {
  readonly baseSequence: number
  readonly lastSequence: number
  readonly baseOffset: bigint
  readonly lastOffset: bigint
  /** The batch's latest timestamp, as stored. */
  readonly timestamp: bigint
}

/** A producer that the log remembers, as DescribeProducers tells it (KIP-664). */
export interface ActiveProducer {
  readonly producerId: bigint
  readonly producerEpoch: number
  /** -1 when it has written nothing in its epoch. */
  readonly lastSequence: number
  /** The latest timestamp of its last batch; -1 for none. */
  readonly lastTimestamp: bigint
  /** Of the coordinator that wrote the producer's last marker; -1 for none. */
  readonly coordinatorEpoch: number
  /** Where the transaction that is open began; -1 for none. */
  readonly currentTransactionFirstOffset: bigint
}

/** What compaction has to leave of a producer, so that a log that is read anew knows it as before. */
export interface LastRecord {
  /** Of its last batch; null when it has written nothing but markers in its epoch. */
  readonly lastDataOffset: bigint | null
  readonly producerEpoch: number
}

interface Producer {
  epoch: number
  coordinatorEpoch: number
  /** Where its open transaction began, or NO_TRANSACTION. */
  transactionFirstOffset: bigint
  /** The latest timestamp of its last batch: how long it has been idle is counted from here. */
  lastTimestamp: bigint
  /** Of this epoch, the oldest first. */
  readonly batches: RememberedBatch[]
}

/** The producers of one log, by producer id, and their transactions. */
export class ProducerState {
  readonly transactions: Transactions = new Transactions()
  /** Made for the first producer: most partitions of a large cluster never see one. */
  #producers: Map<bigint, Producer> | null = null
  readonly #verifications = new Verifications()

  /** How many producers are known. */
  get size(): number {
    return this.#producers?.size ?? 0
  }

  /** Whether the producer has, in that epoch, a transaction open here. */
  hasOngoingTransaction(producerId: bigint, producerEpoch: number): boolean {
    const producer = this.#producers?.get(producerId)
    return producer !== undefined && isOpen(producer) && producer.epoch === producerEpoch
  }

  /**
   * Begins to ask whether the batch's transaction is going on (KIP-890).
   * @returns null where the log knows: the transaction is open here.
   * @throws KafkaError INVALID_PRODUCER_EPOCH
   */
  startVerification(frame: Buffer, supportsEpochBump: boolean, nowMs: number): VerificationGuard | null {
    const id = batch.producerId(frame)
    const epoch = batch.producerEpoch(frame)
    checkEpoch(id, epoch, this.#producers?.get(id))
    if (this.hasOngoingTransaction(id, epoch)) return null
    return this.#verifications.start(id, epoch, batch.baseSequence(frame), supportsEpochBump, nowMs)
  }

  /**
   * Holds a client's batch with a producer id against what is known of the producer; changes nothing.
   * @param guard what `startVerification` returned, if the coordinator has confirmed the transaction since;
   * undefined where no batch needs that.
   * @returns the batch that this one repeats, or null when it is to be appended.
   * @throws KafkaError INVALID_PRODUCER_EPOCH for an epoch that has been superseded, OUT_OF_ORDER_SEQUENCE_NUMBER
   * for a sequence that does not follow, INVALID_TXN_STATE for a batch that does not belong into the transaction, or
   * a lack of it. A producer that is not known may start anywhere, unless it uses transactions V2.
   */
  check(frame: Buffer, guard?: VerificationGuard | null): RememberedBatch | null {
    const id = batch.producerId(frame)
    const producer = this.#producers?.get(id)
    if (producer !== undefined && batch.producerEpoch(frame) === producer.epoch) {
      const repeated = findRepeated(producer, frame)
      if (repeated !== undefined) return repeated
    }
    const isTransactional = batch.isTransactional(frame)
    if (isTransactional) this.#checkVerified(frame, guard)
    checkEpoch(id, batch.producerEpoch(frame), producer)
    this.#checkVerifiedSequence(frame, producer)
    if (producer !== undefined && producer.epoch !== batch.NO_PRODUCER_EPOCH) checkSequence(frame, producer)
    if (!isTransactional) checkNoTransaction(frame, producer)
    return null
  }

  /**
   * Holds a batch of the broker's own against what is known of its producer: it has no sequence.
   * @throws KafkaError INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE.
   */
  checkOwn(frame: Buffer, guard?: VerificationGuard | null): void {
    const id = batch.producerId(frame)
    const producer = this.#producers?.get(id)
    const isTransactional = batch.isTransactional(frame)
    if (isTransactional) this.#checkVerified(frame, guard)
    checkEpoch(id, batch.producerEpoch(frame), producer)
    if (!isTransactional) checkNoTransaction(frame, producer)
  }

  /**
   * Holds a marker against what is known of its producer; one that is not known may have any.
   * @throws KafkaError INVALID_PRODUCER_EPOCH, TRANSACTION_COORDINATOR_FENCED.
   */
  checkMarker({ producerId, producerEpoch, coordinatorEpoch, transactionVersion }: TransactionMarker): void {
    const producer = this.#producers?.get(producerId)
    if (producer === undefined) return
    if (transactionVersion >= EPOCH_PER_TRANSACTION) {
      // The same marker again; or the one of an epoch that cannot be raised any more.
      const isRepeated =
        producerEpoch === producer.epoch && (!isOpen(producer) || producerEpoch === MAX_EPOCH)
      if (!isRepeated && producerEpoch <= producer.epoch)
        throw supersededEpoch(producerId, producerEpoch, producer)
    } else {
      checkEpoch(producerId, producerEpoch, producer)
    }
    if (coordinatorEpoch >= producer.coordinatorEpoch) return
    throw new KafkaError(
      ErrorCode.TRANSACTION_COORDINATOR_FENCED,
      `a marker of coordinator epoch ${coordinatorEpoch} for producer ${producerId}, ` +
        `where the last one was of ${producer.coordinatorEpoch}`,
    )
  }

  /**
   * Takes a batch with a producer id into account that has been appended, or is replayed.
   * @returns the transaction that it aborted, if it did.
   */
  update(frame: Buffer, position = 0): AbortedTransaction | null {
    if (batch.isControlBatch(frame, position)) return this.#updateByMarker(frame, position)
    const id = batch.producerId(frame, position)
    const producer = this.#producer(id)
    moveTo(producer, batch.producerEpoch(frame, position))
    producer.lastTimestamp = batch.maxTimestamp(frame, position)
    const remembered = {
      baseSequence: batch.baseSequence(frame, position),
      lastSequence: batch.lastSequence(frame, position),
      baseOffset: batch.baseOffset(frame, position),
      lastOffset: batch.lastOffset(frame, position),
      timestamp: producer.lastTimestamp,
    }
    remember(producer, remembered)
    if (!batch.isTransactional(frame, position)) return null
    this.#verifications.clear(id)
    if (isOpen(producer)) return null
    producer.transactionFirstOffset = remembered.baseOffset
    this.transactions.begin(id, remembered.baseOffset)
    return null
  }

  /** Those that are known, in no order. */
  active(): readonly ActiveProducer[] {
    return Array.from(this.#producers ?? [], ([producerId, producer]) => ({
      producerId,
      producerEpoch: producer.epoch,
      lastSequence: producer.batches.at(-1)?.lastSequence ?? batch.NO_SEQUENCE,
      lastTimestamp: producer.lastTimestamp,
      coordinatorEpoch: producer.coordinatorEpoch,
      currentTransactionFirstOffset: producer.transactionFirstOffset,
    }))
  }

  /** By producer id. */
  lastRecords(): ReadonlyMap<bigint, LastRecord> {
    const found = new Map<bigint, LastRecord>()
    for (const [producerId, { batches, epoch }] of this.#producers ?? []) {
      found.set(producerId, { lastDataOffset: batches.at(-1)?.lastOffset ?? null, producerEpoch: epoch })
    }
    return found
  }

  /** What a snapshot says: an entry for each batch that is remembered, or one where there is none. */
  entries(): readonly ProducerEntry[] {
    const entries: ProducerEntry[] = []
    for (const [producerId, producer] of this.#producers ?? []) {
      const { batches, epoch, lastTimestamp, coordinatorEpoch, transactionFirstOffset } = producer
      const common = { producerId, producerEpoch: epoch, coordinatorEpoch }
      for (const known of batches.slice(0, -1)) {
        const { timestamp } = known
        entries.push({
          ...common,
          ...entryOf(known),
          timestamp,
          currentTransactionFirstOffset: NO_TRANSACTION,
        })
      }
      const last = entryOf(batches.at(-1))
      const currentTransactionFirstOffset = transactionFirstOffset
      entries.push({ ...common, ...last, timestamp: lastTimestamp, currentTransactionFirstOffset })
    }
    return entries
  }

  /** Takes over what a snapshot says, into a state that is empty. */
  restore(entries: readonly ProducerEntry[]): void {
    const open: ProducerEntry[] = []
    for (const entry of entries) {
      const producer = this.#producer(entry.producerId)
      moveTo(producer, entry.producerEpoch)
      producer.coordinatorEpoch = entry.coordinatorEpoch
      producer.lastTimestamp = entry.timestamp
      producer.transactionFirstOffset = entry.currentTransactionFirstOffset
      if (entry.lastOffset >= 0n) remember(producer, batchOf(entry))
      if (isOpen(producer)) open.push(entry)
    }
    open.sort((one, other) =>
      one.currentTransactionFirstOffset < other.currentTransactionFirstOffset ? -1 : 1,
    )
    for (const { producerId, currentTransactionFirstOffset } of open) {
      this.transactions.begin(producerId, currentTransactionFirstOffset)
    }
  }

  /** Forgets the producers whose last timestamp is `expirationMs` or more before `nowMs`, and no transaction is open. */
  expire(nowMs: number, expirationMs: number): void {
    this.#verifications.expire(nowMs, expirationMs)
    if (this.#producers === null) return
    const idleSince = BigInt(nowMs) - BigInt(expirationMs)
    for (const [id, producer] of this.#producers) {
      if (producer.lastTimestamp <= idleSince && !isOpen(producer)) this.#producers.delete(id)
    }
  }

  #updateByMarker(frame: Buffer, position: number): AbortedTransaction | null {
    const marker = readMarker(frame, position)
    // Compaction has removed all of the transaction, or this is no marker at all.
    if (marker === null) return null
    const id = batch.producerId(frame, position)
    const producer = this.#producer(id)
    moveTo(producer, batch.producerEpoch(frame, position))
    producer.coordinatorEpoch = marker.coordinatorEpoch
    producer.lastTimestamp = batch.maxTimestamp(frame, position)
    this.#verifications.clear(id)
    if (!isOpen(producer)) return null
    const first = producer.transactionFirstOffset
    producer.transactionFirstOffset = NO_TRANSACTION
    const ended = this.transactions.end(id, first, batch.baseOffset(frame, position))
    return marker.commit ? null : ended
  }

  #producer(id: bigint): Producer {
    this.#producers ??= new Map()
    let producer = this.#producers.get(id)
    if (producer === undefined) {
      producer = {
        epoch: batch.NO_PRODUCER_EPOCH,
        coordinatorEpoch: NO_COORDINATOR_EPOCH,
        transactionFirstOffset: NO_TRANSACTION,
        lastTimestamp: batch.NO_TIMESTAMP,
        batches: [],
      }
      this.#producers.set(id, producer)
    }
    return producer
  }

  /** What is written into a transaction that its coordinator does not know would never be ended. */
  #checkVerified(frame: Buffer, guard: VerificationGuard | null | undefined): void {
    if (guard === undefined) return
    const id = batch.producerId(frame)
    if (this.hasOngoingTransaction(id, batch.producerEpoch(frame))) return
    if (guard !== null && this.#verifications.find(id)?.guard === guard) return
    throw new KafkaError(
      ErrorCode.INVALID_TXN_STATE,
      `a batch of producer ${id}, epoch ${batch.producerEpoch(frame)}, that is not part of an ongoing transaction`,
    )
  }

  #checkVerifiedSequence(frame: Buffer, producer: Producer | undefined): void {
    const id = batch.producerId(frame)
    const verification = this.#verifications.find(id)
    if (verification === undefined) return
    const sequence = batch.baseSequence(frame)
    const isFirst = producer === undefined || producer.batches.length === 0
    if (verification.supportsEpochBump && isFirst && sequence !== 0) throw outOfOrder(frame, 0, producer)
    if (sequence > verification.lowestSequence) throw outOfOrder(frame, verification.lowestSequence, producer)
  }
}

function isOpen({ transactionFirstOffset }: Producer): boolean {
  return transactionFirstOffset !== NO_TRANSACTION
}

/** Batches of another epoch do not count any more. */
function moveTo(producer: Producer, epoch: number): void {
  if (producer.epoch === epoch) return
  producer.epoch = epoch
  producer.batches.length = 0
}

function remember(producer: Producer, known: RememberedBatch): void {
  if (producer.batches.length === REMEMBERED_BATCHES) producer.batches.shift()
  producer.batches.push(known)
}

function entryOf(
  known: RememberedBatch | undefined,
): Pick<ProducerEntry, 'lastSequence' | 'lastOffset' | 'offsetDelta'> {
  if (known === undefined) return { lastSequence: batch.NO_SEQUENCE, lastOffset: -1n, offsetDelta: 0 }
  const { lastSequence, lastOffset, baseOffset } = known
  return { lastSequence, lastOffset, offsetDelta: Number(lastOffset - baseOffset) }
}

function batchOf({ lastSequence, lastOffset, offsetDelta, timestamp }: ProducerEntry): RememberedBatch {
  const baseSequence =
    lastSequence === batch.NO_SEQUENCE ? lastSequence : (lastSequence - offsetDelta + 2 ** 31) % 2 ** 31
  return { baseSequence, lastSequence, baseOffset: lastOffset - BigInt(offsetDelta), lastOffset, timestamp }
}

function findRepeated(producer: Producer, frame: Buffer): RememberedBatch | undefined {
  const baseSequence = batch.baseSequence(frame)
  const lastSequence = batch.lastSequence(frame)
  return producer.batches.find(
    (known) => known.baseSequence === baseSequence && known.lastSequence === lastSequence,
  )
}

function checkEpoch(id: bigint, epoch: number, producer: Producer | undefined): void {
  if (epoch < (producer?.epoch ?? batch.NO_PRODUCER_EPOCH)) throw supersededEpoch(id, epoch, producer)
}

function supersededEpoch(id: bigint, epoch: number, producer: Producer | undefined): KafkaError {
  return new KafkaError(
    ErrorCode.INVALID_PRODUCER_EPOCH,
    `epoch ${epoch} of producer ${id}, which is in epoch ${producer?.epoch ?? batch.NO_PRODUCER_EPOCH}`,
  )
}

function checkSequence(frame: Buffer, producer: Producer): void {
  const sequence = batch.baseSequence(frame)
  const sameEpoch = batch.producerEpoch(frame) === producer.epoch
  const last = sameEpoch ? (producer.batches.at(-1)?.lastSequence ?? batch.NO_SEQUENCE) : batch.NO_SEQUENCE
  const next = last === MAX_SEQUENCE ? 0 : last + 1
  if (sequence !== next) throw outOfOrder(frame, next, producer)
}

function outOfOrder(frame: Buffer, expected: number, producer: Producer | undefined): KafkaError {
  return new KafkaError(
    ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    `sequence ${batch.baseSequence(frame)} of producer ${batch.producerId(frame)} in epoch ` +
      `${batch.producerEpoch(frame)}, where ${expected} is next (the log knows epoch ${producer?.epoch ?? 'none'})`,
  )
}

function checkNoTransaction(frame: Buffer, producer: Producer | undefined): void {
  if (producer === undefined || !isOpen(producer)) return
  throw new KafkaError(
    ErrorCode.INVALID_TXN_STATE,
    `a batch outside of transactions, where producer ${batch.producerId(frame)} has had one open since offset ` +
      `${producer.transactionFirstOffset}`,
  )
}
