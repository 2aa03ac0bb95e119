import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe } from 'vitest'
import { openTestStore } from './file-store.suite.ts'
import { nodeDisk } from './node-disk.ts'
import { SimulatedDisk } from './simulated-disk.suite.ts'
import { describeLogStore } from './store.suite.ts'

describeLogStore('file store on a simulated disk', async () => (await openTestStore()).store)
describeLogStore(
  'file store with one open file and no cache',
  async () => (await openTestStore(new SimulatedDisk(), { maxOpenFiles: 1, cacheBytes: 0 })).store,
)

describe('on the machine', () => {
  const directories: string[] = []
  afterAll(async () => {
    for (const directory of directories) await rm(directory, { recursive: true, force: true })
  })

  describeLogStore('file store in a directory', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'ottla-'))
    directories.push(directory)
    return (await openTestStore(nodeDisk, { dataDir: join(directory, 'data') })).store
  })
})
