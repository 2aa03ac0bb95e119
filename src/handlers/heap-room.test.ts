import { expect, it } from 'vitest'
import { ErrorCode } from '../wire/error-codes.ts'
import { HeapRoom } from './heap-room.ts'

/** A heap of 1,000 bytes, some of them garbage. */
function heapOf(live: number, garbage: number) {
  const heap = { limitBytes: 1000, live, garbage, collections: 0 }
  const room = new HeapRoom({
    limitBytes: 1000,
    usedBytes: () => heap.live + heap.garbage,
    collect: () => {
      heap.garbage = 0
      heap.collections++
    },
  })
  const refuses = (bytes = 0): boolean => {
    try {
      room.check(bytes, ErrorCode.POLICY_VIOLATION)
      return false
    } catch (error) {
      expect(error).toMatchObject({ code: ErrorCode.POLICY_VIOLATION })
      return true
    }
  }
  return { heap, room, refuses }
}

it('lets in what there is room for, when need be after garbage was collected', () => {
  const { heap, refuses } = heapOf(300, 0)
  expect([refuses(), refuses(500), heap.collections]).toEqual([false, false, 0])
  heap.garbage = 600
  expect([refuses(), heap.collections]).toEqual([false, 1])
  expect([refuses(600), refuses(450)]).toEqual([true, false])
})

it('refuses until there is room again, and does not collect for each that it refuses', () => {
  const { heap, refuses } = heapOf(820, 50)
  for (let request = 0; request < 100; request++) expect(refuses()).toBe(true)
  expect(heap.collections).toBeLessThan(3)
  heap.live = 400
  expect(refuses()).toBe(false)
})

it('looks now and then only for small requests, and at each one while there is no room', () => {
  const { heap, room } = heapOf(100, 0)
  const check = (): void => room.checkSmall(ErrorCode.KAFKA_STORAGE_ERROR)
  check()
  heap.live = 900
  for (let request = 1; request < 64; request++) check()
  expect(check).toThrow(/900 of 1000 bytes/)
  expect(check).toThrow()
  heap.live = 100
  expect(check).not.toThrow()
})
