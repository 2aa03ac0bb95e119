/** Where ottla must stand beside others, as ratios of medians from one run. */
import { EMPTY_SERVER } from './empty-server.ts'
import type { Figure, PeerName } from './measure.ts'
import { KAFKA_WITHOUT_DELAY } from './peer-runners.ts'
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

const P99: FigureName = { measure: 'latency', case: '1,000 records a second', figure: 'p99' }
const TRANSACTIONS: FigureName = { measure: 'transactions', case: 'a record each', figure: 'transactions' }
const GROUP_OF_3: FigureName = { measure: 'groups', case: '3 members', figure: 'until stable' }
const START: FigureName = { measure: 'start', case: 'the program', figure: 'exec to first answer' }
const IDLE: FigureName = { measure: 'memory', case: 'idle', figure: 'resident' }
const SUITE: FigureName = { measure: 'suite', case: '200 tests', figure: 'wall time' }

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
  ...atMost('end-to-end p99 at 1,000 a second', P99, { kafka: 0.1, kfake: 1.5 }),
  { title: 'transactions a second', ottla: TRANSACTIONS, against: KAFKA, atLeast: 60 },
  { title: 'transactions a second', ottla: TRANSACTIONS, against: KFAKE, atLeast: 0.8 },
  ...atMost('group of 3 stable', GROUP_OF_3, { kafka: 1, [KAFKA_WITHOUT_DELAY]: 1, kfake: 1 }),
  ...atMost('exec to first answer', START, { kafka: 1 / 30, [EMPTY_SERVER]: 2.5 }),
  ...atMost('idle memory', IDLE, { kafka: 1 / 4, [EMPTY_SERVER]: 1.6 }),
  ...atMost('the suite of 200 tests', SUITE, { kafka: 1 / 5, [KAFKA_WITHOUT_DELAY]: 1 / 5, kfake: 1.1 }),
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
    const other = find(results, goal.ottla, goal.against)
    const theirs = other && median(other.values)
    const ratio = ottla === undefined || theirs === undefined ? undefined : ottla / theirs
    return { goal, unit, ottla, theirs, judged: ratio, verdict: verdict(goal, ratio) }
  })
}

/** Whose name a figure bears, for people; after a comma may stand what is special about it. */
export function titleOf(of: string): string {
  const [name = '', ...special] = of.split(',')
  return [(peerTitles as Readonly<Record<string, string>>)[name] ?? name, ...special].join(',')
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

function atMost(title: string, ottla: FigureName, bounds: Readonly<Record<string, number>>): readonly Goal[] {
  return Object.entries(bounds).map(([against, bound]) => ({ title, ottla, against, atMost: bound }))
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
