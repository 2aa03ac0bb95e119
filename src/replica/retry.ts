/** Tries what a store has failed at again: after pauses that grow, and when somebody asks for it. */
import type { Clock, Timer } from '../clock.ts'

const FIRST_PAUSE_MS = 100
const MAX_PAUSE_MS = 10_000

export class Retry {
  readonly #clock: Clock
  readonly #attempt: () => boolean | Promise<boolean>
  #pauseMs = FIRST_PAUSE_MS
  #attemptedMs: number
  #trying = false
  #stopped = false
  #timer: Timer | null = null

  /** @param attempt says whether it has succeeded; it does not throw. The first one is made after a pause. */
  constructor(clock: Clock, attempt: () => boolean | Promise<boolean>) {
    this.#clock = clock
    this.#attempt = attempt
    this.#attemptedMs = clock.now()
    this.#schedule()
  }

  /**
   * Somebody needs it: tries at once, unless that has been in vain a moment ago. While time stands still no moment
   * passes, and nobody could wait for one.
   */
  ask(): void {
    const sinceMs = this.#clock.now() - this.#attemptedMs
    if (sinceMs === 0 || sinceMs >= FIRST_PAUSE_MS) this.#try()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = null
    this.#stopped = true
  }

  #try(): void {
    if (this.#trying || this.#stopped) return
    this.#trying = true
    this.#timer?.cancel()
    this.#timer = null
    const succeeded = this.#attempt()
    if (succeeded instanceof Promise) void succeeded.then((has) => this.#tried(has))
    else this.#tried(succeeded)
  }

  #tried(hasSucceeded: boolean): void {
    if (hasSucceeded || this.#stopped) return
    this.#trying = false
    this.#attemptedMs = this.#clock.now()
    this.#schedule()
  }

  #schedule(): void {
    this.#timer = this.#clock.schedule(this.#pauseMs, () => this.#try())
    this.#pauseMs = Math.min(2 * this.#pauseMs, MAX_PAUSE_MS)
  }
}
