import { describe, expect, test } from 'vitest'
import { type Baseline, type Cost, compare, table } from './compare.ts'

const heartbeat: Cost = {
  heapBytes: 4600,
  bufferBytes: 90,
  copies: 1,
  copiedBytes: 71,
  socketReads: 1,
  socketWrites: 1,
  socketSwitches: 0,
  fileCalls: 0,
}
const produce: Cost = { ...heartbeat, heapBytes: 150_000, copiedBytes: 65_532, socketReads: 3 }
const baseline: Baseline = { node: 20, costs: { Heartbeat: heartbeat, Produce: produce } }

const against = (name: string, changed: Partial<Cost>, node = 20) =>
  compare({ [name]: { ...baseline.costs[name], ...changed } as Cost }, baseline, node)

describe('what requests cost, against the baseline', () => {
  test('nothing is told of what is the same, or differs by what is tolerated', () => {
    expect(compare(baseline.costs, baseline, 20)).toEqual({ risen: [], fallen: [], notes: [] })
    expect(against('Heartbeat', { heapBytes: 4690, copies: 1.02 }).risen).toEqual([])
    expect(against('Heartbeat', { heapBytes: 4510, copies: 0.98 }).fallen).toEqual([])
  })

  test('what rose is told with its request, from what and to what', () => {
    expect(against('Heartbeat', { socketWrites: 2 }).risen).toEqual([
      'Heartbeat: socket writes rose from 1 to 2 (0.05 more or less are tolerated)',
    ])
    expect(against('Produce', { heapBytes: 190_000 }).risen).toEqual([
      'Produce: heap bytes rose from 150,000 to 190,000 (3,084 more or less are tolerated)',
    ])
    expect(against('Produce', { copies: 2, copiedBytes: 1_034_071 }).risen).toHaveLength(1)
  })

  test('what fell is told, and is no failure', () => {
    const { risen, fallen } = against('Heartbeat', { copies: 0, copiedBytes: 0 })
    expect(risen).toEqual([])
    expect(fallen).toEqual([
      'Heartbeat: copies fell from 1 to 0 (0.05 more or less are tolerated)',
      'Heartbeat: copied bytes fell from 71 to 0 (4.36 more or less are tolerated)',
    ])
  })

  test('a request that arrives in pieces may take twice the reads', () => {
    expect(against('Produce', { socketReads: 6, copies: 1.5 }).risen).toEqual([])
    expect(against('Produce', { socketReads: 16 }).risen).toHaveLength(1)
    expect(against('Heartbeat', { socketReads: 2 }).risen).toHaveLength(1)
  })

  test('a case that nobody has recorded is a failure', () => {
    const { risen } = compare({ Fetch: heartbeat }, baseline, 20)
    expect(risen).toEqual(['Fetch: the baseline does not have it'])
  })

  test('with another Node all but what is allocated is compared', () => {
    const { risen, notes } = against('Heartbeat', { heapBytes: 9000, copies: 2 }, 24)
    expect(risen).toEqual(['Heartbeat: copies rose from 1 to 2 (0.05 more or less are tolerated)'])
    expect(notes).toEqual([
      'The baseline is of Node 20, and this is Node 24: bytes allocated are not compared.',
    ])
  })

  test('the table has a line for each case', () => {
    expect(table(baseline.costs).split('\n')).toHaveLength(3)
  })
})
