/** Logs in memory: the default. What is appended is as durable as the process. */
import { usableMemoryBytes } from '../config/usable-memory.ts'
import {
  type Frame,
  type Frames,
  type LogId,
  type LogStore,
  type Segment,
  type SegmentSidecarName,
  type Sidecar,
  type SidecarName,
  type StoredLog,
  StoreError,
  type Volume,
} from './log-store.ts'
import { MemorySegment } from './memory-segment.ts'
import { MemoryUse, OBJECT_BYTES } from './memory-use.ts'
import { lastSegmentFrom } from './segment-search.ts'

/** What outlives the handles to a log. */
interface LogData {
  readonly id: LogId
  epoch: number
  /** The handle that was opened last: no other may change the log. */
  owner: MemoryLog | null
  segments: MemorySegment[]
  endOffset: bigint
  sidecars: Map<SidecarName, Buffer> | null
  segmentSidecars: Record<SegmentSidecarName, Map<bigint, Buffer>> | null
  files: Map<string, Buffer> | null
}

/** Answers every call at once. A broker that is started again on the same store finds its logs as they were. */
export class MemoryStore implements LogStore {
  readonly #logs = new Map<string, LogData>()
  readonly use: MemoryUse = new MemoryUse()

  open(id: LogId, epoch: number): MemoryLog {
    const key = keyOf(id)
    let data = this.#logs.get(key)
    if (data === undefined) {
      const segments = [new MemorySegment(0n, this.use)]
      const none = { sidecars: null, segmentSidecars: null, files: null }
      data = { id, epoch, owner: null, segments, endOffset: 0n, ...none }
      this.#logs.set(key, data)
    }
    if (epoch < data.epoch) {
      throw new StoreError('fenced', `log ${name(id)} was opened in epoch ${data.epoch}, now in ${epoch}`)
    }
    data.epoch = epoch
    return new MemoryLog(data, this.use)
  }

  list(): readonly LogId[] {
    return Array.from(this.#logs.values(), ({ id }) => id)
  }

  remove(id: LogId): void {
    const data = this.#logs.get(keyOf(id))
    if (data === undefined) return
    data.owner = null
    for (const segment of data.segments) segment.release()
    for (const pieces of [data.sidecars, ...Object.values(data.segmentSidecars ?? {})]) {
      for (const piece of pieces?.values() ?? []) this.use.changed(-sizeOf(piece))
    }
    this.#logs.delete(keyOf(id))
  }

  /** Nobody could look for it in memory. */
  setAside(id: LogId): string {
    this.remove(id)
    return 'nowhere'
  }

  /** The memory that this process may use, and what of it is free. */
  volume(): Volume {
    const total = usableMemoryBytes()
    const usable = Math.min(process.availableMemory(), total)
    return { path: 'memory', totalBytes: BigInt(total), usableBytes: BigInt(usable) }
  }

  file(id: LogId, fileName: string): Sidecar {
    return {
      read: () => this.#logs.get(keyOf(id))?.files?.get(fileName) ?? null,
      replace: (bytes) => {
        const data = this.#logs.get(keyOf(id))
        if (data === undefined) throw new StoreError('failed', `there is no log ${name(id)}`)
        data.files ??= new Map()
        data.files.set(fileName, Buffer.from(bytes))
      },
      remove: () => void this.#logs.get(keyOf(id))?.files?.delete(fileName),
    }
  }

  files(id: LogId): readonly string[] {
    return [...(this.#logs.get(keyOf(id))?.files?.keys() ?? [])]
  }

  /** The logs stay: whoever has the store may open them again. */
  close(): void {}
}

class MemoryLog implements StoredLog {
  readonly #data: LogData
  readonly #use: MemoryUse
  #closed = false

  constructor(data: LogData, use: MemoryUse) {
    this.#data = data
    this.#use = use
    data.owner = this
  }

  get startOffset(): bigint {
    return (this.#data.segments[0] as MemorySegment).baseOffset
  }

  get endOffset(): bigint {
    return this.#data.endOffset
  }

  get segments(): readonly Segment[] {
    return this.#data.segments
  }

  append(frames: readonly Frame[]): void {
    this.#checkOwner()
    const active = this.#active()
    let bytes = 0
    for (const frame of frames) {
      active.append(frame)
      bytes += frame.length
    }
    this.#data.endOffset = active.endOffset
    this.#use.appended(bytes)
  }

  roll(baseOffset: bigint): void {
    this.#checkOwner()
    if (baseOffset < this.endOffset) {
      throw new StoreError('failed', `roll at ${baseOffset}, below the end ${this.endOffset}`)
    }
    if (this.#active().sizeBytes === 0) this.#data.segments.pop()?.release()
    else this.#active().seal()
    this.#data.segments.push(new MemorySegment(baseOffset, this.#use))
    this.#data.endOffset = baseOffset
  }

  read(from: bigint, maxBytes: number, upTo: bigint): readonly Buffer[] {
    if (this.#closed) throw this.#closedError()
    const views: Buffer[] = []
    const budget = { leftBytes: maxBytes, upTo, views }
    const { segments } = this.#data
    for (let at = this.#segmentOf(from); at < segments.length; at++) {
      if (!(segments[at] as MemorySegment).read(from, budget)) break
    }
    return views
  }

  seekTimestamp(baseOffset: bigint, timestamp: bigint): bigint {
    if (this.#closed) throw this.#closedError()
    const segment = this.#data.segments.find((candidate) => candidate.baseOffset === baseOffset)
    if (segment === undefined) throw new StoreError('failed', `there is no segment at ${baseOffset}`)
    return segment.seekTimestamp(timestamp)
  }

  drop(baseOffsets: readonly bigint[]): void {
    this.#checkOwner()
    const { segments } = this.#data
    const active = this.#active()
    for (const [index, { baseOffset }] of segments.entries()) {
      const next = segments[index + 1]
      if (next === undefined || !baseOffsets.includes(baseOffset)) continue
      segments[index]?.release()
      this.#forgetPieces((offset) => offset >= baseOffset && offset < next.baseOffset)
    }
    this.#data.segments = segments.filter(
      (segment) => segment === active || !baseOffsets.includes(segment.baseOffset),
    )
  }

  replace(baseOffsets: readonly bigint[], frames: Frames): void | Promise<void> {
    this.#checkOwner()
    const merged = new MemorySegment(this.#replaced(baseOffsets), this.#use)
    if (Symbol.asyncIterator in frames) {
      return this.#replaceByStream(baseOffsets, frames, merged).catch((error: unknown) => {
        merged.release()
        throw error
      })
    }
    for (const frame of frames) merged.append(frame)
    this.#put(baseOffsets, merged)
  }

  async #replaceByStream(
    baseOffsets: readonly bigint[],
    frames: AsyncIterable<Frame>,
    merged: MemorySegment,
  ): Promise<void> {
    for await (const frame of frames) merged.append(frame)
    this.#checkOwner()
    this.#put(baseOffsets, merged)
  }

  #put(baseOffsets: readonly bigint[], merged: MemorySegment): void {
    const first = this.#replaced(baseOffsets)
    const { segments } = this.#data
    const index = segments.findIndex(({ baseOffset }) => baseOffset === first)
    const next = segments[index + baseOffsets.length] as MemorySegment
    for (const replaced of segments.slice(index, index + baseOffsets.length)) replaced.release()
    this.#data.segments = segments.toSpliced(index, baseOffsets.length, merged)
    this.#forgetPieces((offset) => offset > first && offset < next.baseOffset)
  }

  /** The first of the segments that are to be replaced: consecutive ones, without the active one. */
  #replaced(baseOffsets: readonly bigint[]): bigint {
    const { segments } = this.#data
    const first = segments.findIndex(({ baseOffset }) => baseOffset === baseOffsets[0])
    const replaced = segments.slice(first, first + baseOffsets.length)
    const matches = replaced.every(({ baseOffset }, index) => baseOffset === baseOffsets[index])
    const firstReplaced = replaced[0]
    if (
      first < 0 ||
      firstReplaced === undefined ||
      !matches ||
      first + baseOffsets.length >= segments.length
    ) {
      throw new StoreError('failed', `segments ${baseOffsets.join(', ')} do not stand there side by side`)
    }
    return firstReplaced.baseOffset
  }

  truncate(endOffset: bigint): void {
    this.#checkOwner()
    if (endOffset >= this.endOffset) return
    const kept = this.#data.segments.filter(({ baseOffset }) => baseOffset <= endOffset)
    for (const cut of this.#data.segments.slice(kept.length)) cut.release()
    if (kept.length === 0) kept.push(new MemorySegment(endOffset, this.#use))
    this.#data.segments = kept
    this.#active().truncate(endOffset)
    this.#data.endOffset = endOffset
    const { baseOffset } = this.#active()
    this.#forgetPieces((offset, name) => offset > (name === 'producers' ? endOffset : baseOffset))
  }

  sidecar(name: SidecarName): Sidecar {
    return this.#sidecarIn(() => {
      this.#data.sidecars ??= new Map()
      return this.#data.sidecars
    }, name)
  }

  segmentSidecar(name: SegmentSidecarName, offset: bigint): Sidecar {
    return this.#sidecarIn(() => {
      this.#data.segmentSidecars ??= { producers: new Map(), 'aborted-transactions': new Map() }
      return this.#data.segmentSidecars[name]
    }, offset)
  }

  segmentSidecars(name: SegmentSidecarName): readonly bigint[] {
    const offsets = [...(this.#data.segmentSidecars?.[name].keys() ?? [])]
    return offsets.sort((left, right) => (left < right ? -1 : 1))
  }

  flush(): void {
    this.#checkOwner()
  }

  close(): void {
    this.#closed = true
    if (this.#data.owner === this) this.#data.owner = null
  }

  #sidecarIn<Key>(pieces: () => Map<Key, Buffer>, key: Key): Sidecar {
    return {
      read: () => pieces().get(key) ?? null,
      replace: (bytes) => {
        this.#checkOwner()
        this.#use.changed(sizeOf(bytes) - sizeOf(pieces().get(key)))
        pieces().set(key, Buffer.from(bytes))
      },
      remove: () => {
        this.#checkOwner()
        this.#use.changed(-sizeOf(pieces().get(key)))
        pieces().delete(key)
      },
    }
  }

  #forgetPieces(isGone: (offset: bigint, name: SegmentSidecarName) => boolean): void {
    if (this.#data.segmentSidecars === null) return
    for (const name of ['producers', 'aborted-transactions'] as const) {
      const pieces = this.#data.segmentSidecars[name]
      for (const [offset, piece] of pieces) {
        if (!isGone(offset, name)) continue
        this.#use.changed(-sizeOf(piece))
        pieces.delete(offset)
      }
    }
  }

  #active(): MemorySegment {
    return this.#data.segments.at(-1) as MemorySegment
  }

  /** Where the last segment stands that begins at or below `offset`; 0 when all begin above it. */
  #segmentOf(offset: bigint): number {
    return Math.max(0, lastSegmentFrom(this.#data.segments, offset))
  }

  #checkOwner(): void {
    if (this.#closed) throw this.#closedError()
    if (this.#data.owner === this) return
    throw new StoreError('fenced', `log ${name(this.#data.id)} has been opened by another owner, or removed`)
  }

  #closedError(): StoreError {
    return new StoreError('closed', `log ${name(this.#data.id)} is closed`)
  }
}

function keyOf({ topicId, partition }: LogId): string {
  return `${topicId}-${partition}`
}

function name({ topic, partition }: LogId): string {
  return `${topic}-${partition}`
}

/** What a piece beside a log takes, if it is there. */
function sizeOf(piece: Buffer | undefined): number {
  return piece === undefined ? 0 : OBJECT_BYTES + piece.length
}
