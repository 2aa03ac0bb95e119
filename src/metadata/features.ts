/**
 * The features of the cluster (KIP-584) that this broker supports. A feature whose APIs are not served is not among
 * them, so that no client relies on it. Which levels are in force is state of the metadata.
 */
export interface Feature {
  readonly name: string
  readonly minSupported: number
  readonly maxSupported: number
  /** The level in force when a cluster begins; 0 for none. */
  readonly initial: number
}

/** The level of all that brokers and controllers tell each other; it cannot go down. */
export const METADATA_VERSION = 'metadata.version'
/** The level of the controllers' own log (KIP-853); it cannot go down. */
export const KRAFT_VERSION = 'kraft.version'
/** Whether the controller keeps eligible leader replicas (KIP-966). */
export const ELR_VERSION = 'eligible.leader.replicas.version'

/** Which of Kafka's two protocols of transactions is spoken (KIP-890): 2 for the one that bumps epochs at each end. */
export const TRANSACTION_VERSION = 'transaction.version'

export const features: readonly Feature[] = [
  { name: ELR_VERSION, minSupported: 0, maxSupported: 1, initial: 1 },
  { name: KRAFT_VERSION, minSupported: 0, maxSupported: 1, initial: 0 },
  { name: METADATA_VERSION, minSupported: 7, maxSupported: 30, initial: 30 },
  { name: TRANSACTION_VERSION, minSupported: 0, maxSupported: 2, initial: 2 },
]
