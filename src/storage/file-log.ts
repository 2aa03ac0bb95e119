/** A handle to a log in files. */

import { FileSegment } from './file-segment.ts'
import type { StoreContext } from './file-store-context.ts'
import type { LogFiles } from './log-files.ts'
import { storeError } from './log-files.ts'
import {
  type Frame,
  type Frames,
  type Segment,
  type SegmentSidecarName,
  type Sidecar,
  type SidecarName,
  type StoredLog,
  StoreError,
} from './log-store.ts'

/** How much of a stream is written at a time. */
const WRITE_BYTES = 1024 * 1024

export class FileLog implements StoredLog {
  readonly #files: LogFiles
  readonly #context: StoreContext
  #closed = false

  /** Shuts out every other handle. */
  constructor(files: LogFiles, context: StoreContext) {
    this.#files = files
    this.#context = context
    files.owner = this
  }

  get startOffset(): bigint {
    return (this.#files.segments[0] as Segment).baseOffset
  }

  get endOffset(): bigint {
    return this.#files.endOffset
  }

  get segments(): readonly Segment[] {
    return this.#files.segments
  }

  append(frames: readonly Frame[]): void | Promise<void> {
    return this.#change((files) => files.append(frames))
  }

  roll(baseOffset: bigint): void | Promise<void> {
    return this.#change((files) => files.roll(baseOffset))
  }

  read(from: bigint, maxBytes: number, upTo: bigint): readonly Buffer[] | Promise<readonly Buffer[]> {
    if (this.#closed) throw this.#closedError()
    return this.#files.read(from, maxBytes, upTo)
  }

  seekTimestamp(baseOffset: bigint, timestamp: bigint): bigint | Promise<bigint> {
    if (this.#closed) throw this.#closedError()
    const segment = this.#files.segments.find((candidate) => candidate.baseOffset === baseOffset)
    if (segment === undefined) throw new StoreError('failed', `there is no segment at ${baseOffset}`)
    const found = segment.seekTimestamp(timestamp)
    if (typeof found === 'bigint') return found
    return found.catch((error: unknown) => {
      // It was dropped or replaced meanwhile: what is there now has nothing before its base either.
      if (!this.#files.segments.includes(segment)) return baseOffset
      throw storeError(error, `${this.#files.home.log}: reading an index failed`)
    })
  }

  drop(baseOffsets: readonly bigint[]): Promise<void> {
    this.#checkOwner()
    return this.#files.drop(baseOffsets)
  }

  async replace(baseOffsets: readonly bigint[], frames: Frames): Promise<void> {
    this.#checkOwner()
    const first = this.#replaced(baseOffsets)[0] as FileSegment
    const merged = await this.#write(first.baseOffset, frames)
    try {
      this.#checkOwner()
      await this.#files.replace(merged, this.#replaced(baseOffsets))
    } catch (error) {
      merged.abandon()
      throw error
    }
  }

  truncate(endOffset: bigint): Promise<void> {
    this.#checkOwner()
    return this.#files.truncate(endOffset)
  }

  sidecar(name: SidecarName): Sidecar {
    if (name === 'leader-epochs') return this.#sidecarFile('leader-epoch-checkpoint')
    const files = this.#files
    const field = name === 'log-start' ? 'logStart' : 'cleanerOffset'
    const save = (offset: bigint | null): Promise<void> => {
      this.#checkOwner()
      files[field] = offset
      return name === 'log-start' ? this.#context.saveLogStarts() : this.#context.saveCleanerOffsets()
    }
    return {
      read: () => (files[field] === null ? null : Buffer.from(`${files[field]}\n`)),
      replace: (bytes) => save(parseOffset(bytes)),
      remove: () => (files[field] === null ? undefined : save(null)),
    }
  }

  segmentSidecar(name: SegmentSidecarName, offset: bigint): Sidecar {
    return this.#sidecarFile(this.#files.pieceName(name, offset))
  }

  segmentSidecars(name: SegmentSidecarName): readonly bigint[] | Promise<readonly bigint[]> {
    const names = this.#files.sidecars.names()
    if (names instanceof Promise) return names.then((known) => this.#files.pieceOffsets(known, name))
    return this.#files.pieceOffsets(names, name)
  }

  flush(): void | Promise<void> {
    this.#checkOwner()
    return this.#files.flush()
  }

  /** The log's files stay open as long as no others need to be: what they lack is written when the store is closed. */
  close(): void {
    this.#closed = true
    if (this.#files.owner === this) this.#files.owner = null
  }

  /** Makes a change when the active segment is open: as a rule at once. */
  #change(change: (files: LogFiles) => void | Promise<void>): void | Promise<void> {
    this.#checkOwner()
    const ready = this.#files.active.ready()
    if (ready === undefined) return change(this.#files)
    const failed = (error: unknown): never => {
      throw this.#files.fail(error, 'opening a segment')
    }
    return ready.then(() => this.#change(change), failed)
  }

  /** Writes what replaces segments into a file of its own, and waits until it would survive a loss of power. */
  async #write(baseOffset: bigint, frames: Frames): Promise<FileSegment> {
    const { home } = this.#files
    let merged: FileSegment | null = null
    try {
      const made = FileSegment.create(home, baseOffset, '.cleaned')
      merged = made
      await made.keepOpen(async () => {
        let waiting: Frame[] = []
        let bytes = 0
        for await (const frame of frames) {
          waiting.push(frame)
          bytes += frame.length
          if (bytes < WRITE_BYTES) continue
          made.append(waiting)
          waiting = []
          bytes = 0
        }
        made.append(waiting)
        // Below the recovery point nobody checks indexes: they have to be safe before the segment takes its place.
        made.saveIndexes(true)
        await this.#context.syncs.run(() => made.sync())
        await this.#context.syncs.run(() => made.syncIndexes())
      })
      return made
    } catch (error) {
      if (merged !== null) {
        merged.abandon()
        for (const path of merged.paths()) await home.disk.remove(path).catch(() => {})
      }
      throw errorOf(error, home.log)
    }
  }

  /** The segments that are to be replaced: consecutive ones, without the active one. */
  #replaced(baseOffsets: readonly bigint[]): readonly FileSegment[] {
    const { segments } = this.#files
    const first = segments.findIndex(({ baseOffset }) => baseOffset === baseOffsets[0])
    const replaced = first < 0 ? [] : segments.slice(first, first + baseOffsets.length)
    const matches = baseOffsets.every((offset, index) => replaced[index]?.baseOffset === offset)
    if (replaced.length === 0 || !matches || first + baseOffsets.length >= segments.length) {
      throw new StoreError('failed', `segments ${baseOffsets.join(', ')} do not stand there side by side`)
    }
    return replaced
  }

  #sidecarFile(name: string): Sidecar {
    const { sidecars, home } = this.#files
    return {
      read: () => guarded(() => sidecars.read(name), `${home.log}: reading ${name} failed`),
      replace: (bytes) => {
        this.#checkOwner()
        this.#context.sidecarsMoved(this.#files)
        return guarded(() => sidecars.replace(name, bytes), `${home.log}: writing ${name} failed`)
      },
      remove: () => {
        this.#checkOwner()
        return guarded(() => sidecars.remove(name), `${home.log}: removing ${name} failed`)
      },
    }
  }

  #checkOwner(): void {
    if (this.#closed) throw this.#closedError()
    if (this.#files.owner !== this) {
      throw new StoreError(
        'fenced',
        `log ${this.#files.home.log} has been opened by another owner, or removed`,
      )
    }
    if (this.#files.failure !== null) throw this.#files.failure
  }

  #closedError(): StoreError {
    return new StoreError('closed', `log ${this.#files.home.log} is closed`)
  }
}

/** Whatever goes wrong becomes a StoreError, now or later. */
export function guarded<T>(call: () => T | Promise<T>, what: string): T | Promise<T> {
  try {
    const answer = call()
    if (!(answer instanceof Promise)) return answer
    return answer.catch((error: unknown) => {
      throw storeError(error, what)
    })
  } catch (error) {
    throw storeError(error, what)
  }
}

/** What the frames' source throws is its own affair; what the disk throws is a failure of the store. */
function errorOf(error: unknown, log: string): unknown {
  return error instanceof Error && 'code' in error
    ? storeError(error, `${log}: replacing segments failed`)
    : error
}

/** @throws StoreError `failed`: an offset is all that Kafka's checkpoint files take. */
function parseOffset(bytes: Buffer): bigint {
  const text = bytes.toString().trim()
  if (!/^\d{1,19}$/.test(text)) throw new StoreError('failed', `${JSON.stringify(text)} is no offset`)
  return BigInt(text)
}
