/** Sets of characters of RE2's expressions: ranges, and Unicode's properties. */

export interface CharacterRange {
  readonly low: number
  readonly high: number
}

/** Code points. */
export interface CharacterSet {
  readonly ranges: readonly CharacterRange[]
  /** Other sets within this one: `\PL` or `[:^alpha:]` in brackets, and properties. */
  readonly parts: readonly CharacterSet[]
  /** A property of Unicode, as an expression that one character matches. */
  readonly property: RegExp | null
  readonly negated: boolean
  readonly foldsCase: boolean
}

export function characterSet(more: Partial<CharacterSet>): CharacterSet {
  return { ranges: [], parts: [], property: null, negated: false, foldsCase: false, ...more }
}

export function single(codePoint: number, foldsCase: boolean): CharacterSet {
  return characterSet({ ranges: [{ low: codePoint, high: codePoint }], foldsCase })
}

export function contains(set: CharacterSet, codePoint: number): boolean {
  const found = set.foldsCase
    ? caseVariants(codePoint).some((variant) => isIn(set, variant))
    : isIn(set, codePoint)
  return found !== set.negated
}

function isIn({ ranges, parts, property }: CharacterSet, codePoint: number): boolean {
  for (const { low, high } of ranges) if (codePoint >= low && codePoint <= high) return true
  for (const part of parts) if (contains(part, codePoint)) return true
  return property?.test(String.fromCodePoint(codePoint)) ?? false
}

/** The characters that differ from it by case alone. */
function caseVariants(codePoint: number): number[] {
  const character = String.fromCodePoint(codePoint)
  const lower = character.toLowerCase()
  const upper = character.toUpperCase()
  const variants = [codePoint]
  for (const variant of [lower, upper, upper.toLowerCase(), lower.toUpperCase(), ...FOLDED_APART]) {
    const other = variant.codePointAt(0) ?? codePoint
    const isSingle = String.fromCodePoint(other) === variant
    if (isSingle && variant.toLowerCase() === upper.toLowerCase()) variants.push(other)
    else if (isSingle && variant.toUpperCase() === upper) variants.push(other)
  }
  return variants
}

/** Characters that others turn into, and that turn into others: the signs for Kelvin and Angstrom, and the long s. */
const FOLDED_APART = ['\u212a', '\u212b', '\u017f']

/** `[:alpha:]` and the like; those of Perl have a letter for a name. */
const NAMED: ReadonlyMap<string, string> = new Map([
  ['alnum', '09AZaz'],
  ['alpha', 'AZaz'],
  ['ascii', '\x00\x7f'],
  ['blank', '\t\t  '],
  ['cntrl', '\x00\x1f\x7f\x7f'],
  ['digit', '09'],
  ['graph', '!~'],
  ['lower', 'az'],
  ['print', ' ~'],
  ['punct', '!/:@[`{~'],
  ['space', '\t\r  '],
  ['upper', 'AZ'],
  ['word', '09AZaz__'],
  ['xdigit', '09AFaf'],
  ['d', '09'],
  ['s', '\t\n\f\r  '],
  ['w', '09AZaz__'],
])

/** @returns undefined when there is no class of that name. */
export function namedClass(name: string, negated: boolean): CharacterSet | undefined {
  const bounds = NAMED.get(name)
  if (bounds === undefined) return undefined
  const ranges: CharacterRange[] = []
  for (let at = 0; at < bounds.length; at += 2) {
    ranges.push({ low: bounds.charCodeAt(at), high: bounds.charCodeAt(at + 1) })
  }
  return characterSet({ ranges, negated })
}

/** `\pL`, `\p{Greek}`: a general category or a script; undefined when Unicode has no such thing. */
export function unicodeClass(name: string, negated: boolean): CharacterSet | undefined {
  if (name === 'Any') return characterSet({ ranges: [{ low: 0, high: 0x10ffff }], negated })
  if (!/^[A-Za-z_]+$/.test(name)) return undefined
  for (const property of [`General_Category=${name}`, `Script=${name}`]) {
    // Unicode's long names of categories are none of RE2's.
    if (property.startsWith('G') && name.length > 2) continue
    try {
      return characterSet({ property: new RegExp(`^\\p{${property}}$`, 'u'), negated })
    } catch {
      // The engine knows no such property.
    }
  }
  return undefined
}

const WORD = namedClass('w', false) as CharacterSet

export function isWord(codePoint: number | undefined): boolean {
  return codePoint !== undefined && contains(WORD, codePoint)
}
