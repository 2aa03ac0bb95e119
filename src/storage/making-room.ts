/** The disk of a process that may have few files open: where that is too few, some that nobody is at work on are closed. */
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { type Disk, errorCode } from './disk.ts'
import type { OpenFiles } from './open-files.ts'

/** How often it is told that there is too little room. */
const TOLD_AGAIN_MS = 60_000

export function makingRoom(
  disk: Disk,
  openFiles: OpenFiles,
  { clock, logger }: { readonly clock: Clock; readonly logger: Pick<Logger, 'warn'> },
): Disk {
  let toldMs = Number.NEGATIVE_INFINITY
  const hasMadeRoom = (error: unknown): boolean => {
    const code = errorCode(error)
    if (code !== 'EMFILE' && code !== 'ENFILE') return false
    if (clock.now() - toldMs >= TOLD_AGAIN_MS) {
      toldMs = clock.now()
      const advice = 'files of logs are closed and opened again, which is slow: raise the limit (ulimit -n)'
      logger.warn(`${code}: this process may not have as many files open as it needs; ${advice}`)
    }
    return openFiles.makeRoom()
  }
  const now = <T>(call: () => T): T => {
    for (;;) {
      try {
        return call()
      } catch (error) {
        if (!hasMadeRoom(error)) throw error
      }
    }
  }
  const later = async <T>(call: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await call()
      } catch (error) {
        if (!hasMadeRoom(error)) throw error
      }
    }
  }
  return {
    open: (path, mode) => now(() => disk.open(path, mode)),
    read: (path) => later(() => disk.read(path)),
    list: (path) => later(() => disk.list(path)),
    names: (path) => later(() => disk.names(path)),
    rename: (from, to) => disk.rename(from, to),
    remove: (path) => disk.remove(path),
    removeDirectory: (path) => later(() => disk.removeDirectory(path)),
    makeDirectory: (path) => disk.makeDirectory(path),
    syncDirectory: (path) => later(() => disk.syncDirectory(path)),
    space: (path) => disk.space(path),
    lock: (directory) => disk.lock(directory),
  }
}
