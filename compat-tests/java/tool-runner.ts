/** Kafka's own command line tools. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { java } from '../tools.ts'
import { until } from '../until.ts'
import { type ToolName, toolClasses } from './tool-classes.ts'

/** Runs a tool in a JVM of its own and returns what it printed. @throws Error when it fails. */
export async function runTool(name: ToolName, args: readonly string[], input = ''): Promise<string> {
  const child = spawnJava([toolClasses[name], ...args])
  let printed = ''
  let complaints = ''
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString()
  })
  child.stdin.on('error', () => {}).end(input)
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${name} ${args.join(' ')} ended with ${code}: ${complaints}`)
  return printed
}

/** An event that VerifiableConsumer prints. */
export interface VerifiableEvent {
  readonly name: string
  readonly success?: boolean
  readonly offsets?: readonly {
    readonly topic: string
    readonly partition: number
    readonly offset: number
  }[]
  readonly partitions?: readonly {
    readonly partition: number
    readonly count?: number
    readonly minOffset?: number
    readonly maxOffset?: number
  }[]
}

/** A VerifiableConsumer, which runs until it is killed. */
export interface VerifiableConsumer extends AsyncDisposable {
  readonly events: readonly VerifiableEvent[]
  /** Waits until an event is told that `holds`. */
  told(what: string, holds: (event: VerifiableEvent) => boolean): Promise<VerifiableEvent>
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
}

export function startVerifiableConsumer(args: readonly string[]): VerifiableConsumer {
  const child = spawnJava([toolClasses['kafka-verifiable-consumer'], ...args])
  const exited = once(child, 'close')
  const events: VerifiableEvent[] = []
  let complaints = ''
  createInterface(child.stdout).on('line', (line) => {
    if (line.startsWith('{')) events.push(JSON.parse(line) as VerifiableEvent)
  })
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString()
  })
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
  }
  return {
    events,
    told: (what, holds) =>
      until(`kafka-verifiable-consumer tells ${what}`, () => {
        if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${complaints}`)
        return events.find(holds)
      }),
    kill,
    [Symbol.asyncDispose]: kill,
  }
}

/** Many tools, one after the other, in one JVM. */
export interface ToolShell extends AsyncDisposable {
  /** Runs a tool with `--bootstrap-server` set and returns its exit code and all that it printed. */
  run(name: ToolName, ...args: readonly string[]): Promise<{ readonly exit: number; readonly output: string }>
}

export function startToolShell(bootstrapServers: string): ToolShell {
  const child = spawnJava(['Tools'])
  const exited = once(child, 'close')
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]()
  let complaints = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString()
  })
  return {
    async run(name, ...args) {
      const option = name === 'transactional-message-copier' ? '--broker-list' : '--bootstrap-server'
      const bootstrap = [option, bootstrapServers]
      // The only tool that wants its command first.
      const all = name === 'kafka-cluster' ? [...args, ...bootstrap] : [...bootstrap, ...args]
      const command = [toolClasses[name], ...all]
      child.stdin.write(`${JSON.stringify(command)}\n`)
      const { value, done } = await answers.next()
      if (done) throw new Error(`the tools' JVM has ended: ${complaints}`)
      return JSON.parse(value) as { exit: number; output: string }
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await exited
    },
  }
}

function spawnJava(args: readonly string[]): ChildProcessWithoutNullStreams {
  const [program, ...prefix] = java.command
  return spawn(program, [...prefix, ...args], { stdio: 'pipe' })
}
