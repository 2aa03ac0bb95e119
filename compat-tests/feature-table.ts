/** The table of clients and features, as it stands in features.json. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface FeatureTable {
  /** The rows, in order. */
  readonly features: readonly string[]
  readonly clients: readonly FeatureClient[]
}

export interface FeatureClient {
  readonly name: string
  readonly version: string
  /** Feature → why this client cannot do it at all. */
  readonly lacks: Readonly<Record<string, string>>
}

export function readFeatureTable(): FeatureTable {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'features.json'), 'utf8')) as FeatureTable
}
