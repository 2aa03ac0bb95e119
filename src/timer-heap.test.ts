import { describe, expect, it } from 'vitest'
import { type HeapTimer, TimerHeap } from './timer-heap.ts'

describe('TimerHeap', () => {
  it('has the same first timer as a sorted list, through additions and removals by chance', () => {
    let state = 20
    const chance = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return (state >>> 8) % below
    }
    const heap = new TimerHeap<HeapTimer>()
    const list: HeapTimer[] = []
    for (let order = 0; order < 800; order++) {
      if (chance(5) < 3) {
        const timer = { dueMs: chance(50), order, place: -1 }
        heap.add(timer)
        list.push(timer)
      } else {
        const [gone] = list.splice(chance(list.length + 1), 1)
        if (gone !== undefined) heap.remove(gone)
        if (gone !== undefined) heap.remove(gone)
      }
      const [first] = [...list].sort((a, b) => a.dueMs - b.dueMs || a.order - b.order)
      expect(heap.first).toBe(first)
      expect(heap.size).toBe(list.length)
    }
  })
})
