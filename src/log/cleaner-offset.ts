/** Where the last compaction of a log got to: what Kafka keeps in cleaner-offset-checkpoint. */
import type { StoredLog } from '../storage/log-store.ts'

export function writeCleanerOffset(stored: StoredLog, offset: bigint): void | Promise<void> {
  return stored.sidecar('cleaner-offset').replace(Buffer.from(`${offset}\n`))
}

/** Null where none was written, or nobody can tell what was: then everything counts as dirty. */
export function readCleanerOffset(stored: StoredLog): bigint | null | Promise<bigint | null> {
  const bytes = stored.sidecar('cleaner-offset').read()
  return bytes instanceof Promise ? bytes.then(parse) : parse(bytes)
}

function parse(bytes: Buffer | null): bigint | null {
  const text = bytes?.toString().trim() ?? ''
  return /^\d+$/.test(text) ? BigInt(text) : null
}
