import { expect, test } from 'vitest'
import { type Outcome, violations } from './outcome.ts'

const right: Outcome = {
  acknowledged: ['0', '1'],
  input: [
    { key: '0', line: 'to be' },
    { key: '1', line: 'or not to be' },
  ],
  output: ['to 1', 'be 1', 'or 1', 'to 2', 'not 1', 'be 2'].map((text) => {
    const [word = '', count = ''] = text.split(' ')
    return { word, count }
  }),
}

test('every word once is right', () => {
  expect(violations(right)).toEqual([])
})

test('a lost line, a word counted twice, a gap and a word too few are found', () => {
  const { acknowledged, input, output } = right
  expect(violations({ ...right, acknowledged: [...acknowledged, '2'] })).toEqual([
    'line 2 was acknowledged and is not there',
  ])
  const twice = { word: 'to', count: '2' }
  expect(violations({ ...right, output: [...output, twice] })).toEqual(['to: 1,2,2 where 3 was due'])
  expect(violations({ ...right, output: output.slice(1) })).toEqual(['to: 2 where 1 was due'])
  expect(violations({ ...right, output: output.slice(0, -1) })).toEqual(['be: counted 1, not 2'])
  expect(violations({ ...right, input: [...input, { key: '2', line: 'question' }] })).toEqual([
    'question: counted 0, not 1',
  ])
  expect(violations({ ...right, output: [...output, { word: 'that', count: '1' }] })).toEqual([
    'that: counted 1, not 0',
  ])
})
