/** A change of one transactional id that is on its way: no other is decided before it has arrived. */
import type { Clock } from '../clock.ts'
import type { KafkaError } from '../wire/kafka-error.ts'

/** What has become of it: `stuck` means that nobody knows when it arrives, since a marker cannot be written now. */
export type PendingOutcome = 'done' | 'stuck' | 'late' | KafkaError

export class Pending {
  /** Whether it is the end of a transaction, that is, more than one record. */
  readonly ends: boolean
  #outcome: PendingOutcome | null = null
  readonly #waiters: ((outcome: PendingOutcome) => void)[] = []

  constructor(ends: boolean) {
    this.ends = ends
  }

  /** Null while it is on its way and all is well. */
  get outcome(): PendingOutcome | null {
    return this.#outcome
  }

  settle(outcome: PendingOutcome): void {
    this.#outcome = outcome
    for (const waiter of this.#waiters.splice(0)) waiter(outcome)
  }

  /** Waits for the outcome, but no longer than `timeoutMs`: then it is `late`. */
  wait(clock: Clock, timeoutMs: number): PendingOutcome | Promise<PendingOutcome> {
    if (this.#outcome !== null) return this.#outcome
    return new Promise((resolve) => {
      const timeout = clock.schedule(timeoutMs, () => resolve('late'))
      this.#waiters.push((outcome) => {
        timeout.cancel()
        resolve(outcome)
      })
    })
  }
}
