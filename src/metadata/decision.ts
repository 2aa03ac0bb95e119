import type { MetadataRecord } from './metadata.ts'

/** What the controller is to commit, and what it then answers. */
export interface Decision<T> {
  readonly records: readonly MetadataRecord[]
  readonly response: T
}
