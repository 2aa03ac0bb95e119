/** The native client (bench/go/client): its subcommands, which print one line of JSON. */
import { spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { goProgram, root } from '../compat-tests/tools.ts'
import { runProgram } from './processes.ts'

const client = goProgram('bench-client')

/** Why it cannot run here. */
export function missingClient(): string | undefined {
  return client.missing
}

/**
 * @param flags by name, without the dash; a flag without a value is `true`.
 * @returns what the subcommand has printed.
 */
export async function runClient<Result>(
  subcommand: string,
  flags: Readonly<Record<string, string | number | true>>,
): Promise<Result> {
  const args = Object.entries(flags).map(([name, value]) => `-${name}=${value}`)
  return JSON.parse(await runProgram(client.command[0], [subcommand, ...args])) as Result
}

/** Builds the programs in Go again if their sources have changed since and Go is here. @throws Error when they do not compile. */
export function buildGoPrograms(): void {
  const module = join(root, 'bench/go')
  for (const [folder, name] of [
    ['client', 'bench-client'],
    ['kfake', 'kfake'],
  ] as const) {
    const [program] = goProgram(name).command
    const builtMs = changedMs(program)
    if (!sources(join(module, folder)).some((path) => changedMs(path) > builtMs)) continue
    const built = spawnSync('go', ['build', '-o', program, `./${folder}`], { cwd: module, encoding: 'utf8' })
    // Without Go both are missing, which is said where they are asked for.
    if (built.error === undefined && built.status !== 0)
      throw new Error(`go build ${folder}: ${built.stderr}`)
  }
}

const changedMs = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0

const sources = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.go'))
    .map((name) => join(folder, name))
