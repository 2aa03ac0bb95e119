/**
 * The features of the cluster (KIP-584): which levels this broker supports, and which are in force. A feature whose
 * APIs are not served is neither supported nor finalized, so that no client relies on it.
 */
export interface Feature {
  readonly name: string
  readonly minSupported: number
  readonly maxSupported: number
  /** The level in force; 0 for none. */
  readonly finalized: number
}

export const features: readonly Feature[] = [
  { name: 'eligible.leader.replicas.version', minSupported: 0, maxSupported: 1, finalized: 1 },
  { name: 'kraft.version', minSupported: 0, maxSupported: 1, finalized: 0 },
  { name: 'metadata.version', minSupported: 7, maxSupported: 30, finalized: 30 },
]
