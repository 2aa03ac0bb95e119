/**
 * Time and chance. This is the only file that may ask the machine for either: everything else gets a Clock
 * and a Random, so that a test decides what time it is and what "random" means.
 */
import { randomFillSync } from 'node:crypto'

/** A scheduled call. Cancelling one that has fired already does nothing. */
export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now(): number
  /**
   * Calls `fire` once, `delayMs` milliseconds from now (at once, but never synchronously, when it is 0 or less).
   * The timer never keeps the process alive.
   */
  schedule(delayMs: number, fire: () => void): Timer
}

/** Where random bytes come from: topic ids, member ids, fetch session ids, election of nothing at all. */
export interface Random {
  /** `count` fresh random bytes. */
  bytes(count: number): Buffer
}

/** The largest delay that Node's own timers take; a longer one is cut into pieces. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  schedule(delayMs, fire) {
    const dueMs = Date.now() + delayMs
    let handle: NodeJS.Timeout
    const arm = (): void => {
      const leftMs = dueMs - Date.now()
      handle =
        leftMs > MAX_TIMEOUT_MS ? setTimeout(arm, MAX_TIMEOUT_MS) : setTimeout(fire, Math.max(0, leftMs))
      handle.unref()
    }
    arm()
    return { cancel: () => clearTimeout(handle) }
  },
}

/** The machine's source of random bytes. */
export const systemRandom: Random = {
  bytes: (count) => randomFillSync(Buffer.allocUnsafe(count)),
}

/**
 * Random bytes that are the same for the same seed (mulberry32), for tests that print their seed.
 * Not for secrets.
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) & 0xff
  }
  return { bytes: (count) => Buffer.from(Array.from({ length: count }, next)) }
}

interface ManualTimer extends Timer {
  readonly dueMs: number
  readonly order: number
  readonly fire: () => void
}

/**
 * A clock that stands still until a test moves it. Timers fire in the order of their due time, and in the order
 * in which they were scheduled where those are equal; while one fires, `now()` is its due time.
 */
export class ManualClock implements Clock {
  #nowMs: number
  #order = 0
  readonly #timers = new Set<ManualTimer>()

  /** @param startMs what `now()` says at first: milliseconds since 1970. */
  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs
  }

  now(): number {
    return this.#nowMs
  }

  schedule(delayMs: number, fire: () => void): Timer {
    const timer: ManualTimer = {
      dueMs: this.#nowMs + Math.max(0, delayMs),
      order: this.#order++,
      fire,
      cancel: () => this.#timers.delete(timer),
    }
    this.#timers.add(timer)
    return timer
  }

  /** How many timers wait to fire. */
  get pending(): number {
    return this.#timers.size
  }

  /**
   * Moves time forward by `deltaMs` and fires every timer that falls due on the way, timers that those schedule
   * included. Promises and sockets get their turn between two timers, so that what one timer sets in motion has
   * happened before the next fires.
   * @throws RangeError when `deltaMs` is negative or not a number.
   */
  async advance(deltaMs: number): Promise<void> {
    if (!(deltaMs >= 0)) throw new RangeError(`time cannot be moved by ${deltaMs} ms: give 0 or more`)
    const targetMs = this.#nowMs + deltaMs
    await settle()
    for (let due = this.#next(targetMs); due !== undefined; due = this.#next(targetMs)) {
      this.#timers.delete(due)
      this.#nowMs = Math.max(this.#nowMs, due.dueMs)
      due.fire()
      await settle()
    }
    this.#nowMs = targetMs
    await settle()
  }

  #next(untilMs: number): ManualTimer | undefined {
    let first: ManualTimer | undefined
    for (const timer of this.#timers) {
      if (timer.dueMs > untilMs) continue
      const earlier =
        first === undefined ||
        timer.dueMs < first.dueMs ||
        (timer.dueMs === first.dueMs && timer.order < first.order)
      if (earlier) first = timer
    }
    return first
  }
}

/** Lets everything that is ready to run do so: microtasks, and one turn of the event loop. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
