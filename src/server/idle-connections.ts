import type { Clock, Timer } from '../clock.ts'

/**
 * Connections on which nothing happens, in the order in which they fell idle, so that one timer for the longest
 * idle one is enough for all, and a request costs no timer.
 */
export class IdleConnections<T> {
  readonly #clock: Clock
  readonly #maxIdleMs: number
  readonly #expire: (connection: T) => void
  readonly #idleSince = new Map<T, number>()
  #timer: Timer | null = null

  /**
   * @param maxIdleMs connections.max.idle.ms; below 0 no connection is ever idle for too long.
   * @param expire called once for a connection that has been idle for as long.
   */
  constructor(clock: Clock, maxIdleMs: number, expire: (connection: T) => void) {
    this.#clock = clock
    this.#maxIdleMs = maxIdleMs
    this.#expire = expire
  }

  /** The connection is idle from now on. */
  add(connection: T): void {
    if (this.#maxIdleMs < 0) return
    this.#idleSince.delete(connection)
    this.#idleSince.set(connection, this.#clock.now())
    if (this.#timer === null) this.#arm(this.#maxIdleMs)
  }

  /** The connection is at work, or gone. */
  remove(connection: T): void {
    this.#idleSince.delete(connection)
  }

  /** Forgets them all. */
  clear(): void {
    this.#idleSince.clear()
    this.#timer?.cancel()
    this.#timer = null
  }

  #arm(delayMs: number): void {
    this.#timer = this.#clock.schedule(delayMs, () => {
      this.#timer = null
      this.#sweep()
    })
  }

  /** Who is connected would have been heard from in the time that has been skipped. */
  #forgive(): void {
    for (const connection of this.#idleSince.keys()) this.#idleSince.set(connection, this.#clock.now())
  }

  #sweep(): void {
    if (this.#clock.outrunsClients) this.#forgive()
    for (const [connection, sinceMs] of this.#idleSince) {
      const leftMs = sinceMs + this.#maxIdleMs - this.#clock.now()
      if (leftMs > 0) {
        this.#arm(leftMs)
        return
      }
      this.#idleSince.delete(connection)
      this.#expire(connection)
    }
  }
}
