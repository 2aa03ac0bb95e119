/** The memory of requests that are being read or answered: queued.max.request.bytes. */
import { usableMemoryBytes } from '../config/usable-memory.ts'
import { CloseConnection } from './close-connection.ts'

/** Smaller requests are not counted: a connection reads ahead as much anyway. */
const COUNTED_BYTES = 64 * 1024
/** The part of the memory that requests may take, and the part that a single one may. */
const PART = 1 / 8
const LARGEST_PART = 1 / 4
/** What of it is kept for small requests, however many large ones are being sent slowly. */
const KEPT_PART = 1 / 4
/** What is small beside it, or small anyway: producers send no more than 1 MiB unless they are told to. */
const SMALL_PART = 1 / 16
const SMALL_BYTES = 1.25 * 2 ** 20

export interface RequestMemoryOptions {
  /** queued.max.request.bytes; below 0 for a part of the memory that the process may use. */
  readonly maxBytes: number
  readonly usableBytes?: number
  /** Where the memory of large requests comes from; V8 when left out. */
  readonly allocate?: (bytes: number) => Buffer
}

/**
 * A request gets its memory as a whole when its first bytes have come, or its connection is not read until there is
 * room. A large one that is alone may be larger than the bound.
 */
export class RequestMemory {
  readonly maxBytes: number
  /** The size of a request that cannot be read at all, whatever is configured. */
  readonly largestBytes: number
  readonly allocate: (bytes: number) => Buffer
  readonly #waiting = new Set<RequestClaim>()
  #smallBytes = 0
  #largeBytes = 0
  #granting = false

  constructor({
    maxBytes,
    usableBytes = usableMemoryBytes(),
    allocate = Buffer.allocUnsafeSlow,
  }: RequestMemoryOptions) {
    this.allocate = allocate
    this.maxBytes = maxBytes > 0 ? maxBytes : Math.floor(usableBytes * PART)
    this.largestBytes = Math.floor(usableBytes * LARGEST_PART)
  }

  get usedBytes(): number {
    return this.#smallBytes + this.#largeBytes
  }

  /** For one connection. @param onRoom called when it may read on. */
  claim(onRoom: () => void): RequestClaim {
    return new RequestClaim(this, onRoom)
  }

  /** Takes the memory of a request, or notes who waits for it. */
  take(claim: RequestClaim, bytes: number): boolean {
    const fits = this.#fits(bytes)
    if (fits) this.#count(bytes, 1)
    else this.#waiting.add(claim)
    return fits
  }

  give(bytes: number): void {
    if (bytes === 0) return
    this.#count(bytes, -1)
    // A request that is there already may be answered at once, and give back its memory in the middle of this.
    if (this.#granting) return
    this.#granting = true
    try {
      for (let next = this.#next(); next !== undefined; next = this.#next()) {
        this.#waiting.delete(next)
        this.#count(next.wantedBytes, 1)
        next.granted()
      }
    } finally {
      this.#granting = false
    }
  }

  #next(): RequestClaim | undefined {
    for (const claim of this.#waiting) if (this.#fits(claim.wantedBytes)) return claim
    return undefined
  }

  forget(claim: RequestClaim): void {
    this.#waiting.delete(claim)
  }

  #fits(bytes: number): boolean {
    const keptBytes = this.maxBytes * KEPT_PART
    if (!this.#isSmall(bytes)) {
      return this.#largeBytes === 0 || this.usedBytes + bytes <= this.maxBytes - keptBytes
    }
    const roomBytes = Math.max(keptBytes, this.maxBytes - this.#largeBytes)
    return this.#smallBytes === 0 || this.#smallBytes + bytes <= roomBytes
  }

  #isSmall(bytes: number): boolean {
    return bytes <= Math.max(SMALL_BYTES, this.maxBytes * SMALL_PART)
  }

  #count(bytes: number, sign: 1 | -1): void {
    if (this.#isSmall(bytes)) this.#smallBytes += sign * bytes
    else this.#largeBytes += sign * bytes
  }
}

/** What one connection's next request takes. */
export class RequestClaim {
  readonly #memory: RequestMemory
  readonly #onRoom: () => void
  /** The size of the request that is being read, where it is counted; also while it waits. */
  #bytes = 0
  #waiting = false

  constructor(memory: RequestMemory, onRoom: () => void) {
    this.#memory = memory
    this.#onRoom = onRoom
  }

  get wantedBytes(): number {
    return this.#bytes
  }

  /** Whether nothing more is to be read until there is room. */
  get waiting(): boolean {
    return this.#waiting
  }

  /** @throws CloseConnection when the request that is being read cannot be read at all. */
  check(): void {
    const { largestBytes } = this.#memory
    if (this.#bytes <= largestBytes) return
    throw new CloseConnection(
      `a request of ${this.#bytes} bytes, where the memory that there is allows no more than ${largestBytes}`,
    )
  }

  /** The memory of a request of that size, or null while it may have none. */
  begin(bytes: number): Buffer | null {
    return this.ask(bytes) ? this.#memory.allocate(bytes) : null
  }

  /** Whether a request of that size may have its memory now. Asking again changes nothing. */
  ask(bytes: number): boolean {
    if (bytes < COUNTED_BYTES) return true
    if (this.#bytes === 0) {
      this.#bytes = bytes
      this.#waiting = bytes > this.#memory.largestBytes || !this.#memory.take(this, bytes)
    }
    return !this.#waiting
  }

  granted(): void {
    this.#waiting = false
    this.#onRoom()
  }

  /** The request has been read: whoever answers it gives its memory back. @returns its bytes. */
  handOver(): number {
    const bytes = this.#bytes
    this.#bytes = 0
    return bytes
  }

  /** What `handOver` returned. */
  giveBack(bytes: number): void {
    this.#memory.give(bytes)
  }

  /** Nothing more is read. */
  end(): void {
    const bytes = this.handOver()
    this.#memory.forget(this)
    if (!this.#waiting) this.#memory.give(bytes)
    this.#waiting = false
  }
}
