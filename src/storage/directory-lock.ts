/**
 * Takes a directory for one process, by a file `.lock` as Kafka has it. Kafka locks that file with the operating
 * system, which node cannot do: here the file's content says who has the directory, and whether that process still
 * runs is looked up (on Linux by its start time too, so that another process with the same id is not taken for it). A
 * broker on a JVM is recognized where /proc/locks shows its lock (Linux); one that starts later does not see this one.
 */
import { link, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { type DiskLock, errorCode, type LockHolder } from './disk.ts'

const LOCK_FILE = '.lock'
const CONTENT = /^ottla process (\d+) started (\S+) boot (\S+)\n$/
const UNKNOWN = '-'
const MAX_ATTEMPTS = 5

/** The directories that this process has taken. */
const taken = new Set<string>()
let attempts = 0

export async function lockDirectory(directory: string): Promise<DiskLock | LockHolder> {
  const path = await realpath(directory)
  if (taken.has(path)) return { isLocked: false, holder: 'another store of this process' }
  taken.add(path)
  try {
    const lock = await takeFile(`${path}/${LOCK_FILE}`)
    if (!lock.isLocked) {
      taken.delete(path)
      return lock
    }
    const unlock = async (): Promise<void> => {
      try {
        await lock.unlock()
      } finally {
        taken.delete(path)
      }
    }
    return { ...lock, unlock }
  } catch (error) {
    taken.delete(path)
    throw error
  }
}

async function takeFile(path: string): Promise<DiskLock | LockHolder> {
  const own = await contentFor(process.pid)
  const temporary = `${path}.${process.pid}.${attempts++}`
  await writeFile(temporary, own)
  try {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      if (await createFrom(temporary, path, own)) return { isLocked: true, unlock: () => giveBack(path, own) }
      const found = await readIfThere(path)
      if (found === null) continue
      const holder = await holderOf(path, found)
      if (holder !== null) return { isLocked: false, holder }
      if (!(await removeLeft(path, found, `${temporary}.left`)))
        return { isLocked: false, holder: 'another process' }
    }
    return { isLocked: false, holder: 'another process' }
  } finally {
    await rm(temporary, { force: true })
  }
}

/** Gives the file its name unless something has it: nobody ever sees a lock without its content. */
async function createFrom(temporary: string, path: string, content: string): Promise<boolean> {
  try {
    await link(temporary, path)
    return true
  } catch (error) {
    const code = errorCode(error)
    if (code === 'EEXIST') return false
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error
  }
  // A file system without links.
  try {
    await writeFile(path, content, { flag: 'wx' })
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  }
}

/** Removes a lock that nobody holds, unless it is another one by now. */
async function removeLeft(path: string, content: string, aside: string): Promise<boolean> {
  try {
    await rename(path, aside)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return true
    throw error
  }
  const moved = await readIfThere(aside)
  if (moved !== content) await link(aside, path).catch(() => {})
  await rm(aside, { force: true })
  return moved === content
}

/** Who has the lock, or null when nobody has any more. */
async function holderOf(path: string, content: string): Promise<string | null> {
  const owner = await systemLockOwner(path)
  if (owner !== null) return `process ${owner}, by a lock of the operating system: an Apache Kafka broker`
  const match = CONTENT.exec(content)
  if (match === null) return null
  const pid = Number(match[1])
  if (content === (await contentFor(process.pid))) return 'another store of this process'
  if (!isRunning(pid)) return null
  const found = await contentFor(pid)
  const [, , started, boot] = CONTENT.exec(found) ?? []
  const isKnown = started !== UNKNOWN && match[2] !== UNKNOWN
  if (isKnown && (started !== match[2] || boot !== match[3])) return null
  return `process ${pid}`
}

/** Names a process so that no other has the same name, as far as the system tells. */
async function contentFor(pid: number): Promise<string> {
  const [status, boot] = await Promise.all([
    readIfThere(`/proc/${pid}/stat`),
    readIfThere('/proc/sys/kernel/random/boot_id'),
  ])
  // The command's name, in parentheses, may hold anything; the start time is the 20th field behind it.
  const started = status === null ? undefined : status.slice(status.lastIndexOf(')') + 2).split(' ')[19]
  return `ottla process ${pid} started ${started ?? UNKNOWN} boot ${boot?.trim() ?? UNKNOWN}\n`
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errorCode(error) !== 'ESRCH'
  }
}

/** The process that has locked the file with the operating system, as far as Linux tells; 0 where it hides which. */
async function systemLockOwner(path: string): Promise<number | null> {
  const locks = await readIfThere('/proc/locks')
  if (locks === null) return null
  const { dev, ino } = await stat(path)
  const major = ((dev >>> 8) & 0xfff).toString(16).padStart(2, '0')
  const minor = ((dev & 0xff) | ((dev >>> 12) & 0xfff00)).toString(16).padStart(2, '0')
  const file = `${major}:${minor}:${ino}`
  for (const line of locks.split('\n')) {
    const [, kind, , access, pid, where] = line.trim().split(/\s+/)
    if (where === file && access === 'WRITE' && (kind === 'POSIX' || kind === 'OFDLCK' || kind === 'FLOCK')) {
      return Number(pid)
    }
  }
  return null
}

async function giveBack(path: string, own: string): Promise<void> {
  if ((await readIfThere(path)) === own) await rm(path, { force: true })
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ESRCH') return null
    throw error
  }
}
