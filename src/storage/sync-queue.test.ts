import { expect, it } from 'vitest'
import { SyncQueue } from './sync-queue.ts'

/** Syncs that are under way until they are told to end. */
function setUp(limit: number) {
  const queue = new SyncQueue(limit)
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const run = (name: string, isUrgent = true) =>
    queue.run(() => {
      begun.push(name)
      return new Promise<void>((end) => ends.set(name, end))
    }, isUrgent)
  const end = async (name: string) => {
    ends.get(name)?.()
    for (let turn = 0; turn < 5; turn++) await null
  }
  return { queue, begun, run, end }
}

it('keeps to its limit, and prefers what somebody waits for', async () => {
  const { begun, run, end } = setUp(1)
  const done = [run('a'), run('patient', false), run('b')]
  expect(begun).toEqual(['a'])
  await end('a')
  await end('b')
  await end('patient')
  await Promise.all(done)
  expect(begun).toEqual(['a', 'b', 'patient'])
})

it('has more under way when it is widened, and no more than that', async () => {
  const { queue, begun, run, end } = setUp(1)
  const done = ['a', 'b', 'c', 'd'].map((name) => run(name))
  queue.widen(3)
  for (let turn = 0; turn < 5; turn++) await null
  expect(begun).toEqual(['a', 'b', 'c'])
  for (const name of ['b', 'a', 'c', 'd']) await end(name)
  await Promise.all(done)
  expect(begun).toEqual(['a', 'b', 'c', 'd'])
})
