/** The markers of one ended transaction, until every partition has its own. */
import type { Timer } from '../clock.ts'
import type { TransactionMarker } from '../log/transaction-marker.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { type Transaction, TransactionState } from './transaction.ts'
import type { TxnServices } from './txn-services.ts'

/** How long it is until a marker that could not be written is tried again: at first, and at most. */
const FIRST_RETRY_MS = 100
const LONGEST_RETRY_MS = 5_000

export interface MarkingEvents {
  /** Every partition has its marker, durable, or is gone. */
  marked(): void
  /** Some marker cannot be written now: it is tried again until it can. */
  stuck(): void
}

export class Marking {
  readonly #services: Pick<TxnServices, 'clock' | 'logger' | 'writeMarkers'>
  readonly #marker: TransactionMarker
  readonly #events: MarkingEvents
  /** Partitions without a marker, by topic. */
  readonly #remaining = new Map<string, Set<number>>()
  #inFlight = 0
  #retryMs = FIRST_RETRY_MS
  #timer: Timer | undefined
  #cancelled = false

  constructor(
    services: Pick<TxnServices, 'clock' | 'logger' | 'writeMarkers'>,
    prepared: Transaction,
    coordinatorEpoch: number,
    events: MarkingEvents,
  ) {
    this.#services = services
    this.#events = events
    this.#marker = {
      producerId: prepared.producerId,
      producerEpoch: prepared.producerEpoch,
      coordinatorEpoch,
      commit: prepared.state === TransactionState.PREPARE_COMMIT,
      transactionVersion: prepared.clientTransactionVersion,
    }
    for (const [topic, indexes] of prepared.partitions) this.#remaining.set(topic, new Set(indexes))
  }

  /** The partitions that have no marker yet. */
  get remaining(): ReadonlyMap<string, ReadonlySet<number>> {
    return this.#remaining
  }

  /** Writes them: when the stores answer at once, all is done when this returns. */
  start(): void {
    // One more than there are, so that nothing is over before all have been tried.
    this.#inFlight = 1
    for (const [topic, indexes] of [...this.#remaining]) {
      for (const index of [...indexes]) this.#write(topic, index)
    }
    this.#arrived()
  }

  /** Nothing is written any more, and nobody is told. */
  cancel(): void {
    this.#cancelled = true
    this.#timer?.cancel()
  }

  #write(topic: string, index: number): void {
    this.#inFlight++
    const done = (): void => {
      this.#remove(topic, index)
      this.#arrived()
    }
    const failed = (error: unknown): void => {
      this.#failed(topic, index, error)
      this.#arrived()
    }
    try {
      const written = this.#services.writeMarkers.write(topic, index, this.#marker)
      if (written === undefined) done()
      else written.then(done, failed)
    } catch (error) {
      failed(error)
    }
  }

  #arrived(): void {
    this.#inFlight--
    if (this.#inFlight > 0 || this.#cancelled) return
    if (this.#remaining.size === 0) {
      this.#events.marked()
      return
    }
    this.#timer = this.#services.clock.schedule(this.#retryMs, () => this.start())
    this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS)
    this.#events.stuck()
  }

  #failed(topic: string, index: number, error: unknown): void {
    if (this.#cancelled) return
    const { producerId } = this.#marker
    switch (error instanceof KafkaError ? error.code : null) {
      case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
        // Deleted, and its part of the transaction with it.
        this.#remove(topic, index)
        return
      case ErrorCode.INVALID_PRODUCER_EPOCH:
      case ErrorCode.TRANSACTION_COORDINATOR_FENCED:
        // Somebody else has ended the transaction there: no later try could change that.
        this.#services.logger.warn(
          { err: error },
          `${topic}-${index} refuses the marker of producer ${producerId}`,
        )
        this.#remove(topic, index)
        return
      default:
        if (this.#retryMs > FIRST_RETRY_MS) return
        this.#services.logger.warn(
          { err: error },
          `${topic}-${index} cannot take the marker of producer ${producerId} now: it is tried again`,
        )
    }
  }

  #remove(topic: string, index: number): void {
    const indexes = this.#remaining.get(topic)
    indexes?.delete(index)
    if (indexes?.size === 0) this.#remaining.delete(topic)
  }
}
