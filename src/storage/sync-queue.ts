/** Limits how many syncs are under way: a device gains nothing from more, and node has but a few threads for them. */

const MAX_SYNCS = 2

interface Waiting {
  readonly start: () => void
}

export class SyncQueue {
  #limit: number
  #underWay = 0
  readonly #urgent: Waiting[] = []
  readonly #patient: Waiting[] = []

  constructor(limit: number = MAX_SYNCS) {
    this.#limit = limit
  }

  /** Lets more be under way from now on. */
  widen(limit: number): void {
    this.#limit = Math.max(this.#limit, limit)
    while (this.#underWay < this.#limit) {
      const next = this.#next()
      if (next === undefined) return
      this.#underWay++
      next.start()
    }
  }

  /**
   * Calls `sync` when it is its turn.
   * @param isUrgent whether somebody waits for it: those come before the ones that nobody waits for.
   */
  async run<T>(sync: () => Promise<T>, isUrgent = true): Promise<T> {
    if (this.#underWay >= this.#limit) {
      await new Promise<void>((start) => (isUrgent ? this.#urgent : this.#patient).push({ start }))
    } else {
      this.#underWay++
    }
    try {
      return await sync()
    } finally {
      const next = this.#next()
      if (next === undefined) this.#underWay--
      else next.start()
    }
  }

  #next(): Waiting | undefined {
    return this.#urgent.shift() ?? this.#patient.shift()
  }
}
