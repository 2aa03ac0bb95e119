import type { Clock, Random } from '../clock.ts'
import type { LogId, LogStore } from '../storage/log-store.ts'
import type { KafkaError } from '../wire/kafka-error.ts'
import type { LogConfig } from './log-config.ts'

/** What a log is opened with. */
export interface LogOptions {
  readonly store: LogStore
  readonly id: LogId
  /** The leader epoch that the log is opened in: it fences whoever opened it in a lower one. */
  readonly epoch: number
  readonly clock: Clock
  /** Asked at every use, so that a changed config takes effect at once. */
  readonly config: () => LogConfig
  /** Where segment.jitter.ms is drawn from; without it there is no jitter. */
  readonly random?: Random
  /** Called once, when the store has failed: the log is offline from then on. */
  readonly onOffline?: (failure: KafkaError) => void
  /** Called when another segment begins. */
  readonly onRoll?: () => void
}
