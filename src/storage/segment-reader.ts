/** Reads batches of one segment from its file. */
import { BATCH_HEADER_BYTES, baseOffset, isCrcValid, lastOffset, lastOffsetDelta } from '../wire/batch.ts'
import { giveBack, lend } from '../wire/lent-memory.ts'
import type { DiskFile } from './disk.ts'
import type { OffsetIndex, PositionRange } from './offset-index.ts'
import { corrupt, type StoredPlace, storedBatchBytes } from './stored-batch.ts'

/** What of a segment a read works with. */
export interface ReadableSegment {
  readonly file: DiskFile
  readonly offsets: OffsetIndex
  readonly baseOffset: bigint
  readonly endOffset: bigint
  readonly sizeBytes: number
  place(position: number): StoredPlace
}

/** A read is not larger than this whatever it may take, unless a single batch is. */
const MAX_READ_BYTES = 16 * 1024 * 1024
/** Where the index leaves more than this open, batches are passed over by their headers, instead of being read. */
const FAR_BYTES = 64 * 1024
/** An answer that is smaller than this leaves what was read for it, so that it keeps no more than itself alive. */
const SMALL_BYTES = 16 * 1024
/** How much is read at a time where a whole segment is walked. */
const WALK_BYTES = 1024 * 1024

/**
 * The bytes from the batch that holds `from` on, or the first above it: as `StoredLog.read`, within one segment. Null
 * when there is nothing to read. Larger ones lie alone in memory that is lent: whoever knows that nobody needs them any
 * more may give it back.
 * @throws StoreError `failed` where the file holds something else than batches.
 */
export async function readBatches(
  segment: ReadableSegment,
  from: bigint,
  maxBytes: number,
  upTo: bigint,
): Promise<Buffer | null> {
  if (from >= upTo) return null
  const { sizeBytes } = segment
  const begin = await closeIn(segment, rangeOf(segment, from), from)
  const stop = upTo >= segment.endOffset ? null : rangeOf(segment, upTo)
  const most = Math.max(Math.min(maxBytes, MAX_READ_BYTES), BATCH_HEADER_BYTES)
  const wanted = Math.min(
    sizeBytes,
    begin.to + most,
    stop === null ? sizeBytes : stop.to + BATCH_HEADER_BYTES,
  )
  if (wanted <= begin.from) return null
  const view = await readAt(segment, begin.from, wanted - begin.from)
  const at = skip(segment, view, begin.from, 0, from)
  if (begin.from + at >= sizeBytes || lastOffset(view, at) >= upTo) return taken(view, 0, 0)
  const first = checkedBytes(segment, view, begin.from, at)
  if (at + first > view.length) {
    giveBack(view)
    return taken(await readAt(segment, begin.from + at, first), 0, first)
  }
  const known = stop === null ? 0 : Math.max(at, stop.from - begin.from)
  const end =
    stop === null ? view.length : Math.min(view.length, skip(segment, view, begin.from, known, upTo))
  return taken(view, at, Math.min(end, at + Math.max(Math.min(maxBytes, most), first)))
}

/** The part of what was read that is the answer; null without any. */
function taken(view: Buffer, from: number, to: number): Buffer | null {
  const part = view.subarray(from, to)
  if (part.length >= SMALL_BYTES) return part
  const copy = part.length === 0 ? null : Buffer.from(part)
  giveBack(view)
  return copy
}

/** Passes over large batches that end below `offset`. */
async function closeIn(
  segment: ReadableSegment,
  { from, to }: PositionRange,
  offset: bigint,
): Promise<PositionRange> {
  let at = from
  while (to - at > FAR_BYTES) {
    const header = Buffer.allocUnsafe(BATCH_HEADER_BYTES)
    if (at + header.length > segment.sizeBytes) break
    await fill(segment, header, at)
    const bytes = checkedBytes(segment, header, at, 0)
    if (lastOffset(header) >= offset) return { from: at, to: at }
    // An index that is less dense than ours would take too many looks.
    if (bytes < FAR_BYTES) break
    at += bytes
  }
  return { from: at, to }
}

/** Where the first batch begins that holds `offset` or a higher one; the segment's size without any. */
export async function findPosition(segment: ReadableSegment, offset: bigint): Promise<number> {
  if (offset <= segment.baseOffset) return 0
  const range = rangeOf(segment, offset)
  const wanted = Math.min(segment.sizeBytes, range.to + BATCH_HEADER_BYTES)
  if (wanted <= range.from) return segment.sizeBytes
  const view = await readAt(segment, range.from, wanted - range.from)
  const position = range.from + skip(segment, view, range.from, 0, offset)
  giveBack(view)
  return position
}

/**
 * Goes through batches from `position` up to `endPosition`, and calls `visit` for each.
 * @param isChecked whether checksums are compared, too.
 * @returns what stopped the walk, and where; `problem` is null at the end.
 */
export async function walkBatches(
  file: DiskFile,
  bounds: { readonly position: number; readonly endPosition: number; readonly nextOffset: bigint },
  isChecked: boolean,
  visit: (view: Buffer, position: number) => void,
): Promise<{ readonly position: number; readonly problem: string | null }> {
  let { position, nextOffset } = bounds
  let least = WALK_BYTES
  while (position < bounds.endPosition) {
    const view = Buffer.allocUnsafeSlow(Math.min(least, bounds.endPosition - position))
    const read = await file.read(view, position)
    if (read < view.length) return { position: position + read, problem: 'the file ends' }
    let at = 0
    least = WALK_BYTES
    while (at < view.length) {
      const left = bounds.endPosition - position - at
      if (view.length - at < BATCH_HEADER_BYTES && left >= BATCH_HEADER_BYTES) break
      const bytes = storedBatchBytes(view, at, left)
      if (typeof bytes === 'string') return { position: position + at, problem: bytes }
      if (at + bytes > view.length) {
        least = Math.max(WALK_BYTES, bytes)
        break
      }
      const problem = problemOf(view, at, nextOffset, isChecked)
      if (problem !== null) return { position: position + at, problem }
      nextOffset = lastOffset(view, at) + 1n
      visit(view, at)
      at += bytes
    }
    position += at
  }
  return { position, problem: null }
}

function problemOf(view: Buffer, at: number, nextOffset: bigint, isChecked: boolean): string | null {
  if (baseOffset(view, at) < nextOffset) {
    return `a batch at offset ${baseOffset(view, at)}, where ${nextOffset} is the least`
  }
  return isChecked && !isCrcValid(view, at) ? 'a batch with a wrong checksum' : null
}

function rangeOf(segment: ReadableSegment, offset: bigint): PositionRange {
  if (offset <= segment.baseOffset) return { from: 0, to: 0 }
  return segment.offsets.find(Number(offset - segment.baseOffset), segment.sizeBytes)
}

/** Goes on from the batch at `at` of the view to the first that holds `offset` or a higher one, or to the view's end. */
function skip(segment: ReadableSegment, view: Buffer, start: number, at: number, offset: bigint): number {
  let next = at
  while (next + BATCH_HEADER_BYTES <= view.length) {
    const bytes = checkedBytes(segment, view, start, next)
    if (lastOffset(view, next) >= offset) return next
    next += bytes
  }
  return next
}

function checkedBytes(segment: ReadableSegment, view: Buffer, start: number, at: number): number {
  const left = segment.sizeBytes - start - at
  const bytes = at + BATCH_HEADER_BYTES <= view.length ? storedBatchBytes(view, at, left) : 'no batch'
  if (typeof bytes === 'string') throw corrupt(segment.place(start + at), bytes)
  if (baseOffset(view, at) < segment.baseOffset || lastOffsetDelta(view, at) < 0) {
    throw corrupt(segment.place(start + at), `a batch at offset ${baseOffset(view, at)}`)
  }
  return bytes
}

async function readAt(segment: ReadableSegment, position: number, bytes: number): Promise<Buffer> {
  const view = lend(bytes)
  await fill(segment, view, position)
  return view
}

async function fill(segment: ReadableSegment, view: Buffer, position: number): Promise<void> {
  const read = await segment.file.read(view, position)
  if (read < view.length) throw corrupt(segment.place(position + read), 'the file ends')
}
