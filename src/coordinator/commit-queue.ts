/**
 * What a coordinator has handed to its log, until the log has it safely. A change is applied twice: to the latest
 * state as soon as it is handed over, so that the next decision knows of it, and to the committed state, which is all
 * that others may see, when it is durable.
 */
import type { Clock } from '../clock.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { isRefusal } from './coordinator-log.ts'

/**
 * Which state is meant: `latest` has every change that was handed to the log, and is what decisions are made on;
 * `committed` has those that the log has committed, and is all that others may see.
 */
export type View = 'latest' | 'committed'

/** What one decision comes to: bytes in the log, and what they mean. */
export interface Change {
  /**
   * Hands it to the log: done when that is durable. What it throws at once as a refusal (`isRefusal`) concerns this
   * change alone, and the change is dropped; after any other error nothing is known of the log any more.
   */
  readonly write: () => void | Promise<void>
  /** Called with `latest`, then with `committed`. */
  readonly apply: (view: View) => void
  /** Called when it is committed; not when that fails. */
  readonly committed?: (() => void) | undefined
}

interface InFlight {
  readonly change: Change
  readonly waiters: ((error: KafkaError | null) => void)[]
  done: boolean
}

export class CommitQueue {
  readonly #onFailure: (error: KafkaError, cause: unknown) => void
  /** Oldest first. */
  readonly #inFlight: InFlight[] = []
  #closed: KafkaError | null = null

  /** @param onFailure called once, when the log has failed: everybody who waited has been told. */
  constructor(onFailure: (error: KafkaError, cause: unknown) => void) {
    this.#onFailure = onFailure
  }

  /** What everybody gets since the queue was closed, or null. */
  get closed(): KafkaError | null {
    return this.#closed
  }

  /** @throws what `write` throws, and what the queue was closed with. */
  append(change: Change): void {
    if (this.#closed !== null) throw this.#closed
    let durable: void | Promise<void>
    try {
      durable = change.write()
    } catch (error) {
      if (!isRefusal(error)) this.#fail(error)
      throw error
    }
    change.apply('latest')
    if (durable === undefined && this.#inFlight.length === 0) {
      change.apply('committed')
      change.committed?.()
      return
    }
    const entry: InFlight = { change, waiters: [], done: durable === undefined }
    this.#inFlight.push(entry)
    this.#settle()
    durable?.then(
      () => {
        entry.done = true
        this.#settle()
      },
      (error: unknown) => this.#fail(error),
    )
  }

  /**
   * Waits until everything handed over so far is committed: undefined when it is.
   * @throws KafkaError when it cannot be, REQUEST_TIMED_OUT when it is not in `timeoutMs`.
   */
  whenCommitted(clock: Clock, timeoutMs: number): undefined | Promise<void> {
    if (this.#closed !== null) throw this.#closed
    const last = this.#inFlight.at(-1)
    if (last === undefined) return undefined
    return new Promise((resolve, reject) => {
      const timeout = clock.schedule(timeoutMs, () =>
        reject(new KafkaError(ErrorCode.REQUEST_TIMED_OUT, 'the records were not committed in time')),
      )
      last.waiters.push((error) => {
        timeout.cancel()
        if (error === null) resolve()
        else reject(error)
      })
    })
  }

  /** Answers everybody who waits with `error`; nothing is applied any more. */
  close(error: KafkaError): void {
    if (this.#closed !== null) return
    this.#closed = error
    for (const entry of this.#inFlight.splice(0)) for (const waiter of entry.waiters) waiter(error)
  }

  /** What the log has committed becomes visible, in the order of the log. */
  #settle(): void {
    while (this.#inFlight[0]?.done) {
      const entry = this.#inFlight.shift()
      if (entry === undefined) return
      entry.change.apply('committed')
      entry.change.committed?.()
      for (const waiter of entry.waiters) waiter(null)
    }
  }

  #fail(cause: unknown): void {
    if (this.#closed !== null) return
    const message = cause instanceof Error ? cause.message : String(cause)
    const error =
      cause instanceof KafkaError ? cause : new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, message)
    this.close(error)
    this.#onFailure(error, cause)
  }
}
