/** A whole test suite, as users of a broker for tests have it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../compat-tests/tools.ts'
import { Collector } from './collector.ts'
import { processorMs } from './growth/unit.ts'
import type { Figure, Measure, MeasureContext } from './measure.ts'
import { distinctPeers, type PeerStart, withoutDelayToo } from './peer-runners.ts'
import { temporaryFolder } from './processes.ts'

const TESTS_PER_FILE = 10
const FILES = 20
const CASE = '200 tests'

export const suite: Measure = {
  name: 'suite',
  title: 'A test suite',
  about: `200 small tests with kafkajs in 20 files, which vitest runs four at a time: each test makes a topic and a group of
its own, produces up to ten records, consumes until all have come, commits, disconnects, looks at what is committed, and
deletes both. kafkajs and vitest are as they come; vitest by itself would run one file at a time on two cores, and then
the delay of Apache Kafka alone is ten minutes. A test that fails is tried again, as one in two hundred has to be against
Apache Kafka. The wall time is that of vitest, from its start to its end, against a
broker that runs already; beside it stands what the tests alone took, the median of one, and the broker's processor time.
Apache Kafka holds the first rebalance of a group back for group.initial.rebalance.delay.ms, which is 3 s by default: it
is measured with that once, and with 0 in each round.`,
  run,
}

async function run({ peers, rounds, short, progress }: MeasureContext): Promise<readonly Figure[]> {
  const figures = new Collector()
  const starts = distinctPeers(peers).flatMap(withoutDelayToo)
  // Nobody waits for 3 s times 200 more often than once.
  for (let round = 0; round < Math.min(rounds, 3); round++) {
    for (const start of starts) {
      if (start.of === 'kafka' && (round > 0 || short)) continue
      const { wallMs, testMs, brokerMs } = await runSuite(start, short ? 2 : FILES)
      const name = {
        case: short ? `${2 * TESTS_PER_FILE} tests` : CASE,
        better: 'less',
        of: start.of,
      } as const
      figures.add({ ...name, figure: 'wall time', unit: 's' }, wallMs / 1000)
      figures.add({ ...name, figure: 'one test', unit: 'ms' }, testMs)
      figures.add({ ...name, figure: "broker's processor", unit: 's' }, brokerMs / 1000)
      progress(
        `${start.of}: ${(wallMs / 1000).toFixed(1)} s, a test ${testMs.toFixed(0)} ms, ` +
          `the broker's processor ${(brokerMs / 1000).toFixed(1)} s`,
      )
    }
  }
  return figures.all()
}

interface SuiteTimes {
  readonly wallMs: number
  /** The median. */
  readonly testMs: number
  readonly brokerMs: number
}

async function runSuite({ of, peer, options }: PeerStart, files: number): Promise<SuiteTimes> {
  await using running = await peer.start(options)
  using folder = temporaryFolder()
  const report = join(folder.path, 'report.json')
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const config = join(root, 'bench/suite/vitest.config.ts')
  const args = ['run', '--config', config, '--reporter=json', `--outputFile=${report}`]
  const environment = {
    ...process.env,
    BOOTSTRAP_SERVERS: running.bootstrapServers,
    SUITE_FILES: String(files),
  }
  const brokerBeforeMs = processorMs(running)
  const beganMs = performance.now()
  const child = spawn(process.execPath, [vitest, ...args], { env: environment, stdio: 'ignore' })
  await once(child, 'exit')
  const wallMs = performance.now() - beganMs
  const brokerMs = processorMs(running) - brokerBeforeMs
  const { numPassedTests, testResults } = JSON.parse(readFileSync(report, 'utf8')) as VitestReport
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults)
  if (numPassedTests !== files * TESTS_PER_FILE) {
    const failure = tests.find(({ status }) => status !== 'passed')?.failureMessages?.[0]
    throw new Error(`${of}: ${numPassedTests} of ${files * TESTS_PER_FILE} tests passed: ${failure}`)
  }
  const durations = tests.map(({ duration = 0 }) => duration).sort((a, b) => a - b)
  return { wallMs, testMs: durations[durations.length >> 1] ?? Number.NaN, brokerMs }
}

/** What vitest's reporter `json` tells, as far as it is looked at. */
interface VitestReport {
  readonly numPassedTests: number
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly status: string
      readonly duration?: number
      readonly failureMessages?: readonly string[]
    }[]
  }[]
}
