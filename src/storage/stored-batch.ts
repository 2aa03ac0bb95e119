/** Batches as they are found in a file: nobody has checked them since they were written. */
import * as batch from '../wire/batch.ts'
import { StoreError } from './log-store.ts'

/**
 * The size of the batch whose header stands at `position` of a view.
 * @param leftBytes how many bytes the file has from there on.
 * @returns what is wrong with the header instead, as a text.
 */
export function storedBatchBytes(view: Buffer, position: number, leftBytes: number): number | string {
  if (leftBytes < batch.BATCH_HEADER_BYTES) return `${leftBytes} bytes, too few for a batch`
  const bytes = batch.LOG_OVERHEAD_BYTES + batch.batchLength(view, position)
  if (bytes < batch.BATCH_HEADER_BYTES) return `a batch of ${bytes} bytes`
  if (bytes > leftBytes) return `a batch of ${bytes} bytes, of which ${leftBytes} are there`
  const magic = batch.magic(view, position)
  if (magic !== batch.MAGIC_V2) return `a batch of magic ${magic}`
  const delta = batch.lastOffsetDelta(view, position)
  if (delta < 0) return `a batch whose last offset is ${delta} from its first`
  return bytes
}

/** Where damage was found, for a message. */
export interface StoredPlace {
  readonly log: string
  readonly segment: string
  readonly position: number
}

export function corrupt({ log, segment, position }: StoredPlace, what: string): StoreError {
  return new StoreError('failed', `CORRUPT: log ${log}, segment ${segment}, position ${position}: ${what}`)
}
