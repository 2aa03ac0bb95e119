/** What all peers have in common: a process with a folder for its data, which is measured from outside. */
import type { RunningPeer } from './measure.ts'
import {
  firstAnswer,
  memoryBytes,
  prepareFirstAnswer,
  processorMs,
  startProcess,
  type TemporaryFolder,
  temporaryFolder,
} from './processes.ts'

export interface PeerCommand {
  readonly program: string
  readonly args: readonly string[]
  readonly cwd?: string
}

/**
 * Starts a broker and waits until it answers.
 * @param prepare makes ready what the broker needs, which counts as part of its start, and says how it is run. The
 *   folder goes with the broker.
 */
export async function runPeer(
  port: number,
  prepare: (folder: TemporaryFolder) => PeerCommand,
): Promise<RunningPeer> {
  prepareFirstAnswer()
  const folder = temporaryFolder()
  const began = performance.now()
  const { program, args, cwd } = prepare(folder)
  const child = startProcess(program, args, cwd === undefined ? {} : { cwd })
  const dispose = async (): Promise<void> => {
    await child[Symbol.asyncDispose]()
    folder[Symbol.dispose]()
  }
  try {
    await firstAnswer(port, () => child.check())
  } catch (error) {
    const words = child.words()
    await dispose()
    throw new Error(`${program} did not start: ${words}`, { cause: error })
  }
  const startMs = performance.now() - began
  return {
    bootstrapServers: `127.0.0.1:${port}`,
    port,
    pid: child.pid,
    startMs,
    processorMs: () => processorMs(child.pid),
    memoryBytes: () => memoryBytes(child.pid),
    [Symbol.asyncDispose]: dispose,
  }
}
