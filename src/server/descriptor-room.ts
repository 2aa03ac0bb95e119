/** Descriptors that connections leave to files: a broker that can open none would fail all who are connected. */
import type { Socket } from 'node:net'
import { descriptorLimit } from '../storage/open-file-limit.ts'

/** What is left: a part of what the process may have open, within bounds. */
const LEFT_PART = 1 / 8
const LEAST_LEFT = 8
const MOST_LEFT = 64

/** What Node keeps in a socket; its number is below 0 where the system has none. */
interface HandleOwner {
  readonly _handle?: { readonly fd?: unknown } | null
}

export class DescriptorRoom {
  readonly #limit: number
  readonly #most: number

  /** @param limit how many descriptors this process may have. */
  constructor(limit: number = descriptorLimit() ?? Number.POSITIVE_INFINITY) {
    this.#limit = limit
    this.#most = limit - Math.max(LEAST_LEFT, Math.min(MOST_LEFT, Math.floor(limit * LEFT_PART)))
  }

  /** Why a connection that was accepted just now cannot stay, or null when it can. */
  refusal(socket: Socket): string | null {
    const fd = (socket as HandleOwner)._handle?.fd
    // The system gives the lowest number that is free.
    if (typeof fd !== 'number' || fd < this.#most) return null
    return `${fd} of the ${this.#limit} files and connections that this process may have are open: raise the limit (ulimit -n)`
  }
}
