import { readFileSync } from 'node:fs'

const LEAST = 8
const MOST = 10_000
/** What Node itself has open, and what is open for a moment only. */
const OWN = 40
/** Where nobody can be asked it is what every system gives. */
const UNKNOWN = 200

/** How many files and connections this process may have open; undefined where nobody can be asked for that. */
export function descriptorLimit(): number | undefined {
  try {
    const [, soft] = /^Max open files +(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === 'unlimited' ? Number.POSITIVE_INFINITY : soft === undefined ? undefined : Number(soft)
  } catch {
    return undefined
  }
}

/**
 * How many files of segments may stay open: half of what the system lets this process have, since connections need some
 * too. A file that has to be opened for each append, with its indexes, makes the append thirty times as expensive.
 * @param descriptors as `descriptorLimit` says it.
 */
export function openFileLimit(descriptors: number | undefined = descriptorLimit()): number {
  if (descriptors === undefined) return UNKNOWN
  return Math.max(LEAST, Math.min(MOST, Math.floor((descriptors - OWN) / 2)))
}
