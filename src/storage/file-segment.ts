/** One segment of a log in Kafka's files: batches, and the indexes of offsets and timestamps over them (KIP-33). */
import { lastOffset } from '../wire/batch.ts'
import { type DiskFile, errorCode } from './disk.ts'
import { type FileKind, type FileState, fileName, SEGMENT_KINDS } from './file-names.ts'
import { type IndexPaths, readKnownIndex, readSealedIndex, syncIndex, writeIndex } from './index-files.ts'
import type { LogDisk } from './log-disk.ts'
import { type Frame, type Segment, StoreError } from './log-store.ts'
import type { OpenFile, OpenFiles } from './open-files.ts'
import { emptyFacts, type SegmentFacts, SegmentIndex } from './segment-index.ts'
import { findPosition, type ReadableSegment, readBatches, walkBatches } from './segment-reader.ts'
import { corrupt, type StoredPlace } from './stored-batch.ts'

/** What an index can express. */
const MAX_OFFSET_DELTA = 2n ** 31n - 1n

/** How much is written again at a time. */
const REWRITE_BYTES = 1024 * 1024

/** Where a segment lives. */
export interface SegmentHome {
  readonly disk: LogDisk
  readonly openFiles: OpenFiles
  /** The log's name, for messages. */
  readonly log: string
  /** The log's directory. */
  readonly directory: string
  readonly topic: string
  /** Asked when a segment's file is opened: see `SegmentIndex`. */
  readonly indexIntervalBytes: (topic: string) => number
}

/**
 * While its file is open a segment keeps both indexes in memory. Their new entries are written when it is closed,
 * sealed or flushed: a log that is recovered makes them anew.
 */
export class FileSegment implements Segment, OpenFile {
  readonly baseOffset: bigint
  readonly #home: SegmentHome
  #state: FileState
  /** The index itself while the file is open. */
  #facts: SegmentFacts | SegmentIndex
  #open: { readonly file: DiskFile; readonly index: SegmentIndex } | null = null
  #opening: Promise<void> | null = null
  #users = 0
  /** Files that were let go of while somebody was at work on them. */
  #left: DiskFile[] = []
  /** The files at its paths may be another segment's by now. */
  #isGone = false
  /** Up to where a loss of power would find the batches. */
  #safeBytes: number
  /** Whether the index files are what they should be, and would be after a loss of power. */
  areIndexesSafe = true
  /** Rises when bytes that may be being read are cut off or set aside. */
  #rewrites = 0

  /** A segment whose files are there; `facts` are true, and `isSafe` says that they would survive a loss of power. */
  constructor(home: SegmentHome, baseOffset: bigint, facts: SegmentFacts, isSafe: boolean) {
    this.#home = home
    this.baseOffset = baseOffset
    this.#facts = facts
    this.#safeBytes = isSafe ? facts.sizeBytes : 0
    this.#state = ''
  }

  /** Makes a new segment's file, and empties one that was left there. */
  static create(home: SegmentHome, baseOffset: bigint, state: FileState = ''): FileSegment {
    const segment = new FileSegment(home, baseOffset, emptyFacts(baseOffset), true)
    segment.#state = state
    const file = home.disk.open(segment.#path('.log'), 'create')
    segment.#take(file, new SegmentIndex(baseOffset, home.indexIntervalBytes(home.topic)))
    if (file.sizeBytes() > 0) file.truncate(0)
    return segment
  }

  /**
   * Opens a segment of which nothing is known but its file, and goes through all its batches.
   * @param isChecked whether checksums are compared, too.
   * @returns `problem` where it ends in something else than a whole batch: that is left in the file, behind its size.
   */
  static async scan(
    home: SegmentHome,
    baseOffset: bigint,
    isChecked: boolean,
    state: FileState = '',
  ): Promise<{ readonly segment: FileSegment; readonly problem: string | null; readonly fileBytes: number }> {
    const segment = new FileSegment(home, baseOffset, emptyFacts(baseOffset), false)
    segment.#state = state
    segment.areIndexesSafe = false
    const file = home.disk.open(segment.#path('.log'), 'write')
    const fileBytes = file.sizeBytes()
    const index = new SegmentIndex(baseOffset, home.indexIntervalBytes(home.topic))
    segment.#take(file, index)
    const bounds = { position: 0, endPosition: fileBytes, nextOffset: baseOffset }
    const { problem } = await segment.#using(() =>
      walkBatches(file, bounds, isChecked, (view, at) => index.add(view, at)),
    )
    return { segment, problem, fileBytes }
  }

  /**
   * Opens a segment that is known to be whole, with its indexes, and reads only what stands behind their last entry.
   * @param usesIndexes whether its indexes are to be relied on; otherwise they are made anew.
   * @throws StoreError `failed` when it is not whole after all.
   */
  static async trusted(home: SegmentHome, baseOffset: bigint, usesIndexes = true): Promise<FileSegment> {
    const segment = new FileSegment(home, baseOffset, emptyFacts(baseOffset), true)
    segment.areIndexesSafe = usesIndexes
    const file = home.disk.open(segment.#path('.log'), 'write')
    const intervalBytes = home.indexIntervalBytes(home.topic)
    let problem: string | null = null
    let position = 0
    let index: SegmentIndex | null = null
    try {
      const fileBytes = file.sizeBytes()
      if (usesIndexes)
        index = await readSealedIndex(home.disk, segment.#indexPaths, baseOffset, intervalBytes, file)
      for (const isChecked of [false, true]) {
        if (isChecked) index = new SegmentIndex(baseOffset, intervalBytes)
        if (index === null) continue
        const found = index
        const bounds = { position: index.sizeBytes, endPosition: fileBytes, nextOffset: baseOffset }
        const walked = await walkBatches(file, bounds, isChecked, (view, at) => found.add(view, at))
        problem = walked.problem
        position = walked.position
        if (problem === null) break
      }
    } catch (error) {
      file.close()
      throw error
    }
    if (problem !== null || index === null) {
      file.close()
      throw corrupt(segment.#at(position), problem ?? 'nothing to read')
    }
    segment.#take(file, index)
    segment.#safeBytes = index.sizeBytes
    return segment
  }

  get endOffset(): bigint {
    return this.#facts.endOffset
  }

  get sizeBytes(): number {
    return this.#facts.sizeBytes
  }

  get firstTimestamp(): bigint {
    return this.#facts.firstTimestamp
  }

  get maxTimestamp(): bigint {
    return this.#facts.maxTimestamp
  }

  get maxTimestampOffset(): bigint {
    return this.#facts.maxTimestampOffset
  }

  get facts(): SegmentFacts {
    return this.#facts instanceof SegmentIndex ? this.#facts.facts : this.#facts
  }

  get inUse(): boolean {
    return this.#users > 0 || this.#opening !== null
  }

  /** Whether a loss of power would find all its batches. */
  get isSafe(): boolean {
    return this.#safeBytes === this.sizeBytes
  }

  /** Opens the segment's file and reads its indexes; undefined when that has been done. */
  ready(): undefined | Promise<void> {
    if (this.#open !== null) {
      this.#home.openFiles.used(this)
      return undefined
    }
    if (this.#isGone) return Promise.reject(new StoreError('failed', `${this.#path('.log')} is gone`))
    this.#opening ??= this.#load().finally(() => {
      this.#opening = null
    })
    return this.#opening
  }

  /** Adds frames. The segment is ready. When it throws, a part of them may stand behind the segment's end. */
  append(frames: readonly Frame[]): void {
    const last = frames.at(-1)
    if (last === undefined) return
    if (lastOffset(last) - this.baseOffset > MAX_OFFSET_DELTA) {
      throw new StoreError('failed', `offset ${lastOffset(last)} in the segment at ${this.baseOffset}`)
    }
    const { file, index } = this.#opened()
    this.#home.openFiles.used(this)
    file.write(frames, index.sizeBytes)
    for (const frame of frames) index.add(frame, 0)
  }

  /** Keeps the file open until `work` is done, however many others are opened. */
  keepOpen<T>(work: () => Promise<T>): Promise<T> {
    return this.#using(work)
  }

  /** As `StoredLog.read`, within this segment. Undefined when the segment was changed meanwhile: look again. */
  async read(from: bigint, maxBytes: number, upTo: bigint): Promise<Buffer | null | undefined> {
    const rewrites = this.#rewrites
    try {
      const view = await this.#using(() => readBatches(this.#readable(), from, maxBytes, upTo))
      return rewrites === this.#rewrites ? view : undefined
    } catch (error) {
      if (rewrites !== this.#rewrites) return undefined
      throw error
    }
  }

  /** As `StoredLog.seekTimestamp`. */
  seekTimestamp(timestamp: bigint): bigint | Promise<bigint> {
    if (this.sizeBytes === 0) return this.baseOffset
    const ready = this.ready()
    if (ready === undefined) return this.#opened().index.times.seek(timestamp)
    return ready.then(() => this.seekTimestamp(timestamp))
  }

  /** Cuts off the batches that hold `endOffset` or a higher offset. */
  async truncate(endOffset: bigint): Promise<void> {
    if (endOffset >= this.endOffset) return
    await this.#using(async () => {
      const position = await findPosition(this.#readable(), endOffset)
      const { file, index } = this.#opened()
      this.#rewrites++
      this.#safeBytes = Math.min(this.#safeBytes, position)
      file.truncate(position)
      const from = index.truncate(endOffset, position)
      const start = await findPosition(this.#readable(), from)
      const bounds = { position: start, endPosition: position, nextOffset: this.baseOffset }
      await walkBatches(file, bounds, false, (view, at) => index.addTime(view, at))
    })
  }

  /** Cuts off what stands behind the last batch, so that it does not come back behind what is appended now. */
  async trim(): Promise<void> {
    await this.#using(async () => {
      const { file, index } = this.#opened()
      if (file.sizeBytes() > index.sizeBytes) file.truncate(index.sizeBytes)
    })
    await this.sync()
  }

  /** Waits until the batches would survive a loss of power. The caller limits how many syncs are under way. */
  async sync(): Promise<void> {
    let covered = 0
    const rewrites = this.#rewrites
    await this.#using(() => {
      covered = this.sizeBytes
      return this.#opened().file.sync()
    })
    if (rewrites === this.#rewrites) this.#safeBytes = Math.max(this.#safeBytes, covered)
  }

  /**
   * Writes again what is there, and syncs it: after a sync that failed the system takes what it was to cover for
   * written, though it is not.
   */
  async rewrite(): Promise<void> {
    await this.#using(async () => {
      const { file, index } = this.#opened()
      for (let position = 0; position < index.sizeBytes; position += REWRITE_BYTES) {
        const view = Buffer.allocUnsafeSlow(Math.min(REWRITE_BYTES, index.sizeBytes - position))
        if ((await file.read(view, position)) < view.length)
          throw corrupt(this.#at(position), 'the file ends')
        file.write([view], position)
      }
      await file.sync()
    })
    this.#safeBytes = this.sizeBytes
  }

  /** Writes what is new in the indexes; `isLast` says that no batch follows, so that the latest timestamp is noted. */
  saveIndexes(isLast: boolean): void {
    if (this.#open !== null) this.#save(this.#open.index, isLast)
  }

  #save(index: SegmentIndex, isLast: boolean): void {
    if (isLast) index.times.mark()
    const { offsets, times, savedOffsetBytes, savedTimeBytes } = index
    if (offsets.bytes.length === savedOffsetBytes && times.bytes.length === savedTimeBytes) return
    this.areIndexesSafe = false
    writeIndex(this.#home.disk, this.#indexPaths, index)
  }

  /** Waits until the index files would survive a loss of power. */
  async syncIndexes(): Promise<void> {
    // What is written while this is under way is not covered.
    this.areIndexesSafe = true
    try {
      await syncIndex(this.#home.disk, this.#indexPaths)
    } catch (error) {
      this.areIndexesSafe = false
      throw error
    }
  }

  /** Renames the segment's files. Who is reading it looks again. */
  rename(state: FileState): void {
    this.#rewrites++
    for (const kind of SEGMENT_KINDS) {
      try {
        this.#home.disk.rename(this.#path(kind), this.#path(kind, state))
      } catch (error) {
        if (errorCode(error) !== 'ENOENT') throw error
      }
    }
    this.#state = state
  }

  /** Where its files are. */
  paths(): readonly string[] {
    return SEGMENT_KINDS.map((kind) => this.#path(kind))
  }

  release(): void {
    const open = this.#open
    if (open === null) return
    // First, since it may be the last file that the process can have open.
    this.#letGo()
    if (this.#state === '') this.#saveOrForget(open.index)
  }

  /** Lets go of the file for good, without writing anything: for a segment that has failed, or is gone. */
  abandon(): void {
    this.#isGone = true
    this.#letGo()
  }

  /** Closes the file, or leaves that to whoever is at work on it. */
  #letGo(): void {
    const open = this.#open
    if (open === null) return
    this.#facts = open.index.facts
    this.#open = null
    this.#home.openFiles.closed(this)
    if (this.#users === 0) open.file.close()
    else this.#left.push(open.file)
  }

  /** A disk that is full must not keep files open: indexes that it does not take are made anew. */
  #saveOrForget(index: SegmentIndex): void {
    try {
      this.#save(index, true)
    } catch {
      this.#home.disk.remove(this.#path('.index')).catch(() => {})
    }
  }

  async #load(): Promise<void> {
    const { disk } = this.#home
    const facts = this.facts
    const intervalBytes = this.#home.indexIntervalBytes(this.#home.topic)
    const found = await readKnownIndex(disk, this.#indexPaths, this.baseOffset, intervalBytes, facts)
    const file = disk.open(this.#path('.log'), 'write')
    if (found !== null) return this.#take(file, found)
    const index = new SegmentIndex(this.baseOffset, intervalBytes)
    const bounds = { position: 0, endPosition: facts.sizeBytes, nextOffset: this.baseOffset }
    const walked = await walkBatches(file, bounds, true, (view, at) => index.add(view, at))
    if (walked.problem !== null) {
      file.close()
      throw corrupt(this.#at(walked.position), walked.problem)
    }
    this.#take(file, index)
  }

  #take(file: DiskFile, index: SegmentIndex): void {
    if (this.#isGone) {
      file.close()
      throw new StoreError('failed', `${this.#path('.log')} is gone`)
    }
    this.#open = { file, index }
    this.#facts = index
    this.#home.openFiles.used(this)
  }

  #opened(): { readonly file: DiskFile; readonly index: SegmentIndex } {
    if (this.#open === null) throw new StoreError('failed', `${this.#path('.log')} is not open`)
    return this.#open
  }

  /** Opens the file where it is not, and keeps it open until `use` is done. */
  async #using<T>(use: () => Promise<T>): Promise<T> {
    this.#users++
    try {
      await this.ready()
      return await use()
    } finally {
      this.#users--
      if (this.#users === 0) for (const file of this.#left.splice(0)) file.close()
    }
  }

  #readable(): ReadableSegment {
    const { file, index } = this.#opened()
    const { baseOffset, endOffset, sizeBytes, offsets } = index
    return { file, offsets, baseOffset, endOffset, sizeBytes, place: (position) => this.#at(position) }
  }

  #at(position: number): StoredPlace {
    return { log: this.#home.log, segment: fileName(this.baseOffset, '.log'), position }
  }

  get #indexPaths(): IndexPaths {
    return { offsets: this.#path('.index'), times: this.#path('.timeindex') }
  }

  #path(kind: FileKind, state: FileState = this.#state): string {
    return `${this.#home.directory}/${fileName(this.baseOffset, kind, state)}`
  }
}
