/** A partition of `__consumer_offsets` as the log of a coordinator. */
import type { Clock } from '../clock.ts'
import type { Partition } from '../replica/partition.ts'
import { lastOffset, wholeBatches } from '../wire/batch.ts'
import { buildBatch, readRecords } from '../wire/records.ts'
import type { CoordinatorLog, CoordinatorRecord } from './coordinator-log.ts'

/** How much is read at a time when a coordinator replays its log. */
const READ_BYTES = 1 << 20

export function partitionLog(partition: Partition, clock: Clock): CoordinatorLog {
  return {
    append(records) {
      const timestamp = BigInt(clock.now())
      const batch = buildBatch(records.map(({ key, value }) => ({ key, value, timestamp })))
      return partition.appendOwn(batch).durable
    },
    read: () => recordsOf(partition),
  }
}

async function* recordsOf(partition: Partition): AsyncGenerator<CoordinatorRecord> {
  let offset = partition.logStartOffset
  for (;;) {
    const position = { offset, maxBytes: READ_BYTES, currentLeaderEpoch: -1, lastFetchedEpoch: -1 }
    const { records } = await partition.read(position, READ_BYTES, 0, true)
    if (records.length === 0) return
    for (const buffer of records) {
      for (const at of wholeBatches(buffer)) {
        offset = lastOffset(buffer, at) + 1n
        for (const record of await readRecords(buffer, at)) {
          if (record.key !== null) yield { key: record.key, value: record.value }
        }
      }
    }
  }
}
