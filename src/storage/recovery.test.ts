import { describe, expect, it } from 'vitest'
import { baseOffset, wholeBatches } from '../wire/batch.ts'
import { DATA_DIR, openTestStore, type TestStore } from './file-store.suite.ts'
import type { LogId, StoredLog } from './log-store.ts'
import { SimulatedDisk } from './simulated-disk.suite.ts'
import { frame } from './store.suite.ts'

const ID: LogId = { topic: 'orders', topicId: 'dGhpcyBpcyBhbiBpZCAxMQ', partition: 7 }
const DIRECTORY = `${DATA_DIR}/orders-7`
const FIRST = `${DIRECTORY}/00000000000000000000`

/** Fills a log with frames of one offset and 100 bytes each, three to a segment. */
async function fill(log: StoredLog, count: number): Promise<void> {
  for (let offset = 0; offset < count; offset++) {
    if (offset > 0 && offset % 3 === 0) await log.roll(BigInt(offset))
    await log.append([frame(BigInt(offset), 1, 100)])
  }
}

async function offsets(log: StoredLog): Promise<number[]> {
  const views = await log.read(0n, 1 << 24, log.endOffset)
  return views.flatMap((view) => [...wholeBatches(view)].map((at) => Number(baseOffset(view, at))))
}

const upTo = (end: number): number[] => Array.from({ length: end }, (_, offset) => offset)

/** Changes a byte of a file. */
function spoil(disk: SimulatedDisk, path: string, position: number): void {
  const bytes = disk.peek(path) as Buffer
  bytes[position] = (bytes[position] as number) ^ 0xff
  disk.plant(path, bytes)
}

/** A store whose process was killed when it had `count` records in a log; it opens the log again. */
async function killed(
  count: number,
  change: (disk: SimulatedDisk) => void,
  isFlushed = false,
): Promise<TestStore & { readonly disk: SimulatedDisk; open(): Promise<StoredLog> }> {
  const disk = new SimulatedDisk()
  const first = await openTestStore(disk)
  const log = await first.store.open(ID, 0)
  await fill(log, count)
  if (isFlushed) {
    await log.flush()
    await first.clock.advance(60_000)
  }
  disk.kill()
  change(disk)
  const second = await openTestStore(disk)
  return { ...second, disk, open: async () => second.store.open(ID, 0) }
}

describe('a log after a crash', () => {
  it('has everything that was written, and its indexes again', async () => {
    const { open, store, told, disk } = await killed(8, () => {})
    const log = await open()
    expect(await offsets(log)).toEqual(upTo(8))
    expect(log.segments.map(({ baseOffset: base, sizeBytes }) => [base, sizeBytes])).toEqual([
      [0n, 300],
      [3n, 300],
      [6n, 200],
    ])
    expect(told.warn).toEqual([])
    await store.close()
    expect(disk.peekNames(DIRECTORY)).toContain('00000000000000000006.timeindex')
  })

  it('ends with the last whole batch, wherever the one behind it is torn', async () => {
    for (let bytes = 0; bytes < 100; bytes++) {
      const path = `${DIRECTORY}/00000000000000000003.log`
      const { open, told } = await killed(5, (disk) =>
        disk.plant(path, (disk.peek(path) as Buffer).subarray(0, 100 + bytes)),
      )
      const log = await open()
      expect(log.endOffset).toBe(4n)
      expect(told.warn).toHaveLength(bytes === 0 ? 0 : 1)
      if (bytes > 0)
        expect(told.warn[0]).toContain(`orders-7: cut at offset 4, ${bytes} bytes of 0000000000000`)
      await log.append([frame(4n, 1, 100)])
      expect(await offsets(log)).toEqual(upTo(5))
    }
  })

  it('is cut at a batch that is broken, with all that is behind it, and says so', async () => {
    const { open, told, disk, store } = await killed(9, (before) => spoil(before, `${FIRST}.log`, 170))
    const log = await open()
    expect(await offsets(log)).toEqual(upTo(1))
    expect(log.endOffset).toBe(1n)
    expect(told.warn).toEqual([
      'orders-7: cut at offset 1, 200 bytes of 00000000000000000000.log from position 100 on: a batch with a wrong checksum',
      'orders-7: removed 2 segments behind offset 1',
    ])
    expect(disk.peekNames(DIRECTORY)).toContain('00000000000000000003.log.deleted')
    await store.close()
    expect(disk.peekNames(DIRECTORY).filter((name) => name.endsWith('.deleted'))).toEqual([])
  })

  it('is cut where a segment is missing', async () => {
    const { open, told } = await killed(9, (disk) =>
      disk.plant(`${DIRECTORY}/00000000000000000003.log`, Buffer.alloc(0)),
    )
    expect(await offsets(await open())).toEqual(upTo(3))
    expect(told.warn).toEqual(['orders-7: cut at offset 3: the next segment, of 1, begins at 6'])
  })

  it('is refused where damage lies below its recovery point, and that shows', async () => {
    const { open, told } = await killed(9, (disk) => spoil(disk, `${FIRST}.log`, 111), true)
    await expect(open()).rejects.toMatchObject({
      failure: 'failed',
      message:
        'CORRUPT: log orders-7, segment 00000000000000000000.log, position 100: a batch with a wrong checksum',
    })
    expect(told.warn).toEqual([])
  })

  it('tells of damage that does not show before it is read', async () => {
    const disk = new SimulatedDisk()
    const first = await openTestStore(disk)
    const written = await first.store.open(ID, 0)
    for (let offset = 0n; offset < 100n; offset++) await written.append([frame(offset, 1, 1000)])
    await first.store.close()
    spoil(disk, `${FIRST}.log`, 21_008)
    const { store } = await openTestStore(disk)
    const log = await store.open(ID, 0)
    expect((await log.read(50n, 1 << 20, 100n))[0]?.length).toBe(50_000)
    await expect(Promise.resolve(log.read(22n, 1 << 20, 100n))).rejects.toMatchObject({
      failure: 'failed',
      message: expect.stringMatching(
        /^CORRUPT: log orders-7, segment 00000000000000000000.log, position 21000: /,
      ),
    })
    await log.append([frame(100n, 1, 100)])
  })

  it('makes missing and garbled indexes anew', async () => {
    const indexes: ((disk: SimulatedDisk) => void)[] = [
      (disk) => disk.plant(`${FIRST}.index`, Buffer.from('no index')),
      (disk) => disk.plant(`${FIRST}.timeindex`, Buffer.alloc(13, 7)),
      (disk) => disk.plant(`${DIRECTORY}/00000000000000000077.index`, Buffer.alloc(8)),
    ]
    for (const change of indexes) {
      const { open, disk } = await killed(9, change, true)
      expect(await offsets(await open())).toEqual(upTo(9))
      expect(disk.peekNames(DIRECTORY)).not.toContain('00000000000000000077.index')
    }
  })

  it('counts nothing as safe where the recovery points cannot be read, and nothing as deleted without the starts', async () => {
    const garbled = [
      '',
      '1\n0\n',
      '0\n2\norders 7 9\n',
      '0\n1\norders 7 9',
      '0\n1\norders seven 9\n',
      '\0\0\0\0',
    ]
    for (const text of garbled) {
      const { open, told } = await killed(
        9,
        (disk) => {
          disk.plant(`${DATA_DIR}/recovery-point-offset-checkpoint`, Buffer.from(text))
          disk.plant(`${DATA_DIR}/log-start-offset-checkpoint`, Buffer.from(text))
        },
        true,
      )
      expect(await offsets(await open())).toEqual(upTo(9))
      expect(told.warn).toHaveLength(text === '' ? 0 : 2)
      for (const line of told.warn) expect(line).toMatch(/^\/data\/.*-checkpoint is unusable, (its?|line) /)
    }
  })

  it('finishes a replacement that was under way, or knows nothing of it', async () => {
    const merged = Buffer.concat([frame(0n, 1, 100), frame(5n, 1, 100)])
    const swapped = await killed(9, (disk) => disk.plant(`${FIRST}.log.swap`, merged))
    const log = await swapped.open()
    expect(await offsets(log)).toEqual([0, 5, 6, 7, 8])
    const cleaned = await killed(9, (disk) => disk.plant(`${FIRST}.log.cleaned`, merged))
    expect(await offsets(await cleaned.open())).toEqual(upTo(9))
    expect(cleaned.disk.peekNames(DIRECTORY)).not.toContain('00000000000000000000.log.cleaned')
  })

  it('starts anew where its start lies above its end', async () => {
    const { open, told } = await killed(5, (disk) =>
      disk.plant(`${DATA_DIR}/log-start-offset-checkpoint`, Buffer.from('0\n1\norders 7 20\n')),
    )
    const log = await open()
    expect([log.startOffset, log.endOffset]).toEqual([20n, 20n])
    expect(told.warn).toHaveLength(1)
  })

  it('keeps small files whole, and the newest of them', async () => {
    const disk = new SimulatedDisk()
    let opened = await openTestStore(disk)
    for (let version = 0; version < 3; version++) {
      const log = await opened.store.open(ID, 0)
      await log.sidecar('leader-epochs').replace(Buffer.from('something else'))
      await log.sidecar('leader-epochs').replace(Buffer.from(`version ${version}`))
      disk.kill()
      const next = await openTestStore(disk)
      const reopened = await next.store.open(ID, 0)
      expect((await reopened.sidecar('leader-epochs').read())?.toString()).toBe(`version ${version}`)
      expect(disk.peekNames(DIRECTORY).filter((name) => name.endsWith('.tmp'))).toEqual([])
      disk.kill()
      opened = await openTestStore(disk)
    }
  })
})

describe('a log that fails', () => {
  it('is offline when the disk is full, keeps what was acknowledged, and goes on when there is space', async () => {
    const disk = new SimulatedDisk()
    const { store } = await openTestStore(disk)
    const log = await store.open(ID, 0)
    const other = await store.open({ ...ID, partition: 8 }, 0)
    await log.append([frame(0n, 1, 100)])
    disk.freeBytes = 130
    expect(() => log.append([frame(1n, 1, 100), frame(2n, 1, 100)])).toThrow(
      expect.objectContaining({ failure: 'failed', message: expect.stringContaining('ENOSPC') }),
    )
    disk.freeBytes = 1000
    expect(() => log.append([frame(1n, 1, 100)])).toThrow(expect.objectContaining({ failure: 'failed' }))
    expect(await offsets(log)).toEqual([0])
    await other.append([frame(0n, 1, 100)])
    const again = await store.open(ID, 0)
    // The first of the two frames was whole: a client that tries again is told by its sequence.
    expect(again.endOffset).toBe(2n)
    await again.append([frame(2n, 1, 100)])
    expect(await offsets(again)).toEqual([0, 1, 2])
    expect(await offsets(other)).toEqual([0])
  })

  it('can be read on a read-only disk, and goes on when it is writable again', async () => {
    const disk = new SimulatedDisk()
    const { store } = await openTestStore(disk)
    const log = await store.open(ID, 0)
    await log.append([frame(0n, 1, 100)])
    disk.readOnly = true
    expect(() => log.append([frame(1n, 1, 100)])).toThrow(expect.objectContaining({ failure: 'failed' }))
    const again = await store.open(ID, 0)
    expect(await offsets(again)).toEqual([0])
    expect(() => again.append([frame(1n, 1, 100)])).toThrow(expect.objectContaining({ failure: 'failed' }))
    disk.readOnly = false
    const third = await store.open(ID, 0)
    await third.append([frame(1n, 1, 100)])
    expect(await offsets(third)).toEqual([0, 1])
  })

  it('fails a read that the disk fails, and no more than that', async () => {
    const disk = new SimulatedDisk()
    const { store } = await openTestStore(disk, { cacheBytes: 0 })
    const log = await store.open(ID, 0)
    const other = await store.open({ ...ID, partition: 8 }, 0)
    await log.append([frame(0n, 1, 100)])
    await other.append([frame(0n, 1, 100)])
    // What was appended last is in memory: one more log takes its place there.
    disk.failure = (operation, path) => (operation === 'read' && path.includes('orders-7') ? 'EIO' : null)
    await expect(Promise.resolve(log.read(0n, 100, 1n))).rejects.toMatchObject({ failure: 'failed' })
    expect(await offsets(other)).toEqual([0])
    disk.failure = () => null
    expect(await offsets(log)).toEqual([0])
    await log.append([frame(1n, 1, 100)])
  })

  it('writes again what a failed sync was to cover: the system takes it for written', async () => {
    for (const how of ['kept', 'forgotten', 'evicted'] as const) {
      const disk = new SimulatedDisk()
      const { store } = await openTestStore(disk)
      const log = await store.open(ID, 0)
      await log.append([frame(0n, 1, 100)])
      await log.flush()
      await log.append([frame(1n, 1, 100)])
      await log.sidecar('leader-epochs').replace(Buffer.from('text'))
      disk.failedSync = how
      disk.failure = (operation) => (operation === 'sync' ? 'EIO' : null)
      await expect(Promise.resolve(log.flush())).rejects.toMatchObject({ failure: 'failed' })
      disk.failure = () => null
      const again = await store.open(ID, 0)
      expect(again.endOffset).toBe(how === 'evicted' ? 1n : 2n)
      await again.append([frame(again.endOffset, 1, 100)])
      await again.flush()
      const { endOffset } = again
      disk.crash('nothing')
      const next = await openTestStore(disk)
      const reopened = await next.store.open(ID, 0)
      expect(await offsets(reopened)).toEqual(upTo(Number(endOffset)))
      expect(String(await reopened.sidecar('leader-epochs').read())).toBe('text')
    }
  })

  it('is offline when a sync fails: nobody knows what of it is on the device', async () => {
    const disk = new SimulatedDisk()
    const { store, told } = await openTestStore(disk)
    const log = await store.open(ID, 0)
    await log.append([frame(0n, 1, 100)])
    disk.failure = (operation) => (operation === 'sync' ? 'EIO' : null)
    await expect(Promise.resolve(log.flush())).rejects.toMatchObject({ failure: 'failed' })
    expect(() => log.append([frame(1n, 1, 100)])).toThrow(expect.objectContaining({ failure: 'failed' }))
    await store.close()
    expect(told.error).toHaveLength(1)
    expect(disk.peekNames(DATA_DIR)).not.toContain('.kafka_cleanshutdown')
  })
})
