/**
 * Time and chance. This is the only file that may ask the machine for either: everything else gets a Clock
 * and a Random, so that a test decides what time it is and what "random" means.
 */
import { type HeapTimer, TimerHeap } from './timer-heap.ts'

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
  /**
   * Whether the timer that fires now does so after a time that clients, whose clocks are their own, have had no chance
   * to live through: nobody is to be blamed for what was not done in it. Never, when left out.
   */
  readonly outrunsClients?: boolean
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

/**
 * Calls `fire` in so many milliseconds of the machine's time, whatever the broker's clock says, and keeps the process
 * alive until then: for deadlines of whoever waits in a test, where nobody would move a ManualClock meanwhile.
 */
export function deadlineIn(delayMs: number, fire: () => void): Timer {
  const handle = setTimeout(fire, Math.min(delayMs, MAX_TIMEOUT_MS))
  return { cancel: () => clearTimeout(handle) }
}

/** Random enough for ids, of which none is a secret: to load node:crypto for them would take 3 ms of each start. */
export const systemRandom: Random = {
  bytes: (count) => Buffer.from(Array.from({ length: count }, () => Math.floor(Math.random() * 256))),
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

interface ManualTimer extends Timer, HeapTimer {
  readonly fire: () => void
}

/** A span of time: milliseconds, or a number with its unit: `500ms`, `45s`, `5m`, `1h`, `7d`. */
export type Duration = number | `${number}${keyof typeof UNIT_MS}`

export interface AdvanceOptions {
  /**
   * Whether clients do nothing while the time passes, as if their machines were asleep: members of groups then miss
   * their heartbeats, and connections are idle. Otherwise clients that are connected are taken to have done in time
   * what keeps them there: sessions of group members go on, their group waits for them in a rebalance, and their
   * connections stay open.
   */
  readonly clientsAsleep?: boolean
}

/**
 * A clock that stands still until a test moves it. Timers fire in the order of their due time, and in the order
 * in which they were scheduled where those are equal; while one fires, `now()` is its due time.
 */
export class ManualClock implements Clock {
  #nowMs: number
  #order = 0
  #outrunsClients = false
  readonly #timers = new TimerHeap<ManualTimer>()

  /**
   * @param startMs what `now()` says at first: milliseconds since 1970. The machine's time when left out: clients stamp
   * their records with that, and Kafka refuses records that are more than an hour ahead of the broker.
   */
  constructor(startMs: number = Date.now()) {
    this.#nowMs = startMs
  }

  now(): number {
    return this.#nowMs
  }

  get outrunsClients(): boolean {
    return this.#outrunsClients
  }

  schedule(delayMs: number, fire: () => void): Timer {
    const timer: ManualTimer = {
      dueMs: this.#nowMs + Math.max(0, delayMs),
      order: this.#order++,
      place: -1,
      fire,
      cancel: () => this.#timers.remove(timer),
    }
    this.#timers.add(timer)
    return timer
  }

  /** How many timers wait to fire. */
  get pending(): number {
    return this.#timers.size
  }

  /**
   * Moves time forward by `duration` and fires every timer that falls due on the way, timers that those schedule
   * included. Promises and sockets get their turn between two timers, so that what one timer sets in motion has
   * happened before the next fires.
   * @throws RangeError when `duration` is negative, or none at all.
   */
  async advance(duration: Duration, { clientsAsleep = false }: AdvanceOptions = {}): Promise<void> {
    const targetMs = this.#nowMs + millisecondsOf(duration)
    await settle()
    for (let due = this.#next(targetMs); due !== undefined; due = this.#next(targetMs)) {
      this.#timers.remove(due)
      this.#nowMs = Math.max(this.#nowMs, due.dueMs)
      this.#outrunsClients = !clientsAsleep
      try {
        due.fire()
      } finally {
        this.#outrunsClients = false
      }
      await settle()
    }
    this.#nowMs = Math.max(this.#nowMs, targetMs)
    await settle()
  }

  #next(untilMs: number): ManualTimer | undefined {
    const { first } = this.#timers
    return first !== undefined && first.dueMs <= untilMs ? first : undefined
  }
}

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

function millisecondsOf(duration: Duration): number {
  if (typeof duration === 'number') {
    if (duration >= 0) return duration
    throw new RangeError(`time cannot be moved by ${duration} ms: give 0 or more`)
  }
  const [, count, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(duration) ?? []
  if (count === undefined) {
    throw new RangeError(
      `time cannot be moved by ${JSON.stringify(duration)}: give milliseconds, or a number with ms, s, m, h or d, such as '45s'`,
    )
  }
  return Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS]
}

/** Lets everything that is ready to run do so: microtasks, and one turn of the event loop. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
