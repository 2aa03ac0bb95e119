/**
 * The storage seam: what a log needs of the place where its bytes are kept. Everything that is Kafka (offsets,
 * producer state, leader epochs, compaction rules) stands above it, in log/. Nothing above may assume that a store
 * is local or quick: each call may answer at once or with a promise, and the memory store always answers at once.
 *
 * A store throws or rejects with a `StoreError`; whatever else goes wrong inside it counts the same.
 */

/** One whole record batch of format 2, its offsets and leader epoch already assigned. */
export type Frame = Buffer

/** Which log: the replica of one partition that a broker holds. The topic id and the partition identify it. */
export interface LogId {
  readonly topic: string
  /** Kafka's text form: 22 characters of base64url. */
  readonly topicId: string
  readonly partition: number
}

/** A stretch of a log that is kept, dropped and replaced as one. */
export interface Segment {
  /** The offset that the segment was rolled at; its first record may have a higher one. */
  readonly baseOffset: bigint
  /** The offset behind its last record; `baseOffset` when it is empty. */
  readonly endOffset: bigint
  readonly sizeBytes: number
  /** The latest timestamp of its first batch, or -1: what segment.ms counts from. */
  readonly firstTimestamp: bigint
  /** The latest timestamp in it, or -1. */
  readonly maxTimestamp: bigint
  /** An offset in the first batch that has `maxTimestamp`; `baseOffset` when there is none. */
  readonly maxTimestampOffset: bigint
}

/** Where a store keeps its logs, as DescribeLogDirs tells it: Kafka's log directory, and the volume that it is on. */
export interface Volume {
  /** A directory, or whatever says where the logs are. */
  readonly path: string
  /** -1 when nobody knows. */
  readonly totalBytes: bigint
  /** What more the store could take; -1 when nobody knows. */
  readonly usableBytes: bigint
}

/** The logs that one broker keeps. */
export interface LogStore {
  /**
   * Opens a log, and makes it where there is none. From then on no handle that was opened before, with this or a
   * lower epoch, can change the log any more (fencing).
   * @param epoch the leader epoch, or any number that rises with each new owner.
   * @throws StoreError `fenced` when the log has been opened with a higher epoch.
   */
  open(id: LogId, epoch: number): StoredLog | Promise<StoredLog>
  /** Every log that has been opened and not removed. */
  list(): readonly LogId[] | Promise<readonly LogId[]>
  /** Forgets a log and all its data; one that is not there is no error. */
  remove(id: LogId): void | Promise<void>
  /**
   * Puts a log that belongs to no topic any more out of the way, as Kafka renames a directory to `-stray`: it is not
   * listed from then on, and whoever misses it finds its data.
   * @returns where it is now, for a message.
   */
  setAside(id: LogId): string | Promise<string>
  volume(): Volume | Promise<Volume>
  /**
   * A file of its own beside a log, which stays whatever becomes of the log's segments and of whoever owns it, and goes
   * with the log: Kafka's `quorum-state`, and the `<offset>-<epoch>.checkpoint` that stand for all that came before. It
   * can be read while the log is not open, and can be written from when the log has been opened for the first time on.
   * @param name letters, digits, `-` and dots; never one that the store itself gives to a file.
   */
  file(id: LogId, name: string): Sidecar
  /** The names of the files beside a log; there may be others among them that nobody has written here. */
  files(id: LogId): readonly string[] | Promise<readonly string[]>
  /**
   * Flushes every log, closes it, and notes that the shutdown was a clean one: the next start then trusts what it
   * finds. Closing twice does nothing; logs may be closed before.
   */
  close(): void | Promise<void>
}

/**
 * One log: whole batches in segments, the last of which is active. Reads and appends may overlap; of the calls that
 * change the log the caller has one in flight at a time, and batches what waits meanwhile.
 */
export interface StoredLog {
  /** The base offset of the first segment. */
  readonly startOffset: bigint
  /** The offset behind the last frame that is durable. */
  readonly endOffset: bigint
  /** In order of their offsets, never empty: the last one is active. */
  readonly segments: readonly Segment[]

  /**
   * Adds frames to the active segment, in order; durable as the store promises when it returns. Either all of them
   * are there afterwards or, when it throws, the log has to be opened anew to see which are.
   * A store that copies nothing, and looks at the buffers after it has returned, says `keep` (wire/lent-memory.ts) of
   * each, since their memory is used again otherwise; where a promise is returned that has been said for it.
   */
  append(frames: readonly Frame[]): void | Promise<void>

  /** Begins a new active segment at `baseOffset`, which is at or above `endOffset`. An empty one is replaced. */
  roll(baseOffset: bigint): void | Promise<void>

  /**
   * The bytes from the frame that holds `from` on, or the first one above it. A buffer begins with a frame and holds
   * as many as lie side by side, so that a thousand small batches come back as one view. The first frame comes whole
   * whatever its size; altogether there are at most `maxBytes`, so that the last frame may be cut, as in Kafka's
   * answers. A store may answer fewer bytes.
   * @param upTo the offset at which readers must stop: no frame that holds it or a higher one is answered.
   * @returns views that stay as they are, whatever happens to the log; empty when there is nothing to read.
   */
  read(from: bigint, maxBytes: number, upTo: bigint): readonly Buffer[] | Promise<readonly Buffer[]>

  /**
   * An offset in the segment at `baseOffset` from which to look for its first batch with `timestamp` or a later one:
   * there is none before it.
   * @throws StoreError `failed` when there is no such segment.
   */
  seekTimestamp(baseOffset: bigint, timestamp: bigint): bigint | Promise<bigint>

  /**
   * Drops whole segments, by their base offsets; the active one is never among them. Their pieces go with them: the
   * aborted transactions, and producer snapshots of offsets in them.
   */
  drop(baseOffsets: readonly bigint[]): void | Promise<void>

  /**
   * Puts one segment with `frames` in place of consecutive ones, by their base offsets, at once or not at all
   * (compaction). The active one is never among them. Without frames an empty segment stays at the first base.
   * Appends and reads may go on while an AsyncIterable is written; drops and truncations may not.
   * The first segment's own pieces stay as they are, those of the others go: a caller that merges their aborted
   * transactions writes the union beside the first one before.
   */
  replace(baseOffsets: readonly bigint[], frames: Frames): void | Promise<void>

  /**
   * Removes every frame that holds `endOffset` or a higher offset, and goes on from there: the end of the log is
   * `endOffset` afterwards, even where that leaves a gap. Below `startOffset` nothing is left and the log starts there.
   * Producer snapshots above `endOffset` go, and the pieces of segments that are gone; the aborted transactions of a
   * segment that is cut stay as they are, for log/ to trim.
   */
  truncate(endOffset: bigint): void | Promise<void>

  /** A small piece of data that belongs to the log: log/ knows its content, the store its place. */
  sidecar(name: SidecarName): Sidecar

  /**
   * A piece of data that belongs to one offset of the log: the producers' state as of `offset`, or the aborted
   * transactions of the segment at the base `offset`.
   */
  segmentSidecar(name: SegmentSidecarName, offset: bigint): Sidecar

  /** The offsets that have such a piece, in order. */
  segmentSidecars(name: SegmentSidecarName): readonly bigint[] | Promise<readonly bigint[]>

  /** Waits until everything appended is as safe as the store can make it. */
  flush(): void | Promise<void>
  /** Lets go of the log's resources; its data stays. Closing twice does nothing. */
  close(): void | Promise<void>
}

/** What replaces segments: all of it at once, or as a stream, since a segment may be larger than memory. */
export type Frames = readonly Frame[] | AsyncIterable<Frame>

/** What is kept beside a log; the last is Kafka's cleaner-offset-checkpoint, as far as it is about this log. */
export type SidecarName = 'leader-epochs' | 'log-start' | 'cleaner-offset'

/** What is kept beside a log for single offsets: Kafka's `<offset>.snapshot` and `<base offset>.txnindex`. */
export type SegmentSidecarName = 'producers' | 'aborted-transactions'

export interface Sidecar {
  /** The bytes last written, or null. */
  read(): Buffer | null | Promise<Buffer | null>
  /** Puts `bytes` in place of what was there, at once or not at all. */
  replace(bytes: Buffer): void | Promise<void>
  /** `read` answers null afterwards; what is not there is no error. */
  remove(): void | Promise<void>
}

/** Why a store refused: `fenced` means that another owner has opened the log since, `failed` that it could not. */
export type StoreFailure = 'fenced' | 'failed' | 'closed'

export class StoreError extends Error {
  override readonly name: string = 'StoreError'
  readonly failure: StoreFailure

  constructor(failure: StoreFailure, message: string, options?: ErrorOptions) {
    super(message, options)
    this.failure = failure
  }
}
