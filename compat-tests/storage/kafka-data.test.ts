/**
 * Opens a data directory that Apache Kafka 4.3.1 wrote (kafka-data/): gzip batches and transactions, two of them aborted,
 * with its log start moved (plain), a compacted topic, and several segments (rolled).
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { ManualClock, seededRandom } from '../../src/clock.ts'
import { type FileStore, openFileStore } from '../../src/storage/file-store.ts'
import type { StoredLog } from '../../src/storage/log-store.ts'
import * as batch from '../../src/wire/batch.ts'

const copies: string[] = []
afterEach(() => {
  for (const copy of copies.splice(0)) rmSync(copy, { recursive: true, force: true })
})

describe("Apache Kafka's data directory", () => {
  it('opens as it was left by a clean shutdown, and again after ours', async () => {
    const copy = copyData()
    for (const _ of [1, 2]) {
      const { store, warnings } = await open(copy)
      await expectLogs(store)
      expect(warnings).toEqual([])
      await store.close()
    }
  })

  it('opens as it was left by a crash: without a marker, recovery points or indexes', async () => {
    const copy = copyData()
    for (const name of ['.kafka_cleanshutdown', 'recovery-point-offset-checkpoint']) rmSync(join(copy, name))
    rmSync(join(copy, 'plain-0/00000000000000000000.index'))
    rmSync(join(copy, 'rolled-0/00000000000000000730.timeindex'))
    const { store, warnings } = await open(copy)
    await expectLogs(store)
    expect(warnings).toEqual([])
    await store.close()
  })

  it('is refused to another node or cluster', async () => {
    const copy = copyData()
    await expect(open(copy, { nodeId: 2 })).rejects.toThrow(`${copy} belongs to node 1, not to 2`)
    await expect(open(copy, { clusterId: 'AAAAAAAAAAAAAAAAAAAAAA' })).rejects.toThrow(
      `${copy} belongs to cluster MkU3OEVBNTcwNTJENDM2Qg, not to AAAAAAAAAAAAAAAAAAAAAA`,
    )
  })
})

async function expectLogs(store: FileStore): Promise<void> {
  expect(store.identity).toEqual({
    clusterId: 'MkU3OEVBNTcwNTJENDM2Qg',
    nodeId: 1,
    directoryId: '5FQ5Fff56mf8NoWFBtWogg',
  })
  const logs = new Map<string, StoredLog>()
  for (const id of store.list()) logs.set(id.topic, await store.open(id, 0))
  expect([...logs.keys()].sort()).toEqual(['compacted', 'plain', 'rolled'])
  const [plain, compacted, rolled] = ['plain', 'compacted', 'rolled'].map(
    (topic) => logs.get(topic) as StoredLog,
  )
  if (plain === undefined || compacted === undefined || rolled === undefined)
    throw new Error('a log is missing')

  expect(plain.segments).toMatchObject([{ baseOffset: 0n, endOffset: 814n, sizeBytes: 14_484 }])
  expect((await plain.sidecar('log-start').read())?.toString()).toBe('15\n')
  expect((await plain.sidecar('leader-epochs').read())?.toString()).toBe('0\n1\n0 15\n')
  expect(await plain.segmentSidecars('aborted-transactions')).toEqual([0n])
  expect((await plain.segmentSidecar('aborted-transactions', 0n).read())?.length).toBe(136)
  expect(await plain.segmentSidecars('producers')).toEqual([814n])
  expect(await read(plain)).toMatchObject({ batches: 94, end: 814n })

  expect(compacted.segments.map(({ baseOffset }) => baseOffset)).toEqual([0n, 79n])
  expect((await compacted.sidecar('cleaner-offset').read())?.toString()).toBe('79\n')
  expect(await read(compacted)).toMatchObject({ batches: 6, end: 80n })

  expect(rolled.segments.map(({ baseOffset }) => baseOffset)).toEqual([650n, 690n, 730n, 780n])
  const { batches, end, latest } = await read(rolled)
  expect([batches, end]).toEqual([15, 800n])
  const last = rolled.segments.at(-1)
  expect(latest).toBe(last?.maxTimestamp)
  for (const { baseOffset, maxTimestamp } of rolled.segments) {
    const from = await rolled.seekTimestamp(baseOffset, maxTimestamp)
    expect(from).toBeGreaterThanOrEqual(baseOffset)
  }
}

/** Reads all of a log, and checks every batch. */
async function read(log: StoredLog): Promise<{ batches: number; end: bigint; latest: bigint }> {
  let batches = 0
  let next = log.startOffset
  let latest = -1n
  while (next < log.endOffset) {
    const views = await log.read(next, 4000, log.endOffset)
    if (views.length === 0) break
    for (const view of views) {
      for (const at of batch.wholeBatches(view)) {
        expect(batch.isCrcValid(view, at)).toBe(true)
        next = batch.lastOffset(view, at) + 1n
        if (batch.maxTimestamp(view, at) > latest) latest = batch.maxTimestamp(view, at)
        batches++
      }
    }
  }
  return { batches, end: next, latest }
}

function copyData(): string {
  const copy = mkdtempSync(join(tmpdir(), 'ottla-kafka-'))
  copies.push(copy)
  cpSync(join(import.meta.dirname, 'kafka-data'), copy, { recursive: true })
  return copy
}

async function open(
  dataDir: string,
  { nodeId = 1, clusterId }: { nodeId?: number; clusterId?: string } = {},
): Promise<{ store: FileStore; warnings: string[] }> {
  const warnings: string[] = []
  const warn = (...args: unknown[]): void => void warnings.push(args.map(String).join(' '))
  const logger = { info: () => {}, warn, error: warn }
  const clock = new ManualClock()
  const store = await openFileStore({ dataDir, clock, random: seededRandom(1), clusterId, nodeId, logger })
  return { store, warnings }
}
