import { describe, expect, it } from 'vitest'
import { defaultLogConfig, type LogConfig } from './log-config.ts'
import { type BatchFacts, LogSegment } from './log-segment.ts'

const config = (changes: Partial<LogConfig> = {}): LogConfig => ({ ...defaultLogConfig, ...changes })

function facts(baseOffset: bigint, changes: Partial<BatchFacts> = {}): BatchFacts {
  return { baseOffset, lastOffset: baseOffset, bytes: 100, maxTimestamp: 1000n, ...changes }
}

describe('log segment', () => {
  it('is full when the batch would take it beyond segment.bytes', () => {
    const segment = new LogSegment(0n, 0)
    const small = config({ segmentBytes: 250 })
    expect(segment.isFullFor(facts(0n, { bytes: 250 }), small, 0)).toBe(false)
    segment.add(facts(0n), 4096)
    expect(segment.isFullFor(facts(1n, { bytes: 150 }), small, 0)).toBe(false)
    expect(segment.isFullFor(facts(1n, { bytes: 151 }), small, 0)).toBe(true)
  })

  it('is full when timestamps have moved on by more than segment.ms since its first batch', () => {
    const segment = new LogSegment(0n, 0)
    const quick = config({ segmentMs: 500 })
    expect(segment.isFullFor(facts(0n, { maxTimestamp: 99_999n }), quick, 99_999)).toBe(false)
    segment.add(facts(0n), 4096)
    segment.add(facts(1n, { maxTimestamp: 1400n }), 4096)
    expect(segment.isFullFor(facts(2n, { maxTimestamp: 1500n }), quick, 99_999)).toBe(false)
    expect(segment.isFullFor(facts(2n, { maxTimestamp: 1501n }), quick, 0)).toBe(true)
  })

  it("goes by the broker's clock where the first batch has no timestamp", () => {
    const segment = new LogSegment(0n, 1000)
    const quick = config({ segmentMs: 500 })
    segment.add(facts(0n, { maxTimestamp: -1n }), 4096)
    expect(segment.isFullFor(facts(1n, { maxTimestamp: 99_999n }), quick, 1500)).toBe(false)
    expect(segment.isFullFor(facts(1n, { maxTimestamp: 0n }), quick, 1501)).toBe(true)
  })

  it('is full when its indexes are, of offsets or of timestamps', () => {
    const offsets = new LogSegment(0n, 0)
    const timestamps = new LogSegment(0n, 0)
    const tight = config({ segmentIndexBytes: 48 })
    const fill = (segment: LogSegment, moving: boolean): number => {
      for (let offset = 0n; ; offset++) {
        const next = facts(offset, { maxTimestamp: moving ? 1000n + offset : 1000n })
        if (segment.isFullFor(next, tight, 0)) return Number(offset)
        segment.add(next, 0)
      }
    }
    // Each batch but the first has an entry of 8 bytes for its offset, and one of 12 where its timestamp is new.
    expect(fill(offsets, false)).toBe(7)
    expect(fill(timestamps, true)).toBe(4)
  })

  it('is full for an offset that is 2^31 beyond its base', () => {
    const segment = new LogSegment(5n, 0)
    expect(segment.isFullFor(facts(5n, { lastOffset: 5n + 2n ** 31n - 1n }), config(), 0)).toBe(false)
    expect(segment.isFullFor(facts(5n, { lastOffset: 5n + 2n ** 31n }), config(), 0)).toBe(true)
  })

  it('remembers the first batch with the latest timestamp', () => {
    const segment = new LogSegment(10n, 0)
    expect([segment.maxTimestamp, segment.maxTimestampOffset]).toEqual([-1n, 10n])
    segment.add(facts(10n, { lastOffset: 12n, maxTimestamp: 5n }), 4096)
    segment.add(facts(13n, { lastOffset: 14n, maxTimestamp: 9n }), 4096)
    segment.add(facts(15n, { lastOffset: 15n, maxTimestamp: 9n }), 4096)
    expect([segment.maxTimestamp, segment.maxTimestampOffset]).toEqual([9n, 14n])
  })

  it('is what the store knows of it, its indexes as full as its bytes allow', () => {
    const stored = {
      baseOffset: 10n,
      endOffset: 20n,
      sizeBytes: 1000,
      firstTimestamp: 3n,
      maxTimestamp: 9n,
      maxTimestampOffset: 14n,
    }
    const segment = LogSegment.of(stored, 0, 99)
    expect(segment).toMatchObject({ sizeBytes: 1000, maxTimestamp: 9n, maxTimestampOffset: 14n })
    expect(segment.isFullFor(facts(20n), config({ segmentBytes: 1099 }), 0)).toBe(true)
    expect(segment.isFullFor(facts(20n), config({ segmentBytes: 1100 }), 0)).toBe(false)
    expect(segment.isFullFor(facts(20n, { maxTimestamp: 504n }), config({ segmentMs: 500 }), 0)).toBe(true)
    expect(segment.isFullFor(facts(20n), config({ segmentIndexBytes: 80 }), 0)).toBe(true)
    expect(segment.isFullFor(facts(20n), config({ segmentIndexBytes: 144 }), 0)).toBe(false)
  })
})
