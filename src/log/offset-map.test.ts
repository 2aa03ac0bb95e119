import { describe, expect, it } from 'vitest'
import { seededRandom } from '../clock.ts'
import { OffsetMap } from './offset-map.ts'

function mapOf(maxKeys: number, maxBytes = 1 << 20): OffsetMap {
  return new OffsetMap({ maxBytes, loadFactor: 0.9, maxKeys, random: seededRandom(3) })
}

describe('offset map', () => {
  it('holds the latest offset of keys of any length', () => {
    const map = mapOf(2000)
    const expected = new Map<string, number>()
    for (let index = 0; index < 3000; index++) {
      const key = String(index % 1000)
        .repeat(12)
        .slice(0, 4 + (index % 40))
      expect(put(map, key, index)).toBe(true)
      expected.set(key, index)
    }
    for (const [key, offset] of expected) expect(get(map, key)).toBe(offset)
    expect(map.size).toBe(expected.size)
    expect(get(map, 'never')).toBe(Number.NEGATIVE_INFINITY)
  })

  it('tells keys apart that differ in trailing zeros, or far behind', () => {
    const map = mapOf(10)
    const keys = [
      '',
      '\0',
      '\0\0',
      'x'.repeat(15),
      'x'.repeat(16),
      `${'x'.repeat(100)}a`,
      `${'x'.repeat(100)}b`,
    ]
    for (const [index, key] of keys.entries()) put(map, key, index)
    expect(keys.map((key) => get(map, key))).toEqual([0, 1, 2, 3, 4, 5, 6])
  })

  it('takes no more keys than fit into its memory, and goes on with those it has', () => {
    const map = mapOf(1000, 24 * 100)
    expect(map.capacity).toBe(90)
    for (let index = 0; index < 90; index++) expect(put(map, `key ${index}`, index)).toBe(true)
    expect(put(map, 'one more', 90)).toBe(false)
    expect(put(map, 'key 7', 91)).toBe(true)
    expect(get(map, 'key 7')).toBe(91)
    expect(get(map, 'one more')).toBe(Number.NEGATIVE_INFINITY)
  })

  it('takes as many keys as it was told, however few', () => {
    for (let keys = 1; keys < 30; keys++) {
      const map = mapOf(keys)
      for (let index = 0; index < keys; index++) expect(put(map, String(index), index)).toBe(true)
    }
  })
})

function put(map: OffsetMap, key: string, offset: number): boolean {
  const bytes = Buffer.from(`<${key}>`, 'latin1')
  return map.put(bytes, 1, bytes.length - 2, offset)
}

function get(map: OffsetMap, key: string): number {
  const bytes = Buffer.from(`<${key}>`, 'latin1')
  return map.get(bytes, 1, bytes.length - 2)
}
