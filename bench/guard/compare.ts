/** Compares what requests cost now with what they cost when the baseline was recorded. */

/** What one request costs. */
export type Cost = Readonly<Record<FigureName, number>>

export type FigureName =
  | 'heapBytes'
  | 'bufferBytes'
  | 'copies'
  | 'copiedBytes'
  | 'socketReads'
  | 'socketWrites'
  | 'socketSwitches'
  | 'fileCalls'

export interface Baseline {
  /** The major version of Node that it was recorded with. */
  readonly node: number
  /** By case. */
  readonly costs: Readonly<Record<string, Cost>>
}

interface FigureOptions {
  readonly title: string
  /** What may come on top of the baseline: this share of it, and so much more. */
  readonly share: number
  readonly plus: number
  /** Whether it depends on how V8 lays out objects and Node takes memory, and so on the version of Node. */
  readonly ofNode?: boolean
}

/**
 * What is compared, and what may differ without being told of. Whatever happens once per request, or once in ten,
 * is beyond it; what happens once in a hundred, such as a new slab for small buffers, comes a little earlier or later.
 */
export const FIGURES: Readonly<Record<FigureName, FigureOptions>> = {
  /** Repeated, they differ by 0.1 %, and by 1 % where timers are waited for; an object for a record is far more. */
  heapBytes: { title: 'heap bytes', share: 0.01, plus: 48, ofNode: true },
  /** Memory for small buffers is taken 8 or 16 KiB at a time. */
  bufferBytes: { title: 'buffer bytes', share: 0.01, plus: 16, ofNode: true },
  copies: { title: 'copies', share: 0, plus: 0.05 },
  copiedBytes: { title: 'copied bytes', share: 0.005, plus: 4 },
  socketReads: { title: 'socket reads', share: 0, plus: 0.05 },
  socketWrites: { title: 'socket writes', share: 0, plus: 0.05 },
  socketSwitches: { title: 'read switches', share: 0, plus: 0.05 },
  fileCalls: { title: 'file calls', share: 0, plus: 0.05 },
}

/** Where so much is copied out of what all connections read into, a request came in pieces. */
const IN_PIECES_BYTES = 32 * 1024

/** What the heap holds of a read: the room for it, and what Node makes for the call. */
const READ_HEAP_BYTES = 512

export interface Verdict {
  /** What is worse than the baseline. */
  readonly risen: readonly string[]
  /** What is better. */
  readonly fallen: readonly string[]
  /** What could not be compared, and why. */
  readonly notes: readonly string[]
}

/**
 * @param costs by case: those that were counted now, all of them or some.
 * @param node the major version of Node that they were counted with.
 */
export function compare(costs: Readonly<Record<string, Cost>>, baseline: Baseline, node: number): Verdict {
  const risen: string[] = []
  const fallen: string[] = []
  const notes: string[] = []
  if (node !== baseline.node) {
    notes.push(
      `The baseline is of Node ${baseline.node}, and this is Node ${node}: bytes allocated are not compared.`,
    )
  }
  for (const [name, cost] of Object.entries(costs)) {
    const base = baseline.costs[name]
    if (base === undefined) {
      risen.push(`${name}: the baseline does not have it`)
      continue
    }
    for (const figure of Object.keys(FIGURES) as FigureName[]) {
      const { title, ofNode = false } = FIGURES[figure]
      if (ofNode && node !== baseline.node) continue
      const difference = cost[figure] - base[figure]
      const tolerated = toleratedIn(figure, base)
      if (Math.abs(difference) <= tolerated) continue
      const what = `from ${format(base[figure])} to ${format(cost[figure])} (${format(tolerated)} more or less are tolerated)`
      if (difference > 0) risen.push(`${name}: ${title} rose ${what}`)
      else fallen.push(`${name}: ${title} fell ${what}`)
    }
  }
  return { risen, fallen, notes }
}

/** A table of all costs, one line per case. */
export function table(costs: Readonly<Record<string, Cost>>): string {
  const figures = Object.keys(FIGURES) as FigureName[]
  const rows = Object.entries(costs).map(([name, cost]) => [
    name,
    ...figures.map((figure) => format(cost[figure])),
  ])
  const head = ['per request', ...figures.map((figure) => FIGURES[figure].title)]
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
  return [head, ...rows].map(line).join('\n')
}

/** As they are recorded: so exact that a difference shows, and no more. */
export function rounded(cost: Cost): Cost {
  return Object.fromEntries(
    Object.entries(cost).map(([figure, value]) => [figure, Math.round(value * 100) / 100]),
  ) as Cost
}

function toleratedIn(figure: FigureName, base: Cost): number {
  const { share, plus } = FIGURES[figure]
  // In how many depends on how the machine's load falls. What is copied of them does not, and stays as strict.
  if (base.copiedBytes > IN_PIECES_BYTES) {
    if (figure === 'socketReads') return base.socketReads
    if (figure === 'copies') return 1
    if (figure === 'heapBytes') return base.heapBytes * share + plus + base.socketReads * READ_HEAP_BYTES
  }
  return base[figure] * share + plus
}

function format(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: value < 100 ? 2 : 0 })
}
