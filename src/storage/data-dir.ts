/** Whom a data directory belongs to: Kafka's meta.properties, and the checks before it is used. */
import { dirname } from 'node:path'
import type { Random } from '../clock.ts'
import { type Disk, type DiskEntry, type DiskLock, errorCode, replaceFile } from './disk.ts'

const META_PROPERTIES = 'meta.properties'
const VERSION = '1'
/** What may lie in a directory that is to become a data directory. */
const HARMLESS = new Set([
  'lost+found',
  '.lock',
  `${META_PROPERTIES}.tmp`,
  '.DS_Store',
  '.gitkeep',
  '.gitignore',
])
const UUID = /^[A-Za-z0-9_-]{22}$/
const MAX_NAMED = 3

/** Why a data directory cannot be used; the message says which one, and what is wrong with it. */
export class DataDirError extends Error {
  override readonly name: string = 'DataDirError'
}

/** Whom a data directory belongs to: its meta.properties. */
export interface DataDirIdentity {
  /** Kafka's text form: 22 characters of base64url. */
  readonly clusterId: string
  readonly nodeId: number
  readonly directoryId: string
}

export interface WantedIdentity {
  readonly clusterId: string | undefined
  readonly nodeId: number
}

/** Makes the directory where there is none, and takes it for this process. */
export async function takeDirectory(disk: Disk, path: string): Promise<DiskLock> {
  try {
    await makeSafely(disk, path)
    await disk.list(path)
  } catch (error) {
    const code = errorCode(error)
    if (code === 'EEXIST' || code === 'ENOTDIR') throw new DataDirError(`${path} is not a directory`)
    throw unusable(path, error)
  }
  let lock: Awaited<ReturnType<Disk['lock']>>
  try {
    lock = await disk.lock(path)
  } catch (error) {
    throw unusable(path, error)
  }
  if (!lock.isLocked) throw new DataDirError(`${path} is in use: ${lock.holder} holds ${path}/.lock`)
  return lock
}

/** Makes the directory and those above it, so that they would survive a loss of power. */
async function makeSafely(disk: Disk, path: string): Promise<void> {
  const missing: string[] = []
  for (let at = path; at !== '/' && at !== '' && !(await isThere(disk, at)); at = dirname(at))
    missing.push(at)
  if (missing.length === 0) return
  disk.makeDirectory(path)
  for (const made of missing) await disk.syncDirectory(dirname(made))
}

async function isThere(disk: Disk, path: string): Promise<boolean> {
  try {
    await disk.names(path)
    return true
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
}

/**
 * Finds out whom the directory belongs to; a new one becomes the wanted node's.
 * @throws DataDirError
 */
export async function identify(
  disk: Disk,
  path: string,
  entries: readonly DiskEntry[],
  wanted: WantedIdentity,
  random: Random,
): Promise<{ readonly identity: DataDirIdentity; readonly isNew: boolean }> {
  const bytes = await disk.read(`${path}/${META_PROPERTIES}`)
  if (bytes === null) {
    refuseForeign(path, entries)
    const identity = {
      clusterId: wanted.clusterId ?? randomUuid(random),
      nodeId: wanted.nodeId,
      directoryId: randomUuid(random),
    }
    await write(disk, path, identity)
    return { identity, isNew: true }
  }
  const { clusterId, nodeId, directoryId } = parse(`${path}/${META_PROPERTIES}`, bytes.toString())
  if (wanted.clusterId !== undefined && wanted.clusterId !== clusterId) {
    throw new DataDirError(`${path} belongs to cluster ${clusterId}, not to ${wanted.clusterId}`)
  }
  if (wanted.nodeId !== nodeId)
    throw new DataDirError(`${path} belongs to node ${nodeId}, not to ${wanted.nodeId}`)
  const identity = { clusterId, nodeId, directoryId: directoryId ?? randomUuid(random) }
  if (directoryId === undefined) await write(disk, path, identity)
  return { identity, isNew: false }
}

function refuseForeign(path: string, entries: readonly DiskEntry[]): void {
  const foreign = entries
    .map(({ name }) => name)
    .filter((name) => !HARMLESS.has(name) && !name.startsWith('.lock.'))
  if (foreign.length === 0) return
  const named = foreign.toSorted().slice(0, MAX_NAMED).join(', ')
  const more = foreign.length > MAX_NAMED ? ` and ${foreign.length - MAX_NAMED} more` : ''
  throw new DataDirError(
    `${path} holds something else than a broker's data: there is no ${META_PROPERTIES}, but ${named}${more}`,
  )
}

function parse(
  file: string,
  text: string,
): { clusterId: string; nodeId: number; directoryId: string | undefined } {
  const properties = parseProperties(text)
  const required = (key: string): string => {
    const value = properties.get(key)
    if (value === undefined || value === '') throw new DataDirError(`${file} is unusable: it has no ${key}`)
    return value
  }
  const version = required('version')
  if (version !== VERSION)
    throw new DataDirError(`${file} is unusable: its version is ${version}, not ${VERSION}`)
  const clusterId = required('cluster.id')
  const nodeId = required('node.id')
  if (!/^\d{1,10}$/.test(nodeId) || Number(nodeId) >= 2 ** 31) {
    throw new DataDirError(
      `${file} is unusable: its node.id ${JSON.stringify(nodeId)} is no number of a node`,
    )
  }
  const directoryId = properties.get('directory.id')
  if (directoryId !== undefined && !UUID.test(directoryId)) {
    throw new DataDirError(`${file} is unusable: its directory.id ${JSON.stringify(directoryId)} is no UUID`)
  }
  return { clusterId, nodeId: Number(nodeId), directoryId }
}

/** Java's format, as far as such files use it. */
function parseProperties(text: string): ReadonlyMap<string, string> {
  const properties = new Map<string, string>()
  for (const line of text.split(/\r\n|\r|\n/)) {
    const match = /^\s*([^#!\s:=][^\s:=]*)\s*[=:\s]\s*(.*)$/.exec(line)
    if (match !== null)
      properties.set(match[1] as string, (match[2] as string).replaceAll(/\\(.)/g, '$1').trimEnd())
  }
  return properties
}

function write(disk: Disk, path: string, { clusterId, nodeId, directoryId }: DataDirIdentity): Promise<void> {
  const text = `cluster.id=${clusterId}\ndirectory.id=${directoryId}\nnode.id=${nodeId}\nversion=${VERSION}\n`
  return replaceFile(disk, path, META_PROPERTIES, Buffer.from(text)).catch((error: unknown) => {
    throw unusable(path, error)
  })
}

/** What a disk answers that does not let the directory be used. */
export function unusable(path: string, error: unknown): DataDirError {
  const text = error instanceof Error ? error.message : String(error)
  const code = errorCode(error)
  const isDenied = code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
  return new DataDirError(`${path} ${isDenied ? 'is not writable' : 'cannot be used'}: ${text}`, {
    cause: error,
  })
}

/** A random UUID in Kafka's text form, which never begins with a dash: a command line would take that for a flag. */
function randomUuid(random: Random): string {
  for (;;) {
    const bytes = Buffer.from(random.bytes(16))
    bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40
    bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
    const text = bytes.toString('base64url')
    if (!text.startsWith('-')) return text
  }
}
