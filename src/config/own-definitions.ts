/** Broker configs that Kafka does not know. Like its internal ones they show in a description only where they are set. */
import type { ConfigRow } from './config-definition.ts'

export interface OwnBrokerConfigValues {
  /**
   * Whether clients see what a real cluster makes them wait or retry for: topics and coordinators that are only just
   * being made, transactions whose end is decided and not yet written. Otherwise nobody waits without need.
   */
  readonly 'ottla.realistic': boolean
  /**
   * How many bytes logs in memory may hold, all together: beyond that the oldest records go. -1 stands for a part of the
   * memory that the process may use.
   */
  readonly 'ottla.memory.max.bytes': number
}

export const ownBrokerConfigRows: readonly ConfigRow[] = [
  ['ottla.realistic', 'BOOLEAN', 'false', 1],
  ['ottla.memory.max.bytes', 'LONG', '-1', 1, '[-1,...]'],
]
