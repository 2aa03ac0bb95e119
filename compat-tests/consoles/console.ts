/** A web console as its broker sees it: Kafka's Java client of the console's version, that makes the console's calls. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { javaWithClient, type Tool } from '../tools.ts'
import type { ConsoleCall, ConsoleSequence } from './sequence.ts'

/** How a call went. */
export interface Outcome {
  /** The name of the exception, or null. */
  readonly refusal: string | null
  readonly message?: string
  readonly told?: unknown
}

export interface Console extends AsyncDisposable {
  run(calls: readonly ConsoleCall[]): Promise<readonly Outcome[]>
}

export function consoleTool({ clientVersion }: ConsoleSequence): Tool {
  return javaWithClient(clientVersion)
}

/** @param page the beginning of the names of topics and groups that are on the console's page. */
export function startConsole(sequence: ConsoleSequence, bootstrapServers: string, page: string): Console {
  const { admin, consumer = {} } = sequence
  const [program, ...prefix] = consoleTool(sequence).command
  const settings = JSON.stringify({ admin, consumer, page })
  const child = spawn(program, [...prefix, 'Consoles', bootstrapServers, settings], { stdio: 'pipe' })
  const exited = once(child, 'close')
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]()
  let complaints = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString()
  })
  return {
    async run(calls) {
      child.stdin.write(`${JSON.stringify(calls)}\n`)
      const { value, done } = await answers.next()
      if (done) throw new Error(`${sequence.console} has ended: ${complaints}`)
      return JSON.parse(value) as readonly Outcome[]
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await exited
    },
  }
}
