/** Which files are open: no more than a limit, those that were used last. */

export interface OpenFile {
  /** Whether somebody is at work on it, so that it cannot be closed now. */
  readonly inUse: boolean
  /** Closes it; whoever needs it next opens it again. It tells `closed` that it did. */
  release(): void
}

/** One in so many is closed when there is no room: each that is opened again costs time. */
const ROOM_PART = 8

/** Opening and closing is up to the files; this says which ones have to go. */
export class OpenFiles {
  readonly #limit: number
  /** The one used longest ago first. */
  readonly #open = new Set<OpenFile>()
  #isMakingRoom = false

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#open.size
  }

  /** Notes that a file is open and being used; closes others where there are too many. */
  used(file: OpenFile): void {
    this.#open.delete(file)
    this.#open.add(file)
    if (this.#open.size > this.#limit) this.#shrink(file)
  }

  /** Closes some, since the process can open no other. @returns whether there is room now. */
  makeRoom(): boolean {
    // A file that is closed writes its indexes: where there is no room for that either they are made anew.
    if (this.#isMakingRoom) return false
    this.#isMakingRoom = true
    const wanted = this.#open.size - Math.ceil(this.#open.size / ROOM_PART)
    const before = this.#open.size
    try {
      for (const file of this.#open) {
        if (this.#open.size <= wanted) break
        if (!file.inUse) file.release()
      }
    } finally {
      this.#isMakingRoom = false
    }
    return this.#open.size < before
  }

  closed(file: OpenFile): void {
    this.#open.delete(file)
  }

  #shrink(kept: OpenFile): void {
    for (const file of this.#open) {
      if (this.#open.size <= this.#limit) return
      if (file !== kept && !file.inUse) file.release()
    }
  }
}
