/** The native client (bench/go/client): its subcommands, which print one line of JSON. */
import { goProgram } from './go-program.ts'
import type { Missing } from './measure.ts'
import { runProgram } from './processes.ts'

const client = goProgram('bench-client', 'client')

/** Why what needs it cannot run here. */
export function missingClient(): Missing | undefined {
  const { missing: reason } = client
  return reason === undefined ? undefined : { reason }
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
  return JSON.parse(await runProgram(client.path, [subcommand, ...args])) as Result
}
