/** One log in files, as it is between and beneath the handles to it. */
import { errorCode } from './disk.ts'
import { type FileKind, fileName, parseFileName, SEGMENT_KINDS } from './file-names.ts'
import { FileSegment, type SegmentHome } from './file-segment.ts'
import type { StoreContext } from './file-store-context.ts'
import { type Frame, type LogId, type SegmentSidecarName, StoreError } from './log-store.ts'
import { lastSegmentFrom } from './segment-search.ts'
import type { SidecarFiles } from './sidecar-files.ts'
import { TailCache } from './tail-cache.ts'

const SIDECAR_KINDS: Readonly<Record<SegmentSidecarName, FileKind>> = {
  producers: '.snapshot',
  'aborted-transactions': '.txnindex',
}

/** What is known of a log when it is opened, recovered or taken over from a summary. */
export interface LogFilesState {
  readonly segments: FileSegment[]
  readonly endOffset: bigint
  /** Everything below it would survive a loss of power. */
  readonly recoveryPoint: bigint
}

/** No method checks who calls it: that is up to the handles. */
export class LogFiles {
  id: LogId
  readonly home: SegmentHome
  readonly sidecars: SidecarFiles
  readonly cache: TailCache
  readonly #context: StoreContext
  /** The handle that was opened last: no other may change the log. */
  owner: object | null = null
  epoch: number | null = null
  /** What DeleteRecords left, and where the cleaner got to; null where nobody has said. */
  logStart: bigint | null = null
  cleanerOffset: bigint | null = null
  segments: FileSegment[] = []
  endOffset = 0n
  recoveryPoint = 0n
  /** Why nothing more goes into the log until it is loaded anew. */
  failure: StoreError | null = null
  isLoaded = false
  /** Whether a sync has failed, so that what it was to cover has to be written again. */
  hasFailedSync = false
  /** Whether the log's own directory could be lost with the power. */
  isDirectoryUnsafe = false
  /** Whether names in it could be. */
  areNamesUnsafe = false
  /** Rises with each truncation: a flush that began before tells nothing of what came after. */
  #cuts = 0
  /** A recovery point that a start after a crash is sure to find. */
  #keptRecoveryPoint = 0n
  #namesSync: Promise<void> | null = null
  #flushing: Promise<void> | null = null
  #nextFlush: Promise<void> | null = null

  constructor(context: StoreContext, id: LogId, home: SegmentHome, sidecars: SidecarFiles) {
    this.id = id
    this.home = home
    this.sidecars = sidecars
    this.#context = context
    this.cache = new TailCache(context.cacheBudget)
    sidecars.syncNames = async (isUrgent) => {
      this.areNamesUnsafe = true
      await this.#syncNames(isUrgent)
    }
  }

  get active(): FileSegment {
    return this.segments.at(-1) as FileSegment
  }

  take({ segments, endOffset, recoveryPoint }: LogFilesState): void {
    this.segments = segments
    this.endOffset = endOffset
    this.recoveryPoint = recoveryPoint
    this.failure = null
    this.isLoaded = true
  }

  /** The active segment is ready. */
  append(frames: readonly Frame[]): void {
    const { active } = this
    this.#attempt('append', () => active.append(frames))
    this.cache.append(frames, this.endOffset)
    if (frames.length > 0) this.endOffset = active.endOffset
  }

  /** The active segment is ready. */
  roll(baseOffset: bigint): undefined | Promise<void> {
    const { active } = this
    const isGap = baseOffset > this.endOffset || (active.sizeBytes === 0 && baseOffset > active.baseOffset)
    if (baseOffset < this.endOffset) {
      throw new StoreError('failed', `roll at ${baseOffset}, below the end ${this.endOffset}`)
    }
    if (active.sizeBytes === 0 && active.baseOffset === baseOffset) return undefined
    const next = this.#attempt('roll', () => FileSegment.create(this.home, baseOffset))
    this.areNamesUnsafe = true
    this.endOffset = baseOffset
    if (active.sizeBytes === 0) {
      this.segments = [...this.segments.slice(0, -1), next]
      active.abandon()
      return this.#attemptLater('roll', async () => {
        for (const path of active.paths()) await this.home.disk.remove(path)
        if (isGap) await this.keepRecoveryPoint(baseOffset)
      })
    }
    this.#attempt('roll', () => active.saveIndexes(true))
    this.segments = [...this.segments, next]
    if (isGap || baseOffset > active.endOffset)
      return this.#attemptLater('roll', () => this.keepRecoveryPoint(baseOffset))
    this.flush(false)?.catch(() => {})
    return undefined
  }

  /** Where the last segment stands that begins at or below `offset`; 0 when all begin above it. */
  segmentOf(offset: bigint): number {
    return Math.max(0, lastSegmentFrom(this.segments, offset))
  }

  read(from: bigint, maxBytes: number, upTo: bigint): readonly Buffer[] | Promise<readonly Buffer[]> {
    if (from >= this.endOffset || from >= upTo) return []
    const { startOffset } = this.cache
    if (startOffset !== null && from >= startOffset) return this.cache.read(from, maxBytes, upTo)
    return this.#readFiles(from, maxBytes, upTo)
  }

  async #readFiles(from: bigint, maxBytes: number, upTo: bigint): Promise<readonly Buffer[]> {
    const views: Buffer[] = []
    let leftBytes = maxBytes
    let at = this.segmentOf(from)
    while (at >= 0 && at < this.segments.length) {
      const segment = this.segments[at] as FileSegment
      if (segment.baseOffset >= upTo) break
      const view = await this.#readSegment(segment, from, leftBytes, upTo)
      // It was changed meanwhile: what has been read of others is an answer, nothing is none.
      if (view === undefined && views.length > 0) break
      if (view !== null && view !== undefined) {
        const taken = views.length === 0 ? view : view.subarray(0, leftBytes)
        views.push(taken)
        leftBytes -= taken.length
        if (leftBytes <= 0 || segment.endOffset > upTo || taken.length < view.length) break
      }
      // Segments may have come and gone meanwhile: the next is the first above this one.
      at = view === undefined ? this.segmentOf(from) : lastSegmentFrom(this.segments, segment.baseOffset) + 1
    }
    return views
  }

  async #readSegment(
    segment: FileSegment,
    from: bigint,
    maxBytes: number,
    upTo: bigint,
  ): Promise<Buffer | null | undefined> {
    try {
      return await segment.read(from, maxBytes, upTo)
    } catch (error) {
      if (!this.segments.includes(segment)) return undefined
      throw storeError(error, `${this.home.log}: reading offset ${from} failed`)
    }
  }

  async drop(baseOffsets: readonly bigint[]): Promise<void> {
    const { active } = this
    const dropped = this.segments.filter(
      (segment) => segment !== active && baseOffsets.includes(segment.baseOffset),
    )
    if (dropped.length === 0) return
    const ends = dropped.map(
      (segment) => (this.segments[this.segments.indexOf(segment) + 1] as FileSegment).baseOffset,
    )
    this.segments = this.segments.filter((segment) => !dropped.includes(segment))
    this.#forgetCached(ends)
    await this.#attemptLater('drop', async () => {
      await this.#keepStart((this.segments[0] as FileSegment).baseOffset)
      this.discard(dropped)
      await this.#forgetPieces((offset) =>
        dropped.some(({ baseOffset }, index) => offset >= baseOffset && offset < (ends[index] as bigint)),
      )
    })
  }

  /** Renames the files of segments that are no longer the log's, and removes them after a while. */
  discard(segments: readonly FileSegment[]): void {
    this.areNamesUnsafe = true
    for (const segment of segments) {
      segment.rename('.deleted')
      segment.abandon()
      this.#context.trash.removeLater(segment.paths(), this.#context.fileDeleteDelayMs(this.id.topic))
    }
  }

  async truncate(endOffset: bigint): Promise<void> {
    if (endOffset >= this.endOffset) return
    this.#cuts++
    this.cache.clear()
    await this.#attemptLater('truncate', async () => {
      // What comes after the cut has to be checked after a crash, even if what was there before need not be.
      if (this.recoveryPoint > endOffset) {
        this.recoveryPoint = endOffset
        this.#keptRecoveryPoint = endOffset
        await this.#context.saveRecoveryPoints()
      }
      if (this.logStart !== null && this.logStart > endOffset) {
        this.logStart = endOffset
        await this.#context.saveLogStarts()
      }
      const kept = this.segments.filter(({ baseOffset }) => baseOffset <= endOffset)
      const gone = this.segments.slice(kept.length)
      const cut = kept.at(-1)
      await cut?.truncate(endOffset)
      // Bytes that were cut off must not come back behind what is appended now.
      if (cut !== undefined) await this.#syncUnlessGone(cut, () => cut.sync(), true)
      if (kept.length === 0) kept.push(FileSegment.create(this.home, endOffset))
      this.discard(gone)
      this.segments = kept
      this.endOffset = endOffset
      await this.active.ready()
      const { baseOffset } = this.active
      await this.#forgetPieces((offset, kind) => offset > (kind === '.snapshot' ? endOffset : baseOffset))
      await this.sidecars.settle()
      await this.#syncNames()
    })
  }

  /** Puts a segment in place of others: it has been synced under a name of its own, as have its indexes. */
  async replace(merged: FileSegment, replaced: readonly FileSegment[]): Promise<void> {
    const first = this.segments.indexOf(replaced[0] as FileSegment)
    const next = this.segments[first + replaced.length] as FileSegment
    await this.#attemptLater('replace', async () => {
      await this.keepRecoveryPoint(next.baseOffset)
      // From here on whoever opens the log finishes what is done below.
      merged.rename('.swap')
      this.areNamesUnsafe = true
      await this.#syncNames()
      this.segments = this.segments.toSpliced(first, replaced.length, merged)
      this.#forgetCached([next.baseOffset])
      this.discard(replaced)
      // What it takes the place of must not come back beside it.
      await this.#syncNames()
      merged.rename('')
      this.areNamesUnsafe = true
      await this.#forgetPieces((offset) => offset > merged.baseOffset && offset < next.baseOffset)
    })
  }

  /** Waits until everything appended would survive a loss of power; undefined when it would. */
  flush(isUrgent = true): undefined | Promise<void> {
    if (this.#isSafe()) return undefined
    if (this.#flushing === null) {
      this.#flushing = this.#attemptLater('flush', () => this.#flush(isUrgent)).finally(() => {
        this.#flushing = null
      })
      return this.#flushing
    }
    const again = (): undefined | Promise<void> => {
      this.#nextFlush = null
      return this.flush()
    }
    this.#nextFlush ??= this.#flushing.then(again, again)
    return this.#nextFlush
  }

  /** Waits until the indexes, as they were when the log was released, would survive a loss of power. */
  async syncIndexes(): Promise<void> {
    const unsafe = this.segments.filter(({ areIndexesSafe }) => !areIndexesSafe)
    await Promise.all(unsafe.map((segment) => this.#context.syncs.run(() => segment.syncIndexes())))
  }

  pieceName(name: SegmentSidecarName, offset: bigint): string {
    return fileName(offset, SIDECAR_KINDS[name])
  }

  pieceOffsets(names: readonly string[], name: SegmentSidecarName): readonly bigint[] {
    const offsets = names.flatMap((candidate) => {
      const parsed = parseFileName(candidate)
      return parsed?.kind === SIDECAR_KINDS[name] && parsed.state === '' ? [parsed.offset] : []
    })
    return offsets.sort((left, right) => (left < right ? -1 : 1))
  }

  /** The log's own files that are not for the store alone. */
  ownFiles(names: readonly string[]): readonly string[] {
    return names.filter((name) => parseFileName(name) === null && !STORE_FILES.includes(name))
  }

  /** Notes that the store failed: what the log knows of its files may no longer be true. */
  fail(error: unknown, what: string): StoreError {
    this.failure ??= storeError(error, `${this.home.log}: ${what} failed`)
    return this.failure
  }

  /** Lets go of all files, without writing anything. */
  abandon(): void {
    for (const segment of this.segments) segment.abandon()
    this.cache.clear()
  }

  /** Lets go of all files; what they lack is written. */
  release(): void {
    for (const segment of this.segments) segment.release()
  }

  #isSafe(): boolean {
    return (
      this.recoveryPoint >= this.endOffset &&
      !this.areNamesUnsafe &&
      this.#namesSync === null &&
      !this.isDirectoryUnsafe &&
      this.sidecars.isSettled &&
      this.segments.every((segment) => segment.isSafe && (segment.areIndexesSafe || segment === this.active))
    )
  }

  async #flush(isUrgent: boolean): Promise<void> {
    const { endOffset } = this
    const cuts = this.#cuts
    const unsafe = this.segments.filter(({ isSafe }) => !isSafe)
    const indexes = this.segments.slice(0, -1).filter(({ areIndexesSafe }) => !areIndexesSafe)
    // Below the recovery point nobody checks them.
    for (const segment of indexes) segment.saveIndexes(true)
    await Promise.all([
      ...unsafe.map((segment) => this.#syncUnlessGone(segment, () => segment.sync(), isUrgent)),
      ...indexes.map((segment) => this.#syncUnlessGone(segment, () => segment.syncIndexes(), isUrgent)),
    ])
    await this.sidecars.settle(isUrgent)
    await this.#syncNames(isUrgent)
    if (this.isDirectoryUnsafe) {
      await this.#context.syncDataDir(isUrgent)
      this.isDirectoryUnsafe = false
    }
    // A segment that was sealed meanwhile stays above it: its indexes are another flush's.
    const sealed = this.segments.slice(0, -1).find(({ areIndexesSafe }) => !areIndexesSafe)
    const safeOffset = sealed === undefined || sealed.baseOffset > endOffset ? endOffset : sealed.baseOffset
    if (cuts === this.#cuts && safeOffset > this.recoveryPoint) {
      this.recoveryPoint = safeOffset
      this.#context.recoveryPointMoved()
    }
  }

  async #syncUnlessGone(segment: FileSegment, sync: () => Promise<void>, isUrgent: boolean): Promise<void> {
    try {
      await this.#context.syncs.run(sync, isUrgent)
    } catch (error) {
      if (!this.segments.includes(segment)) return
      this.hasFailedSync = true
      throw error
    }
  }

  #syncNames(isUrgent = true): Promise<void> {
    if (!this.areNamesUnsafe) return this.#namesSync ?? Promise.resolve()
    this.areNamesUnsafe = false
    const { disk, syncs } = this.#context
    // One that is under way may have begun too early.
    const before = this.#namesSync?.catch(() => {})
    const sync = Promise.resolve(before)
      .then(() => syncs.run(() => disk.syncDirectory(this.home.directory), isUrgent))
      .catch((error: unknown) => {
        this.areNamesUnsafe = true
        throw error
      })
      .finally(() => {
        if (this.#namesSync === sync) this.#namesSync = null
      })
    this.#namesSync = sync
    return sync
  }

  /**
   * Makes sure that a start after a crash finds a recovery point at or above `offset`. The segments that it checks
   * stand side by side, and the first begins at or below the recovery point: otherwise something was lost. A gap that is
   * meant to be there has to lie below.
   */
  async keepRecoveryPoint(offset: bigint): Promise<void> {
    if (this.#keptRecoveryPoint >= offset) return
    await this.flush()
    if (this.recoveryPoint < offset) this.recoveryPoint = offset
    const kept = this.recoveryPoint
    await this.#context.saveRecoveryPoints()
    this.#keptRecoveryPoint = kept
  }

  /** Makes sure that segments below `offset` do not come back after a crash, some of them without the others. */
  async #keepStart(offset: bigint): Promise<void> {
    if (offset <= (this.logStart ?? 0n)) return
    this.logStart = offset
    await this.#context.saveLogStarts()
  }

  /** Of what is gone nothing may be answered from memory. */
  #forgetCached(ends: readonly bigint[]): void {
    const { startOffset } = this.cache
    if (startOffset !== null && ends.some((end) => end > startOffset)) this.cache.clear()
  }

  async #forgetPieces(isGone: (offset: bigint, kind: FileKind) => boolean): Promise<void> {
    for (const name of await this.sidecars.names()) {
      const parsed = parseFileName(name)
      if (parsed === null || parsed.state !== '' || SEGMENT_KINDS.includes(parsed.kind)) continue
      if (isGone(parsed.offset, parsed.kind)) await this.sidecars.remove(name)
    }
  }

  #attempt<T>(what: string, change: () => T): T {
    try {
      return change()
    } catch (error) {
      throw this.fail(error, what)
    }
  }

  async #attemptLater<T>(what: string, change: () => Promise<T>): Promise<T> {
    try {
      return await change()
    } catch (error) {
      throw this.fail(error, what)
    }
  }
}

/** What lies in a log's directory and is the store's own. */
const STORE_FILES: readonly string[] = ['leader-epoch-checkpoint', 'partition.metadata']

export function storeError(error: unknown, what: string): StoreError {
  if (error instanceof StoreError) return error
  const code = errorCode(error)
  const text = error instanceof Error ? error.message : String(error)
  return new StoreError(
    'failed',
    `${what}: ${code !== undefined && !text.includes(code) ? `${code}: ` : ''}${text}`,
    {
      cause: error,
    },
  )
}
