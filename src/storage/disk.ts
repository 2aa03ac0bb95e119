/**
 * The seam on a file system: all that the file store asks of one. In production it is node's (node-disk.ts), in tests a
 * simulated one that loses power, is full or read-only, or fails (simulated-disk.suite.ts).
 *
 * Whatever is quick because it only reaches the page cache is synchronous: an append answers at once. Whatever may
 * wait for the device (sync, cold reads, scans of directories) is a promise, so that it never blocks the event loop.
 * All paths are absolute. What goes wrong is thrown as node does it: an Error with a `code` such as ENOENT or ENOSPC.
 */

export interface Disk {
  /**
   * @param mode `read`; `write`, which reads too; `create`, which makes the file where there is none.
   * @throws ENOENT, EMFILE, EACCES, EROFS, ENOSPC, ...
   */
  open(path: string, mode: OpenMode): DiskFile
  /** The whole of a small file, or null when there is none. */
  read(path: string): Promise<Buffer | null>
  /** The files and directories in a directory, in no order. */
  list(path: string): Promise<readonly DiskEntry[]>
  /** The same names, without a look at what they are. */
  names(path: string): Promise<readonly string[]>
  /** Puts what is at `from` in the place of what is at `to`, at once or not at all; lasts after `syncDirectory`. */
  rename(from: string, to: string): void
  /** Removes a file; one that is not there is no error. */
  remove(path: string): Promise<void>
  /** Removes a directory and all that is in it; one that is not there is no error. */
  removeDirectory(path: string): Promise<void>
  /** Makes a directory, and those above it; one that is there is no error. */
  makeDirectory(path: string): void
  /** Waits until files that were made, renamed or removed in the directory stay so. */
  syncDirectory(path: string): Promise<void>
  space(path: string): Promise<DiskSpace>
  /**
   * Takes the directory for this process, until the lock is given back or the process ends.
   * @returns the lock, or what is known of who has it.
   */
  lock(directory: string): Promise<DiskLock | LockHolder>
}

export type OpenMode = 'read' | 'write' | 'create'

export interface DiskFile {
  /**
   * Writes all of the buffers, one behind the other, into the page cache. When it throws, any part of them may have
   * been written.
   */
  write(buffers: readonly Buffer[], position: number): void
  /** Fills the buffer from `position` on. Answers the bytes read, fewer only where the file ends. */
  read(buffer: Buffer, position: number): Promise<number>
  truncate(lengthBytes: number): void
  sizeBytes(): number
  /** Waits until everything written so far, and the file's length, would survive a loss of power. */
  sync(): Promise<void>
  close(): void
}

export interface DiskEntry {
  readonly name: string
  readonly isDirectory: boolean
  /** 0 for a directory. */
  readonly sizeBytes: number
}

export interface DiskSpace {
  readonly totalBytes: bigint
  readonly usableBytes: bigint
}

export interface DiskLock {
  readonly isLocked: true
  unlock(): Promise<void>
}

export interface LockHolder {
  readonly isLocked: false
  /** Who has the lock, for a message: `process 4711`, `another store in this process`. */
  readonly holder: string
}

/** Puts `bytes` in place of the file, at once or not at all, and waits until that would survive a loss of power. */
export async function replaceFile(disk: Disk, directory: string, name: string, bytes: Buffer): Promise<void> {
  const temporary = `${directory}/${name}.tmp`
  const file = disk.open(temporary, 'create')
  try {
    file.truncate(0)
    file.write([bytes], 0)
    await file.sync()
  } finally {
    file.close()
  }
  disk.rename(temporary, `${directory}/${name}`)
  await disk.syncDirectory(directory)
}

/** The code that node gives an error of the file system, or undefined. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
