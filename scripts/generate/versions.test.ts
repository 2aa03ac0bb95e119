import { describe, expect, test } from 'vitest'
import { choose, condition, intersect, parseVersions, show, subtract } from './versions.ts'

describe('versions', () => {
  test('are parsed as the definitions have them', () => {
    expect(parseVersions('none')).toBeNull()
    expect(parseVersions(undefined)).toBeNull()
    expect(parseVersions('3')).toEqual({ min: 3, max: 3 })
    expect(parseVersions('3-7')).toEqual({ min: 3, max: 7 })
    expect(parseVersions('3+')).toEqual({ min: 3, max: 0x7fff })
    expect(() => parseVersions('3-')).toThrow('not a range of versions: 3-')
  })

  test('are shown as they are parsed', () => {
    for (const text of ['3', '3-7', '3+']) {
      const versions = parseVersions(text)
      expect(versions && show(versions)).toBe(text)
    }
  })

  test('are cut from each other', () => {
    expect(intersect({ min: 1, max: 4 }, { min: 3, max: 9 })).toEqual({ min: 3, max: 4 })
    expect(intersect({ min: 1, max: 2 }, { min: 3, max: 9 })).toBeNull()
    expect(subtract({ min: 1, max: 4 }, { min: 3, max: 9 })).toEqual({ min: 1, max: 2 })
    expect(subtract({ min: 1, max: 4 }, { min: 0, max: 2 })).toEqual({ min: 3, max: 4 })
    expect(subtract({ min: 1, max: 4 }, { min: 0, max: 9 })).toBeNull()
    // Two pieces are left: only what holds them both can be told.
    expect(subtract({ min: 1, max: 4 }, { min: 2, max: 3 })).toEqual({ min: 1, max: 4 })
  })

  test('become the shortest condition that their context allows', () => {
    const context = { min: 3, max: 9 }
    expect(condition({ min: 0, max: 9 }, context)).toBe('true')
    expect(condition(null, context)).toBe('false')
    expect(condition({ min: 5, max: 0x7fff }, context)).toBe('version >= 5')
    expect(condition({ min: 0, max: 5 }, context)).toBe('version <= 5')
    expect(condition({ min: 4, max: 5 }, context)).toBe('version >= 4 && version <= 5')
    expect(condition({ min: 5, max: 5 }, context)).toBe('version === 5')
  })

  test('choose between expressions, each told its own versions', () => {
    const context = { min: 0, max: 9 }
    const name = (range: { min: number; max: number }): string => show(range)
    expect(choose({ min: 4, max: 9 }, context, name, name)).toBe('version >= 4 ? 4-9 : 0-3')
    expect(choose(null, context, name, name)).toBe('0-9')
    expect(choose(context, context, name, () => 'never')).toBe('0-9')
  })
})
