/** The brokers that the crash test kills: each is one file that is built from the present sources and starts quickly. */
import { join } from 'node:path'
import type { BrokerCommand } from '../broker-process.ts'
import { bundleProgram } from '../bundle.ts'
import { root } from '../tools.ts'
import type { BugName } from './planted-store.ts'

// One folder below the project's own, as dist/ is: from there the program finds package.json and the packages.
const program = join(root, '.tools/crash-ottla.js')
const planted = join(root, '.tools/crash-planted.js')

export async function buildBrokers(): Promise<void> {
  await Promise.all([
    bundleProgram('src/cli.ts', program),
    bundleProgram('compat-tests/crash/planted-broker.ts', planted),
  ])
}

export function ottla(port: number, dataDir: string): BrokerCommand {
  return [
    process.execPath,
    program,
    ...['--port', String(port), '--data-dir', dataDir, '--log-level', 'error'],
  ]
}

export function ottlaWith(bug: BugName): (port: number, dataDir: string) => BrokerCommand {
  return (port, dataDir) => [process.execPath, planted, String(port), dataDir, bug]
}
