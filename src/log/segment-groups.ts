/** Which segments a cleaning makes one of. */
import type { LogConfig } from './log-config.ts'

export interface GroupedSegment {
  readonly baseOffset: bigint
  readonly sizeBytes: number
  /** What Kafka's index files would take. */
  readonly offsetIndexBytes: number
  readonly timeIndexBytes: number
}

/** How far above its segment's base an offset may be. */
const MAX_OFFSET_DELTA = 2n ** 31n - 1n

/**
 * Puts neighbours together as long as they fit into one segment: by segment.bytes, by segment.index.bytes, and by the
 * 31 bits that an offset may be above its segment's base.
 * @param endOffset where the last segment ends at the latest.
 */
export function groupSegments<Segment extends GroupedSegment>(
  segments: readonly Segment[],
  config: LogConfig,
  endOffset: bigint,
): readonly (readonly Segment[])[] {
  const groups: Segment[][] = []
  let totals = NOTHING
  for (const [index, segment] of segments.entries()) {
    const first = groups.at(-1)?.[0]
    const end = segments[index + 1]?.baseOffset ?? endOffset
    const together = sum(totals, segment)
    // An empty segment has no offsets, so that none is left over for every 2^31 records that are gone.
    const reaches = first !== undefined && segment.sizeBytes > 0 ? end - 1n - first.baseOffset : 0n
    if (first !== undefined && fits(together, config) && reaches <= MAX_OFFSET_DELTA) {
      groups.at(-1)?.push(segment)
      totals = together
    } else {
      groups.push([segment])
      totals = segment
    }
  }
  return groups
}

type Sizes = Omit<GroupedSegment, 'baseOffset'>

const NOTHING: Sizes = { sizeBytes: 0, offsetIndexBytes: 0, timeIndexBytes: 0 }

function sum(left: Sizes, right: Sizes): Sizes {
  return {
    sizeBytes: left.sizeBytes + right.sizeBytes,
    offsetIndexBytes: left.offsetIndexBytes + right.offsetIndexBytes,
    timeIndexBytes: left.timeIndexBytes + right.timeIndexBytes,
  }
}

function fits(sizes: Sizes, { segmentBytes, segmentIndexBytes }: LogConfig): boolean {
  return (
    sizes.sizeBytes <= segmentBytes &&
    sizes.offsetIndexBytes <= segmentIndexBytes &&
    sizes.timeIndexBytes <= segmentIndexBytes
  )
}
