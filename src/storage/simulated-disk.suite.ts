/**
 * A disk in memory for tests of what goes wrong with real ones: it loses power, is full, read-only, or fails.
 *
 * It has a page cache. What is written is read back at once, but only what the last finished `sync` of a file covered
 * is sure to be there after `crash`; of every later write any part may be there or not, torn at any byte, with zeros
 * where the file grew without its data. Likewise names: until `syncDirectory` has finished, each file made, renamed or
 * removed since may or may not have been, independently of the others (a rename happens as a whole or not at all).
 *
 *     const disk = new SimulatedDisk()
 *     const store = await openFileStore({ disk: disk.attach(), ... })
 *     disk.powerOffAfter = 17               // the 17th change is the last; from then on every call throws EIO
 *     ... use the store until it fails ...
 *     disk.crash(seededRandom(seed))        // the power comes back: attach a new store to it
 *
 * Whoever wants to see every moment of a history sets `beforeChange` and takes a `fork()` there: a disk of its own that
 * can crash while the history goes on.
 */
import type { Random } from '../clock.ts'
import type { Disk, DiskEntry, DiskFile, DiskLock, DiskSpace, LockHolder, OpenMode } from './disk.ts'

/** What is left of a write that no sync has covered: any part of it, or, as the extremes, none or all of all of them. */
export type Survival = Random | 'nothing' | 'everything'

/**
 * What becomes of writes that a sync which failed was to cover. They stay to be written; or, as on Linux, nobody writes
 * them any more though they can be read (`forgotten`), or cannot even be read any more (`evicted`).
 */
export type FailedSync = 'kept' | 'forgotten' | 'evicted'

export type DiskOperation = 'open' | 'read' | 'write' | 'truncate' | 'sync' | 'list' | 'rename' | 'remove'

export class SimulatedDisk implements Disk {
  /** How much more can be written: beyond it a write is cut off and throws ENOSPC. */
  freeBytes: number = Number.POSITIVE_INFINITY
  /** Every change throws EROFS. */
  readOnly = false
  /** How many files may be open at a time: one more throws EMFILE. */
  maxOpenFiles: number = Number.POSITIVE_INFINITY
  /** Asked before every call: the code of the error to throw (EIO, ...), or null. */
  failure: (operation: DiskOperation, path: string) => string | null = () => null
  /** How many changes (writes, truncations, new, renamed and removed names) the disk still makes before power is off. */
  powerOffAfter: number = Number.POSITIVE_INFINITY
  /** While true, `sync` and `syncDirectory` wait for `releaseSyncs`. */
  holdSyncs = false
  /** How long a sync takes; by default no longer than a promise. */
  syncPause: (() => Promise<void>) | null = null
  failedSync: FailedSync = 'kept'
  /** Called before anything changes, or becomes safe: what a loss of power would find then is what `fork` answers. */
  beforeChange: () => void = () => {}
  /** How often files have been opened. */
  opens = 0
  /** How many files are open. */
  openFiles = 0
  /** How many changes have been made. */
  changes = 0
  /** How many syncs have finished, and the most that were under way at a time. */
  syncs = 0
  maxSyncsUnderWay = 0
  #syncsUnderWay = 0
  #heldSyncs: (() => void)[] = []
  /** Rises with each crash: what was opened before is dead. */
  #boot = 0
  readonly #locks = new Set<string>()
  #root = new Directory()

  /** A copy that goes its own way: nobody has anything open there, and there are no faults. */
  fork(): SimulatedDisk {
    const copy = new SimulatedDisk()
    copy.#root = this.#root.copy(new Map())
    return copy
  }

  /** Loses power, and gets it back: files and names are what happened to reach the device. All faults are lifted. */
  crash(survival: Survival): void {
    this.#boot++
    this.#locks.clear()
    this.openFiles = 0
    this.powerOffAfter = Number.POSITIVE_INFINITY
    this.freeBytes = Number.POSITIVE_INFINITY
    this.readOnly = false
    this.failure = () => null
    this.holdSyncs = false
    this.#heldSyncs = []
    this.#syncsUnderWay = 0
    this.#root.crash(new Chance(survival))
  }

  /** The process ends as by SIGKILL: handles and locks are gone, the page cache stays. */
  kill(): void {
    this.#boot++
    this.#locks.clear()
    this.openFiles = 0
    this.powerOffAfter = Number.POSITIVE_INFINITY
    this.#heldSyncs = []
    this.holdSyncs = false
    this.#syncsUnderWay = 0
  }

  /** The disk as one process sees it: after a crash, or when it is killed, every call throws EIO. */
  attach(): Disk {
    const boot = this.#boot
    const check = (): void => {
      if (boot !== this.#boot) throw diskError('EIO', 'the process is gone')
    }
    const later = async <T>(call: () => Promise<T>): Promise<T> => {
      check()
      const answer = await call()
      check()
      return answer
    }
    return {
      open: (path, mode) => {
        check()
        return this.open(path, mode)
      },
      rename: (from, to) => {
        check()
        this.rename(from, to)
      },
      makeDirectory: (path) => {
        check()
        this.makeDirectory(path)
      },
      read: (path) => later(() => this.read(path)),
      list: (path) => later(() => this.list(path)),
      names: (path) => later(() => this.names(path)),
      remove: (path) => later(() => this.remove(path)),
      removeDirectory: (path) => later(() => this.removeDirectory(path)),
      syncDirectory: (path) => later(() => this.syncDirectory(path)),
      space: () => later(() => this.space()),
      lock: (directory) => later(() => this.lock(directory)),
    }
  }

  releaseSyncs(): void {
    for (const release of this.#heldSyncs.splice(0)) release()
  }

  open(path: string, mode: OpenMode): DiskFile {
    this.#check('open', path)
    if (this.openFiles >= this.maxOpenFiles) throw diskError('EMFILE', path)
    const [parent, name] = this.#parentOf(path)
    let node = parent.entries.get(name)
    if (node instanceof Directory) throw diskError('EISDIR', path)
    if (node === undefined) {
      if (mode !== 'create') throw diskError('ENOENT', path)
      this.#change(path)
      node = new FileNode()
      parent.change([[name, node]])
    }
    this.opens++
    this.openFiles++
    return this.#handle(path, node)
  }

  async read(path: string): Promise<Buffer | null> {
    await null
    this.#check('read', path)
    const node = this.#find(path)
    if (node === undefined) return null
    if (node instanceof Directory) throw diskError('EISDIR', path)
    return Buffer.from(node.content)
  }

  async list(path: string): Promise<readonly DiskEntry[]> {
    await null
    this.#check('list', path)
    return Array.from(this.#directory(path).entries, ([name, node]) => ({
      name,
      isDirectory: node instanceof Directory,
      sizeBytes: node instanceof Directory ? 0 : node.content.length,
    }))
  }

  async names(path: string): Promise<readonly string[]> {
    await null
    this.#check('list', path)
    return [...this.#directory(path).entries.keys()]
  }

  rename(from: string, to: string): void {
    this.#check('rename', from)
    const [parent, fromName] = this.#parentOf(from)
    const [toParent, toName] = this.#parentOf(to)
    const node = parent.entries.get(fromName)
    if (node === undefined) throw diskError('ENOENT', from)
    if (parent !== toParent) throw new Error('files are renamed within their directory only')
    if (node instanceof Directory && parent.entries.has(toName)) throw diskError('ENOTEMPTY', to)
    this.#change(from)
    parent.change([
      [fromName, null],
      [toName, node],
    ])
  }

  async remove(path: string): Promise<void> {
    const boot = this.#boot
    await null
    if (boot !== this.#boot) throw diskError('EIO', path)
    this.#check('remove', path)
    const [parent, name] = this.#parentOf(path)
    if (!parent.entries.has(name)) return
    this.#change(path)
    parent.change([[name, null]])
  }

  removeDirectory(path: string): Promise<void> {
    return this.remove(path)
  }

  makeDirectory(path: string): void {
    let at = this.#root
    for (const name of path.split('/').filter((part) => part !== '')) {
      let next = at.entries.get(name)
      if (next instanceof FileNode) throw diskError('ENOTDIR', path)
      if (next === undefined) {
        this.#check('write', path)
        this.#change(path)
        next = new Directory()
        at.change([[name, next]])
      }
      at = next
    }
  }

  async syncDirectory(path: string): Promise<void> {
    this.#check('sync', path)
    const directory = this.#directory(path)
    const covered = directory.changeCount
    await this.#finishSync(path)
    this.beforeChange()
    directory.settle(covered)
  }

  async space(): Promise<DiskSpace> {
    await null
    const usable = Number.isFinite(this.freeBytes) ? BigInt(Math.floor(this.freeBytes)) : 2n ** 40n
    return { totalBytes: 2n ** 41n, usableBytes: usable }
  }

  async lock(directory: string): Promise<DiskLock | LockHolder> {
    await null
    if (this.#locks.has(directory)) return { isLocked: false, holder: 'another store in this process' }
    this.#locks.add(directory)
    const marker = `${directory}/.lock`
    this.open(marker, 'create').close()
    return {
      isLocked: true,
      unlock: async () => {
        this.#locks.delete(directory)
        await this.remove(marker)
      },
    }
  }

  /** The content of a file, past all faults; null when there is none. */
  peek(path: string): Buffer | null {
    const node = this.#find(path)
    return node instanceof FileNode ? Buffer.from(node.content) : null
  }

  /** The names in a directory, past all faults, in order. */
  peekNames(path: string): string[] {
    const node = this.#find(path)
    return node instanceof Directory ? [...node.entries.keys()].sort() : []
  }

  /** Puts a file there, past all faults, as if it had always been there. */
  plant(path: string, bytes: Buffer): void {
    const [parent, name] = this.#parentOf(path)
    const node = new FileNode()
    node.plant(bytes)
    parent.change([[name, node]])
    parent.settle(parent.changeCount)
  }

  #handle(path: string, node: FileNode): DiskFile {
    const boot = this.#boot
    let isOpen = true
    const check = (operation: DiskOperation): void => {
      if (!isOpen || boot !== this.#boot) throw diskError('EBADF', path)
      this.#check(operation, path)
    }
    return {
      write: (buffers, position) => {
        check('write')
        this.#change(path)
        const bytes = Buffer.concat([...buffers])
        const growth = Math.max(0, position + bytes.length - node.content.length)
        const taken = Math.max(0, bytes.length - Math.max(0, growth - this.freeBytes))
        node.write(bytes.subarray(0, taken), position)
        this.freeBytes -= Math.min(growth, this.freeBytes)
        if (taken < bytes.length) throw diskError('ENOSPC', path)
      },
      read: async (buffer, position) => {
        await null
        check('read')
        return node.content.copy(buffer, 0, position, position + buffer.length)
      },
      truncate: (lengthBytes) => {
        check('truncate')
        this.#change(path)
        node.truncate(lengthBytes)
      },
      sizeBytes: () => {
        check('read')
        return node.content.length
      },
      sync: async () => {
        const covered = node.changeCount
        try {
          check('sync')
          await this.#finishSync(path)
        } catch (error) {
          if (boot === this.#boot && this.failedSync !== 'kept') node.lose(covered, this.failedSync)
          throw error
        }
        if (boot !== this.#boot) throw diskError('EBADF', path)
        this.beforeChange()
        node.settle(covered)
      },
      close: () => {
        if (isOpen && boot === this.#boot) this.openFiles--
        isOpen = false
      },
    }
  }

  async #finishSync(path: string): Promise<void> {
    const boot = this.#boot
    this.#syncsUnderWay++
    this.maxSyncsUnderWay = Math.max(this.maxSyncsUnderWay, this.#syncsUnderWay)
    try {
      await (this.holdSyncs
        ? new Promise<void>((release) => this.#heldSyncs.push(release))
        : this.syncPause?.())
      this.#check('sync', path)
    } finally {
      if (boot === this.#boot) this.#syncsUnderWay--
    }
    this.syncs++
  }

  #check(operation: DiskOperation, path: string): void {
    if (this.powerOffAfter <= 0) throw diskError('EIO', `${path}: the power is off`)
    const code = this.failure(operation, path)
    if (code !== null) throw diskError(code, path)
  }

  #change(path: string): void {
    if (this.readOnly) throw diskError('EROFS', path)
    this.beforeChange()
    this.changes++
    this.powerOffAfter--
  }

  #find(path: string): FileNode | Directory | undefined {
    let at: FileNode | Directory | undefined = this.#root
    for (const name of path.split('/').filter((part) => part !== '')) {
      if (!(at instanceof Directory)) return undefined
      at = at.entries.get(name)
    }
    return at
  }

  #directory(path: string): Directory {
    const node = this.#find(path)
    if (node === undefined) throw diskError('ENOENT', path)
    if (node instanceof FileNode) throw diskError('ENOTDIR', path)
    return node
  }

  #parentOf(path: string): [Directory, string] {
    const cut = path.lastIndexOf('/')
    return [this.#directory(path.slice(0, cut)), path.slice(cut + 1)]
  }
}

interface FileChange {
  readonly position: number
  /** Null for a truncation to `position`. */
  readonly bytes: Buffer | null
}

/** What one file holds: what is safe, and what has been done to it since. */
class FileNode {
  content: Buffer = Buffer.alloc(0)
  #safe: Buffer = Buffer.alloc(0)
  #unsafe: FileChange[] = []
  #settled = 0
  #buffer: Buffer = Buffer.alloc(0)

  get changeCount(): number {
    return this.#settled + this.#unsafe.length
  }

  copy(): FileNode {
    const copy = new FileNode()
    copy.content = Buffer.from(this.content)
    copy.#buffer = copy.content
    copy.#safe = this.#safe
    copy.#unsafe = [...this.#unsafe]
    copy.#settled = this.#settled
    return copy
  }

  plant(bytes: Buffer): void {
    this.content = Buffer.from(bytes)
    this.#buffer = this.content
    this.#safe = Buffer.from(bytes)
  }

  write(bytes: Buffer, position: number): void {
    this.#unsafe.push({ position, bytes: Buffer.from(bytes) })
    const end = Math.max(this.content.length, position + bytes.length)
    if (end > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(end, 2 * this.#buffer.length))
      this.content.copy(larger)
      this.#buffer = larger
    }
    bytes.copy(this.#buffer, position)
    this.content = this.#buffer.subarray(0, end)
  }

  truncate(lengthBytes: number): void {
    this.#unsafe.push({ position: lengthBytes, bytes: null })
    this.content = resized(this.content, lengthBytes)
    this.#buffer = this.content
  }

  settle(changeCount: number): void {
    const covered = this.#unsafe.splice(0, Math.max(0, changeCount - this.#settled))
    this.#settled += covered.length
    for (const change of covered) this.#safe = applied(this.#safe, change)
  }

  /** What a failed sync was to cover is not going to be safe. A file's length is kept elsewhere, and stays. */
  lose(changeCount: number, how: FailedSync): void {
    const lost = this.#unsafe.splice(0, Math.max(0, changeCount - this.#settled))
    this.#settled += lost.length
    for (const { position, bytes } of lost) {
      const lengthBytes = bytes === null ? position : Math.max(this.#safe.length, position + bytes.length)
      this.#safe = resized(this.#safe, lengthBytes)
    }
    if (how === 'forgotten') return
    this.content = this.#unsafe.reduce(applied, Buffer.from(this.#safe))
    this.#buffer = this.content
  }

  crash(chance: Chance): void {
    let content = this.#safe
    for (const change of this.#unsafe) {
      const kind = chance.kind()
      if (kind === 0) continue
      if (change.bytes === null || kind === 1) content = applied(content, change)
      else content = torn(content, change.position, change.bytes, chance)
    }
    this.#settled += this.#unsafe.length
    this.#unsafe = []
    this.#safe = content
    this.content = Buffer.from(content)
    this.#buffer = this.content
  }
}

type NameChange = readonly (readonly [name: string, node: FileNode | Directory | null])[]

class Directory {
  entries = new Map<string, FileNode | Directory>()
  #safe = new Map<string, FileNode | Directory>()
  #unsafe: NameChange[] = []
  #settled = 0

  get changeCount(): number {
    return this.#settled + this.#unsafe.length
  }

  change(change: NameChange): void {
    this.#unsafe.push(change)
    applyNames(this.entries, change)
  }

  settle(changeCount: number): void {
    const covered = this.#unsafe.splice(0, Math.max(0, changeCount - this.#settled))
    this.#settled += covered.length
    for (const change of covered) applyNames(this.#safe, change)
  }

  /** @param copies of nodes that have one: a node may stand in several places. */
  copy(copies: Map<FileNode | Directory, FileNode | Directory>): Directory {
    const copy = new Directory()
    const copyOf = (node: FileNode | Directory): FileNode | Directory => {
      const known = copies.get(node)
      if (known !== undefined) return known
      const made = node instanceof Directory ? node.copy(copies) : node.copy()
      copies.set(node, made)
      return made
    }
    for (const [name, node] of this.entries) copy.entries.set(name, copyOf(node))
    for (const [name, node] of this.#safe) copy.#safe.set(name, copyOf(node))
    copy.#unsafe = this.#unsafe.map((change) =>
      change.map(([name, node]) => [name, node === null ? null : copyOf(node)] as const),
    )
    copy.#settled = this.#settled
    return copy
  }

  crash(chance: Chance): void {
    for (const change of this.#unsafe) if (chance.isKept()) applyNames(this.#safe, change)
    this.#settled += this.#unsafe.length
    this.#unsafe = []
    this.entries = new Map(this.#safe)
    for (const node of this.entries.values()) node.crash(chance)
  }
}

function applyNames(entries: Map<string, FileNode | Directory>, change: NameChange): void {
  for (const [name, node] of change) {
    if (node === null) entries.delete(name)
    else entries.set(name, node)
  }
}

function applied(content: Buffer, { position, bytes }: FileChange): Buffer {
  if (bytes === null) return resized(content, position)
  const result = resized(content, Math.max(content.length, position + bytes.length))
  bytes.copy(result, position)
  return result
}

/** A part of a write: its beginning, its end, or some of its sectors; the file has grown for all of it or not. */
function torn(content: Buffer, position: number, bytes: Buffer, chance: Chance): Buffer {
  const cut = chance.below(bytes.length + 1)
  const kind = chance.below(3)
  if (kind === 0) return applied(content, { position, bytes: bytes.subarray(0, cut) })
  if (kind === 1) return applied(content, { position: position + cut, bytes: bytes.subarray(cut) })
  let result = resized(
    content,
    Math.max(content.length, position + (chance.below(2) === 0 ? cut : bytes.length)),
  )
  for (let at = 0; at < bytes.length; at += SECTOR_BYTES) {
    if (chance.below(2) === 0) continue
    result = applied(result, { position: position + at, bytes: bytes.subarray(at, at + SECTOR_BYTES) })
  }
  return result
}

const SECTOR_BYTES = 512

function resized(content: Buffer, lengthBytes: number): Buffer {
  const result = Buffer.alloc(lengthBytes)
  content.copy(result)
  return result
}

class Chance {
  readonly #survival: Survival

  constructor(survival: Survival) {
    this.#survival = survival
  }

  /** Of a write: 0 when nothing of it is there, 1 when all of it is, otherwise it is torn. */
  kind(): number {
    if (this.#survival === 'nothing') return 0
    return this.#survival === 'everything' ? 1 : this.below(4)
  }

  /** Of a name. */
  isKept(): boolean {
    if (this.#survival === 'nothing') return false
    return this.#survival === 'everything' || this.below(2) === 0
  }

  below(limit: number): number {
    return typeof this.#survival === 'string' ? 0 : this.#survival.bytes(4).readUInt32BE() % limit
  }
}

function diskError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code })
}
