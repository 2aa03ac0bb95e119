import { expect, test } from 'vitest'
import { inOrderOf } from './peer-runners.ts'

test('peers take turns in another order each round', () => {
  const orders = [0, 1, 2, 3].map((round) => inOrderOf(round, ['a', 'b', 'c']).join(''))
  expect(orders).toEqual(['abc', 'cba', 'bca', 'bac'])
  expect([0, 1].map((round) => inOrderOf(round, ['a', 'b']).join(''))).toEqual(['ab', 'ba'])
  expect(inOrderOf(1, [])).toEqual([])
})

test.each([3, 4, 5])('of %d nobody always comes behind the same other', (count) => {
  const peers = Array.from({ length: count }, (_, index) => index)
  const before = peers.map(() => new Set<number | undefined>())
  for (let round = 0; round < 3; round++) {
    const order = inOrderOf(round, peers)
    // Case after case in the same order: the first comes behind the last.
    order.forEach((peer, at) => {
      before[peer]?.add(order.at(at - 1))
    })
  }
  for (const others of before) expect(others.size).toBeGreaterThan(1)
})
