/** Limits how many syncs are under way: a device gains nothing from more, and node has but a few threads for them. */

const MAX_SYNCS = 2

interface Waiting {
  readonly start: () => void
}

export class SyncQueue {
  readonly #limit: number
  #underWay = 0
  readonly #urgent: Waiting[] = []
  readonly #patient: Waiting[] = []

  constructor(limit: number = MAX_SYNCS) {
    this.#limit = limit
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
      const next = this.#urgent.shift() ?? this.#patient.shift()
      if (next === undefined) this.#underWay--
      else next.start()
    }
  }
}
