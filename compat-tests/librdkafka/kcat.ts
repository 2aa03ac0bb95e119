/** kcat as a child process. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { kcat } from '../tools.ts'
import { until } from '../until.ts'

/** A message as `kcat -J` prints it. */
export interface KcatMessage {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly ts: number
  readonly headers?: readonly string[]
  readonly key: string | null
  readonly payload: string | null
}

/** Runs kcat to its end and returns what it printed. @throws Error with its complaints when it fails. */
export async function runKcat(args: readonly string[], input = ''): Promise<string> {
  const child = spawnKcat(args)
  let printed = ''
  let complaints = ''
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString()
  })
  // It may have ended before it has read what it has no use for.
  child.stdin.on('error', () => {}).end(input)
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`kcat ${args.join(' ')} ended with ${code}: ${complaints}`)
  return printed
}

/** A kcat that has been given lines to send and waits for more, until it is killed. */
export function startSender(args: readonly string[], input: string): AsyncDisposable {
  const child = spawnKcat(args)
  const exited = once(child, 'close')
  child.stdin.write(input)
  return {
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** The messages in what `kcat -J` printed. */
export function parseMessages(printed: string): KcatMessage[] {
  return printed
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as KcatMessage)
}

/** A kcat that reads in a group until it is ended. */
export interface KcatMember extends AsyncDisposable {
  messages(): KcatMessage[]
  /** The partitions that it holds by what it has told of rebalances, in order. */
  held(): number[]
  /** What each rebalance so far did: `assigned 0 1`, `revoked 1`. */
  rebalances(): string[]
  readsAtLeast(count: number): Promise<KcatMessage[]>
  /** Ends it and waits until it is gone: SIGTERM lets it leave its group, SIGKILL does not. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
}

export function startMember(args: readonly string[]): KcatMember {
  const child = spawnKcat(args)
  const exited = once(child, 'close')
  let printed = ''
  let told = ''
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    told += chunk.toString()
  })
  const rebalances = (): string[] =>
    told
      .split('\n')
      .filter((line) => line.includes(' rebalanced'))
      .map((line) => {
        const partitions = [...line.matchAll(/ \[(\d+)\]/g)].map(([, partition]) => partition)
        return [/: (?:incremental )?revoke/.test(line) ? 'revoked' : 'assigned', ...partitions].join(' ')
      })
  const held = (): number[] => {
    let partitions = new Set<number>()
    for (const rebalance of rebalances()) {
      const numbers = rebalance.match(/\d+/g)?.map(Number) ?? []
      if (rebalance.startsWith('assigned')) partitions = new Set([...partitions, ...numbers])
      else for (const number of numbers) partitions.delete(number)
    }
    return [...partitions].sort()
  }
  const messages = () => parseMessages(printed.slice(0, printed.lastIndexOf('\n') + 1))
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    child.kill(signal)
    await exited
  }
  return {
    messages,
    held,
    rebalances,
    readsAtLeast: async (count) => {
      await until(`kcat reads ${count} messages`, () => {
        if (child.exitCode !== null) throw new Error(`kcat ended with ${child.exitCode}: ${told}`)
        return messages().length >= count
      })
      return messages()
    },
    end,
    [Symbol.asyncDispose]: () => end('SIGKILL'),
  }
}

function spawnKcat(args: readonly string[]): ChildProcessWithoutNullStreams {
  const [program, ...prefix] = kcat.command
  return spawn(program, [...prefix, ...args], { stdio: 'pipe' })
}
