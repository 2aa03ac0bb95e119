/** The two index files of a segment: Kafka's, written as their entries come, read when the segment is opened. */
import { BATCH_HEADER_BYTES, maxTimestamp } from '../wire/batch.ts'
import type { DiskFile } from './disk.ts'
import type { LogDisk } from './log-disk.ts'
import { OFFSET_ENTRY_BYTES } from './offset-index.ts'
import { emptyFacts, readIndex, type SegmentFacts, SegmentIndex } from './segment-index.ts'
import { TIME_ENTRY_BYTES } from './time-index.ts'

/** Where they are. */
export interface IndexPaths {
  readonly offsets: string
  readonly times: string
}

/** Writes the entries that the files do not have yet. */
export function writeIndex(disk: LogDisk, paths: IndexPaths, index: SegmentIndex): void {
  write(disk, paths.offsets, index.offsets.bytes, index.savedOffsetBytes)
  index.savedOffsetBytes = index.offsets.bytes.length
  write(disk, paths.times, index.times.bytes, index.savedTimeBytes)
  index.savedTimeBytes = index.times.bytes.length
}

/** Waits until the files would survive a loss of power. */
export async function syncIndex(disk: LogDisk, paths: IndexPaths): Promise<void> {
  for (const path of [paths.offsets, paths.times]) {
    const file = disk.open(path, 'create')
    try {
      await file.sync()
    } finally {
      file.close()
    }
  }
}

/** The index of a segment of which all is known; null where the files do not fit it. */
export async function readKnownIndex(
  disk: LogDisk,
  paths: IndexPaths,
  baseOffset: bigint,
  intervalBytes: number,
  facts: SegmentFacts,
): Promise<SegmentIndex | null> {
  const [offsetBytes, timeBytes] = await Promise.all([disk.read(paths.offsets), disk.read(paths.times)])
  return readIndex(baseOffset, intervalBytes, facts, offsetBytes, timeBytes)
}

/**
 * The index of a segment of which only its file is known, and what it tells of the batches up to its last entry; null
 * where the files do not fit it.
 */
export async function readSealedIndex(
  disk: LogDisk,
  paths: IndexPaths,
  baseOffset: bigint,
  intervalBytes: number,
  file: DiskFile,
): Promise<SegmentIndex | null> {
  const fileBytes = file.sizeBytes()
  if (fileBytes === 0) return new SegmentIndex(baseOffset, intervalBytes)
  const offsetBytes = withoutZeros(await disk.read(paths.offsets), OFFSET_ENTRY_BYTES)
  const timeBytes = withoutZeros(await disk.read(paths.times), TIME_ENTRY_BYTES)
  const most = {
    ...emptyFacts(baseOffset),
    endOffset: baseOffset + 2n ** 31n,
    maxTimestamp: 2n ** 63n - 1n,
  }
  const read = readIndex(baseOffset, intervalBytes, { ...most, sizeBytes: fileBytes }, offsetBytes, timeBytes)
  const header = Buffer.alloc(BATCH_HEADER_BYTES)
  if (read === null || (await file.read(header, 0)) < header.length) return null
  const facts = {
    endOffset: baseOffset,
    sizeBytes: read.offsets.lastPosition,
    firstTimestamp: maxTimestamp(header),
    maxTimestamp: read.times.lastTimestamp,
    maxTimestampOffset: read.times.lastOffset,
  }
  const index = new SegmentIndex(baseOffset, intervalBytes, facts, read.offsets, read.times)
  index.savedOffsetBytes = read.offsets.bytes.length
  index.savedTimeBytes = read.times.bytes.length
  return index
}

/** @param savedBytes how much of it the file has; -1 where it has to be written as a whole. */
function write(disk: LogDisk, path: string, bytes: Buffer, savedBytes: number): void {
  if (savedBytes === bytes.length) return
  const file = disk.open(path, 'create')
  try {
    if (savedBytes < 0) file.truncate(0)
    const from = Math.max(0, savedBytes)
    if (from < bytes.length) file.write([bytes.subarray(from)], from)
  } finally {
    file.close()
  }
}

/** Without the zeros at the end of a mapped file that was not closed; an entry of zeros is none. */
function withoutZeros(bytes: Buffer | null, entryBytes: number): Buffer | null {
  if (bytes === null) return null
  let end = bytes.length - (bytes.length % entryBytes)
  while (end > 0 && bytes.subarray(end - entryBytes, end).every((byte) => byte === 0)) end -= entryBytes
  return bytes.subarray(0, end)
}
