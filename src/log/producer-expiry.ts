/** Forgets idle producers when they would have been by now, without a timer for each log. */
import type { LogConfig } from './log-config.ts'
import type { ProducerState } from './producer-state.ts'

export class ProducerExpiry {
  #nextMs: number

  constructor(nowMs: number, { producerIdExpirationCheckIntervalMs }: LogConfig) {
    this.#nextMs = nowMs + producerIdExpirationCheckIntervalMs
  }

  /** Does what a check every producer.id.expiration.check.interval.ms would have done last. */
  catchUp(producers: ProducerState, nowMs: number, config: LogConfig): void {
    const lateMs = nowMs - this.#nextMs
    if (lateMs < 0) return
    const intervalMs = config.producerIdExpirationCheckIntervalMs
    const lastCheckMs = this.#nextMs + Math.floor(lateMs / intervalMs) * intervalMs
    producers.expire(lastCheckMs, config.producerIdExpirationMs)
    this.#nextMs = lastCheckMs + intervalMs
  }
}
