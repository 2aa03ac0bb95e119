/** The transactional ids of one partition of `__transaction_state`: what its log says, and what is on its way there. */
import type { Timer } from '../clock.ts'
import { CommitQueue, type View } from '../coordinator/commit-queue.ts'
import type { CoordinatorLog } from '../coordinator/coordinator-log.ts'
import { after } from '../coordinator/maybe-promise.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type { Decision, TxnRequest } from './decision.ts'
import { concurrentTransactions, logError } from './errors.ts'
import { abortOverdue } from './fence.ts'
import { Marking } from './marking.ts'
import { Pending, type PendingOutcome } from './pending.ts'
import { encodeRecord, type TransactionRecord } from './records.ts'
import { completed, isOverdue, isPrepared, mayExpire, type Transaction } from './transaction.ts'
import type { TxnServices } from './txn-services.ts'

/** How long a request waits for an earlier change of the same id, before it is told to come again. */
const MAX_WAIT_MS = 5_000

/** How long the markers come after the decision, where they do not come with it (`ottla.realistic`). */
const MARKER_DELAY_MS = 10

/** How many bytes of transactional ids are forgotten with one batch of records. */
const EXPIRY_BATCH_BYTES = 16_384

type EndDecision<R> = Extract<Decision<R>, { kind: 'end' }>

export class TxnShard {
  readonly #services: TxnServices
  readonly #log: CoordinatorLog
  /** The leader epoch of the partition. */
  readonly #coordinatorEpoch: number
  readonly #queue: CommitQueue
  readonly #transactions = new Map<string, Transaction>()
  readonly #pending = new Map<string, Pending>()
  readonly #markings = new Map<string, Marking>()
  readonly #timers = new Set<Timer>()

  /** @param onFailure called once, after everybody was answered, when the log has failed. */
  constructor(
    services: TxnServices,
    log: CoordinatorLog,
    coordinatorEpoch: number,
    onFailure: (error: unknown) => void,
  ) {
    this.#services = services
    this.#log = log
    this.#coordinatorEpoch = coordinatorEpoch
    this.#queue = new CommitQueue((error, cause) => {
      this.#dissolve(error)
      onFailure(cause)
    })
  }

  /** What is recorded, by transactional id. */
  get transactions(): ReadonlyMap<string, Transaction> {
    return this.#transactions
  }

  /** The partitions of a transaction, but for those that have got its marker. */
  partitionsOf(transactionalId: string, transaction: Transaction): Transaction['partitions'] {
    const marking = isPrepared(transaction) ? this.#markings.get(transactionalId) : undefined
    return marking?.remaining ?? transaction.partitions
  }

  /** Applies a record that the log has already. */
  replay({ transactionalId, transaction }: TransactionRecord): void {
    this.#apply(transactionalId, transaction)
  }

  /** Once all records have been replayed: what was decided is carried out, `delayMs` later. */
  open(delayMs: number): void {
    for (const [transactionalId, transaction] of this.#transactions) {
      if (!isPrepared(transaction)) continue
      this.#begin(transactionalId, true)
      if (delayMs === 0) this.#mark(transactionalId, transaction)
      else this.#markLater(transactionalId, transaction, delayMs)
    }
  }

  /**
   * Makes a decision and answers it when what it comes to is recorded.
   * @throws KafkaError, also as a rejection, with the code to answer.
   */
  perform<R>(transactionalId: string, request: TxnRequest<R>): R | Promise<R> {
    return this.#perform(transactionalId, request, null)
  }

  /** Aborts every transaction that takes longer than its timeout. */
  abortOverdue(): void {
    const now = BigInt(this.#services.clock.now())
    for (const [transactionalId, transaction] of [...this.#transactions]) {
      if (!isOverdue(transaction, now) || this.#pending.has(transactionalId)) continue
      this.#unattended(`transaction of ${transactionalId} is overdue and could not be aborted`, () =>
        this.perform(transactionalId, abortOverdue),
      )
    }
  }

  /** Forgets transactional ids that nobody has used for transactional.id.expiration.ms. */
  expire(): void {
    const { clock, config } = this.#services
    const before = BigInt(clock.now() - config.expirationMs)
    let batch: string[] = []
    let bytes = 0
    for (const [transactionalId, transaction] of [...this.#transactions]) {
      const unused = mayExpire(transaction) && transaction.lastUpdateTimestamp <= before
      if (!unused || this.#pending.has(transactionalId)) continue
      batch.push(transactionalId)
      bytes += transactionalId.length
      if (bytes < EXPIRY_BATCH_BYTES) continue
      this.#forget(batch)
      batch = []
      bytes = 0
    }
    if (batch.length > 0) this.#forget(batch)
  }

  /** Answers everybody who waits with `error`; nothing happens in this shard any more. */
  close(error: KafkaError): void {
    if (this.#queue.closed !== null) return
    this.#queue.close(error)
    this.#dissolve(error)
  }

  #perform<R>(transactionalId: string, request: TxnRequest<R>, newProducerId: bigint | null): R | Promise<R> {
    const { clock, config, producerIds } = this.#services
    if (this.#queue.closed !== null) throw logError(this.#queue.closed)
    const transaction = this.#transactions.get(transactionalId)
    const pending = this.#pending.get(transactionalId)
    const blocked =
      pending !== undefined && (request.readOnly !== true || (pending.ends && !config.realistic))
    if (blocked) {
      if (config.realistic) {
        request.checkFirst?.(transaction)
        throw concurrentTransactions()
      }
      return after(pending.wait(clock, MAX_WAIT_MS), (outcome) => {
        if (outcome === 'done') return this.#perform(transactionalId, request, newProducerId)
        if (outcome instanceof KafkaError) throw logError(outcome)
        request.checkFirst?.(this.#transactions.get(transactionalId))
        throw concurrentTransactions()
      })
    }
    const context = {
      now: BigInt(clock.now()),
      transactionVersion: config.transactionVersion,
      newProducerId,
    }
    const decision = request.decide(transaction, context)
    switch (decision.kind) {
      case 'answer':
        return decision.response
      case 'record':
        return after(this.#record(transactionalId, decision.next), () => decision.response)
      case 'end':
        return this.#end(transactionalId, request, decision)
      case 'producer-id':
        return after(producerIds.next(), (id) => this.#perform(transactionalId, request, id))
    }
  }

  #record(transactionalId: string, next: Transaction): void | Promise<void> {
    this.#begin(transactionalId, false)
    return this.#append([{ transactionalId, transaction: next }], next.timeoutMs, () =>
      this.#finish(transactionalId),
    )
  }

  /** Once the end is recorded nothing can change it any more: its client may be told, however long the rest takes. */
  #end<R>(transactionalId: string, request: TxnRequest<R>, decision: EndDecision<R>): R | Promise<R> {
    const { clock, config } = this.#services
    const { prepared, response } = decision
    const pending = this.#begin(transactionalId, true)
    const recorded = this.#append([{ transactionalId, transaction: prepared }], prepared.timeoutMs, () =>
      this.#carryOut(transactionalId, prepared),
    )
    return after(recorded, () => {
      const outcome: PendingOutcome | Promise<PendingOutcome> = config.realistic
        ? 'late'
        : pending.wait(clock, MAX_WAIT_MS)
      return after(outcome, (what) => {
        if (response !== null) return response
        if (what === 'done') return this.#perform(transactionalId, request, null)
        throw what instanceof KafkaError ? logError(what) : concurrentTransactions()
      })
    })
  }

  #carryOut(transactionalId: string, prepared: Transaction): void {
    if (this.#services.config.realistic) this.#markLater(transactionalId, prepared, MARKER_DELAY_MS)
    else this.#mark(transactionalId, prepared)
  }

  #markLater(transactionalId: string, prepared: Transaction, delayMs: number): void {
    const timer = this.#services.clock.schedule(delayMs, () => {
      this.#timers.delete(timer)
      this.#mark(transactionalId, prepared)
    })
    this.#timers.add(timer)
  }

  #mark(transactionalId: string, prepared: Transaction): void {
    const next = completed(prepared, BigInt(this.#services.clock.now()))
    const marking = new Marking(this.#services, prepared, this.#coordinatorEpoch, {
      marked: () => {
        this.#markings.delete(transactionalId)
        this.#unattended(`the end of the transaction of ${transactionalId} could not be recorded`, () =>
          this.#append([{ transactionalId, transaction: next }], next.timeoutMs, () =>
            this.#finish(transactionalId),
          ),
        )
      },
      stuck: () => this.#pending.get(transactionalId)?.settle('stuck'),
    })
    this.#markings.set(transactionalId, marking)
    marking.start()
  }

  #forget(transactionalIds: readonly string[]): void {
    for (const transactionalId of transactionalIds) this.#begin(transactionalId, false)
    const records = transactionalIds.map((transactionalId) => ({ transactionalId, transaction: null }))
    this.#unattended('transactional ids could not be forgotten', () =>
      this.#append(records, MAX_WAIT_MS, () => {
        for (const transactionalId of transactionalIds) this.#finish(transactionalId)
      }),
    )
  }

  /** @throws KafkaError, also as a rejection, when the records are refused or cannot be committed in time. */
  #append(
    records: readonly TransactionRecord[],
    timeoutMs: number,
    committed: () => void,
  ): void | Promise<void> {
    const { clock, config } = this.#services
    const version = config.transactionVersion
    try {
      this.#queue.append({
        write: () => this.#log.append(records.map((record) => encodeRecord(record, version))),
        apply: (view: View) => {
          if (view !== 'committed') return
          for (const { transactionalId, transaction } of records) this.#apply(transactionalId, transaction)
        },
        committed,
      })
      const wait = this.#queue.whenCommitted(clock, timeoutMs)
      return wait?.catch((error: unknown) => {
        throw logError(error)
      })
    } catch (error) {
      // Refused, and nothing has changed: others may go on. (When the log has failed nobody is left.)
      for (const { transactionalId } of records) this.#finish(transactionalId)
      throw logError(error)
    }
  }

  #apply(transactionalId: string, transaction: Transaction | null): void {
    if (transaction === null) this.#transactions.delete(transactionalId)
    else this.#transactions.set(transactionalId, transaction)
  }

  #begin(transactionalId: string, ends: boolean): Pending {
    const pending = new Pending(ends)
    this.#pending.set(transactionalId, pending)
    return pending
  }

  #finish(transactionalId: string): void {
    const pending = this.#pending.get(transactionalId)
    this.#pending.delete(transactionalId)
    pending?.settle('done')
  }

  #dissolve(error: KafkaError): void {
    for (const marking of this.#markings.values()) marking.cancel()
    this.#markings.clear()
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
    const waiting = [...this.#pending.values()]
    this.#pending.clear()
    for (const pending of waiting) pending.settle(error)
  }

  /** Nobody waits for it, so nobody but the log of the program can be told that it failed. */
  #unattended(failure: string, act: () => unknown): void {
    const failed = (error: unknown): void => {
      if (error instanceof KafkaError && error.code === ErrorCode.CONCURRENT_TRANSACTIONS) return
      this.#services.logger.error({ err: error }, failure)
    }
    try {
      const done = act()
      if (done instanceof Promise) done.catch(failed)
    } catch (error) {
      failed(error)
    }
  }
}
