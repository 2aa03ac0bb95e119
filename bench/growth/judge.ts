/** Whether the cost of a unit of work grows with what else there is. */
import type { Figure, PeerName } from '../measure.ts'
import { median } from '../statistics.ts'

/** What a cost beside the most may be of that beside the fewest: what is no more than that is noise, or a larger heap. */
export const TOLERATED = 1.5

export interface Growth {
  /** The unit of work. */
  readonly figure: string
  readonly unit: string
  /** Beside the fewest and the most that have been measured. */
  readonly fewest: Cost
  readonly most: Cost
  readonly ratio: number
  readonly verdict: 'does not grow' | 'grows'
}

export interface Cost {
  /** What else there was, in words. */
  readonly beside: string
  /** The median. */
  readonly value: number
}

const OTTLA: PeerName = 'ottla'

/** Judges ottla's costs that were measured beside fewer and more of something. */
export function judgeGrowth(figures: readonly Figure[]): readonly Growth[] {
  return figures.flatMap((most) => {
    const same = sameBesideAll(figures, most)
    const ratio = timesFewest(figures, most)
    const [fewest] = same
    if (most.of !== OTTLA || most !== same.at(-1) || fewest === undefined || ratio === undefined) return []
    const verdict = ratio <= TOLERATED ? 'does not grow' : 'grows'
    const { figure, unit } = most
    return [{ figure, unit, fewest: costOf(fewest), most: costOf(most), ratio, verdict }]
  })
}

/** How many times the cost beside the fewest this one is; undefined of that itself, and of what is beside nothing. */
export function timesFewest(figures: readonly Figure[], figure: Figure): number | undefined {
  const [fewest] = sameBesideAll(figures, figure)
  if (fewest === undefined || fewest === figure) return undefined
  const ratio = median(figure.values) / median(fewest.values)
  // Nobody can say how many times nothing something is.
  return Number.isFinite(ratio) ? ratio : undefined
}

/** The same cost beside fewer and more of the same, in that order. */
function sameBesideAll(figures: readonly Figure[], { figure, of, beside }: Figure): readonly Figure[] {
  const count = (each: Figure): number => each.beside?.count ?? 0
  return figures
    .filter((each) => each.figure === figure && each.of === of && each.beside !== undefined)
    .filter((each) => each.beside?.what === beside?.what)
    .toSorted((one, other) => count(one) - count(other))
}

const costOf = ({ case: beside, values }: Figure): Cost => ({ beside, value: median(values) })
