import { describe, expect, it } from 'vitest'
import { type CleanableRange, cleanableRange, type DirtyLog, type DirtySegment } from './cleanable-range.ts'
import { defaultLogConfig, type LogConfig } from './log-config.ts'
import { groupSegments } from './segment-groups.ts'

/** Segments of 100 offsets each, of so many bytes; a segment at offset 200 has timestamps from 200 to 299. */
function segments(...sizes: readonly number[]): DirtySegment[] {
  return sizes.map((sizeBytes, index) => ({
    baseOffset: BigInt(index * 100),
    sizeBytes,
    firstTimestamp: index * 100,
    largestTimestamp: index * 100 + 99,
  }))
}

function range(
  sizes: readonly number[],
  log: Partial<DirtyLog> = {},
  config: Partial<LogConfig> = {},
  nowMs = 10_000,
): CleanableRange | null {
  const end = BigInt(sizes.length * 100)
  const whole = { startOffset: 0n, endOffset: end, lastStableOffset: end, cleanedUpTo: null }
  return cleanableRange(
    { ...whole, segments: segments(...sizes), ...log },
    { ...defaultLogConfig, ...config },
    nowMs,
  )
}

describe('what may be compacted', () => {
  it('is everything but the active segment at first', () => {
    expect(range([10, 20, 30])).toEqual({
      firstDirtyOffset: 0n,
      firstUncleanableOffset: 200n,
      dirtyRatio: 1,
      due: true,
    })
    expect(range([10])).toBeNull()
    expect(range([0, 30])).toBeNull()
  })

  it('is due when more than min.cleanable.dirty.ratio of it is dirty', () => {
    const log = { cleanedUpTo: 200n }
    const half = range([10, 20, 30, 5], log)
    expect(half).toMatchObject({ firstDirtyOffset: 200n, dirtyRatio: 0.5, due: false })
    expect(range([10, 20, 31, 5], log)).toMatchObject({ due: true })
    expect(range([10, 20, 30, 5], log, { minCleanableDirtyRatio: 0.4 })).toMatchObject({ due: true })
    expect(range([10, 20, 30, 5], { cleanedUpTo: 300n })).toBeNull()
  })

  it('ends before the last stable offset', () => {
    expect(range([10, 20, 30], { lastStableOffset: 199n })).toMatchObject({ firstUncleanableOffset: 100n })
    expect(range([10, 20, 30], { lastStableOffset: 200n })).toMatchObject({ firstUncleanableOffset: 200n })
    expect(range([10, 20, 30], { lastStableOffset: 99n })).toBeNull()
  })

  it('ends before records younger than min.compaction.lag.ms', () => {
    const config = { minCompactionLagMs: 1000 }
    expect(range([1, 1, 1, 1], {}, config, 1199)).toMatchObject({ firstUncleanableOffset: 200n })
    expect(range([1, 1, 1, 1], {}, config, 1198)).toMatchObject({ firstUncleanableOffset: 100n })
    expect(range([1, 1, 1, 1], {}, config, 1098)).toBeNull()
  })

  it('is due, however clean, when the oldest dirty record is older than max.compaction.lag.ms', () => {
    const log = { cleanedUpTo: 100n }
    const config = { minCleanableDirtyRatio: 0.9, maxCompactionLagMs: 1000 }
    expect(range([90, 10, 10], log, config, 1100)).toMatchObject({ due: false })
    expect(range([90, 10, 10], log, config, 1101)).toMatchObject({ due: true, dirtyRatio: 0.1 })
  })

  it('begins at the log start where the last place is not there any more', () => {
    expect(range([1, 1, 1], { startOffset: 150n, cleanedUpTo: 100n })).toMatchObject({
      firstDirtyOffset: 150n,
    })
    expect(range([1, 1, 1], { cleanedUpTo: 301n })).toMatchObject({ firstDirtyOffset: 0n })
  })
})

describe('segments that become one', () => {
  const index = { offsetIndexBytes: 8, timeIndexBytes: 12 }
  const config = { ...defaultLogConfig, segmentBytes: 100, segmentIndexBytes: 1000 }
  const bases = (groups: readonly (readonly { baseOffset: bigint }[])[]): bigint[][] =>
    groups.map((group) => group.map(({ baseOffset }) => baseOffset))

  it('fit into segment.bytes together', () => {
    const sizes = [60, 40, 1, 99, 100, 0]
    const list = sizes.map((sizeBytes, at) => ({ baseOffset: BigInt(at), sizeBytes, ...index }))
    expect(bases(groupSegments(list, config, 6n))).toEqual([
      [0n, 1n],
      [2n, 3n],
      [4n, 5n],
    ])
    expect(groupSegments([], config, 0n)).toEqual([])
  })

  it('fit into segment.index.bytes together', () => {
    const list = [0n, 1n, 2n].map((baseOffset) => ({ baseOffset, sizeBytes: 1, ...index }))
    expect(bases(groupSegments(list, { ...config, segmentIndexBytes: 24 }, 3n))).toEqual([[0n, 1n], [2n]])
    const wide = list.map((segment) => ({ ...segment, offsetIndexBytes: 13, timeIndexBytes: 0 }))
    expect(bases(groupSegments(wide, { ...config, segmentIndexBytes: 24 }, 3n))).toEqual([[0n], [1n], [2n]])
  })

  it('span no more offsets than an index can hold', () => {
    const far = 2n ** 31n
    const list = [0n, 10n, far].map((baseOffset) => ({ baseOffset, sizeBytes: 1, ...index }))
    expect(bases(groupSegments(list, config, far + 1n))).toEqual([[0n, 10n], [far]])
    const empty = list.map((segment) => ({ ...segment, sizeBytes: 0 }))
    expect(bases(groupSegments(empty, config, far + 1n))).toEqual([[0n, 10n, far]])
  })
})
