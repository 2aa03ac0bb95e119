/**
 * The benchmark. usage: npm run bench [-- OPTION...]
 *
 *   --only NAME,...   these measures only
 *   --peers NAME,...  these peers only; what comes out is printed and not kept
 *   --rounds COUNT    how often everything is measured (5)
 *   --short           a quick look: little of each, one round; printed and not kept
 *   --dist FOLDER     takes this build of ottla in place of a new one; what comes out is printed and not kept
 *   --report          measures nothing: only writes BENCHMARKS.md again from bench/results.json
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from '../compat-tests/tools.ts'
import { groups } from './groups.ts'
import { growth } from './growth.ts'
import { latency } from './latency.ts'
import type { Measure, MeasureContext, Peer } from './measure.ts'
import { memory } from './memory.ts'
import { micro } from './micro.ts'
import { ottlaInstallation, useBuild } from './ottla-installation.ts'
import { allPeers } from './peers.ts'
import { report, tables } from './report.ts'
import { commitNow, loadResults, type MeasureResult, result, saveResults } from './results.ts'
import { start } from './start.ts'
import { suite } from './suite.ts'
import { throughput } from './throughput.ts'
import { transactions } from './transactions.ts'

/** In the order in which they are run and told. */
const measures: readonly Measure[] = [
  throughput,
  latency,
  transactions,
  groups,
  start,
  memory,
  growth,
  suite,
  micro,
]
const NAMES = measures.map(({ name }) => name)

const RESULTS = join(root, 'bench/results.json')
const PAGE = join(root, 'BENCHMARKS.md')
const FLOOR = join(root, 'bench/floor.md')

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      peers: { type: 'string' },
      rounds: { type: 'string' },
      short: { type: 'boolean', default: false },
      dist: { type: 'string' },
      report: { type: 'boolean', default: false },
    },
  })
  if (values.report) return writePage()
  const { short } = values
  const names = chosen('measure', NAMES, values.only)
  const peerNames = chosen(
    'peer',
    allPeers.map(({ name }) => name),
    values.peers,
  )
  const rounds = Number(values.rounds ?? (short ? 1 : 5))
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new Error(`--rounds ${values.rounds} is no count of rounds`)
  if (values.dist !== undefined) useBuild(resolve(values.dist))
  await ottlaInstallation('complete')
  const wanted = allPeers.filter(({ name }) => peerNames.includes(name))
  const isKept = !short && values.peers === undefined && values.dist === undefined
  const commit = isKept ? commitNow() : null
  for (const measure of measures) {
    if (names.includes(measure.name)) await runMeasure(measure, wanted, { rounds, short }, commit)
  }
}

/** @param commit what is measured; null where nothing is kept. */
async function runMeasure(
  measure: Measure,
  wanted: readonly Peer[],
  options: Pick<MeasureContext, 'rounds' | 'short'>,
  commit: string | null,
): Promise<void> {
  const { name } = measure
  const peers = wanted.filter(({ missing }) => missing === undefined)
  const missing = Object.fromEntries(
    wanted.flatMap((peer) => (peer.missing === undefined ? [] : [[peer.name, peer.missing]])),
  )
  for (const [peer, reason] of Object.entries(missing)) console.log(`${peer} is left out: ${reason}`)
  const beganMs = performance.now()
  const progress = (line: string): void =>
    console.log(`${seconds(beganMs).toFixed(1).padStart(7)} s  ${name}: ${line}`)
  let measured: MeasureResult
  try {
    const figures = isLeftOut(measure) ? [] : await measure.run({ peers, ...options, progress })
    measured = result(measure, { seconds: seconds(beganMs), rounds: options.rounds, missing, figures })
  } catch (error) {
    console.error(`${name} has failed:`, error)
    process.exitCode = 1
    return
  }
  console.log(`\n${tables(measured.figures)}\n`)
  if (commit === null) return
  // At once: the next one may fail, and the last one took minutes.
  saveResults(RESULTS, inOrder({ ...loadResults(RESULTS), [name]: { ...measured, commit } }))
  writePage()
}

/** Says so where not all of a measure can run. */
function isLeftOut({ name, missing }: Measure): boolean {
  if (missing === undefined) return false
  const { part, reason } = missing
  console.log(`${part === undefined ? name : `${name}, ${part}`}: left out: ${reason}`)
  return part === undefined
}

function writePage(): void {
  writeFileSync(PAGE, report(loadResults(RESULTS), NAMES, readFileSync(FLOOR, 'utf8')))
}

function inOrder(results: Readonly<Record<string, MeasureResult>>): Readonly<Record<string, MeasureResult>> {
  return Object.fromEntries(
    NAMES.flatMap((name) => {
      const found = results[name]
      return found === undefined ? [] : [[name, found] as const]
    }),
  )
}

function chosen(what: string, names: readonly string[], wanted: string | undefined): readonly string[] {
  if (wanted === undefined) return names
  const those = wanted.split(',')
  for (const name of those) {
    if (!names.includes(name)) throw new Error(`there is no ${what} ${name}: there are ${names.join(', ')}`)
  }
  return names.filter((name) => those.includes(name))
}

const seconds = (sinceMs: number): number => (performance.now() - sinceMs) / 1000

await main()
