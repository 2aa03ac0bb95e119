/** Ends programs that tests have started, without giving them time for anything. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** Resolves when the process is gone, at once if it has ended by itself. */
export async function killProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}
