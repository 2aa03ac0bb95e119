/** What has a place in the order of a heap. */
export interface HeapTimer {
  readonly dueMs: number
  /** Decides between two that are due at the same time. */
  readonly order: number
  /** Where it stands in the heap; -1 outside. Kept by the heap. */
  place: number
}

/** Timers, the next one on top: adding, taking and removing one costs the logarithm of how many there are. */
export class TimerHeap<T extends HeapTimer> {
  readonly #timers: T[] = []

  get size(): number {
    return this.#timers.length
  }

  /** The one that is due first. */
  get first(): T | undefined {
    return this.#timers[0]
  }

  add(timer: T): void {
    this.#timers.push(timer)
    this.#rise(timer, this.#timers.length - 1)
  }

  /** Removing one that is not there does nothing. */
  remove(timer: T): void {
    const { place } = timer
    if (this.#timers[place] !== timer) return
    timer.place = -1
    const last = this.#timers.pop()
    if (last === undefined || last === timer) return
    this.#sink(last, place)
    this.#rise(last, last.place)
  }

  #rise(timer: T, from: number): void {
    let place = from
    while (place > 0) {
      const above = (place - 1) >> 1
      const parent = this.#timers[above] as T
      if (!isBefore(timer, parent)) break
      this.#put(parent, place)
      place = above
    }
    this.#put(timer, place)
  }

  #sink(timer: T, from: number): void {
    let place = from
    for (;;) {
      const left = this.#timers[2 * place + 1]
      const right = this.#timers[2 * place + 2]
      const child = left !== undefined && right !== undefined && isBefore(right, left) ? right : left
      if (child === undefined || !isBefore(child, timer)) break
      const below = child.place
      this.#put(child, place)
      place = below
    }
    this.#put(timer, place)
  }

  #put(timer: T, place: number): void {
    this.#timers[place] = timer
    timer.place = place
  }
}

function isBefore(left: HeapTimer, right: HeapTimer): boolean {
  return left.dueMs < right.dueMs || (left.dueMs === right.dueMs && left.order < right.order)
}
