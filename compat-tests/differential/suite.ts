/** Runs the cases on a broker, several at a time, and keeps what Kafka answered as files. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type Case, CaseContext, orClosed, type Target } from './case.ts'
import { type Json, type Normalized, normalize } from './normalize.ts'

export interface Outcome extends Normalized {
  readonly tookMs: number
  readonly sent: ReadonlySet<string>
}

export interface Failure {
  readonly failure: string
}

/** Most cases wait for the broker, not for the processor: timeouts, long polls. */
const CONCURRENCY = 12

export const caseId = (one: Case): string => `${one.api}: ${one.condition}`

/** Every case's outcome, or why it has none, in the order of the cases. */
export async function runCases(
  cases: readonly Case[],
  target: Target,
  concurrency: number = CONCURRENCY,
): Promise<ReadonlyMap<string, Outcome | Failure>> {
  const outcomes = new Map<string, Outcome | Failure>(
    cases.map((one) => [caseId(one), { failure: 'not run' }]),
  )
  const queue = cases.filter(({ alone }) => !alone)
  const work = async (): Promise<void> => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) {
      outcomes.set(caseId(one), await runCase(one, target))
    }
  }
  await Promise.all(Array.from({ length: concurrency }, work))
  queue.push(...cases.filter(({ alone }) => alone))
  await work()
  return outcomes
}

async function runCase(one: Case, target: Target): Promise<Outcome | Failure> {
  const context = new CaseContext(one, target)
  const startedMs = Date.now()
  try {
    const result = await orClosed(one.run(context))
    return {
      ...normalize(result, { port: target.port, startedMs }),
      sent: context.sent,
      tookMs: Date.now() - startedMs,
    }
  } catch (error) {
    return { failure: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  } finally {
    context.close()
  }
}

export function isFailure(outcome: Outcome | Failure): outcome is Failure {
  return 'failure' in outcome
}

/** One line: how much was compared. */
export function summary(outcomes: ReadonlyMap<string, Outcome | Failure>, who: string, known = 0): string {
  let [fields, masked] = [0, 0]
  for (const outcome of outcomes.values()) {
    if (isFailure(outcome)) continue
    fields += outcome.fields
    masked += outcome.masked
  }
  return `differential (${who}): ${outcomes.size} cases, ${fields} fields compared, ${masked} of them masked, ${known} known differences`
}

const RECORDED = new URL('./recorded/', import.meta.url)

/** Kafka's answers as they are checked in: `Api: condition` → answer. */
export function readRecorded(): ReadonlyMap<string, Json> {
  const out = new Map<string, Json>()
  for (const file of readdirSync(RECORDED)) {
    const api = file.replace('.json', '')
    const recorded = JSON.parse(readFileSync(new URL(file, RECORDED), 'utf8')) as Record<string, Json>
    for (const [condition, answer] of Object.entries(recorded)) out.set(`${api}: ${condition}`, answer)
  }
  return out
}

/** The files as these answers make them: name → text. */
export function recordedFiles(
  cases: readonly Case[],
  answers: ReadonlyMap<string, Json>,
): Map<string, string> {
  const files = new Map<string, string>()
  for (const api of [...new Set(cases.map((one) => one.api))].sort()) {
    const entries = cases
      .filter((one) => one.api === api)
      .map((one) => [one.condition, answers.get(caseId(one)) ?? null] as const)
    files.set(`${api}.json`, `${format(Object.fromEntries(entries), '')}\n`)
  }
  return files
}

/** Puts the files in place of those that are there. */
export function writeRecorded(files: ReadonlyMap<string, string>): void {
  for (const file of readdirSync(RECORDED)) if (!files.has(file)) rmSync(new URL(file, RECORDED))
  for (const [file, text] of files) writeFileSync(new URL(file, RECORDED), text)
}

const LINE_WIDTH = 120

/** JSON with one line for whatever fits on it. */
function format(value: Json, indent: string): string {
  const flat = inline(value)
  if (indent.length + flat.length <= LINE_WIDTH && indent !== '') return flat
  if (typeof value !== 'object' || value === null) return flat
  const inner = `${indent}  `
  if (Array.isArray(value)) {
    return `[\n${value.map((item: Json) => inner + format(item, inner)).join(',\n')}\n${indent}]`
  }
  const fields = Object.entries(value).map(
    ([key, item]) => `${inner}${JSON.stringify(key)}: ${format(item, inner)}`,
  )
  return `{\n${fields.join(',\n')}\n${indent}}`
}

function inline(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const fields = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${inline(item)}`)
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`
}
