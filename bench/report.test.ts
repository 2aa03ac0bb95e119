import { describe, expect, test } from 'vitest'
import { Collector } from './collector.ts'
import { judgeGrowth } from './growth/judge.ts'
import type { Figure } from './measure.ts'
import { report, tables } from './report.ts'
import type { MeasureResult } from './results.ts'

const speed = { figure: 'throughput', unit: 'MB/s', better: 'more' } as const

const machine = { processor: 'a processor', cores: 2, memoryGiB: 8, kernel: 'linux 6', node: 'v20' }

function measured(figures: readonly Figure[], more: Partial<MeasureResult> = {}): MeasureResult {
  return {
    title: 'Throughput',
    about: 'How much\ngoes through.',
    date: '2026-01-02',
    seconds: 90,
    rounds: 3,
    machine,
    missing: {},
    figures,
    ...more,
  }
}

test('figures are gathered round by round, in the order in which each was first seen', () => {
  const figures = new Collector()
  for (const value of [1, 2]) {
    for (const of of ['kafka', 'ottla']) figures.add({ ...speed, case: 'produce', of }, value)
  }
  expect(figures.all()).toEqual([
    { ...speed, case: 'produce', of: 'kafka', values: [1, 2] },
    { ...speed, case: 'produce', of: 'ottla', values: [1, 2] },
  ])
})

test('a figure is a table of cases by peers, with the floors behind them', () => {
  const figures = [
    { ...speed, case: 'produce', of: 'a floor', values: [900] },
    { ...speed, case: 'produce', of: 'kfake', values: [100, 300, 200] },
    { ...speed, case: 'produce', of: 'ottla', values: [400] },
    { ...speed, case: 'consume', of: 'ottla', values: [500] },
  ]
  expect(tables(figures)).toBe(`**throughput**, MB/s (more is better)

|  | ottla | kfake | a floor |
|---|--:|--:|--:|
| produce | 400 | 200 (100–300) | 900 |
| consume | 500 |  |  |`)
})

describe('a cost beside few and many of something', () => {
  const cost = (count: number, of: string, ...values: number[]): Figure => ({
    case: `${count} segments`,
    figure: 'fetch',
    unit: 'µs',
    better: 'less',
    of,
    beside: { what: 'segments', count },
    values,
  })
  const figures = [cost(10, 'ottla', 4), cost(100, 'ottla', 9), cost(1000, 'ottla', 6), cost(10, 'kafka', 8)]

  test('has how many times the smallest it is behind it', () => {
    expect(tables([...figures, cost(1000, 'kafka', 8)])).toBe(`**fetch**, µs (less is better)

|  | ottla | Apache Kafka 4.3.1 |
|---|--:|--:|
| 10 segments | 4 | 8 |
| 100 segments | 9, 2.25 × |  |
| 1000 segments | 6, 1.5 × | 8, 1 × |`)
  })

  test('grows where it is more than is tolerated beside the most', () => {
    expect(judgeGrowth(figures)).toEqual([
      {
        figure: 'fetch',
        unit: 'µs',
        fewest: { beside: '10 segments', value: 4 },
        most: { beside: '1000 segments', value: 6 },
        ratio: 1.5,
        verdict: 'does not grow',
      },
    ])
    const page = report({ growth: measured([...figures, cost(2000, 'ottla', 6.4)]) }, ['growth'], '')
    expect(page).toContain('| fetch | 10 segments: 4 µs | 2000 segments: 6.4 µs | 1.6 × | **grows** |')
  })

  test('is not judged where there is just one, or nobody has said beside what', () => {
    expect(
      judgeGrowth([cost(10, 'ottla', 4), { ...speed, case: 'produce', of: 'ottla', values: [1] }]),
    ).toEqual([])
  })
})

test('the page says which goals are met, who was left out and what has not been measured', () => {
  const figures = [
    { ...speed, case: 'produce 1 KiB', of: 'ottla', values: [110] },
    { ...speed, case: 'produce 1 KiB', of: 'kfake', values: [100] },
  ]
  const results = { throughput: measured(figures, { missing: { kafka: 'java is not installed' } }) }
  const page = report(results, ['throughput', 'latency'], 'It is far.\n')
  expect(page).toContain('**Apache Kafka 4.3.1 is left out** where it could not run: java is not installed.')
  expect(page).toContain('Not measured yet: latency.')
  expect(page).toContain(
    '| produce 1 KiB, acks=all, memory: throughput | 110 MB/s | kfake: 100 MB/s | 1.1 × | ≥ 1.1 × | met |',
  )
  expect(page).toContain('| exec to first answer | – | Apache Kafka 4.3.1: – | – | ≤ 1/30 × | not measured |')
  expect(page).toContain('## What the distance to the floor consists of\n\nIt is far.\n\n')
  expect(page).toContain(
    '## Throughput\n\nHow much goes through. 3 rounds, 1.5 minutes; each figure has 1 to 1 values.\n\n**throughput**',
  )
  expect(page).toContain('| processor | a processor, 2 cores |')
})

test('what could not run is said to be left out, and why', () => {
  const reason = 'there is no client'
  const figures = [{ ...speed, case: 'produce', of: 'ottla', values: [1] }]
  const results = {
    latency: measured([], { title: 'Latency', leftOut: { reason } }),
    memory: measured(figures, { title: 'Memory', leftOut: { part: 'traffic', reason } }),
  }
  const page = report(results, ['latency', 'memory'], '')
  expect(page).toContain('**Latency: left out**, since it could not run: there is no client.')
  expect(page).toContain('**Memory, traffic: left out**, since it could not run: there is no client.')
  expect(page).toContain('## Latency\n\nHow much goes through. It was left out.')
})

test('what was measured is named', () => {
  const figures = [{ ...speed, case: 'produce', of: 'ottla', values: [1] }]
  const commits = {
    throughput: measured([], { commit: 'abc1234' }),
    latency: measured(figures, { commit: 'def5678+' }),
  }
  const page = report({ ...commits, start: measured([]) }, ['throughput', 'latency', 'start'], '')
  expect(page).toContain('| commit | abc1234, def5678+, not known |')
  expect(page).toContain('3 rounds, 1.5 minutes at def5678+;')
})

test('machines that differ are told apart, with their days', () => {
  const newer = measured([], { date: '2026-01-03', machine: { ...machine, node: 'v22' } })
  const page = report(
    { throughput: measured([]), latency: newer, start: measured([]) },
    ['throughput', 'latency', 'start'],
    '',
  )
  expect(page.match(/\| Node \| v\d+ \|/g)).toEqual(['| Node | v20 |', '| Node | v22 |'])
})
