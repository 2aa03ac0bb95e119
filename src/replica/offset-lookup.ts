/** The offsets that ListOffsets finds: for a timestamp, or for what a special one stands for. */
import type { Log } from '../log/log.ts'
import type { TimestampAndOffset } from '../log/timestamp-search.ts'

/** What is asked of a log by time: the special timestamps of ListOffsets. */
export const ListOffsetsTimestamp = {
  LATEST: -1n,
  EARLIEST: -2n,
  MAX_TIMESTAMP: -3n,
  EARLIEST_LOCAL: -4n,
  LATEST_TIERED: -5n,
  EARLIEST_PENDING_UPLOAD: -6n,
} as const

const NOT_FOUND: TimestampAndOffset = { timestamp: -1n, offset: -1n, leaderEpoch: -1 }

/**
 * Offset -1 where there is none.
 * @param end the first offset that the reader does not get yet.
 * @throws KafkaError KAFKA_STORAGE_ERROR
 */
export function lookUpOffset(
  log: Log,
  timestamp: bigint,
  end: bigint,
): TimestampAndOffset | Promise<TimestampAndOffset> {
  const readable = (found: TimestampAndOffset | null): TimestampAndOffset =>
    found !== null && found.offset < end ? found : NOT_FOUND
  switch (timestamp) {
    case ListOffsetsTimestamp.LATEST:
      return { timestamp: -1n, offset: end, leaderEpoch: log.latestEpoch }
    case ListOffsetsTimestamp.EARLIEST:
    case ListOffsetsTimestamp.EARLIEST_LOCAL: {
      const offset = log.startOffset
      return { timestamp: -1n, offset, leaderEpoch: log.epochForOffset(offset) }
    }
    case ListOffsetsTimestamp.LATEST_TIERED:
    case ListOffsetsTimestamp.EARLIEST_PENDING_UPLOAD:
      return NOT_FOUND
  }
  const found =
    timestamp === ListOffsetsTimestamp.MAX_TIMESTAMP
      ? log.maxTimestampOffset()
      : log.offsetForTimestamp(timestamp)
  return found instanceof Promise ? found.then(readable) : readable(found)
}
