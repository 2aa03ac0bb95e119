/** The machine's file system. */
import * as fs from 'node:fs'
import { lockDirectory } from './directory-lock.ts'
import type { Disk, DiskEntry, DiskFile, DiskLock, DiskSpace, LockHolder, OpenMode } from './disk.ts'
import { errorCode } from './disk.ts'

/** How much is handed to the kernel in one call, so that no single call holds up the event loop for long. */
const MAX_WRITE_BYTES = 1024 * 1024
/** What `writev` takes at most on Linux. */
const MAX_WRITE_BUFFERS = 1024

const FLAGS: Readonly<Record<OpenMode, number>> = {
  read: fs.constants.O_RDONLY,
  write: fs.constants.O_RDWR,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT,
}

export const nodeDisk: Disk = {
  open: (path, mode) => new NodeFile(fs.openSync(path, FLAGS[mode], 0o644)),

  async read(path) {
    try {
      return await fs.promises.readFile(path)
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return null
      throw error
    }
  },

  async list(path): Promise<readonly DiskEntry[]> {
    const entries = await fs.promises.readdir(path, { withFileTypes: true })
    return Promise.all(
      entries.map(async (entry) => {
        const isDirectory = entry.isDirectory()
        const sizeBytes = isDirectory ? 0 : (await fs.promises.stat(`${path}/${entry.name}`)).size
        return { name: entry.name, isDirectory, sizeBytes }
      }),
    )
  },

  names: (path) => fs.promises.readdir(path),

  rename: (from, to) => fs.renameSync(from, to),

  remove: (path) => fs.promises.rm(path, { force: true }),

  removeDirectory: (path) => fs.promises.rm(path, { force: true, recursive: true }),

  makeDirectory: (path) => {
    fs.mkdirSync(path, { recursive: true })
  },

  async syncDirectory(path) {
    const handle = await fs.promises.open(path, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  },

  async space(path): Promise<DiskSpace> {
    const { bsize, blocks, bavail } = await fs.promises.statfs(path, { bigint: true })
    return { totalBytes: bsize * blocks, usableBytes: bsize * bavail }
  },

  lock: (directory): Promise<DiskLock | LockHolder> => lockDirectory(directory),
}

class NodeFile implements DiskFile {
  readonly #fd: number

  constructor(fd: number) {
    this.#fd = fd
  }

  write(buffers: readonly Buffer[], position: number): void {
    let at = position
    let next = 0
    let skip = 0
    while (next < buffers.length) {
      const piece: Buffer[] = []
      let bytes = 0
      for (let index = next; index < buffers.length && piece.length < MAX_WRITE_BUFFERS; index++) {
        const buffer = buffers[index] as Buffer
        const from = index === next ? skip : 0
        const taken = buffer.subarray(from, from + MAX_WRITE_BYTES - bytes)
        piece.push(taken)
        bytes += taken.length
        if (bytes >= MAX_WRITE_BYTES) break
      }
      const written = fs.writevSync(this.#fd, piece, at)
      if (written === 0 && bytes > 0) throw new Error('the file system wrote nothing')
      at += written
      let left = written + skip
      while (next < buffers.length && left >= (buffers[next] as Buffer).length) {
        left -= (buffers[next] as Buffer).length
        next++
      }
      skip = left
    }
  }

  read(buffer: Buffer, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const step = (done: number): void => {
        fs.read(this.#fd, buffer, done, buffer.length - done, position + done, (error, count) => {
          if (error !== null) reject(error)
          else if (count === 0 || done + count === buffer.length) resolve(done + count)
          else step(done + count)
        })
      }
      if (buffer.length === 0) resolve(0)
      else step(0)
    })
  }

  truncate(lengthBytes: number): void {
    fs.ftruncateSync(this.#fd, lengthBytes)
  }

  sizeBytes(): number {
    return fs.fstatSync(this.#fd).size
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.#fd, (error) => (error === null ? resolve() : reject(error)))
    })
  }

  close(): void {
    fs.closeSync(this.#fd)
  }
}
