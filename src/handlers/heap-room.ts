/** Whether V8's heap has room for more: when it has none at all, the process ends at once, and everything with it. */
import type { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'

/** V8's heap as it is now. */
export interface Heap {
  readonly limitBytes: number
  /** What it holds, garbage included. */
  usedBytes(): number
  /** Gets rid of the garbage: slow. */
  collect(): void
}

/** What a partition takes: its objects, but not its records. */
const PARTITION_BYTES = 5 * 1024
/** Requests that ask for more have an answer of their own. */
const MOST_PARTITIONS = 10_000

/** What the heap has to have room for when so many partitions are created. */
export function partitionBytes(count: number): number {
  return Math.min(count, MOST_PARTITIONS) * PARTITION_BYTES
}

/** Nothing new is let in above this part of the heap. */
const FULL_PART = 0.8
/** Garbage is collected again when so much of the heap has come since, */
const COLLECT_PART = 1 / 32
/** or the heap, much as it was then, has seemed full so many times. */
const FULL_LOOKS = 256
/** So many small requests come between two looks. */
const REQUESTS = 64

export class HeapRoom {
  readonly #heap: Heap
  /** What was left when garbage was collected last. */
  #collectedBytes = 0
  /** How many times the heap has seemed full while it was much as it was when garbage was collected last. */
  #fullLooks = 0
  #requests = 0
  #full = false

  constructor(heap: Heap = v8Heap()) {
    this.#heap = heap
  }

  /**
   * Asks for room for so many bytes.
   * @throws KafkaError with `code` when there is too little.
   */
  check(bytes: number, code: ErrorCode): void {
    this.#full = this.#isFull(bytes)
    if (this.#full) throw this.#refusal(code)
  }

  /** The same for a request that leaves little behind, such as a member or an offset. */
  checkSmall(code: ErrorCode): void {
    if (!this.#full && this.#requests++ % REQUESTS !== 0) return
    this.check(0, code)
  }

  #isFull(bytes: number): boolean {
    const heap = this.#heap
    const fullBytes = heap.limitBytes * FULL_PART
    const usedBytes = heap.usedBytes()
    if (usedBytes + bytes <= fullBytes) return false
    const grownBytes = Math.abs(usedBytes - this.#collectedBytes)
    if (grownBytes > heap.limitBytes * COLLECT_PART || this.#fullLooks++ % FULL_LOOKS === 0) {
      heap.collect()
      this.#collectedBytes = heap.usedBytes()
    }
    return this.#collectedBytes + bytes > fullBytes
  }

  #refusal(code: ErrorCode): KafkaError {
    const { limitBytes } = this.#heap
    return new KafkaError(
      code,
      `The broker's heap has no room for more: ${this.#collectedBytes} of ${limitBytes} bytes are taken ` +
        '(NODE_OPTIONS=--max-old-space-size raises that).',
    )
  }
}

/** The one heap that the process has, whatever the number of its brokers. */
export const heapRoom: HeapRoom = new HeapRoom()

/** What of the limit is for objects that are young, at most. */
const YOUNG_BYTES = 48 * 2 ** 20

function v8Heap(): Heap {
  // Loaded when it is asked for the first time, for the sake of the start.
  const v8 = (): typeof import('node:v8') => process.getBuiltinModule('node:v8')
  let limitBytes = 0
  return {
    get limitBytes(): number {
      limitBytes ||= v8().getHeapStatistics().heap_size_limit - YOUNG_BYTES
      return limitBytes
    },
    usedBytes: () => v8().getHeapStatistics().used_heap_size,
    collect() {
      v8().setFlagsFromString('--expose-gc')
      const collect: () => void = process.getBuiltinModule('node:vm').runInNewContext('gc')
      collect()
    },
  }
}
