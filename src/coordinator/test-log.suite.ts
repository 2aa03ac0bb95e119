/** The log of a coordinator for tests: in memory, it commits at once, or when it is told to. */
import type { TransactionMarker } from '../log/transaction-marker.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type { CoordinatorLog, CoordinatorRecord, LogEntry, TransactionalProducer } from './coordinator-log.ts'

export class TestLog implements CoordinatorLog {
  /** What is committed. */
  readonly entries: LogEntry[] = []
  /** Commits wait for `commit()` when set. */
  manual = false
  /** What the next append throws. */
  failure: Error | null = null
  /** Records with more bytes than these are refused. */
  maxBytes: number = Number.POSITIVE_INFINITY
  readonly #pending: { entries: readonly LogEntry[]; settle: (error: Error | null) => void }[] = []

  append(
    records: readonly CoordinatorRecord[],
    producer: TransactionalProducer | null = null,
  ): void | Promise<void> {
    const bytes = records.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0)
    if (bytes > this.maxBytes) {
      throw new KafkaError(ErrorCode.MESSAGE_TOO_LARGE, `${bytes} bytes, where ${this.maxBytes} are allowed`)
    }
    return this.#append(records.map((record) => ({ kind: 'record', record, producer })))
  }

  appendMarker({ transactionVersion: _, ...marker }: TransactionMarker): void | Promise<void> {
    return this.#append([{ kind: 'marker', marker }])
  }

  read(): LogEntry[] {
    return [...this.entries]
  }

  /** The committed records, without markers and producers. */
  get records(): CoordinatorRecord[] {
    return this.entries.flatMap((entry) => (entry.kind === 'record' ? [entry.record] : []))
  }

  /** What is on its way. */
  get onItsWay(): LogEntry[] {
    return this.#pending.flatMap(({ entries }) => entries)
  }

  /** How many appends wait. */
  get pending(): number {
    return this.#pending.length
  }

  /** Commits the oldest append that waits. */
  commit(): void {
    const next = this.#pending.shift()
    if (next === undefined) throw new Error('nothing to commit')
    this.entries.push(...next.entries)
    next.settle(null)
  }

  /** Commits every append that waits. */
  commitAll(): void {
    while (this.#pending.length > 0) this.commit()
  }

  /** Fails every append that waits. */
  fail(error: Error): void {
    for (const { settle } of this.#pending.splice(0)) settle(error)
  }

  /** Forgets every append that waits, as a crash does. */
  forget(): void {
    this.#pending.length = 0
  }

  #append(entries: readonly LogEntry[]): void | Promise<void> {
    if (this.failure !== null) throw this.failure
    if (!this.manual) {
      this.entries.push(...entries)
      return
    }
    return new Promise((resolve, reject) => {
      this.#pending.push({ entries, settle: (error) => (error === null ? resolve() : reject(error)) })
    })
  }
}
