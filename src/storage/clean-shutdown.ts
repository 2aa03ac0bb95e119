/**
 * What a clean shutdown leaves for the next start: Kafka's marker, and a summary of all logs, so that none of their
 * files has to be opened. Both are removed when they have been read: a crash after that finds none.
 */
import { crc32c } from '../wire/crc32c.ts'
import { type Disk, replaceFile } from './disk.ts'
import type { LogId, Segment } from './log-store.ts'
import type { KeptFile } from './sidecar-files.ts'

const MARKER = '.kafka_cleanshutdown'
const SUMMARY = '.ottla_summary'
const FORMAT = 1
/** Says that nobody but this store has written logs since they were last known to be whole. */
const OWN = '.ottla'
const HEADER = /^ottla (\d+) ([0-9a-f]{8})\n/

export interface LogSummary {
  readonly id: LogId
  readonly endOffset: bigint
  readonly segments: readonly Segment[]
  readonly files: readonly KeptFile[]
}

export interface CleanShutdown {
  /** Whether all logs can be relied on. */
  readonly isClean: boolean
  /** Null where the shutdown was another broker's, or the summary cannot be read. */
  readonly logs: readonly LogSummary[] | null
}

export async function writeCleanShutdown(
  disk: Disk,
  directory: string,
  logs: readonly LogSummary[],
): Promise<void> {
  const body = JSON.stringify(logs.map(encode))
  const checksum = checksumOf(body)
  await replaceFile(disk, directory, SUMMARY, Buffer.from(`ottla ${FORMAT} ${checksum}\n${body}`))
  await makeOwn(disk, directory)
  // Kafka reads the first two fields; the third says which summary the marker goes with.
  const marker = JSON.stringify({ version: 0, brokerEpoch: -1, summary: checksum })
  await replaceFile(disk, directory, MARKER, Buffer.from(marker))
}

/** Whether all that is in the directory was written by this store, or was found whole by it. */
export async function isOwn(disk: Disk, directory: string): Promise<boolean> {
  return (await disk.read(`${directory}/${OWN}`)) !== null
}

export async function makeOwn(disk: Disk, directory: string): Promise<void> {
  if (!(await isOwn(disk, directory)))
    await replaceFile(disk, directory, OWN, Buffer.from(`ottla ${FORMAT}\n`))
}

/** Reads what the last shutdown left, and removes it for good. */
export async function takeCleanShutdown(disk: Disk, directory: string): Promise<CleanShutdown> {
  const [marker, summary] = await Promise.all([
    disk.read(`${directory}/${MARKER}`),
    disk.read(`${directory}/${SUMMARY}`),
  ])
  if (marker !== null || summary !== null) {
    await disk.remove(`${directory}/${MARKER}`)
    await disk.remove(`${directory}/${SUMMARY}`)
    await disk.syncDirectory(directory)
  }
  if (marker === null) return { isClean: false, logs: null }
  return { isClean: true, logs: summary === null ? null : parse(marker.toString(), summary.toString()) }
}

function parse(marker: string, summary: string): readonly LogSummary[] | null {
  try {
    const header = HEADER.exec(summary)
    const named: unknown = JSON.parse(marker)
    if (header === null || header[1] !== String(FORMAT)) return null
    const body = summary.slice(header[0].length)
    if (checksumOf(body) !== header[2]) return null
    if (typeof named !== 'object' || named === null || !('summary' in named) || named.summary !== header[2])
      return null
    // The checksum says that nobody but this file has written it.
    return (JSON.parse(body) as EncodedLog[]).map(decode)
  } catch {
    return null
  }
}

type EncodedSegment = readonly [
  base: string,
  end: string,
  bytes: number,
  first: string,
  max: string,
  maxAt: string,
]

interface EncodedLog {
  readonly topic: string
  readonly id: string
  readonly partition: number
  readonly end: string
  readonly segments: readonly EncodedSegment[]
  readonly files: readonly (readonly [name: string, base64: string | null])[]
}

function encode({ id, endOffset, segments, files }: LogSummary): EncodedLog {
  return {
    topic: id.topic,
    id: id.topicId,
    partition: id.partition,
    end: String(endOffset),
    segments: segments.map((segment) => [
      String(segment.baseOffset),
      String(segment.endOffset),
      segment.sizeBytes,
      String(segment.firstTimestamp),
      String(segment.maxTimestamp),
      String(segment.maxTimestampOffset),
    ]),
    files: files.map(({ name, bytes }) => [name, bytes?.toString('base64') ?? null]),
  }
}

function decode({ topic, id, partition, end, segments, files }: EncodedLog): LogSummary {
  return {
    id: { topic, topicId: id, partition },
    endOffset: BigInt(end),
    segments: segments.map(([base, segmentEnd, sizeBytes, first, max, maxAt]) => ({
      baseOffset: BigInt(base),
      endOffset: BigInt(segmentEnd),
      sizeBytes,
      firstTimestamp: BigInt(first),
      maxTimestamp: BigInt(max),
      maxTimestampOffset: BigInt(maxAt),
    })),
    files: files.map(([name, base64]) => ({
      name,
      bytes: base64 === null ? null : Buffer.from(base64, 'base64'),
    })),
  }
}

function checksumOf(text: string): string {
  return crc32c(Buffer.from(text)).toString(16).padStart(8, '0')
}
