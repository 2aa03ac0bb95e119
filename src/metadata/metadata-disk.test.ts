/** The metadata log in files, on disks that fill up, fail, and lose power. */
import { expect, it } from 'vitest'
import { ManualClock, seededRandom } from '../clock.ts'
import { openTestStore } from '../storage/file-store.suite.ts'
import { SimulatedDisk } from '../storage/simulated-disk.suite.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { Committer } from './committer.ts'
import { Metadata, type MetadataRecord } from './metadata.ts'
import { METADATA_LOG_ID } from './metadata-log.ts'
import { listCheckpoints } from './snapshots.ts'

async function setUp(disk: SimulatedDisk) {
  const { store } = await openTestStore(disk)
  const metadata = new Metadata('cluster')
  const committer = new Committer({
    metadata,
    store,
    clock: new ManualClock(),
    nodeId: 1,
    segments: { segmentBytes: 1000, segmentMs: 2 ** 40 },
    snapshots: { maxBytesBetween: 600, maxIntervalMs: 0, retentionBytes: 1500, retentionMs: -1 },
    logger: { warn: () => {} },
    onCommit: () => {},
  })
  await committer.ready()
  return { store, metadata, committer }
}

function config(name: string, value: string): MetadataRecord {
  return { name: 'ConfigRecord', value: { resourceType: 4, resourceName: '', name, value } }
}

const configsOf = (metadata: Metadata) => Object.fromEntries(metadata.configs(4, ''))

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

it('a full disk refuses a change, and takes it when there is room again', async () => {
  const disk = new SimulatedDisk()
  const { committer, metadata } = await setUp(disk)
  await committer.commit([config('a', '1')])
  disk.freeBytes = 0
  for (let at = 0; at < 3; at++) {
    const change = Promise.resolve()
      .then(() => committer.ready())
      .then(() => committer.commit([config('a', '2')]))
    await expect(change).rejects.toMatchObject({ code: ErrorCode.KAFKA_STORAGE_ERROR })
    expect(configsOf(metadata)).toEqual({ a: '1' })
  }
  disk.freeBytes = Number.POSITIVE_INFINITY
  await committer.ready()
  await committer.commit([config('b', '3')])
  expect(configsOf(metadata)).toMatchObject({ b: '3' })
  await committer.close()

  const after = await setUp(disk.fork())
  expect(configsOf(after.metadata)).toEqual(configsOf(metadata))
})

it('what was answered is there after a loss of power, wherever it comes', async () => {
  const CHANGES = 40
  let finished = false
  for (let powerOffAfter = 1; !finished; powerOffAfter += 3) {
    const disk = new SimulatedDisk()
    disk.powerOffAfter = powerOffAfter
    const answered: number[] = []
    let tried = -1
    try {
      const { committer } = await setUp(disk)
      for (let at = 0; at < CHANGES; at++) {
        tried = at
        await committer.commit([config('a', String(at)), config(`n${at % 5}`, String(at))])
        answered.push(at)
        await turn()
      }
      finished = true
    } catch {
      // The power is off.
    }
    disk.powerOffAfter = Number.POSITIVE_INFINITY
    disk.crash(powerOffAfter % 2 === 0 ? seededRandom(powerOffAfter) : 'nothing')
    const after = await setUp(disk)
    const found = configsOf(after.metadata)
    const last = found['a'] === undefined ? -1 : Number(found['a'])
    expect(last, `after ${powerOffAfter} writes`).toBeGreaterThanOrEqual(answered.at(-1) ?? -1)
    expect(last).toBeLessThanOrEqual(tried)
    if (last >= 0) expect(found[`n${last % 5}`]).toBe(String(last))
    expect(after.metadata.endOffset).toBe(BigInt(2 * (last + 1)))
    if (finished) {
      expect(last).toBe(CHANGES - 1)
      expect((await listCheckpoints(after.store, METADATA_LOG_ID)).length).toBeGreaterThan(0)
    }
    await after.committer.close()
  }
})
