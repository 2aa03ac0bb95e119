import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'

/** An answer that may have to wait for what other members do. */
export class Parked<T> {
  #answer: T | undefined
  #deliver: ((answer: T) => void) | undefined

  /** Answers, unless that has been done. */
  complete(answer: T): void {
    if (this.#answer !== undefined) return
    this.#answer = answer
    this.#deliver?.(answer)
    this.#deliver = undefined
  }

  get isComplete(): boolean {
    return this.#answer !== undefined
  }

  /**
   * The answer, at once when it is there. To be called once.
   *
   * When `signal` is aborted, since the client has gone or the broker stops, the promise rejects, so that nothing of
   * the connection stays behind. The request goes on to count: Kafka too keeps a member whose client has gone until
   * its session expires.
   */
  answer(signal: AbortSignal): T | Promise<T> {
    if (this.#answer !== undefined) return this.#answer
    return new Promise((resolve, reject) => {
      const abandon = (): void => {
        this.#deliver = undefined
        reject(
          new KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, 'nobody waits for the other members any more'),
        )
      }
      this.#deliver = (answer) => {
        signal.removeEventListener('abort', abandon)
        resolve(answer)
      }
      if (signal.aborted) abandon()
      else signal.addEventListener('abort', abandon, { once: true })
    })
  }
}
