/**
 * Counts what requests cost in bytes allocated, buffers copied and calls of the kernel, and fails when they cost more
 * than bench/baseline.json says. None of it is a time, so that it does not depend on the machine.
 *
 * `npm run guard`, `npm run guard -- --only Fetch`, `npm run guard -- --record`
 */
import { readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { bundle } from './bundle.ts'
import { guardCases } from './guard/cases.ts'
import { type Baseline, type Cost, compare, rounded, table } from './guard/compare.ts'
import { countCase } from './guard/count.ts'

const { values } = parseArgs({ options: { record: { type: 'boolean' }, only: { type: 'string' } } })
const { record = false, only = '' } = values
const path = new URL('baseline.json', import.meta.url)
const node = Number(process.versions.node.split('.')[0])

await using program = await bundle('bench/guard/broker.ts')
const costs: Record<string, Cost> = {}
for (const guardCase of guardCases) {
  if (guardCase.name.includes(only)) costs[guardCase.name] = rounded(await countCase(program.path, guardCase))
}
console.log(table(costs))

const baseline = await readBaseline()
if (record) {
  const kept = only === '' ? {} : baseline.costs
  await writeFile(path, `${JSON.stringify({ node, costs: { ...kept, ...costs } }, null, 2)}\n`)
} else {
  const { risen, fallen, notes } = compare(costs, baseline, node)
  for (const line of notes) console.log(line)
  tell('Better than the baseline', fallen, 'Record it, so that it stays so.')
  tell('Worse than the baseline', risen, 'If it has to be, record it.')
  if (risen.length > 0) process.exitCode = 1
}

function tell(what: string, lines: readonly string[], then: string): void {
  if (lines.length === 0) return
  console.log(`\n${what}:`)
  for (const line of lines) console.log(`  ${line}`)
  console.log(
    `${then} \`npm run guard -- --record\` does, and bench/baseline.json changes in a commit of its own that says why.`,
  )
}

async function readBaseline(): Promise<Baseline> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Baseline
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { node, costs: {} }
    throw error
  }
}
