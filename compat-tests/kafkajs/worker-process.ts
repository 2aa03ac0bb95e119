/** Runs worker.ts as a child process and listens to what it tells. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { until } from '../until.ts'
import type { WorkerEvent, WorkerOptions } from './worker.ts'

export interface Worker extends AsyncDisposable {
  readonly events: readonly WorkerEvent[]
  /** The values that it has told to be processed, in order. */
  processed(): string[]
  /** Waits until an event of that name has been told. */
  told(event: WorkerEvent['event']): Promise<WorkerEvent>
  /** SIGKILL: the process has no chance to leave its group or to commit. Resolves when it is gone. */
  kill(): Promise<void>
}

export function startWorker(options: WorkerOptions): Worker {
  const script = join(import.meta.dirname, 'worker.ts')
  const child = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(options)], {
    stdio: 'pipe',
  })
  const exited = once(child, 'exit')
  const events: WorkerEvent[] = []
  let complaints = ''
  createInterface(child.stdout).on('line', (line) => events.push(JSON.parse(line) as WorkerEvent))
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString()
  })
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
  }
  return {
    events,
    processed: () =>
      events.flatMap((each) => (each.event === 'processed' && each.value !== null ? [each.value] : [])),
    told: (name) =>
      until(`the worker tells that it is ${name}`, () => {
        if (child.exitCode !== null) throw new Error(`the worker ended with ${child.exitCode}: ${complaints}`)
        return events.find(({ event }) => event === name)
      }),
    kill,
    [Symbol.asyncDispose]: kill,
  }
}
