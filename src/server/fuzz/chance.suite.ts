/** Numbers that look random and are the same for the same seed (xorshift32): quick, since a fuzz run takes many millions. */
export class Chance {
  #state: number

  constructor(seed: number) {
    // The state must never be 0, and seeds that are close together have to part quickly.
    this.#state = (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ (seed << 7)) | 1
    for (let turn = 0; turn < 8; turn++) this.next()
  }

  /** 0 to 2^32 - 1. */
  next(): number {
    let state = this.#state
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    this.#state = state
    return state >>> 0
  }

  /** 0 to `bound` - 1. */
  below(bound: number): number {
    return this.next() % bound
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T
  }
}
