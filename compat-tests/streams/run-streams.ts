/**
 * A word count by Kafka Streams while its broker and the application itself are killed with SIGKILL at random moments:
 * whenever counts go on, one or the other dies and is started again.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Kafka, Producer } from 'kafkajs'
import { type Random, seededRandom } from '../../src/clock.ts'
import { ErrorCode, errorName } from '../../src/wire/error-codes.ts'
import { listOffsetsApi } from '../../src/wire/messages/list-offsets.ts'
import { unique } from '../broker.ts'
import { type BrokerCommand, type BrokerProcess, freePort, startBrokerProcess } from '../broker-process.ts'
import { Connection } from '../differential/client.ts'
import { createTopic, kafkaClient, send, startReader } from '../kafkajs/client.ts'
import type { Tool } from '../tools.ts'
import { until } from '../until.ts'
import type { Outcome } from './outcome.ts'

export interface StreamsOptions {
  /** Starts the broker on a port with its data in a directory: the same program each time. */
  readonly broker: (port: number, dataDir: string) => BrokerCommand
  /** Java with Kafka Streams and our program. */
  readonly java: Tool
  /** `processing.guarantee` */
  readonly guarantee: string
  readonly seed: number
  readonly brokerKills: number
  readonly applicationKills: number
  /** A file that takes what the application logs. */
  readonly logFile?: string | undefined
  /** Told of what happens, for whoever waits. */
  readonly onEvent?: (event: string) => void
}

const PARTITIONS = 2
const VOCABULARY = 'exactly once nothing lost and nothing twice said the broker to its clients'.split(' ')
const LONGEST_LINE = 6
const LINES_AT_ONCE = 5
const PAUSE_MS = 50
/** From the sign that counts go on to a kill, and from a broker's death to its start. */
const MOST_MS = 1000
const PATIENCE_MS = 60_000

export async function runStreams(options: StreamsOptions): Promise<Outcome> {
  const directory = mkdtempSync(join(tmpdir(), 'ottla-streams-'))
  const random = seededRandom(options.seed)
  const port = await freePort()
  const start = () => startBrokerProcess(options.broker(port, join(directory, 'data')), port)
  const names = { application: unique('word-count'), input: unique('lines'), output: unique('counts') }
  const kafka = kafkaClient(`127.0.0.1:${port}`)
  let broker: BrokerProcess = await start()
  let application: Application | undefined
  try {
    await createTopic(kafka, names.input, PARTITIONS)
    await createTopic(kafka, names.output, PARTITIONS)
    const run = () => startApplication(options, `127.0.0.1:${port}`, names, join(directory, 'state'))
    application = run()
    const feeding = feed(kafka, names.input, seededRandom(options.seed + 1))
    for (const victim of victims(options, random)) {
      const { check } = application
      const from = await until('the output has an end', () => written(port, names.output))
      const goOn = async (): Promise<boolean> => {
        check()
        return (await written(port, names.output)) > from
      }
      await until('counts go on', goOn, PATIENCE_MS)
      await sleep(fraction(random) * MOST_MS)
      options.onEvent?.(`the ${victim} is killed`)
      if (victim === 'application') {
        await application.kill9()
        application = run()
      } else {
        await broker.kill9()
        await sleep(fraction(random) * MOST_MS)
        broker = await start()
      }
    }
    const acknowledged = await feeding.end()
    options.onEvent?.(`${acknowledged.length} lines are written`)
    const count = await until('the input has an end', () => written(port, names.input))
    const input = await readAll(kafka, names.input, count)
    const words = input.flatMap(({ value }) => value.split(' ')).length
    const counted = application
    const output = await readAll(kafka, names.output, words, async () => {
      await counted.stop()
      await writeEnds(kafka, names.output)
    })
    return {
      acknowledged,
      input: input.map(({ key, value }) => ({ key, line: value })),
      output: output.map(({ key, value }) => ({ word: key, count: value })),
    }
  } finally {
    await application?.kill9()
    await broker.kill9()
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
  }
}

type Victim = 'broker' | 'application'

/** Who is killed, one after the other. */
function victims({ brokerKills, applicationKills }: StreamsOptions, random: Random): Victim[] {
  const all: Victim[] = [
    ...Array.from({ length: brokerKills }, () => 'broker' as const),
    ...Array.from({ length: applicationKills }, () => 'application' as const),
  ]
  return all
    .map((victim) => ({ victim, rank: fraction(random) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ victim }) => victim)
}

/** From 0 to 1, without 1. */
function fraction(random: Random): number {
  return random.bytes(4).readUInt32BE() / 2 ** 32
}

interface Application {
  /** @throws Error with its complaints when it is gone. */
  check(): void
  kill9(): Promise<void>
  /** Lets it commit and leave. @throws Error with its complaints when it does not end in order. */
  stop(): Promise<void>
}

function startApplication(
  { java, guarantee, logFile, onEvent }: StreamsOptions,
  bootstrapServers: string,
  names: { readonly application: string; readonly input: string; readonly output: string },
  stateDir: string,
): Application {
  const [program, ...prefix] = java.command
  const args = [bootstrapServers, names.application, names.input, names.output, stateDir, guarantee]
  const level = logFile === undefined ? 'off' : 'info'
  const logging = [
    `-Dorg.slf4j.simpleLogger.defaultLogLevel=${level}`,
    '-Dorg.slf4j.simpleLogger.showDateTime=true',
  ]
  const child = spawn(program, [...prefix, ...logging, 'WordCount', ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const exited = once(child, 'exit')
  let complaints = ''
  createInterface(child.stdout).on('line', (state) => onEvent?.(`the application is ${state}`))
  child.stderr.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-4000)
    if (logFile !== undefined) appendFileSync(logFile, chunk)
  })
  return {
    check() {
      if (child.exitCode !== null) throw new Error(`the application ended by itself: ${complaints}`)
    },
    async kill9() {
      child.kill('SIGKILL')
      await exited
    },
    async stop() {
      child.stdin.end()
      const [code] = await exited
      if (code !== 0) throw new Error(`the application ended with ${code}: ${complaints}`)
    },
  }
}

interface Feeding {
  /** Ends it and tells the keys of the lines that were acknowledged. */
  end(): Promise<readonly string[]>
}

function feed(kafka: Kafka, topic: string, random: Random): Feeding {
  // Not an idempotent one: kafkajs gives the sequence numbers of what it gave up to what it sends next.
  const producer = kafka.producer()
  const acknowledged: string[] = []
  let ending = false
  const feeding = (async () => {
    await producer.connect()
    for (let number = 0; !ending; number += LINES_AT_ONCE) {
      const messages = Array.from({ length: LINES_AT_ONCE }, (_, index) => ({
        key: `${number + index}`,
        value: line(random),
      }))
      if (await sent(producer, topic, messages)) acknowledged.push(...messages.map(({ key }) => key))
      await sleep(PAUSE_MS)
    }
    await producer.disconnect()
  })()
  return {
    async end() {
      ending = true
      await feeding
      return acknowledged
    },
  }
}

async function sent(
  producer: Producer,
  topic: string,
  messages: { readonly key: string; readonly value: string }[],
): Promise<boolean> {
  try {
    await producer.send({ topic, messages })
    return true
  } catch {
    // The broker is away for longer than the client tries: these lines may be there or not.
    return false
  }
}

function line(random: Random): string {
  const length = 1 + Math.floor(fraction(random) * LONGEST_LINE)
  return Array.from({ length }, () => VOCABULARY[Math.floor(fraction(random) * VOCABULARY.length)]).join(' ')
}

/** How far a topic has come: asked by hand, since kafkajs leaves rejected promises behind when a broker goes away. */
async function written(port: number, topic: string): Promise<number> {
  const connection = await Connection.open('127.0.0.1', port)
  try {
    const partitions = Array.from({ length: PARTITIONS }, (_, partitionIndex) => ({
      partitionIndex,
      timestamp: -1n,
    }))
    const { topics } = await connection.send(listOffsetsApi, 1, {
      replicaId: -1,
      topics: [{ name: topic, partitions }],
    })
    return (topics[0]?.partitions ?? []).reduce((sum, { errorCode, offset }) => {
      if (errorCode !== ErrorCode.NONE) throw new Error(`asked for offsets, it says ${errorName(errorCode)}`)
      return sum + Number(offset)
    }, 0)
  } finally {
    connection.close()
  }
}

/**
 * What a reader of committed messages finds in a topic.
 * @param count how many there have to be before `finish` is called, which writes the ends where more is to be looked for.
 */
async function readAll(
  kafka: Kafka,
  topic: string,
  count: number,
  finish?: () => Promise<void>,
): Promise<readonly { readonly key: string; readonly value: string }[]> {
  const consumer = { readUncommitted: false }
  await using reader = await startReader(kafka, { topic, groupId: unique('reader'), consumer })
  await until(`${count} messages of ${topic}`, () => reader.seen.length >= count, PATIENCE_MS).catch(
    (error) => {
      throw new Error(`${error.message}: ${reader.seen.length}`, { cause: error })
    },
  )
  const isEnd = ({ value }: { value: string | null }): boolean => value === END
  if (finish !== undefined) {
    await finish()
    await until(`the ends of ${topic}`, () => reader.seen.filter(isEnd).length === PARTITIONS, PATIENCE_MS)
  }
  return reader.seen
    .filter((message) => !isEnd(message))
    .map(({ message, value }) => ({ key: message.key?.toString() ?? '', value: value ?? '' }))
}

/** Who has read the ends of all partitions has read what stands before them. */
async function writeEnds(kafka: Kafka, topic: string): Promise<void> {
  const messages = Array.from({ length: PARTITIONS }, (_, partition) => ({ partition, key: END, value: END }))
  await send(kafka, topic, messages)
}

const END = 'END'
