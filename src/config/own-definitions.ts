/** Broker configs that Kafka does not know. Like its internal ones they show in a description only where they are set. */
import type { ConfigRow } from './config-definition.ts'

export interface OwnBrokerConfigValues {
  /**
   * Whether clients see what a real cluster makes them wait or retry for: topics and coordinators that are only just
   * being made, transactions whose end is decided and not yet written. Otherwise nobody waits without need.
   */
  readonly 'ottla.realistic': boolean
}

export const ownBrokerConfigRows: readonly ConfigRow[] = [['ottla.realistic', 'BOOLEAN', 'false', 1]]
