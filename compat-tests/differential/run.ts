/**
 * The differential suite's program.
 *
 *     npm run differential                 asks ottla and compares with Kafka's recorded answers
 *     npm run differential -- --record     starts Apache Kafka, asks it, and writes its answers down
 *     npm run differential -- --verify     starts Apache Kafka, asks it, and fails where its answers have changed
 *
 * `--slow` names the slowest cases; `--only TEXT` takes the cases whose name holds the text; `--kafka HOST:PORT` asks a Kafka that runs already;
 * `--libs DIR` (or KAFKA_LIBS) names the directory of Kafka's jars, else `.tools/java/libs`.
 */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Case, Target } from './case.ts'
import { cases } from './cases/index.ts'
import { describe, differences } from './compare.ts'
import { judge } from './judge.ts'
import { startKafka } from './kafka.ts'
import { masks } from './masks.ts'
import type { Json } from './normalize.ts'
import {
  caseId,
  type Failure,
  isFailure,
  type Outcome,
  readRecorded,
  recordedFiles,
  runCases,
  summary,
  writeRecorded,
} from './suite.ts'

const { values: flags } = parseArgs({
  options: {
    record: { type: 'boolean', default: false },
    verify: { type: 'boolean', default: false },
    slow: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    kafka: { type: 'string' },
    libs: { type: 'string' },
  },
})

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.once(signal, () => process.exit(code))

const libs =
  flags.libs ?? process.env['KAFKA_LIBS'] ?? fileURLToPath(new URL('../../.tools/java/libs', import.meta.url))
const chosen = cases().filter((one) => caseId(one).includes(flags.only))
const failures = flags.record || flags.verify ? await askKafka() : await askOttla()
for (const failure of failures) console.error(failure)
if (failures.length > 0) console.error(`${failures.length} wrong`)
process.exitCode = failures.length === 0 ? 0 : 1

async function askKafka(): Promise<readonly string[]> {
  await using kafka = await reference()
  const outcomes = await runCases(chosen, kafka)
  console.log(summary(outcomes, 'Apache Kafka'))
  if (flags.slow) slowest(outcomes)
  const failed = [...outcomes].flatMap(([id, outcome]) =>
    isFailure(outcome) ? [`${id}: ${outcome.failure}`] : [],
  )
  if (failed.length > 0) return failed
  return flags.record ? record(outcomes) : [...verify(outcomes), ...idleMasks(outcomes)]
}

/** A mask that replaces nothing hides nothing today and may hide something tomorrow. */
function idleMasks(outcomes: ReadonlyMap<string, Outcome | Failure>): readonly string[] {
  if (flags.only !== '') return []
  const used = new Set([...outcomes.values()].flatMap((one) => (isFailure(one) ? [] : [...one.masksUsed])))
  return masks.flatMap(({ path }) => (used.has(path) ? [] : [`mask replaces nothing: ${path}`]))
}

async function reference(): Promise<Target & AsyncDisposable> {
  if (flags.kafka === undefined) return startKafka(libs)
  const [host = '', port = ''] = flags.kafka.split(':')
  return { host, port: Number(port), [Symbol.asyncDispose]: async () => {} }
}

function record(outcomes: ReadonlyMap<string, Outcome | Failure>): readonly string[] {
  const answers = new Map<string, Json>(readRecorded())
  for (const [id, outcome] of outcomes) if (!isFailure(outcome)) answers.set(id, outcome.tree)
  const all: readonly Case[] = cases().filter((one) => answers.has(caseId(one)))
  writeRecorded(recordedFiles(all, answers))
  console.log(`${outcomes.size} answers recorded`)
  return []
}

function verify(outcomes: ReadonlyMap<string, Outcome | Failure>): readonly string[] {
  const recorded = readRecorded()
  return [...outcomes].flatMap(([id, outcome]) =>
    isFailure(outcome)
      ? []
      : differences(recorded.get(id), outcome.tree).map(
          (one) => `${id}: recorded answer has changed\n  ${describe(one).replace(', ottla ', ', now ')}`,
        ),
  )
}

async function askOttla(): Promise<readonly string[]> {
  const { startOttla } = await import('./ottla.ts')
  await using ottla = await startOttla()
  const outcomes = await runCases(chosen, ottla)
  const verdict = judge(chosen, outcomes, readRecorded())
  console.log(summary(outcomes, 'ottla', verdict.known))
  if (flags.slow) slowest(outcomes)
  const wrong = [...verdict.wrong].map(([id, lines]) => `${id}\n  ${lines.join('\n  ')}`)
  return flags.only === '' ? [...wrong, ...verdict.outOfDate] : wrong
}

function slowest(outcomes: ReadonlyMap<string, Outcome | Failure>): void {
  const times = [...outcomes].flatMap(([id, outcome]) =>
    isFailure(outcome) ? [] : [[outcome.tookMs, id] as const],
  )
  for (const [tookMs, id] of times.sort(([a], [b]) => b - a).slice(0, 15)) console.log(`${tookMs} ms  ${id}`)
}
