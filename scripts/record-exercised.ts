/**
 * Which APIs and versions the clients' tests ask ottla for: compat-tests/exercised.json, from which PROTOCOL.md is made.
 *
 * `tsx scripts/record-exercised.ts` runs the clients' tests and writes down what they asked for.
 * `tsx scripts/record-exercised.ts DIR` takes what a run with OTTLA_RECORD_EXERCISED=DIR has left in DIR instead.
 * With `--check` nothing is written: what the file claims and no test asked for is named, and the exit code is 1 when
 * there is any. What was asked for beyond that is named as well, and is no fault: some requests hang on timing.
 *
 * A client whose tests did not run keeps its entry; OTTLA_REQUIRE_TOOLS=1 makes that a fault under `--check`.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Exercised } from '../compat-tests/broker.ts'
import { readFeatureTable } from '../compat-tests/feature-table.ts'
import { handlers } from '../src/handlers/index.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const FILE = 'compat-tests/exercised.json'

const { values, positionals } = parseArgs({ allowPositionals: true, options: { check: { type: 'boolean' } } })
const [given] = positionals
const directory = given ?? mkdtempSync(join(tmpdir(), 'exercised-'))
try {
  if (given === undefined) runTests(directory)
  const recorded = readRecordings(directory)
  if (values.check === true) check(recorded)
  else write(recorded)
} finally {
  if (given === undefined) rmSync(directory, { recursive: true })
}

function runTests(into: string): void {
  const { status } = spawnSync('npx', ['vitest', 'run', 'compat-tests'], {
    cwd: root,
    env: { ...process.env, OTTLA_RECORD_EXERCISED: into },
    stdio: 'inherit',
  })
  if (status !== 0) throw new Error('the tests fail: nothing is written down')
}

/** Client → API → versions, APIs in the order of their keys. */
function readRecordings(from: string): Map<string, Exercised> {
  const clients = new Map<string, Map<string, Set<number>>>()
  for (const name of existsSync(from) ? readdirSync(from) : []) {
    const { client, exercised } = JSON.parse(readFileSync(join(from, name), 'utf8')) as {
      client: string
      exercised: Exercised
    }
    const apis = clients.get(client) ?? new Map<string, Set<number>>()
    clients.set(client, apis)
    for (const [apiName, versions] of Object.entries(exercised)) {
      apis.set(apiName, new Set([...(apis.get(apiName) ?? []), ...versions]))
    }
  }
  return new Map([...clients].map(([client, apis]) => [client, inOrder(apis)]))
}

function inOrder(apis: ReadonlyMap<string, ReadonlySet<number>>): Exercised {
  const ordered: Exercised = {}
  for (const { api } of handlers.toSorted((a, b) => a.api.key - b.api.key)) {
    const versions = apis.get(api.name)
    if (versions !== undefined) ordered[api.name] = [...versions].sort((a, b) => a - b)
  }
  return ordered
}

function readClaims(): Record<string, Exercised> {
  const path = join(root, FILE)
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, Exercised>) : {}
}

function write(recorded: ReadonlyMap<string, Exercised>): void {
  const claims = readClaims()
  const clients = readFeatureTable().clients.map(({ name }) => name)
  const entries = clients.flatMap((client): string[] => {
    const exercised = recorded.get(client) ?? claims[client]
    if (exercised === undefined) return []
    const apis = Object.entries(exercised).map(
      ([apiName, versions]) => `    ${JSON.stringify(apiName)}: [${versions.join(', ')}]`,
    )
    return [`  ${JSON.stringify(client)}: {\n${apis.join(',\n')}\n  }`]
  })
  writeFileSync(join(root, FILE), `{\n${entries.join(',\n')}\n}\n`)
  const ran = clients.filter((client) => recorded.has(client))
  console.log(`${FILE}: ${ran.length} of ${clients.length} clients recorded`)
}

function check(recorded: ReadonlyMap<string, Exercised>): void {
  const { OTTLA_REQUIRE_TOOLS } = process.env
  for (const [client, claimed] of Object.entries(readClaims())) {
    const asked = recorded.get(client)
    if (asked === undefined) {
      console.log(`${client}: its tests did not run`)
      if (OTTLA_REQUIRE_TOOLS === '1') process.exitCode = 1
      continue
    }
    for (const each of missing(claimed, asked)) {
      console.error(`${client}: ${FILE} claims ${each}, and no test asked for it`)
      process.exitCode = 1
    }
    for (const each of missing(asked, claimed)) console.log(`${client}: ${each} was asked for as well`)
  }
}

/** What is in `there` and not in `here`: `Fetch v11`. */
function missing(there: Exercised, here: Exercised): string[] {
  return Object.entries(there).flatMap(([apiName, versions]) =>
    versions
      .filter((version) => !here[apiName]?.includes(version))
      .map((version) => `${apiName} v${version}`),
  )
}
