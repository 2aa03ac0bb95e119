import { expect, it } from 'vitest'
import { ManualClock } from '../clock.ts'
import { ARRIVAL_MS, Arrivals } from './arrivals.ts'

it('counts a connection once, and each arrival as one of those who asked', () => {
  const arrivals = new Arrivals(new ManualClock())
  for (const seeker of ['a', 'b', 'a']) arrivals.announce('g', seeker)
  arrivals.arrived('g')
  expect(arrivals.isAnyoneComing('g')).toBe(true)
  arrivals.arrived('g')
  expect(arrivals.isAnyoneComing('g')).toBe(false)
  arrivals.arrived('g')
})

it('expects nobody for long, and those of one group for no other', async () => {
  const clock = new ManualClock()
  const arrivals = new Arrivals(clock)
  arrivals.announce('g', 'a')
  await clock.advance(ARRIVAL_MS - 1)
  arrivals.announce('h', 'b')
  expect([arrivals.isAnyoneComing('g'), arrivals.isAnyoneComing('i')]).toEqual([true, false])
  await clock.advance(1)
  expect([arrivals.isAnyoneComing('g'), arrivals.isAnyoneComing('h')]).toEqual([false, true])
})

it('remembers a bounded number at a time, and others as soon as those are late', async () => {
  const clock = new ManualClock()
  const arrivals = new Arrivals(clock)
  for (let index = 0; index < 10_001; index++) arrivals.announce(`g${index}`, 'a')
  expect(arrivals.isAnyoneComing('g9999')).toBe(true)
  expect(arrivals.isAnyoneComing('g10000')).toBe(false)
  await clock.advance(ARRIVAL_MS)
  arrivals.announce('g10000', 'a')
  expect(arrivals.isAnyoneComing('g10000')).toBe(true)
})
