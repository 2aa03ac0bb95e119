import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { giveBack, lend } from '../wire/lent-memory.ts'
import type { Disk, DiskFile } from './disk.ts'
import { DATA_DIR, openTestStore } from './file-store.suite.ts'
import type { LogId, StoredLog } from './log-store.ts'
import { nodeDisk } from './node-disk.ts'
import { SimulatedDisk } from './simulated-disk.suite.ts'
import { describeLogStore, frame } from './store.suite.ts'

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

const ID: LogId = { topic: 'orders', topicId: 'dGhpcyBpcyBhbiBpZCAxMQ', partition: 7 }

describe('file store', () => {
  it('keeps no more files open than it may, however many logs are written and read', async () => {
    const disk = new SimulatedDisk()
    disk.maxOpenFiles = 6
    const { store } = await openTestStore(disk, { maxOpenFiles: 4, cacheBytes: 0 })
    const logs: StoredLog[] = []
    for (let partition = 0; partition < 100; partition++) logs.push(await store.open({ ...ID, partition }, 0))
    for (let offset = 0n; offset < 3n; offset++) {
      for (const log of logs) {
        await log.append([frame(offset, 1, 3000)])
        expect(disk.openFiles).toBeLessThanOrEqual(4)
      }
    }
    for (const log of logs) {
      const views = await log.read(0n, 10_000, 3n)
      expect(views.reduce((bytes, { length }) => bytes + length, 0)).toBe(9000)
      await log.flush()
    }
    expect(disk.openFiles).toBeLessThanOrEqual(4)
    await store.close()
    expect(disk.openFiles).toBe(0)
  })

  it('closes files where the process can open no other, and says so once a minute', async () => {
    const disk = new SimulatedDisk()
    disk.maxOpenFiles = 6
    const { store, clock, told } = await openTestStore(disk, { maxOpenFiles: 1000, cacheBytes: 0 })
    const logs: StoredLog[] = []
    for (let partition = 0; partition < 20; partition++) logs.push(await store.open({ ...ID, partition }, 0))
    for (let offset = 0n; offset < 3n; offset++) {
      for (const log of logs) {
        await log.append([frame(offset, 1, 3000)])
        await log.roll(offset + 1n)
      }
    }
    expect(told.warn).toEqual([expect.stringContaining('ulimit -n')])
    for (const log of logs) {
      expect((await log.read(1n, 10_000, 3n)).reduce((bytes, { length }) => bytes + length, 0)).toBe(6000)
    }
    await clock.advance(60_000)
    for (const log of logs) await log.append([frame(3n, 1, 100)])
    expect(told.warn).toHaveLength(2)
    await store.close()
    expect([disk.openFiles, told.error]).toEqual([0, []])
    const again = await openTestStore(disk, { maxOpenFiles: 1000 })
    const log = await again.store.open({ ...ID, partition: 0 }, 1)
    expect(log.endOffset).toBe(4n)
    await again.store.close()
  })

  it('reads little beside the large batches that it answers', async () => {
    const attached = new SimulatedDisk().attach()
    let readBytes = 0
    const open: Disk['open'] = (path, mode) => {
      const file = attached.open(path, mode)
      const read: DiskFile['read'] = (buffer, position) => {
        readBytes += buffer.length
        return file.read(buffer, position)
      }
      return { ...file, read }
    }
    const { store } = await openTestStore({ ...attached, open }, { cacheBytes: 0 })
    const log = await store.open(ID, 0)
    const frames = Array.from({ length: 20 }, (_, index) => frame(BigInt(index), 1, 200_000 + index))
    for (const each of frames) await log.append([each])
    for (const [index, each] of frames.entries()) {
      for (const upTo of [BigInt(index) + 1n, 20n]) {
        const views = await log.read(BigInt(index), each.length, upTo)
        expect([views.length, views[0]?.equals(each)]).toEqual([1, true])
        for (const view of views) giveBack(view)
      }
      expect((await log.read(BigInt(index), 1000, 20n))[0]?.equals(each)).toBe(true)
    }
    expect(readBytes).toBeLessThan(20 * 3 * 201_000)
    await store.close()
  })

  it('does not go back to memory that was lent for what was appended', async () => {
    const { store } = await openTestStore()
    const log = await store.open(ID, 0)
    const appended = [frame(0n, 1, 1000), frame(1n, 1, 50_000), frame(2n, 1, 1000), frame(3n, 1, 20_000)]
    for (const each of appended) {
      const lent = lend(60_000).subarray(0, each.length)
      each.copy(lent)
      await log.append([lent])
      giveBack(lent)
      lent.fill(0xff)
    }
    for (const [index, each] of appended.entries()) {
      const views = await log.read(BigInt(index), each.length, 4n)
      expect(views[0]?.equals(each)).toBe(true)
    }
    // The last small one is in memory still, from where it was copied to.
    await log.append([frame(4n, 1, 500)])
    expect(log.read(4n, 100, 5n)).toBeInstanceOf(Array)
    await store.close()
  })

  it('looks for a time where a segment goes while its indexes are read, and keeps no file of it open', async () => {
    const disk = new SimulatedDisk()
    const attached = disk.attach()
    const held: (() => void)[] = []
    const read = async (path: string): Promise<Buffer | null> => {
      if (path.endsWith('.index')) await new Promise<void>((go) => held.push(go))
      return attached.read(path)
    }
    const { store } = await openTestStore({ ...attached, read }, { maxOpenFiles: 1, cacheBytes: 0 })
    const log = await store.open(ID, 0)
    await log.append([frame(0n, 1, 100)])
    await log.roll(1n)
    await log.append([frame(1n, 1, 100)])
    const found = log.seekTimestamp(0n, 5n)
    await log.drop([0n])
    for (const go of held) go()
    expect(await found).toBe(0n)
    await log.append([frame(2n, 1, 100)])
    expect(disk.openFiles).toBe(1)
    await store.close()
    expect(disk.openFiles).toBe(0)
  })

  it('opens no file to append to a log that is in use, or to read its end', async () => {
    const disk = new SimulatedDisk()
    const { store } = await openTestStore(disk)
    const log = await store.open(ID, 0)
    await log.append([frame(0n, 1, 100)])
    const { opens, changes } = disk
    for (let offset = 1n; offset < 1000n; offset++) {
      expect(log.append([frame(offset, 1, 100), frame(offset, 1, 100)])).toBeUndefined()
      expect(log.read(offset, 100, offset + 1n)).toBeInstanceOf(Array)
    }
    expect(disk.opens).toBe(opens)
    expect(disk.changes - changes).toBe(999)
  })

  it('starts with 10,000 logs of a clean shutdown without opening any of their files', async () => {
    const disk = new SimulatedDisk()
    const first = await openTestStore(disk)
    for (let partition = 0; partition < 10_000; partition++) {
      const log = await first.store.open({ ...ID, partition }, 0)
      if (partition % 100 === 0) await log.append([frame(0n, 1, 100)])
      await log.sidecar('leader-epochs').replace(Buffer.from('0\n1\n0 0\n'))
    }
    await first.store.close()
    const { opens } = disk
    let reads = 0
    disk.failure = (operation) => {
      if (operation === 'read' || operation === 'list') reads++
      return null
    }
    const { store, told } = await openTestStore(disk)
    expect(store.list()).toHaveLength(10_000)
    for (let partition = 0; partition < 10_000; partition++) {
      const log = store.open({ ...ID, partition }, 0) as StoredLog
      expect(log.endOffset).toBe(partition % 100 === 0 ? 1n : 0n)
      expect(String(log.sidecar('leader-epochs').read())).toBe('0\n1\n0 0\n')
    }
    expect(disk.opens - opens).toBeLessThan(20)
    expect(reads).toBeLessThan(30)
    expect(told.warn).toEqual([])
  }, 60_000)

  it('syncs no more than two files at a time, and each once for all who wait', async () => {
    const disk = new SimulatedDisk()
    const { store } = await openTestStore(disk)
    const logs: StoredLog[] = []
    for (let partition = 0; partition < 10; partition++) logs.push(await store.open({ ...ID, partition }, 0))
    for (const log of logs) await log.flush()
    const { syncs } = disk
    for (const log of logs) await log.append([frame(0n, 1, 100)])
    await Promise.all(logs.flatMap((log) => [log.flush(), log.flush(), log.flush()]))
    expect(disk.syncs - syncs).toBe(10)
    expect(disk.maxSyncsUnderWay).toBeLessThanOrEqual(2)
    expect(logs[0]?.flush()).toBeUndefined()
  })

  it('writes recovery points down in time, and settles small files', async () => {
    const disk = new SimulatedDisk()
    const { store, clock } = await openTestStore(disk)
    const log = await store.open(ID, 0)
    await log.append([frame(0n, 3, 100)])
    await log.flush()
    expect(disk.peek(`${DATA_DIR}/recovery-point-offset-checkpoint`)).toBe(null)
    await clock.advance(60_000)
    expect(String(disk.peek(`${DATA_DIR}/recovery-point-offset-checkpoint`))).toBe('0\n1\norders 7 3\n')
    await log.sidecar('leader-epochs').replace(Buffer.from('text'))
    expect(disk.peek(`${DATA_DIR}/orders-7/leader-epoch-checkpoint`)).toBe(null)
    await clock.advance(1000)
    expect(String(disk.peek(`${DATA_DIR}/orders-7/leader-epoch-checkpoint`))).toBe('text')
    expect(String(disk.peek(`${DATA_DIR}/orders-7/partition.metadata`))).toBe(
      `version: 0\ntopic_id: ${ID.topicId}`,
    )
  })

  it('removes what was dropped after file.delete.delay.ms, at its close, or at the next start', async () => {
    const disk = new SimulatedDisk()
    const { store, clock } = await openTestStore(disk, { fileDeleteDelayMs: () => 5000 })
    const log = await store.open(ID, 0)
    await log.append([frame(0n, 1, 100)])
    await log.roll(1n)
    await log.drop([0n])
    const deleted = (): string[] =>
      disk.peekNames(`${DATA_DIR}/orders-7`).filter((name) => name.endsWith('.deleted'))
    expect(deleted()).toContain('00000000000000000000.log.deleted')
    await clock.advance(5000)
    expect(deleted()).toEqual([])
    const long: LogId = { topic: 't'.repeat(249), topicId: ID.topicId, partition: 123 }
    await store.open(long, 0)
    store.remove(long)
    const [left] = disk.peekNames(DATA_DIR).filter((name) => name.endsWith('-delete'))
    expect(left).toMatch(/^t+-123\.[0-9a-f]{32}-delete$/)
    expect(left).toHaveLength(255)
    disk.kill()
    const second = await openTestStore(disk)
    expect(second.store.list()).toEqual([ID])
    await second.clock.advance(0)
    expect(disk.peekNames(DATA_DIR).filter((name) => name.endsWith('-delete'))).toEqual([])
    expect((await second.store.open(long, 0)).endOffset).toBe(0n)
  })

  it.each([0, 1000, 4096])('writes an entry of the index every %i bytes', async (intervalBytes) => {
    const disk = new SimulatedDisk()
    const asked: string[] = []
    const indexIntervalBytes = (topic: string): number => {
      asked.push(topic)
      return intervalBytes
    }
    const { store } = await openTestStore(disk, { indexIntervalBytes })
    const log = await store.open(ID, 0)
    for (let offset = 0n; offset < 100n; offset++) await log.append([frame(offset, 1, 100)])
    const batchesBetween = Math.floor(intervalBytes / 100) + 1
    await log.roll(100n)
    const index = disk.peek(`${DATA_DIR}/orders-7/00000000000000000000.index`)
    expect(index).toHaveLength(8 * Math.floor(99 / batchesBetween))
    expect(new Set(asked)).toEqual(new Set(['orders']))
  })

  it('sets a log aside that another topic of the same name has left', async () => {
    const disk = new SimulatedDisk()
    const { store, told } = await openTestStore(disk)
    const old = await store.open(ID, 0)
    await old.append([frame(0n, 1, 100)])
    const log = await store.open({ ...ID, topicId: 'YW5vdGhlciBpZCBvZiAxNg' }, 0)
    expect(log.endOffset).toBe(0n)
    expect(() => old.append([frame(1n, 1, 100)])).toThrow(expect.objectContaining({ failure: 'fenced' }))
    expect(told.warn[0]).toMatch(/^orders-7 belonged to topic id dGhpcyBpcyBhbiBpZCAxMQ, .*-stray$/)
    expect(disk.peekNames(DATA_DIR).filter((name) => name.endsWith('-stray'))).toHaveLength(1)
  })

  it('keeps who still has a log that was removed away from its successor', async () => {
    const disk = new SimulatedDisk()
    const { store, clock } = await openTestStore(disk, { cacheBytes: 0 })
    const old = await store.open(ID, 0)
    await old.append([frame(0n, 1, 100), frame(1n, 1, 100)])
    await old.sidecar('leader-epochs').replace(Buffer.from('same'))
    const flushing = Promise.resolve(old.flush())
    store.remove(ID)
    const log = await store.open(ID, 0)
    await log.append([frame(0n, 2, 300)])
    await log.sidecar('leader-epochs').replace(Buffer.from('same'))
    await flushing.catch(() => {})
    await expect(Promise.resolve().then(() => old.append([frame(2n, 1, 100)]))).rejects.toMatchObject({
      failure: 'fenced',
    })
    await clock.advance(1000)
    await log.flush()
    expect(String(disk.peek(`${DATA_DIR}/orders-7/leader-epoch-checkpoint`))).toBe('same')
    expect((await log.read(0n, 1000, 2n))[0]).toEqual(frame(0n, 2, 300))
    await store.close()
    expect(disk.peekNames(DATA_DIR)).toContain('.kafka_cleanshutdown')
  })

  it.each<[string, (log: StoredLog) => unknown]>([
    ['drops a segment', (log) => log.drop([0n])],
    ['is truncated', (log) => log.truncate(1n)],
    ['is compacted', (log) => log.replace([0n, 1n], [frame(0n, 1, 100)])],
    ['is compacted by a stream', (log) => log.replace([0n, 1n], late(frame(0n, 1, 100)))],
  ])('leaves the successor of a log alone that %s when it is removed', async (_, change) => {
    for (let turns = 0; turns < 40; turns++) {
      const disk = new SimulatedDisk()
      const { store, clock } = await openTestStore(disk, { cacheBytes: 0 })
      const old = await store.open(ID, 0)
      for (const offset of [0n, 1n, 2n]) {
        await old.append([frame(offset, 1, 100)])
        await old.roll(offset + 1n)
      }
      const changing = Promise.resolve(change(old)).catch(() => {})
      for (let turn = 0; turn < turns; turn++) await null
      store.remove(ID)
      const log = await store.open(ID, 0)
      await log.append([frame(0n, 1, 300)])
      await changing
      await clock.advance(61_000)
      expect(disk.peek(`${DATA_DIR}/orders-7/00000000000000000000.log`)).toEqual(frame(0n, 1, 300))
      await store.close()
      expect(disk.peekNames(`${DATA_DIR}/orders-7`).filter((name) => name.endsWith('.log'))).toHaveLength(1)
    }
  })

  it('does not hand a log’s successor to who had begun to open the log before it was removed', async () => {
    for (let turns = 0; turns < 40; turns++) {
      const disk = new SimulatedDisk()
      const first = await openTestStore(disk)
      const before = await first.store.open(ID, 0)
      await before.append([frame(0n, 1, 100)])
      disk.kill()
      const { store } = await openTestStore(disk)
      const opening = Promise.resolve(store.open(ID, 0)).then(
        (old) => Promise.resolve(old.append([frame(1n, 1, 100)])).then(() => 'appended'),
        () => 'refused',
      )
      const late = opening.catch(() => 'refused')
      for (let turn = 0; turn < turns; turn++) await null
      store.remove(ID)
      const log = await store.open(ID, 0)
      const done = await late
      await log.append([frame(0n, 1, 300)])
      expect(log.endOffset, done).toBe(1n)
      await store.close()
    }
  })

  it('does not trust a summary that is not the last shutdown’s, or broken', async () => {
    for (const change of ['{"version":0,"brokerEpoch":7}', null]) {
      const disk = new SimulatedDisk()
      const first = await openTestStore(disk)
      const log = await first.store.open(ID, 0)
      await log.append([frame(0n, 1, 100)])
      await first.store.close()
      const summary = disk.peek(`${DATA_DIR}/.ottla_summary`) as Buffer
      if (change !== null) disk.plant(`${DATA_DIR}/.kafka_cleanshutdown`, Buffer.from(change))
      else disk.plant(`${DATA_DIR}/.ottla_summary`, summary.subarray(0, 100))
      // Somebody else has appended meanwhile.
      const path = `${DATA_DIR}/orders-7/00000000000000000000.log`
      disk.plant(path, Buffer.concat([disk.peek(path) as Buffer, frame(1n, 1, 100)]))
      const { store, told } = await openTestStore(disk)
      expect((await store.open(ID, 0)).endOffset).toBe(2n)
      expect(told.info[0]).toBe('/data: 1 logs, of a clean shutdown, without a summary')
      expect(disk.peekNames(DATA_DIR)).not.toContain('.kafka_cleanshutdown')
    }
  })
})

async function* late(...frames: Buffer[]): AsyncGenerator<Buffer> {
  for (const one of frames) {
    await null
    yield one
  }
}
