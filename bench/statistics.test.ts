import { expect, test } from 'vitest'
import { median, readable, withSpread } from './statistics.ts'

test('the median is the value in the middle, or between the two there', () => {
  expect(median([3])).toBe(3)
  expect(median([9, 1, 2])).toBe(2)
  expect(median([4, 1, 2, 100])).toBe(3)
  expect(median([])).toBeNaN()
})

test.each([
  [1234567.8, '1,234,568'],
  [123.45, '123'],
  [12.345, '12.3'],
  [1.2345, '1.23'],
  [0.12345, '0.123'],
  [2, '2'],
  [0, '0'],
  [Number.NaN, '–'],
])('%d reads as %s', (value, text) => {
  expect(readable(value)).toBe(text)
})

test('the spread of more than one value stands behind the median', () => {
  expect(withSpread([5])).toBe('5')
  expect(withSpread([5, 1, 30])).toBe('5 (1–30)')
})
