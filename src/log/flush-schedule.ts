/** When what was appended has to be flushed: flush.messages and flush.ms, which by default never ask for it. */
import type { Clock, Timer } from '../clock.ts'
import type { LogConfig } from './log-config.ts'

export class FlushSchedule {
  readonly #clock: Clock
  readonly #flush: () => void
  #unflushed = 0
  #timer: Timer | null = null

  /** @param flush called when flush.ms have passed since something was appended that has not been flushed. */
  constructor(clock: Clock, flush: () => void) {
    this.#clock = clock
    this.#flush = flush
  }

  /** Counts records that are appended. Says whether they are to be flushed before they count as written. */
  appended(records: number, { flushMessages, flushMs }: LogConfig): boolean {
    this.#unflushed += records
    if (this.#unflushed >= flushMessages) {
      this.stop()
      return true
    }
    if (this.#timer === null && flushMs <= Number.MAX_SAFE_INTEGER) {
      this.#timer = this.#clock.schedule(flushMs, () => {
        this.stop()
        this.#flush()
      })
    }
    return false
  }

  /** Everything has been flushed, or nobody is going to any more. */
  stop(): void {
    this.#unflushed = 0
    this.#timer?.cancel()
    this.#timer = null
  }
}
