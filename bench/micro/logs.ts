/** A batch from its bytes into a log and back, in memory and on a disk, beside what the bytes alone take. */
import { closeSync, ftruncateSync, openSync, readSync, writevSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBroker } from '../../src/cluster.ts'
import type { Partition } from '../../src/replica/partition.ts'
import { setBaseOffset } from '../../src/wire/batch.ts'
import { crc32c } from '../../src/wire/crc32c.ts'
import { batchOf } from '../requests.ts'
import { type Effort, keep, nanosecondsPer, nanosecondsPerStep, type Value } from './timing.ts'

const BATCHES = [
  { name: '1 x 100 B', count: 1, valueBytes: 100 },
  { name: '16 x 1 KiB', count: 16, valueBytes: 1024 },
  { name: '1,000 x 1 KiB', count: 1000, valueBytes: 1024 },
] as const
const READ_BYTES = 1024 * 1024
/** What is appended goes again when there is so much of it. */
const KEPT_BYTES = 128 * 1024 * 1024
const SEGMENT_BYTES = 16 * 1024 * 1024

export async function measureLogs(effort: Effort): Promise<readonly Value[]> {
  const folder = await mkdtemp(join(tmpdir(), 'ottla-micro-'))
  try {
    return [
      ...(await measureStore(effort, 'ottla in memory', undefined)),
      ...(await measureStore(effort, 'ottla on a disk', join(folder, 'data'))),
      ...BATCHES.flatMap((each) => measureFloors(effort, each, join(folder, 'file'))),
    ]
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function measureStore(
  effort: Effort,
  of: string,
  dataDir: string | undefined,
): Promise<readonly Value[]> {
  const config = { 'segment.bytes': String(SEGMENT_BYTES) }
  const topics = BATCHES.map((_, index) => ({ name: `topic-${index}`, config }))
  const broker = await startBroker({ topics, ...(dataDir === undefined ? {} : { dataDir }) })
  const values: Value[] = []
  for (const [index, { name, count, valueBytes }] of BATCHES.entries()) {
    const topic = broker.services.metadata.topic(`topic-${index}`)
    if (topic === undefined) throw new Error('a topic is missing')
    const partition = broker.services.replicas.get(topic, 0)
    const records = batchOf(count, valueBytes)
    const ns = await nanosecondsPerStep(() => append(partition, records), {
      ...effort,
      sampleMs: effort.sampleMs * 2,
    })
    values.push({ figure: APPENDED, unit: 'µs', case: name, of, value: ns / 1000 })
    values.push({ figure: READ, unit: 'µs', case: name, of, value: await read(partition, effort) })
    await partition.deleteRecordsBefore(partition.logEndOffset)
  }
  await broker.stop()
  return values
}

/** All that a produce request has done for a batch, but for the request itself; to be waited for where the log has to. */
function append(partition: Partition, records: Buffer): Promise<unknown> | undefined {
  // A log writes its own offset into the batch, which is sent again here.
  setBaseOffset(records, 0, 0n)
  const prepared = partition.prepare(records)
  if (prepared instanceof Promise) throw new Error('a batch that is not compressed was waited for')
  const { durable } = partition.append(prepared)
  if (partition.sizeBytes > KEPT_BYTES) partition.dropOldestSegment()
  return durable
}

/** Microseconds for a MiB of records, from places all over the log. */
async function read(partition: Partition, effort: Effort): Promise<number> {
  const first = partition.logStartOffset
  const span = partition.logEndOffset - first
  let step = 0n
  let calls = 0
  let bytes = 0
  const work = (): unknown => {
    step = (step + 7919n) % 10_007n
    const offset = first + (span * step) / 10_007n
    const position = { offset, maxBytes: READ_BYTES, currentLeaderEpoch: -1, lastFetchedEpoch: -1 }
    const read = partition.read(position, READ_BYTES, 0, true)
    return read instanceof Promise ? read.then(count) : count(read)
  }
  const count = ({ sizeBytes }: { readonly sizeBytes: number }): void => {
    bytes += sizeBytes
    calls++
  }
  const ns = await nanosecondsPerStep(work, effort)
  return (ns * READ_BYTES) / (bytes / calls) / 1000
}

function measureFloors(effort: Effort, batch: (typeof BATCHES)[number], path: string): readonly Value[] {
  const records = batchOf(batch.count, batch.valueBytes)
  const target = Buffer.alloc(Math.max(records.length, READ_BYTES))
  const fd = openSync(path, 'w+')
  let position = 0
  const value = (figure: string, of: string, work: () => void, times = 1): Value => {
    const ns = nanosecondsPer(work, effort) * times
    return { figure, unit: 'µs', case: batch.name, of, value: ns / 1000 }
  }
  const values = [
    value(APPENDED, 'its checksum', () => keep(crc32c(records))),
    value(APPENDED, 'a copy of its bytes', () => keep(records.copy(target))),
    value(APPENDED, 'writev into a file', () => {
      position += writevSync(fd, [records], position)
      if (position < KEPT_BYTES) return
      ftruncateSync(fd, 0)
      position = 0
    }),
    value(READ, 'a copy of its bytes', () => keep(records.copy(target)), READ_BYTES / records.length),
  ]
  for (position = 0; position < KEPT_BYTES; position += READ_BYTES) {
    writevSync(fd, [target.subarray(0, READ_BYTES)], position)
  }
  values.push(
    value(READ, 'read from a file', () => {
      position = (position + 37 * READ_BYTES) % KEPT_BYTES
      keep(readSync(fd, target, 0, READ_BYTES, position))
    }),
  )
  closeSync(fd)
  return values
}

const APPENDED = 'a batch appended'
const READ = 'a MiB of batches read'
