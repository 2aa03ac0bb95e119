/** Where ottla's answers differ from Kafka's, and why. An entry that no longer differs fails the suite. */
import type { KnownDifference } from './compare.ts'

export const knownDifferences: readonly KnownDifference[] = []
