import { expect, it } from 'vitest'
import {
  type Checkpoint,
  checkpointName,
  decodeCheckpoint,
  encodeCheckpoint,
  parseCheckpointName,
} from './checkpoint.ts'
import type { MetadataRecord } from './metadata.ts'

/** What Apache Kafka 4.3.1's `kafka-storage format` writes as bootstrap.checkpoint. */
const KAFKAS = Buffer.from(
  'AAAAAAAAAAAAAABHAAAAAAL3o5HEACAAAAAAAAABogUS00AAAAGiBRLTQP//////////////////AAAAASoAAAAIAAAAAxYAAAAA' +
    'AAAAAAAAAAAAAAAAAAAAAQAAAPEAAAAAAku9wEsAAAAAAAUAAAGiBRLTXAAAAaIFEtNc//////////////////8AAAAGOgAAAAEu' +
    'AQwAEW1ldGFkYXRhLnZlcnNpb24AHgAAWgAAAgFOAQwAIWVsaWdpYmxlLmxlYWRlci5yZXBsaWNhcy52ZXJzaW9uAAEAADQAAAQB' +
    'KAEMAA5ncm91cC52ZXJzaW9uAAEAADQAAAYBKAEMAA5zaGFyZS52ZXJzaW9uAAEAADgAAAgBLAEMABBzdHJlYW1zLnZlcnNpb24A' +
    'AQAAQAAACgE0AQwAFHRyYW5zYWN0aW9uLnZlcnNpb24AAgAAAAAAAAAAAAcAAAA/AAAAAAL/VKH3ACAAAAAAAAABogUS010AAAGi' +
    'BRLTXf//////////////////AAAAARoAAAAIAAAABAYAAAAA',
  'base64',
)

const records: readonly MetadataRecord[] = Array.from({ length: 2500 }, (_, at) => ({
  name: 'ConfigRecord',
  value: { resourceType: 4, resourceName: '', name: `n${at}`, value: 'v' },
}))

it('is named by where it ends and the epoch of its last record', () => {
  const id = { endOffset: 42n, epoch: 3 }
  expect(checkpointName(id)).toBe('00000000000000000042-0000000003.checkpoint')
  expect(parseCheckpointName(checkpointName(id))).toEqual(id)
  expect(parseCheckpointName('00000000000000000042-0000000003.checkpoint.part')).toBe(null)
  expect(parseCheckpointName('quorum-state')).toBe(null)
})

it('comes back as it was', async () => {
  for (const some of [records, records.slice(0, 1000), []]) {
    const read = await decodeCheckpoint(encodeCheckpoint(some, 3, 1234n))
    expect(read).toEqual({ records: some, lastTimestampMs: 1234n } satisfies Checkpoint)
  }
})

it('tells of the quorum in control records', async () => {
  const quorum: readonly MetadataRecord[] = [
    { name: 'FeatureLevelRecord', value: { name: 'kraft.version', featureLevel: 1 } },
    { name: 'VotersRecord', value: Buffer.from([0, 0, 1, 0]) },
  ]
  const read = await decodeCheckpoint(encodeCheckpoint([...records.slice(0, 2), ...quorum], 3, 1n))
  expect(read?.records).toEqual([...quorum, ...records.slice(0, 2)])
})

it('is read as Kafka writes it', async () => {
  const read = await decodeCheckpoint(KAFKAS)
  expect(
    read?.records.map(({ value }) => ('featureLevel' in value ? [value.name, value.featureLevel] : value)),
  ).toEqual([
    ['metadata.version', 30],
    ['eligible.leader.replicas.version', 1],
    ['group.version', 1],
    ['share.version', 1],
    ['streams.version', 1],
    ['transaction.version', 2],
  ])
})

it('is torn wherever it is cut, and wherever a byte is another', async () => {
  const bytes = encodeCheckpoint(records.slice(0, 3), 3, 1234n)
  for (let length = 0; length < bytes.length; length++) {
    expect(await decodeCheckpoint(bytes.subarray(0, length)), `cut to ${length} bytes`).toBe(null)
  }
  expect(await decodeCheckpoint(Buffer.concat([bytes, Buffer.alloc(1)]))).toBe(null)
  for (let at = 0; at < bytes.length; at++) {
    // Base offsets and leader epochs are outside of the checksum.
    const changed = Buffer.from(bytes)
    changed.writeUInt8((changed[at] ?? 0) ^ 0xff, at)
    const read = await decodeCheckpoint(changed).catch(() => 'refused')
    if (read !== null)
      expect(read, `byte ${at} changed`).toEqual({ records: records.slice(0, 3), lastTimestampMs: 1234n })
  }
})
