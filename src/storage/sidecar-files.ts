/**
 * Small files beside a log, each of which is replaced at once or not at all, and yet without a wait for the device: the
 * new content goes into a file whose name says its checksum. It takes its place when it has been synced (`settle`);
 * until then whoever finds both, after a crash, takes the newest that is whole.
 */
import { crc32c } from '../wire/crc32c.ts'
import type { Disk } from './disk.ts'
import { parseFileName, SEGMENT_KINDS } from './file-names.ts'
import { StoreError } from './log-store.ts'
import type { SyncQueue } from './sync-queue.ts'

const TEMPORARY = /^(.+)\.(\d+)\.([0-9a-f]{8})\.tmp$/
/** What is kept in memory, so that it can be read without the disk. */
const MAX_KEPT_BYTES = 1024

interface Unsettled {
  readonly bytes: Buffer
  readonly temporary: string
  /** A sync of it has failed: what that was to cover has to be written again. */
  hasFailed: boolean
}

export interface KeptFile {
  readonly name: string
  /** Null for one that has to be read from the disk. */
  readonly bytes: Buffer | null
}

export class SidecarFiles {
  readonly #disk: Disk
  readonly #syncs: SyncQueue
  readonly #directory: string
  /** All names that are there; the content of small ones. Null while nobody has looked. */
  #files: Map<string, Buffer | null> | null
  readonly #unsettled = new Map<string, Unsettled>()
  #sequence = 0
  #isGone = false
  /** Whether names were removed that a loss of power could bring back. */
  #removed = false
  /** Settles when no removal is under way. */
  #removing: Promise<void> = Promise.resolve()
  #looking: Promise<void> | null = null
  #settling: Promise<void> = Promise.resolve()
  /** Waits until names made, changed or removed in the directory stay so: other files' names too. */
  syncNames: (isUrgent: boolean) => Promise<void>

  /** @param files what is known to be there; null when nobody has looked. */
  constructor(disk: Disk, syncs: SyncQueue, directory: string, files: readonly KeptFile[] | null) {
    this.#disk = disk
    this.#syncs = syncs
    this.#directory = directory
    this.#files = files === null ? null : new Map(files.map(({ name, bytes }) => [name, bytes]))
    this.syncNames = (isUrgent) => syncs.run(() => disk.syncDirectory(directory), isUrgent)
  }

  /** Whether everything would survive a loss of power. */
  get isSettled(): boolean {
    return this.#unsettled.size === 0 && !this.#removed
  }

  /** The names that are there, in no order. */
  names(): readonly string[] | Promise<readonly string[]> {
    if (this.#files === null) return this.look().then(() => this.names())
    return [...this.#files.keys()]
  }

  /** What is kept in memory of every file that is there. */
  kept(): readonly KeptFile[] {
    return Array.from(this.#files ?? [], ([name, bytes]) => ({ name, bytes }))
  }

  read(name: string): Buffer | null | Promise<Buffer | null> {
    if (this.#files === null) return this.look().then(() => this.read(name))
    const kept = this.#unsettled.get(name)?.bytes ?? this.#files.get(name)
    if (kept === undefined) return null
    return kept ?? this.#readFile(name)
  }

  /** Survives the end of the process when it returns, and a loss of power after `settle`. */
  replace(name: string, content: Buffer): void | Promise<void> {
    if (this.#files === null) return this.look().then(() => this.replace(name, content))
    const bytes = Buffer.from(content)
    if (this.#isGone) throw new StoreError('fenced', `${this.#directory} has been put away`)
    const previous = this.#unsettled.get(name)
    const checksum = crc32c(bytes).toString(16).padStart(8, '0')
    const temporary = `${name}.${++this.#sequence}.${checksum}.tmp`
    const file = this.#disk.open(this.#path(temporary), 'create')
    try {
      file.write([bytes], 0)
    } finally {
      file.close()
    }
    this.#unsettled.set(name, { bytes, temporary, hasFailed: false })
    this.#files.set(name, bytes.length <= MAX_KEPT_BYTES ? bytes : null)
    if (previous !== undefined) return this.#forget(previous.temporary)
  }

  remove(name: string): void | Promise<void> {
    if (this.#files === null) return this.look().then(() => this.remove(name))
    if (this.#isGone || !this.#files.delete(name)) return
    const unsettled = this.#unsettled.get(name)
    this.#unsettled.delete(name)
    const gone = unsettled === undefined ? [name] : [name, unsettled.temporary]
    return this.#forget(...gone)
  }

  /** Waits until everything written and removed so far would survive a loss of power. */
  settle(isUrgent = true): Promise<void> {
    const settled = this.#settling.then(() => this.#settleAll(isUrgent))
    this.#settling = settled.catch(() => {})
    return settled
  }

  /** Leaves everything as it is from now on: the directory may be another log's. */
  abandon(): void {
    this.#isGone = true
    this.#unsettled.clear()
  }

  /** Looks what is there, and finishes or undoes what was under way when a process ended. */
  async look(): Promise<void> {
    if (this.#files !== null) return
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null
    })
    await this.#looking
  }

  async #look(): Promise<void> {
    const names = await this.#disk.names(this.#directory)
    const files = new Map<string, Buffer | null>()
    const newest = new Map<
      string,
      { readonly sequence: number; readonly temporary: string; readonly bytes: Buffer }
    >()
    const left: string[] = []
    for (const name of names) {
      const match = TEMPORARY.exec(name)
      if (match === null) {
        if (isSidecar(name)) files.set(name, null)
        continue
      }
      const [, target, sequence, checksum] = match as unknown as [string, string, string, string]
      left.push(name)
      const bytes = await this.#disk.read(this.#path(name))
      const isWhole = bytes !== null && crc32c(bytes).toString(16).padStart(8, '0') === checksum
      if (!isWhole || Number(sequence) < (newest.get(target)?.sequence ?? 0)) continue
      newest.set(target, { sequence: Number(sequence), temporary: name, bytes })
    }
    for (const [name, { sequence, temporary, bytes }] of newest) {
      files.set(name, bytes.length <= MAX_KEPT_BYTES ? bytes : null)
      this.#unsettled.set(name, { bytes, temporary, hasFailed: false })
      this.#sequence = Math.max(this.#sequence, sequence)
    }
    const taken = new Set(Array.from(newest.values(), ({ temporary }) => temporary))
    for (const name of left) if (!taken.has(name)) await this.#forget(name)
    this.#files = files
    // A disk that cannot be written can be read all the same: it is settled later.
    if (left.length > 0) await this.settle().catch(() => {})
  }

  async #settleAll(isUrgent: boolean): Promise<void> {
    await this.#removing
    if (this.#isGone) return
    const covered = [...this.#unsettled]
    if (covered.length === 0 && !this.#removed) return
    for (const [, unsettled] of covered) await this.#syncs.run(() => this.#sync(unsettled), isUrgent)
    // An older content that comes back after this would be taken for a newer one.
    if (this.#removed) await this.#syncDirectory(isUrgent)
    let isRenamed = false
    for (const [name, unsettled] of covered) {
      if (this.#unsettled.get(name) !== unsettled) continue
      this.#disk.rename(this.#path(unsettled.temporary), this.#path(name))
      this.#unsettled.delete(name)
      isRenamed = true
    }
    if (isRenamed) await this.#syncDirectory(isUrgent)
  }

  async #syncDirectory(isUrgent: boolean): Promise<void> {
    const removed = this.#removed
    this.#removed = false
    try {
      await this.syncNames(isUrgent)
    } catch (error) {
      this.#removed ||= removed
      throw error
    }
  }

  async #sync(unsettled: Unsettled): Promise<void> {
    try {
      const file = this.#disk.open(this.#path(unsettled.temporary), 'write')
      try {
        if (unsettled.hasFailed) file.write([unsettled.bytes], 0)
        await file.sync()
      } finally {
        file.close()
      }
    } catch (error) {
      unsettled.hasFailed = true
      // One that has been replaced or removed meanwhile is no longer there.
      if (Array.from(this.#unsettled.values()).includes(unsettled)) throw error
    }
  }

  async #readFile(name: string): Promise<Buffer | null> {
    const bytes = await this.#disk.read(this.#path(name))
    if (bytes !== null && bytes.length <= MAX_KEPT_BYTES && this.#files?.get(name) === null) {
      this.#files.set(name, bytes)
    }
    return bytes
  }

  async #forget(...names: readonly string[]): Promise<void> {
    const removing = Promise.all(names.map((name) => this.#disk.remove(this.#path(name))))
    const removed = removing.then(
      () => {
        this.#removed = true
      },
      () => {
        this.#removed = true
      },
    )
    this.#removing = Promise.all([this.#removing, removed]).then(() => {})
    await removing
  }

  #path(name: string): string {
    return `${this.#directory}/${name}`
  }
}

function isSidecar(name: string): boolean {
  const parsed = parseFileName(name)
  return parsed === null || (parsed.state === '' && !SEGMENT_KINDS.includes(parsed.kind))
}
