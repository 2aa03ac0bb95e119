import { readFileSync } from 'node:fs'

const LEAST = 200
const MOST = 10_000

/**
 * How many files of segments may stay open: half of what the system lets this process have, since connections need some
 * too. Where nobody can be asked for that it is what every system gives. A file that has to be opened for each append,
 * with its indexes, makes the append thirty times as expensive.
 */
export function openFileLimit(): number {
  try {
    const [, soft] = /^Max open files +(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    if (soft === undefined) return LEAST
    const limit = soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft)
    return Math.max(LEAST, Math.min(MOST, Math.floor(limit / 2)))
  } catch {
    return LEAST
  }
}
