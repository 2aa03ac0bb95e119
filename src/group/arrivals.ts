/** Who is on the way into which group: whoever asks for a group's coordinator usually joins the group next. */
import type { Clock } from '../clock.ts'

/** How long somebody is waited for: a member that starts needs a connection to the coordinator, and a second JoinGroup. */
export const ARRIVAL_MS = 50

/** More who ask at the same time are not remembered. */
const MAX_SEEKERS = 10_000

export class Arrivals {
  readonly #clock: Clock
  /** By group, each by who asked, and until when that counts. */
  readonly #seekers = new Map<string, Map<string, number>>()
  #count = 0

  /** @param clock what clients live by. */
  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param seeker the connection that asks: a client that asks again there is still one. */
  announce(groupId: string, seeker: string): void {
    this.#forgetLate()
    if (this.#count >= MAX_SEEKERS) return
    const seekers = this.#seekers.get(groupId) ?? new Map<string, number>()
    // The group moves to the end, and the earliest of those who ask for it stays the first: none is kept for long.
    this.#seekers.delete(groupId)
    this.#seekers.set(groupId, seekers)
    if (!seekers.has(seeker)) this.#count++
    seekers.set(seeker, this.#clock.now() + ARRIVAL_MS)
  }

  /** Somebody new has come, over whichever connection. */
  arrived(groupId: string): void {
    const seekers = this.#seekers.get(groupId)
    for (const seeker of seekers?.keys() ?? []) {
      this.#forget(groupId, seeker)
      return
    }
  }

  /** Whether somebody has asked a moment ago and has not come yet. */
  isAnyoneComing(groupId: string): boolean {
    const now = this.#clock.now()
    for (const untilMs of this.#seekers.get(groupId)?.values() ?? []) if (untilMs > now) return true
    return false
  }

  #forgetLate(): void {
    const now = this.#clock.now()
    for (const [groupId, seekers] of this.#seekers) {
      for (const [seeker, untilMs] of seekers) {
        if (untilMs > now) return
        this.#forget(groupId, seeker)
      }
    }
  }

  #forget(groupId: string, seeker: string): void {
    const seekers = this.#seekers.get(groupId)
    if (seekers?.delete(seeker)) this.#count--
    if (seekers?.size === 0) this.#seekers.delete(groupId)
  }
}
