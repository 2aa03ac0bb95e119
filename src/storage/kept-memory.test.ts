import { expect, test } from 'vitest'
import { KeptMemory } from './kept-memory.ts'

const MIB = 1024 * 1024

function isCounted({ buffer }: Buffer): boolean {
  return buffer instanceof ArrayBuffer
}

/** Allocates so many pieces of 1 MiB and counts those that V8 counts. */
function countedOf(memory: KeptMemory, frames: number, keep: (bytes: number) => void = () => {}): number {
  let counted = 0
  for (let left = frames; left > 0; left--) {
    const frame = memory.allocate(MIB)
    expect(frame.buffer.byteLength).toBe(MIB)
    if (isCounted(frame)) counted++
    keep(frame.length)
  }
  return counted
}

test('what logs keep is not counted', () => {
  let keptBytes = 0
  const memory = new KeptMemory(() => keptBytes)
  const keep = (bytes: number): void => {
    keptBytes += bytes
  }
  expect(countedOf(memory, 1000, keep)).toBe(0)
})

test('of what nobody keeps so much is counted that the rest is collected', () => {
  const memory = new KeptMemory(() => 0)
  const counted = countedOf(memory, 1000)
  expect(counted).toBeGreaterThan(480)
  expect(counted).toBeLessThan(520)
})

test('what logs no longer keep has to be collected, too', () => {
  let keptBytes = 0
  const memory = new KeptMemory(() => keptBytes)
  countedOf(memory, 200, (bytes) => {
    keptBytes += bytes
  })
  keptBytes = 0
  expect(countedOf(memory, 65)).toBe(65)
  expect(countedOf(memory, 1)).toBe(0)
})

test('small pieces are counted', () => {
  expect(isCounted(new KeptMemory(() => 0).allocate(1000))).toBe(true)
})
