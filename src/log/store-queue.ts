/** The one queue between a log and its store. */
import type { Frame, StoredLog } from '../storage/log-store.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { keep } from '../wire/lent-memory.ts'

/** A call that waits until the one before it is done. */
interface Waiting {
  readonly call: () => void | Promise<void>
  /** Not null for an append: further frames may join it. */
  readonly append: Append | null
  readonly done: PromiseWithResolvers<void>
}

interface Append {
  readonly frames: Frame[]
  mustFlush: boolean
}

/**
 * Hands changes to the store in order, one at a time; frames that wait meanwhile go together in one append. Where
 * the store answers at once so does the queue. After a failure nothing reaches the store any more.
 */
export class StoreQueue {
  readonly #stored: StoredLog
  readonly #onFailure: (failure: KafkaError) => void
  readonly #waiting: Waiting[] = []
  #inFlight: Promise<void> | undefined
  #failure: KafkaError | null = null
  #durableEndOffset: bigint

  /** @param onFailure called once, when the store has failed. */
  constructor(stored: StoredLog, onFailure: (failure: KafkaError) => void = () => {}) {
    this.#stored = stored
    this.#onFailure = onFailure
    this.#durableEndOffset = stored.endOffset
  }

  /** The offset behind the last frame that is with the store, and flushed where that was asked for. */
  get durableEndOffset(): bigint {
    return this.#durableEndOffset
  }

  /** The KAFKA_STORAGE_ERROR that everybody gets since the store failed, or null. */
  get failure(): KafkaError | null {
    return this.#failure
  }

  /** Settles when everything handed over so far is with the store; undefined when it is. */
  get idle(): undefined | Promise<void> {
    return this.#waiting.at(-1)?.done.promise ?? this.#inFlight
  }

  /**
   * @param mustFlush whether the store is flushed before the frame counts as durable; frames that wait together share
   * that. A frame that cannot be handed over at once stays as it is (`keep`): its request may be over by then.
   * @returns undefined when the frame is durable, otherwise what settles when it is.
   * @throws KafkaError KAFKA_STORAGE_ERROR.
   */
  append(frame: Frame, mustFlush = false): undefined | Promise<void> {
    const last = this.#waiting.at(-1)
    if (this.#inFlight !== undefined) keep(frame)
    if (last?.append) {
      last.append.frames.push(frame)
      last.append.mustFlush ||= mustFlush
      return last.done.promise
    }
    const append = { frames: [frame], mustFlush }
    return this.#add(() => this.#append(append), append)
  }

  /** Calls the store when everything before has been done. Throws and returns as `append` does. */
  run(call: () => void | Promise<void>): undefined | Promise<void> {
    return this.#add(call, null)
  }

  /** Calls the store like `run`, where nobody waits for the end of it: what follows in the queue fails with it. */
  post(call: () => void | Promise<void>): void {
    this.run(call)?.catch(() => {})
  }

  /**
   * Reads from the store, beside the queue. A store that cannot be read from is not written to either; a record that
   * makes no sense (KafkaError) is no such failure.
   * @throws KafkaError KAFKA_STORAGE_ERROR.
   */
  read<T>(read: () => T | Promise<T>): T | Promise<T> {
    const failed = (error: unknown): never => {
      throw error instanceof KafkaError ? error : this.fail(error)
    }
    try {
      const answer = read()
      return answer instanceof Promise ? answer.catch(failed) : answer
    } catch (error) {
      return failed(error)
    }
  }

  /** Flushes what the store has by then, unless it has failed. */
  flush(): void {
    if (this.#failure === null) this.post(() => this.#stored.flush())
  }

  /**
   * The store has failed at something that did not go through the queue: nothing goes through it any more, but what is
   * in flight may yet succeed.
   */
  fail(cause: unknown): KafkaError {
    if (this.#failure !== null) return this.#failure
    this.#failure = storageError(cause)
    for (const { done } of this.#waiting.splice(0)) done.reject(this.#failure)
    this.#onFailure(this.#failure)
    return this.#failure
  }

  #append({ frames, mustFlush }: Append): void | Promise<void> {
    const appended = this.#stored.append(frames)
    if (appended instanceof Promise) for (const frame of frames) keep(frame)
    if (!mustFlush) return appended
    return appended instanceof Promise ? appended.then(() => this.#stored.flush()) : this.#stored.flush()
  }

  #add(call: () => void | Promise<void>, append: Append | null): undefined | Promise<void> {
    if (this.#failure !== null) throw this.#failure
    if (this.#inFlight === undefined) return this.#start(call)
    const done = withResolvers()
    this.#waiting.push({ call, append, done })
    return done.promise
  }

  #start(call: () => void | Promise<void>): undefined | Promise<void> {
    let answer: void | Promise<void>
    try {
      answer = call()
    } catch (error) {
      throw this.fail(error)
    }
    if (answer === undefined) {
      this.#durableEndOffset = this.#stored.endOffset
      return undefined
    }
    this.#inFlight = answer.then(
      () => {
        this.#durableEndOffset = this.#stored.endOffset
        this.#next()
      },
      (error: unknown) => {
        this.#inFlight = undefined
        throw this.fail(error)
      },
    )
    // Whoever appended may not wait: that is no unhandled rejection.
    this.#inFlight.catch(() => {})
    return this.#inFlight
  }

  /** Goes on with what waits, until something has to be waited for again. */
  #next(): void {
    this.#inFlight = undefined
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      try {
        const started = this.#start(next.call)
        if (started !== undefined) {
          started.then(next.done.resolve, next.done.reject)
          return
        }
        next.done.resolve()
      } catch (error) {
        next.done.reject(error)
      }
    }
  }
}

/** What every failure of a store becomes. */
export function storageError(cause: unknown): KafkaError {
  if (cause instanceof KafkaError) return cause
  const text = cause instanceof Error ? cause.message : String(cause)
  const error = new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, `the log's store failed: ${text}`)
  error.cause = cause
  return error
}

/** Whatever the store throws, or rejects with, becomes KAFKA_STORAGE_ERROR. */
export function withStorageErrors<T>(call: () => T | Promise<T>): T | Promise<T> {
  try {
    const answer = call()
    if (!(answer instanceof Promise)) return answer
    return answer.catch((error: unknown) => Promise.reject(storageError(error)))
  } catch (error) {
    throw storageError(error)
  }
}

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(reason: unknown): void
}

function withResolvers(): PromiseWithResolvers<void> {
  let resolve: () => void = () => {}
  let reject: (reason: unknown) => void = () => {}
  const promise = new Promise<void>((onDone, onFailed) => {
    resolve = onDone
    reject = onFailed
  })
  promise.catch(() => {})
  return { promise, resolve, reject }
}
