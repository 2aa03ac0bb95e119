import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { DataDirError } from './data-dir.ts'
import { DATA_DIR, openTestStore } from './file-store.suite.ts'
import type { FileStore } from './file-store.ts'
import type { FileStoreOptions } from './file-store-options.ts'
import { nodeDisk } from './node-disk.ts'
import { SimulatedDisk } from './simulated-disk.suite.ts'

const directories: string[] = []
const stores: FileStore[] = []
const children: ChildProcess[] = []
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const store of stores.splice(0)) await store.close()
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'ottla-'))
  directories.push(directory)
  return directory
}

async function open(dataDir: string, options: Partial<FileStoreOptions> = {}): Promise<FileStore> {
  const { store } = await openTestStore(nodeDisk, { dataDir, ...options })
  stores.push(store)
  return store
}

async function refusal(dataDir: string, options: Partial<FileStoreOptions> = {}): Promise<string> {
  const error = await open(dataDir, options).catch((refused: unknown) => refused)
  if (!(error instanceof DataDirError)) throw new Error(`opened, or failed otherwise: ${error}`)
  return error.message
}

describe('a data directory', () => {
  it('is made, and keeps whom it belongs to', async () => {
    const path = join(newDirectory(), 'a/b')
    const first = await open(path, { clusterId: '4L6g3nShT-eMCtK--X86sw', nodeId: 5 })
    expect(first.isNew).toBe(true)
    expect(first.identity).toMatchObject({ clusterId: '4L6g3nShT-eMCtK--X86sw', nodeId: 5 })
    await first.close()
    expect(existsSync(join(path, '.lock'))).toBe(false)
    const second = await open(path, { nodeId: 5 })
    expect(second.isNew).toBe(false)
    expect(second.identity).toEqual(first.identity)
    expect(readFileSync(join(path, 'meta.properties'), 'utf8')).toContain('\nnode.id=5\nversion=1\n')
  })

  it('is refused to another cluster, and to another node', async () => {
    const path = newDirectory()
    const { clusterId } = (await open(path)).identity
    await stores.pop()?.close()
    expect(await refusal(path, { clusterId: 'other' })).toBe(
      `${path} belongs to cluster ${clusterId}, not to other`,
    )
    expect(await refusal(path, { nodeId: 2 })).toBe(`${path} belongs to node 1, not to 2`)
    await open(path)
  })

  it('is refused when it is no directory, or holds something else', async () => {
    const path = newDirectory()
    writeFileSync(join(path, 'notes.txt'), 'mine')
    mkdirSync(join(path, 'photos'))
    expect(await refusal(path)).toBe(
      `${path} holds something else than a broker's data: there is no meta.properties, but notes.txt, photos`,
    )
    expect(await refusal(join(path, 'notes.txt'))).toBe(`${join(path, 'notes.txt')} is not a directory`)
    expect(await refusal(join(path, 'notes.txt/data'))).toBe(
      `${join(path, 'notes.txt/data')} is not a directory`,
    )
    rmSync(join(path, 'notes.txt'))
    rmSync(join(path, 'photos'), { recursive: true })
    mkdirSync(join(path, 'lost+found'))
    await open(path)
  })

  it('is refused with what is wrong with its meta.properties', async () => {
    const texts: readonly [text: string, reason: string][] = [
      ['', 'it has no version'],
      ['version=1\ncluster.id=x\n', 'it has no node.id'],
      ['version=1\nnode.id=1\n', 'it has no cluster.id'],
      ['version=1\nnode.id=1\ncluster.id=\n', 'it has no cluster.id'],
      ['version=2\nnode.id=1\ncluster.id=x\n', 'its version is 2, not 1'],
      ['version=1\nnode.id=one\ncluster.id=x\n', 'its node.id "one" is no number of a node'],
      ['version=1\nnode.id=1\ncluster.id=x\ndirectory.id=half\n', 'its directory.id "half" is no UUID'],
      ['\0\0\0\0\0\0\0\0', 'it has no version'],
    ]
    for (const [text, reason] of texts) {
      const path = newDirectory()
      writeFileSync(join(path, 'meta.properties'), text)
      expect(await refusal(path)).toBe(`${path}/meta.properties is unusable: ${reason}`)
      expect(readFileSync(join(path, 'meta.properties'), 'utf8')).toBe(text)
    }
  })

  it('gets a directory id where Kafka had not given it one', async () => {
    const path = newDirectory()
    writeFileSync(
      join(path, 'meta.properties'),
      '#\n#Sun Nov 22 2026\ncluster.id = c\\:1\nnode.id: 1\nversion=1\n',
    )
    const { identity } = await open(path)
    expect(identity).toMatchObject({ clusterId: 'c:1', directoryId: expect.stringMatching(/^[\w-]{22}$/) })
  })

  it('is refused where it cannot be written', async () => {
    const disk = new SimulatedDisk()
    disk.makeDirectory(DATA_DIR)
    disk.readOnly = true
    await expect(openTestStore(disk)).rejects.toThrow(`${DATA_DIR} is not writable: EROFS`)
    disk.readOnly = false
    disk.failure = (operation) => (operation === 'list' ? 'EACCES' : null)
    await expect(openTestStore(disk)).rejects.toThrow(`${DATA_DIR} is not writable: EACCES`)
  })
})

describe("a data directory's lock", () => {
  const inUse = (path: string, holder: string): string => `${path} is in use: ${holder} holds ${path}/.lock`

  it('keeps out another store of this process until it is given back', async () => {
    const path = newDirectory()
    const first = await open(path)
    expect(await refusal(path)).toBe(inUse(path, 'another store of this process'))
    expect(await refusal(`${path}/../${path.split('/').at(-1)}`)).toContain('another store of this process')
    await first.close()
    await open(path)
  })

  it('keeps out another process, even while it starts, and is free when that was killed', async () => {
    const path = newDirectory()
    const source = join(import.meta.dirname, 'directory-lock.ts')
    const program = `const { lockDirectory } = await import(${JSON.stringify(source)})
      console.log((await lockDirectory(${JSON.stringify(path)})).isLocked); setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program])
    children.push(child)
    expect(String(await new Promise((resolve) => child.stdout.once('data', resolve)))).toBe('true\n')
    expect(await refusal(path)).toBe(inUse(path, `process ${child.pid}`))
    const exited = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await exited
    await open(path)
  })

  it('is not held by a process that has got the id of one that is gone', async () => {
    const path = newDirectory()
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    children.push(child)
    const hasProc = existsSync(`/proc/${child.pid}/stat`)
    const boot = hasProc ? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() : '-'
    writeFileSync(join(path, '.lock'), `ottla process ${child.pid} started 1 boot ${boot}\n`)
    if (hasProc) await open(path)
    else expect(await refusal(path)).toBe(inUse(path, `process ${child.pid}`))
  })

  it('is not held by an empty file that a JVM left, nor by garbage', async () => {
    for (const text of ['', 'no lock at all', 'ottla process 99999999 started 1 boot -\n']) {
      const path = newDirectory()
      writeFileSync(join(path, '.lock'), text)
      await open(path)
    }
  })

  it('goes to one of several that find it left', async () => {
    const path = newDirectory()
    writeFileSync(join(path, '.lock'), 'ottla process 99999999 started 1 boot -\n')
    const { lockDirectory } = await import('./directory-lock.ts')
    const locks = await Promise.all([1, 2, 3, 4].map(() => lockDirectory(path)))
    expect(locks.filter(({ isLocked }) => isLocked)).toHaveLength(1)
    for (const lock of locks) if (lock.isLocked) await lock.unlock()
    expect(existsSync(join(path, '.lock'))).toBe(false)
  })
})
