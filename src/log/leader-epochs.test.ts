import { describe, expect, it } from 'vitest'
import { LeaderEpochs } from './leader-epochs.ts'

/** Epochs 2, 4 and 7, from offsets 10, 20 and 30 on. */
function some(): LeaderEpochs {
  const epochs = new LeaderEpochs()
  epochs.assign(2, 10n)
  epochs.assign(4, 20n)
  epochs.assign(7, 30n)
  return epochs
}

describe('leader epochs', () => {
  it('know nothing at first', () => {
    const epochs = new LeaderEpochs()
    expect(epochs.latest).toBe(-1)
    expect(epochs.endOffsetFor(0, 5n)).toEqual({ epoch: -1, endOffset: -1n })
    expect(epochs.epochForOffset(0n)).toBe(-1)
    expect(epochs.truncateFromStart(5n)).toBe(false)
    expect(epochs.truncateFromEnd(0n)).toBe(false)
  })

  it('take a new epoch, and the same one only where it begins lower', () => {
    const epochs = some()
    expect(epochs.assign(7, 31n)).toBe(false)
    expect(epochs.assign(7, 30n)).toBe(false)
    expect(epochs.assign(7, 25n)).toBe(true)
    expect(epochs.entries.at(-1)).toEqual({ epoch: 7, startOffset: 25n })
    expect(epochs.latest).toBe(7)
  })

  it('drop what a new one contradicts', () => {
    const lower = some()
    lower.assign(3, 40n)
    expect(lower.entries).toEqual([
      { epoch: 2, startOffset: 10n },
      { epoch: 3, startOffset: 40n },
    ])
    const earlier = some()
    earlier.assign(9, 20n)
    expect(earlier.entries).toEqual([
      { epoch: 2, startOffset: 10n },
      { epoch: 9, startOffset: 20n },
    ])
  })

  it('tell where an epoch ends', () => {
    const epochs = some()
    expect(epochs.endOffsetFor(-1, 35n)).toEqual({ epoch: -1, endOffset: -1n })
    expect(epochs.endOffsetFor(1, 35n)).toEqual({ epoch: 1, endOffset: 10n })
    expect(epochs.endOffsetFor(2, 35n)).toEqual({ epoch: 2, endOffset: 20n })
    expect(epochs.endOffsetFor(3, 35n)).toEqual({ epoch: 2, endOffset: 20n })
    expect(epochs.endOffsetFor(6, 35n)).toEqual({ epoch: 4, endOffset: 30n })
    expect(epochs.endOffsetFor(7, 35n)).toEqual({ epoch: 7, endOffset: 35n })
    expect(epochs.endOffsetFor(8, 35n)).toEqual({ epoch: -1, endOffset: -1n })
  })

  it('tell the epoch of an offset', () => {
    const epochs = some()
    expect([9n, 10n, 19n, 20n, 30n, 99n].map((offset) => epochs.epochForOffset(offset))).toEqual([
      -1, 2, 2, 4, 7, 7,
    ])
  })

  it('are cut off at both ends with the log', () => {
    const epochs = some()
    expect(epochs.truncateFromEnd(31n)).toBe(false)
    expect(epochs.truncateFromEnd(30n)).toBe(true)
    expect(epochs.latest).toBe(4)
    expect(epochs.truncateFromStart(10n)).toBe(false)
    expect(epochs.truncateFromStart(15n)).toBe(true)
    expect(epochs.entries[0]).toEqual({ epoch: 2, startOffset: 15n })
    expect(epochs.truncateFromStart(20n)).toBe(true)
    expect(epochs.entries).toEqual([{ epoch: 4, startOffset: 20n }])
    expect(epochs.truncateFromStart(50n)).toBe(true)
    expect(epochs.entries).toEqual([{ epoch: 4, startOffset: 50n }])
  })
})
