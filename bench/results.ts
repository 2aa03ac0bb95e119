/** What the last run of each measure has found, as bench/results.json keeps it. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { root } from '../compat-tests/tools.ts'
import type { Figure, Measure, Missing, PeerName } from './measure.ts'

/** Where a measure has been run; no name of the machine. */
export interface Machine {
  readonly processor: string
  readonly cores: number
  readonly memoryGiB: number
  readonly kernel: string
  readonly node: string
  /** Undefined where it is not installed. */
  readonly java?: string
  readonly go?: string
}

export interface MeasureResult {
  readonly title: string
  readonly about: string
  /** YYYY-MM-DD */
  readonly date: string
  readonly seconds: number
  readonly rounds: number
  /** What was measured; see `commitNow`. */
  readonly commit?: string
  readonly machine: Machine
  /** The peers that could not run, and why. */
  readonly missing: Readonly<Partial<Record<PeerName, string>>>
  /** What of the measure could not run: all of it, or a part. */
  readonly leftOut?: Missing
  readonly figures: readonly Figure[]
}

/** By the names of the measures. */
export type Results = Readonly<Record<string, MeasureResult>>

export function loadResults(file: string): Results {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Results) : {}
}

/** A line for each figure, so that a change of the file can be read. */
export function saveResults(file: string, results: Results): void {
  const measures = Object.entries(results).map(([name, { figures, ...rest }]) => {
    const lines = figures.map((figure) => `    ${JSON.stringify(rounded(figure))}`)
    const head = Object.entries(rest).map(
      ([key, value]) => `    ${JSON.stringify(key)}: ${JSON.stringify(value)}`,
    )
    return `  ${JSON.stringify(name)}: {\n${[...head, `    "figures": [\n${lines.join(',\n')}\n    ]`].join(',\n')}\n  }`
  })
  writeFileSync(file, `{\n${measures.join(',\n')}\n}\n`)
}

export function result(
  { title, about, missing: leftOut }: Measure,
  run: Pick<MeasureResult, 'seconds' | 'rounds' | 'missing' | 'figures'>,
): MeasureResult {
  const date = new Date().toISOString().slice(0, 10)
  return { title, about, date, machine: thisMachine(), ...run, ...(leftOut === undefined ? {} : { leftOut }) }
}

/** The checkout's commit, with a + where src/ or bench/ are not as in it; what a run itself writes does not count. */
export function commitNow(): string {
  const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()
  const changed = git('status', '--porcelain', '--', 'src', 'bench', ':(exclude)bench/results.json')
  return `${git('rev-parse', '--short', 'HEAD')}${changed === '' ? '' : '+'}`
}

/** Digits beyond what is measured are noise, in a diff too. */
function rounded({ values, ...rest }: Figure): Figure {
  return { ...rest, values: values.map((value) => Number(value.toPrecision(5))) }
}

function thisMachine(): Machine {
  const java = firstLine('java', ['-version'])
  const go = firstLine('go', ['version'])
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `${process.platform} ${/^[\d.]*\d/.exec(release())?.[0] ?? ''}`,
    node: process.version,
    ...(java === undefined ? {} : { java: java.replaceAll('"', '') }),
    ...(go === undefined ? {} : { go: go.replace(/^go version /, '') }),
  }
}

function firstLine(program: string, args: readonly string[]): string | undefined {
  try {
    // Java says its version on the standard error.
    const text = execFileSync('sh', ['-c', `${[program, ...args].join(' ')} 2>&1`], { encoding: 'utf8' })
    return text.split('\n').find((line) => line.includes('version'))
  } catch {
    return undefined
  }
}
