/** A range of versions, both ends included; null is the empty one. */
export type Versions = Range | null

export interface Range {
  readonly min: number
  readonly max: number
}

/** Above every version: an int16 ends at 0x7fff. */
const OPEN_END = 0x7fff

/** Understands "none", "3", "3-7" and "3+". */
export function parseVersions(text: string | undefined): Versions {
  if (text === undefined || text === 'none') return null
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text)
  if (match === null) throw new Error(`not a range of versions: ${text}`)
  const min = Number(match[1])
  if (match[2] === '+') return { min, max: OPEN_END }
  return { min, max: match[3] === undefined ? min : Number(match[3]) }
}

export function intersect(a: Versions, b: Versions): Versions {
  if (a === null || b === null) return null
  const min = Math.max(a.min, b.min)
  const max = Math.min(a.max, b.max)
  return min <= max ? { min, max } : null
}

/** The range that what is left of `from` without `taken` lies in: all of `from` where that is two pieces. */
export function subtract(from: Versions, taken: Versions): Versions {
  const common = intersect(from, taken)
  if (from === null || common === null) return from
  if (common.min === from.min) return common.max === from.max ? null : { min: common.max + 1, max: from.max }
  return common.max === from.max ? { min: from.min, max: common.min - 1 } : from
}

/** `9+`, `3-7` or `4`, as the definitions have it. */
export function show({ min, max }: Range): string {
  if (max === OPEN_END) return `${min}+`
  return min === max ? `${min}` : `${min}-${max}`
}

/** The expression that tells whether `version`, known to be in `context`, is in `versions`. */
export function condition(versions: Versions, context: Range): string {
  const common = intersect(versions, context)
  if (common === null) return 'false'
  const tests: string[] = []
  if (common.min === common.max && common.min > context.min && common.max < context.max) {
    return `version === ${common.min}`
  }
  if (common.min > context.min) tests.push(`version >= ${common.min}`)
  if (common.max < context.max) tests.push(`version <= ${common.max}`)
  return tests.length === 0 ? 'true' : tests.join(' && ')
}

/**
 * An expression that is `yes` in the versions given and `no` in the rest of `context`; both are told for which
 * versions they are asked.
 */
export function choose(
  versions: Versions,
  context: Range,
  yes: (context: Range) => string,
  no: (context: Range) => string,
): string {
  const common = intersect(versions, context)
  if (common === null) return no(context)
  const rest = subtract(context, common)
  if (rest === null) return yes(context)
  return `${condition(common, context)} ? ${yes(common)} : ${no(rest)}`
}
