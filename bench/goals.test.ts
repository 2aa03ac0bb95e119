import { describe, expect, test } from 'vitest'
import { type Goal, goals, judge, titleOf } from './goals.ts'
import type { Figure } from './measure.ts'
import type { Results } from './results.ts'

const name = { measure: 'throughput', case: 'produce', figure: 'throughput' }

function figure(of: string, ...values: number[]): Figure {
  return { case: 'produce', figure: 'throughput', unit: 'MB/s', better: 'more', of, values }
}

function results(...figures: Figure[]): Results {
  const machine = { processor: '', cores: 2, memoryGiB: 8, kernel: '', node: '' }
  const result = { title: '', about: '', date: '', seconds: 1, rounds: 1, machine, missing: {}, figures }
  return { throughput: result }
}

function judged(goal: Omit<Goal, 'title' | 'ottla'>, ...figures: Figure[]) {
  return judge(results(...figures), [{ title: '', ottla: name, ...goal }])[0]!
}

describe('a goal', () => {
  test('bounds the ratio of the medians from below', () => {
    const goal = { against: 'kafka', atLeast: 1.2 }
    const {
      judged: ratio,
      verdict,
      ottla,
      theirs,
      unit,
    } = judged(goal, figure('ottla', 999, 300, 1), figure('kafka', 250))
    expect({ ratio, verdict, ottla, theirs, unit }).toEqual({
      ratio: 1.2,
      verdict: 'met',
      ottla: 300,
      theirs: 250,
      unit: 'MB/s',
    })
    expect(judged(goal, figure('ottla', 299), figure('kafka', 250)).verdict).toBe('not met')
  })

  test('bounds it from above', () => {
    const goal = { against: 'kfake', atMost: 0.5 }
    expect(judged(goal, figure('ottla', 1), figure('kfake', 2)).verdict).toBe('met')
    expect(judged(goal, figure('ottla', 1.01), figure('kfake', 2)).verdict).toBe('not met')
  })

  test('bounds the figure itself where it is against nobody', () => {
    expect(judged({ atMost: 0.7 }, figure('ottla', 0.7))).toMatchObject({ judged: 0.7, verdict: 'met' })
    expect(judged({ atMost: 0.7 }, figure('ottla', 0.71))).toMatchObject({ judged: 0.71, verdict: 'not met' })
  })

  test('is not measured where one of the two is not there', () => {
    const goal = { against: 'kafka', atLeast: 1 }
    expect(judged(goal, figure('ottla', 1)).verdict).toBe('not measured')
    expect(judged(goal, figure('kafka', 1)).verdict).toBe('not measured')
    expect(judged(goal, figure('ottla'), figure('kafka', 1)).verdict).toBe('not measured')
    expect(judge({}, goals).map(({ verdict }) => verdict)).toEqual(goals.map(() => 'not measured'))
  })
})

test('every goal has one bound', () => {
  for (const { atLeast, atMost } of goals)
    expect((atLeast === undefined) !== (atMost === undefined)).toBe(true)
})

test('a figure bears the name of a peer or of a floor, and what is special about it', () => {
  expect(titleOf('kafka')).toBe('Apache Kafka 4.3.1')
  expect(titleOf('kafka, group.initial.rebalance.delay.ms=0')).toBe(
    'Apache Kafka 4.3.1, group.initial.rebalance.delay.ms=0',
  )
  expect(titleOf('empty Node server')).toBe('empty Node server')
})
