import { expect, it } from 'vitest'
import { giveBack, isLent, keep, lend } from './lent-memory.ts'

it('lends what was given back, once each', () => {
  const first = lend(100_000)
  const second = lend(100_000)
  expect([first.length, isLent(first), first.buffer === second.buffer]).toEqual([100_000, true, false])
  giveBack(first.subarray(10, 20))
  giveBack(first)
  expect(isLent(first)).toBe(false)
  const third = lend(99_000)
  expect([third.buffer === first.buffer, third.length]).toEqual([true, 99_000])
  expect(lend(100_000).buffer).not.toBe(first.buffer)
})

it('never lends anew what somebody keeps, nor what was not lent', () => {
  const kept = lend(200_000)
  keep(kept)
  giveBack(kept)
  const own = Buffer.alloc(262_144)
  giveBack(own)
  for (let times = 0; times < 10; times++) {
    const { buffer } = lend(200_000)
    expect(buffer === kept.buffer || buffer === own.buffer).toBe(false)
  }
})

it('gives sizes that it does not keep memory of their own', () => {
  for (const bytes of [0, 1, 5000, 17 * 1024 * 1024]) {
    const buffer = lend(bytes)
    expect([buffer.length, buffer.buffer.byteLength, isLent(buffer)]).toEqual([bytes, bytes, false])
  }
})
