/** A store for tests: it answers late, in the order that a test wants, and fails when told to. */
import type {
  Frame,
  Frames,
  LogId,
  LogStore,
  Segment,
  SegmentSidecarName,
  Sidecar,
  SidecarName,
  StoredLog,
  Volume,
} from './log-store.ts'

interface Held {
  readonly name: string
  readonly go: () => void
}

/**
 * Stands before another store and answers every call with a promise. While `held` is false calls go through with a
 * turn of the microtask queue; while it is true those that change something wait for `release`.
 */
export class SlowStore implements LogStore {
  held = false
  /** What the next call that changes something fails with, without reaching the store behind. */
  failNext: Error | null = null
  /** What is read in place of what is there. */
  onRead: (view: Buffer) => Buffer = (view) => view
  /** The names of the calls that have changed something, in order. */
  readonly calls: string[] = []
  readonly #inner: LogStore
  readonly #waiting: Held[] = []

  constructor(inner: LogStore) {
    this.#inner = inner
  }

  /** The names of the calls that wait. */
  get waiting(): readonly string[] {
    return this.#waiting.map(({ name }) => name)
  }

  /** Lets the call through that has waited longest, and what follows from it happen. */
  async release(): Promise<void> {
    this.#waiting.shift()?.go()
    for (let turn = 0; turn < 10; turn++) await null
  }

  async open(id: LogId, epoch: number): Promise<StoredLog> {
    await null
    return new SlowLog(this, await this.#inner.open(id, epoch))
  }

  async list(): Promise<readonly LogId[]> {
    await null
    return this.#inner.list()
  }

  async volume(): Promise<Volume> {
    await null
    return this.#inner.volume()
  }

  remove(id: LogId): Promise<void> {
    return this.change('remove', () => this.#inner.remove(id))
  }

  async setAside(id: LogId): Promise<string> {
    await null
    return this.#inner.setAside(id)
  }

  file(id: LogId, name: string): Sidecar {
    return late(this, name, this.#inner.file(id, name))
  }

  async files(id: LogId): Promise<readonly string[]> {
    await null
    return this.#inner.files(id)
  }

  async close(): Promise<void> {
    await this.#inner.close()
  }

  /** For the logs of this store. */
  async change(name: string, call: () => void | Promise<void>): Promise<void> {
    await (this.held ? new Promise<void>((go) => this.#waiting.push({ name, go })) : null)
    const failure = this.failNext
    this.failNext = null
    if (failure !== null) throw failure
    this.calls.push(name)
    await call()
  }
}

class SlowLog implements StoredLog {
  readonly #store: SlowStore
  readonly #inner: StoredLog

  constructor(store: SlowStore, inner: StoredLog) {
    this.#store = store
    this.#inner = inner
  }

  get startOffset(): bigint {
    return this.#inner.startOffset
  }

  get endOffset(): bigint {
    return this.#inner.endOffset
  }

  get segments(): readonly Segment[] {
    return this.#inner.segments
  }

  append(frames: readonly Frame[]): Promise<void> {
    return this.#store.change(`append ${frames.length}`, () => this.#inner.append(frames))
  }

  roll(baseOffset: bigint): Promise<void> {
    return this.#store.change(`roll ${baseOffset}`, () => this.#inner.roll(baseOffset))
  }

  async read(from: bigint, maxBytes: number, upTo: bigint): Promise<readonly Buffer[]> {
    await null
    const views = await this.#inner.read(from, maxBytes, upTo)
    return views.map((view) => this.#store.onRead(view))
  }

  async seekTimestamp(baseOffset: bigint, timestamp: bigint): Promise<bigint> {
    await null
    return this.#inner.seekTimestamp(baseOffset, timestamp)
  }

  drop(baseOffsets: readonly bigint[]): Promise<void> {
    return this.#store.change('drop', () => this.#inner.drop(baseOffsets))
  }

  replace(baseOffsets: readonly bigint[], frames: Frames): Promise<void> {
    return this.#store.change('replace', () => this.#inner.replace(baseOffsets, frames))
  }

  truncate(endOffset: bigint): Promise<void> {
    return this.#store.change('truncate', () => this.#inner.truncate(endOffset))
  }

  sidecar(name: SidecarName): Sidecar {
    return late(this.#store, name, this.#inner.sidecar(name))
  }

  segmentSidecar(name: SegmentSidecarName, offset: bigint): Sidecar {
    return late(this.#store, `${name} ${offset}`, this.#inner.segmentSidecar(name, offset))
  }

  async segmentSidecars(name: SegmentSidecarName): Promise<readonly bigint[]> {
    await null
    return this.#inner.segmentSidecars(name)
  }

  flush(): Promise<void> {
    return this.#store.change('flush', () => this.#inner.flush())
  }

  async close(): Promise<void> {
    await this.#inner.close()
  }
}

function late(store: SlowStore, name: string, inner: Sidecar): Sidecar {
  return {
    read: async () => {
      await null
      return inner.read()
    },
    replace: (bytes) => store.change(name, () => inner.replace(bytes)),
    remove: () => store.change(`remove ${name}`, () => inner.remove()),
  }
}
