/** bench/results.json → BENCHMARKS.md. */
import { type Goal, type Judgement, judge, titleOf } from './goals.ts'
import { type Growth, judgeGrowth, TOLERATED, timesFewest } from './growth/judge.ts'
import type { Figure } from './measure.ts'
import { allPeers } from './peers.ts'
import type { Machine, MeasureResult, Results } from './results.ts'
import { median, readable, withSpread } from './statistics.ts'

/**
 * The page.
 * @param names the measures in the order in which they are told; those without a result are said not to have been run.
 * @param floor what a person has written about the distance to the floor, in Markdown.
 */
export function report(results: Results, names: readonly string[], floor: string): string {
  const known = names.flatMap((name) => results[name] ?? [])
  const left = names.filter((name) => results[name] === undefined)
  return `${[
    '# Benchmarks',
    INTRODUCTION,
    ...missing(known),
    ...(left.length === 0 ? [] : [`Not measured yet: ${left.join(', ')}.`]),
    '## Goals',
    GOALS,
    goalTable(judge(results)),
    '### The cost of a unit of work must not grow',
    GROWTH,
    growthTable(judgeGrowth(results['growth']?.figures ?? [])),
    '## What the distance to the floor consists of',
    floor.trim(),
    '## The machine',
    MACHINE,
    machineTable(known),
    '## How to run it',
    HOW,
    ...known.flatMap(measureSection),
  ].join('\n\n')}\n`
}

/** The tables of one measure, one for each of its figures, as Markdown. */
export function tables(figures: readonly Figure[]): string {
  const names = unique(figures.map(({ figure, unit }) => JSON.stringify([figure, unit])))
  return names
    .map((name) => {
      const [figure, unit] = JSON.parse(name) as [string, string]
      const those = figures.filter((each) => each.figure === figure && each.unit === unit)
      const better = those[0]?.better === 'more' ? 'more is better' : 'less is better'
      return `**${figure}**, ${unit} (${better})\n\n${figureTable(those)}`
    })
    .join('\n\n')
}

const INTRODUCTION = `ottla beside Apache Kafka 4.3.1 and kfake, franz-go's fake Kafka: with the same clients, on the same machine, in one run,
in turn, in another order each round. \`npm run bench\` writes this page. Only what stands side by side can be compared:
absolute figures are those of one machine on one day. Figures are medians over the rounds; in parentheses the least and
the most.`

const GOALS = `Ratios are ottla's median by the other's. What is not met is said so. Goals are for ottla with the optional
@node-rs/crc32, which npm installs where there is a binary for the platform; figures without it stand beside in the
tables below, without a goal.`

const GROWTH = `What ottla's processor is charged for one unit of work, and how long a start takes, beside the fewest and the most
partitions, connections, groups and segments that are measured: medians. Up to ${TOLERATED} times as much counts as noise
and as what a larger heap costs.`

const MACHINE = `A + behind the commit: what was measured was not quite as in it.`

const HOW = `\`\`\`sh
.ci/install-tools                              # Kafka's jars, the native client and kfake: needs Go, a JDK and Maven
npm run bench                                  # everything; writes bench/results.json and this page
npm run bench -- --only throughput,start       # these measures; the others stay as they are on the page
npm run bench -- --short --peers ottla,kfake   # a quick look, which is printed and not kept
\`\`\`

The machine should have nothing else to do. Kafka's JVM has -Xmx768m, and else what Kafka's own start script gives it: G1
with -XX:MaxGCPauseMillis=20, -XX:InitiatingHeapOccupancyPercent=35 and -XX:+ExplicitGCInvokesConcurrent. Everything stays
on 127.0.0.1 and in the folder for temporary files.`

function missing(known: readonly MeasureResult[]): string[] {
  const reasons = new Map(known.flatMap((each) => Object.entries(each.missing)))
  const peers = [...reasons].map(
    ([name, reason]) => `**${titleOf(name)} is left out** where it could not run: ${reason}.`,
  )
  const measures = known.flatMap(({ title, leftOut }) => {
    if (leftOut === undefined) return []
    const { part, reason } = leftOut
    return [
      `**${title}${part === undefined ? '' : `, ${part}`}: left out**, since it could not run: ${reason}.`,
    ]
  })
  return [...peers, ...measures]
}

function goalTable(judgements: readonly Judgement[]): string {
  const rows = judgements.map(({ goal, unit, ottla, theirs, judged, verdict }) => {
    const value = (number: number | undefined): string =>
      number === undefined ? '–' : `${readable(number)} ${unit}`.trim()
    const isRatio = goal.against !== undefined
    const sign = goal.atLeast === undefined ? '≤' : '≥'
    const bound = boundOf(goal)
    return [
      goal.title,
      value(ottla),
      isRatio ? `${titleOf(goal.against)}: ${value(theirs)}` : '–',
      isRatio && judged !== undefined ? `${readable(judged)} ×` : '–',
      isRatio ? `${sign} ${bound} ×` : `${sign} ${bound} ${unit}`.trim(),
      verdict === 'not met' ? '**not met**' : verdict,
    ]
  })
  return table(['figure', 'ottla', 'beside', 'ratio', 'goal', ''], rows)
}

function growthTable(growths: readonly Growth[]): string {
  if (growths.length === 0) return 'Not measured yet.'
  const rows = growths.map(({ figure, unit, fewest, most, ratio, verdict }) => [
    figure,
    `${fewest.beside}: ${readable(fewest.value)} ${unit}`,
    `${most.beside}: ${readable(most.value)} ${unit}`,
    `${readable(ratio)} ×`,
    verdict === 'grows' ? '**grows**' : verdict,
  ])
  return table(['unit of work', 'beside the fewest', 'beside the most', 'ratio', ''], rows)
}

/** A small one as it was said: 1/30. */
function boundOf({ atLeast, atMost }: Goal): string {
  const bound = atLeast ?? atMost ?? Number.NaN
  return bound < 0.3 && Number.isInteger(1 / bound) && 1 / bound !== 10 ? `1/${1 / bound}` : readable(bound)
}

function machineTable(known: readonly MeasureResult[]): string {
  const machines = unique(known.map(({ machine }) => JSON.stringify(machine)))
  return machines
    .map((text) => {
      const machine = JSON.parse(text) as Machine
      const those = known.filter((each) => JSON.stringify(each.machine) === text)
      const commits = unique(those.map(({ commit }) => commit ?? 'not known'))
      return table(
        ['', unique(those.map(({ date }) => date)).join(', ')],
        [
          ['commit', commits.join(', ')],
          ['processor', `${machine.processor}, ${machine.cores} cores`],
          ['memory', `${machine.memoryGiB} GiB`],
          ['kernel', machine.kernel],
          ['Node', machine.node],
          ['Java', machine.java ?? 'none'],
          ['Go', machine.go ?? 'none'],
        ],
      )
    })
    .join('\n\n')
}

function measureSection({ title, about, rounds, seconds, commit, figures }: MeasureResult): string[] {
  const text = about.replaceAll(/\s*\n\s*/g, ' ')
  if (figures.length === 0) return [`## ${title}`, `${text} It was left out.`]
  const counts = figures.map(({ values }) => values.length)
  const took =
    `${rounds} ${rounds === 1 ? 'round' : 'rounds'}, ${readable(Math.round(seconds / 6) / 10)} minutes` +
    `${commit === undefined ? '' : ` at ${commit}`}; ` +
    `each figure has ${Math.min(...counts)} to ${Math.max(...counts)} values.`
  return [`## ${title}`, `${text} ${took}`, tables(figures)]
}

/** A row for each case and a column for each peer, and after them the floors. */
function figureTable(figures: readonly Figure[]): string {
  const peers = allPeers.map(({ name }): string => name)
  const present = unique(figures.map(({ of }) => of))
  const columns = [
    ...peers.filter((name) => present.includes(name)),
    ...present.filter((name) => !peers.includes(name)),
  ]
  const cases = unique(figures.map((figure) => figure.case))
  const rows = cases.map((name) => [
    name,
    ...columns.map((of) => {
      const found = figures.find((figure) => figure.case === name && figure.of === of)
      if (found === undefined || Number.isNaN(median(found.values))) return ''
      const times = timesFewest(figures, found)
      return `${withSpread(found.values)}${times === undefined ? '' : `, ${readable(times)} ×`}`
    }),
  ])
  return table(['', ...columns.map(titleOf)], rows)
}

function unique<T>(list: readonly T[]): readonly T[] {
  return [...new Set(list)]
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [
    line(head),
    `|${head.map((_, index) => (index === 0 ? '---' : '--:')).join('|')}|`,
    ...rows.map(line),
  ].join('\n')
}
