/** Where ottla must stand beside others, as ratios of medians from one run. */
import type { Figure, PeerName } from './measure.ts'
import { peerTitles } from './peers.ts'
import type { Results } from './results.ts'
import { median } from './statistics.ts'

/** One figure among those of a measure. */
export interface FigureName {
  readonly measure: string
  readonly case: string
  readonly figure: string
}

/** A goal for one of ottla's figures: against the same figure of another, or against a number. */
export interface Goal {
  /** What is judged, for people. */
  readonly title: string
  readonly ottla: FigureName
  /** Whose figure is the measure: a peer, or a floor. Without it, the bound is of the figure itself. */
  readonly against?: string
  /** Where the other's figure has other names. */
  readonly theirs?: Partial<FigureName>
  readonly atLeast?: number
  readonly atMost?: number
}

export interface Judgement {
  readonly goal: Goal
  readonly unit: string
  /** Medians; undefined where something has not been measured. */
  readonly ottla: number | undefined
  readonly theirs: number | undefined
  /** What the goal bounds: the ratio of the two, or ottla's figure. */
  readonly judged: number | undefined
  readonly verdict: 'met' | 'not met' | 'not measured'
}

const KAFKA: PeerName = 'kafka'
const KFAKE: PeerName = 'kfake'

const throughputOf = (name: string): FigureName => ({
  measure: 'throughput',
  case: name,
  figure: 'throughput',
})
const costOf = (name: string): FigureName => ({
  measure: 'throughput',
  case: name,
  figure: "broker's processor",
})

export const goals: readonly Goal[] = [
  ...produce('produce 1 KiB, acks=all, memory', 'produce 1 KiB', { kafka: [1.2, 0.5], kfake: [1.1, 0.7] }),
  ...produce('produce 1 KiB, disk', 'produce 1 KiB, disk', { kafka: [1, 0.7] }),
  ...consume(),
  ...produce('produce 100 B, batched', 'produce 100 B', { kafka: [1.2, 0.6], kfake: [1.1, 1] }),
]

/** Judges all goals that are known. */
export function judge(results: Results, all: readonly Goal[] = goals): readonly Judgement[] {
  return all.map((goal) => {
    const ours = find(results, goal.ottla, 'ottla')
    const unit = ours?.unit ?? ''
    const ottla = ours && median(ours.values)
    if (goal.against === undefined) {
      return { goal, unit, ottla, theirs: undefined, judged: ottla, verdict: verdict(goal, ottla) }
    }
    const other = find(results, { ...goal.ottla, ...goal.theirs }, goal.against)
    const theirs = other && median(other.values)
    const ratio = ottla === undefined || theirs === undefined ? undefined : ottla / theirs
    return { goal, unit, ottla, theirs, judged: ratio, verdict: verdict(goal, ratio) }
  })
}

/** Whose name a figure bears, for people. */
export function titleOf(of: string): string {
  return (peerTitles as Readonly<Record<string, string>>)[of] ?? of
}

function find(results: Results, { measure, case: name, figure }: FigureName, of: string): Figure | undefined {
  return results[measure]?.figures.find(
    (each) => each.case === name && each.figure === figure && each.of === of && each.values.length > 0,
  )
}

function verdict({ atLeast, atMost }: Goal, value: number | undefined): Judgement['verdict'] {
  if (value === undefined || Number.isNaN(value)) return 'not measured'
  return value >= (atLeast ?? Number.NEGATIVE_INFINITY) && value <= (atMost ?? Number.POSITIVE_INFINITY)
    ? 'met'
    : 'not met'
}

type Bounds = readonly [throughputAtLeast: number, costAtMost: number]

function produce(
  title: string,
  name: string,
  { kafka, kfake }: { readonly kafka: Bounds; readonly kfake?: Bounds },
): readonly Goal[] {
  const against = (peer: PeerName, [atLeast, atMost]: Bounds): readonly Goal[] => [
    { title: `${title}: throughput`, ottla: throughputOf(name), against: peer, atLeast },
    { title: `${title}: processor per GB`, ottla: costOf(name), against: peer, atMost },
  ]
  return [...against(KAFKA, kafka), ...(kfake === undefined ? [] : against(KFAKE, kfake))]
}

function consume(): readonly Goal[] {
  const [throughput, cost] = [throughputOf('consume 1 KiB'), costOf('consume 1 KiB')]
  return [
    { title: 'consume 1 KiB: throughput', ottla: throughput, against: KAFKA, atLeast: 1 },
    { title: 'consume 1 KiB: processor per GB', ottla: cost, atMost: 0.7 },
    { title: 'consume 1 KiB: throughput', ottla: throughput, against: KFAKE, atLeast: 2.5 },
    { title: 'consume 1 KiB: processor per GB', ottla: cost, against: KFAKE, atMost: 0.4 },
  ]
}
