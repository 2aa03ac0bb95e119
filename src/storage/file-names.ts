/** The names of a log's files: Kafka's. */
import type { LogId } from './log-store.ts'

/** What a segment's files and a log's snapshots are called behind the offset. */
export type FileKind = '.log' | '.index' | '.timeindex' | '.txnindex' | '.snapshot'
/** What a file's name ends in while it is none of the log's: dropped, written by a compaction, about to take a place. */
export type FileState = '' | '.deleted' | '.cleaned' | '.swap'

/** The files that stand for a segment's batches; a dropped segment's are renamed together. */
export const SEGMENT_KINDS: readonly FileKind[] = ['.log', '.index', '.timeindex']

const FILE_NAME = /^(\d{20})(\.log|\.index|\.timeindex|\.txnindex|\.snapshot)(\.deleted|\.cleaned|\.swap)?$/
const LOG_DIRECTORY = /^(.+)-(\d{1,10})$/
/** What Kafka, and this store, call the directory of a log that is deleted, or is of no topic any more. */
const LEFT_DIRECTORY = /\.[0-9a-f]{32}-(delete|stray|future)$/
/** What a file system takes. */
const MAX_NAME_LENGTH = 255
const MAX_OFFSET = 2n ** 63n - 1n

export interface FileName {
  readonly offset: bigint
  readonly kind: FileKind
  readonly state: FileState
}

export function fileName(offset: bigint, kind: FileKind, state: FileState = ''): string {
  return `${offset.toString().padStart(20, '0')}${kind}${state}`
}

/** Null for a name that is none of an offset's. */
export function parseFileName(name: string): FileName | null {
  const match = FILE_NAME.exec(name)
  if (match === null) return null
  const offset = BigInt(match[1] as string)
  if (offset > MAX_OFFSET) return null
  return { offset, kind: match[2] as FileKind, state: (match[3] ?? '') as FileState }
}

export function logDirectoryName({ topic, partition }: LogId): string {
  return `${topic}-${partition}`
}

/** Null for a directory that is none of a log's. */
export function parseLogDirectory(
  name: string,
): { readonly topic: string; readonly partition: number } | null {
  const match = LEFT_DIRECTORY.test(name) ? null : LOG_DIRECTORY.exec(name)
  if (match === null) return null
  const partition = Number(match[2])
  return partition < 2 ** 31 ? { topic: match[1] as string, partition } : null
}

export function isDeletedDirectory(name: string): boolean {
  return LEFT_DIRECTORY.exec(name)?.[1] === 'delete'
}

/** The name of a log's directory that is out of use; a topic's name that is too long for it is cut. */
export function leftDirectoryName(id: LogId, random: Buffer, reason: 'delete' | 'stray'): string {
  const end = `-${id.partition}.${random.toString('hex')}-${reason}`
  return `${id.topic.slice(0, MAX_NAME_LENGTH - end.length)}${end}`
}
