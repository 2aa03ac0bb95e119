/** One client at work beside many connections that do nothing, and some that do everything slowly. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'vitest'
import { RawClient } from '../../src/server/raw-client.suite.ts'
import { createTopicsApi } from '../../src/wire/messages/create-topics.ts'
import { type FetchRequest, fetchApi } from '../../src/wire/messages/fetch.ts'
import { type ProduceRequest, produceApi } from '../../src/wire/messages/produce.ts'
import { ZERO_UUID } from '../../src/wire/reader.ts'
import { buildBatch } from '../../src/wire/records.ts'
import { freePort, startBrokerProcess } from '../broker-process.ts'
import { bundleProgram } from '../bundle.ts'
import { killProcess } from '../kill-process.ts'
import { root } from '../tools.ts'

export interface HoldOptions {
  readonly idle: number
  /** A third sends a small request byte by byte, a third a large one, a third reads its answer so. */
  readonly slow: number
  /** How many bytes each of the slow ones gets on. */
  readonly steps: number
  /** How long they wait between two bytes. */
  readonly stepMs: number
  /** How often the one at work produces and consumes before the others come, and after. */
  readonly rounds: number
}

export interface HeldFigures {
  readonly alone: WorkFigures
  readonly beside: WorkFigures
  /** The broker's resident memory before the others came, and while they were there; 0 where the system does not tell. */
  readonly aloneBytes: number
  readonly besideBytes: number
}

export interface WorkFigures {
  readonly rounds: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly brokerProcessorMs: number
}

export type CrowdOrder = 'step' | 'finish'
export interface CrowdReady {
  readonly connections: number
}
export interface CrowdEnd {
  /** How many were closed before they were done. */
  readonly closed: number
  readonly slowRight: number
  readonly idleRight: number
}

export const READ_TOPIC = 'read'
export const SLOW_TOPIC = 'slow'
const WORK_TOPIC = 'work'

/** What the slow readers read: more than the kernel takes for a client that does not read. */
const READ_BATCHES = 12
const READ_BATCH_BYTES = 900_000
const WORK_BATCH = buildBatch([{ value: Buffer.alloc(100, 'w') }])
const WARM_ROUNDS = 500
/** What a connection may take. */
const MAX_CONNECTION_BYTES = 32 * 1024

// One folder below the project's own, as dist/ is: from there the program finds package.json and the packages.
const program = join(root, '.tools/many-connections-ottla.js')

/** Fails where anybody was closed, got a wrong answer or none, or where a connection costs much memory. */
export async function holdConnections(options: HoldOptions): Promise<HeldFigures> {
  await bundleProgram('src/cli.ts', program)
  const port = await freePort()
  const flags = ['--host', '127.0.0.1', '--port', `${port}`, '--log-level', 'warn']
  await using broker = await startBrokerProcess([process.execPath, program, ...flags], port)
  const client = await RawClient.connect(port)
  await createTopics(client)
  const work = new Work(client, broker.pid)
  await work.run((rounds) => rounds < WARM_ROUNDS)
  const alone = await work.run((rounds) => rounds < options.rounds)
  const aloneBytes = residentBytes(broker.pid)
  await using crowd = await startCrowd(port, options)
  const connectedBytes = residentBytes(broker.pid)
  let isOver = false
  const stepping = crowd.steps(options).finally(() => {
    isOver = true
  })
  const beside = await work.run(() => !isOver)
  await stepping
  const besideBytes = Math.max(connectedBytes, residentBytes(broker.pid))
  expect(await crowd.finish()).toEqual({ closed: 0, slowRight: options.slow, idleRight: options.idle })
  await work.run((rounds) => rounds < options.rounds)
  client.socket.destroy()
  const connections = options.idle + options.slow
  const grownBytes = besideBytes - aloneBytes - beside.rounds * WORK_BATCH.length
  expect(grownBytes / connections).toBeLessThan(MAX_CONNECTION_BYTES)
  return { alone, beside, aloneBytes, besideBytes }
}

/** A client that produces a record and consumes it again, and loses none. */
class Work {
  readonly #client: RawClient
  readonly #brokerPid: number
  #nextOffset = 0n

  constructor(client: RawClient, brokerPid: number) {
    this.#client = client
    this.#brokerPid = brokerPid
  }

  async run(goesOn: (rounds: number) => boolean): Promise<WorkFigures> {
    const tookMs: number[] = []
    const processorMs = processorTimeMs(this.#brokerPid)
    const startedMs = performance.now()
    while (goesOn(tookMs.length)) {
      const roundMs = performance.now()
      await this.#round()
      tookMs.push(performance.now() - roundMs)
    }
    const perSecond = (tookMs.length / (performance.now() - startedMs)) * 1000
    tookMs.sort((one, other) => one - other)
    const at = (part: number): number => tookMs[Math.floor(tookMs.length * part)] ?? Number.NaN
    const brokerProcessorMs = processorTimeMs(this.#brokerPid) - processorMs
    return { rounds: tookMs.length, perSecond, p50Ms: at(0.5), p99Ms: at(0.99), brokerProcessorMs }
  }

  async #round(): Promise<void> {
    const offset = this.#nextOffset++
    const produced = await this.#client.request(produceApi, 9, produceRequest(WORK_TOPIC, WORK_BATCH))
    const { errorCode, baseOffset } = produced.responses[0]?.partitionResponses[0] ?? {}
    const fetched = await this.#client.request(fetchApi, 12, fetchRequest(WORK_TOPIC, offset))
    const partition = fetched.responses[0]?.partitions[0]
    // `expect` would cost more than the requests.
    if (errorCode === 0 && baseOffset === offset && partition?.records?.length === WORK_BATCH.length) return
    throw new Error(
      `round ${offset}: produced ${errorCode} at ${baseOffset}, fetched ${partition?.errorCode} with ${partition?.records?.length} bytes`,
    )
  }
}

interface Crowd extends AsyncDisposable {
  steps(options: HoldOptions): Promise<void>
  finish(): Promise<CrowdEnd>
}

async function startCrowd(port: number, { idle, slow }: HoldOptions): Promise<Crowd> {
  const file = join(import.meta.dirname, 'crowd.suite.ts')
  const child = fork(file, [port, idle, slow].map(String), { execArgv: ['--import', 'tsx'], cwd: root })
  const ended = once(child, 'exit').then(([code]) =>
    Promise.reject(new Error(`the crowd ended with ${code}`)),
  )
  ended.catch(() => {})
  const told = async (): Promise<unknown> => (await Promise.race([once(child, 'message'), ended]))[0]
  const ask = (order: CrowdOrder): Promise<unknown> => {
    const answer = told()
    child.send(order)
    return answer
  }
  expect(await told()).toEqual({ connections: idle + slow })
  return {
    async steps({ steps, stepMs }) {
      for (let step = 0; step < steps; step++) {
        await ask('step')
        if (stepMs > 0) await pause(stepMs)
      }
    },
    finish: async () => (await ask('finish')) as CrowdEnd,
    [Symbol.asyncDispose]: () => killProcess(child),
  }
}

async function createTopics(client: RawClient): Promise<void> {
  const topics = [READ_TOPIC, SLOW_TOPIC, WORK_TOPIC].map((name) => ({
    name,
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  }))
  const created = await client.request(createTopicsApi, 7, { topics, timeoutMs: 30_000, validateOnly: false })
  expect(created.topics.map(({ errorCode }) => errorCode)).toEqual([0, 0, 0])
  const batch = buildBatch([{ value: Buffer.alloc(READ_BATCH_BYTES, 'r') }])
  for (let index = 0; index < READ_BATCHES; index++) {
    await client.request(produceApi, 9, produceRequest(READ_TOPIC, batch))
  }
}

export function produceRequest(name: string, records: Buffer): ProduceRequest {
  const topicData = [{ name, topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }]
  return { transactionalId: null, acks: -1, timeoutMs: 30_000, topicData }
}

export function fetchRequest(topic: string, fetchOffset: bigint): FetchRequest {
  const partition = {
    partition: 0,
    currentLeaderEpoch: -1,
    fetchOffset,
    lastFetchedEpoch: -1,
    logStartOffset: -1n,
    partitionMaxBytes: 2 ** 26,
    replicaDirectoryId: ZERO_UUID,
    highWatermark: -1n,
  }
  return {
    clusterId: null,
    replicaId: -1,
    replicaState: { replicaId: -1, replicaEpoch: -1n },
    maxWaitMs: 30_000,
    minBytes: 1,
    maxBytes: 2 ** 26,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [{ topic, topicId: ZERO_UUID, partitions: [partition] }],
    forgottenTopicsData: [],
    rackId: '',
  }
}

function residentBytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+)/m.exec(fromProc(pid, 'status')) ?? []
  return Number(kilobytes ?? 0) * 1024
}

/** In ticks of 10 ms; 0 where the system does not tell. */
function processorTimeMs(pid: number): number {
  const fields = fromProc(pid, 'stat').split(') ').at(-1)?.split(' ') ?? []
  return 10 * (Number(fields[11] ?? 0) + Number(fields[12] ?? 0))
}

function fromProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch {
    return ''
  }
}
