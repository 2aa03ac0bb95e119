/** Clients that are at work while a disk fails, and try again what fails, as real ones do. */
import { ErrorCode, errorName } from '../../wire/error-codes.ts'
import { produceRequest } from '../harness.suite.ts'
import { produceHandler } from '../produce.ts'
import {
  ask,
  committedOffset,
  committedValues,
  TransactionalProducer,
} from '../transactional-producer.suite.ts'
import {
  batchOf,
  Client,
  commitOffset,
  newProducerId,
  OFFSETS_OF,
  PLAIN_GROUP,
  TRANSACTIONAL_GROUP,
} from './client.suite.ts'
import { Ledger } from './ledger.suite.ts'
import { walkLog } from './walk.suite.ts'
import type { World } from './world.suite.ts'

export interface Load {
  /** How often each client has been told that something was done. */
  acknowledged(): Readonly<Record<string, number>>
  /** What a client was answered last. */
  answers(name: string): string
  /** Has them do next to nothing for a while, or work again. */
  rest(now: boolean): void
  stop(): Promise<void>
  /** @throws Error that says what is lost, there twice, or half there. */
  check(world: World): Promise<void>
}

const PAUSE_MS = 50
const RESTING_MS = 5_000
const SMALL = { 'internal.segment.bytes': '2000' }
/** What is tried again as it is. */
const RETRIABLE = new Set(
  [
    ErrorCode.KAFKA_STORAGE_ERROR,
    ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    ErrorCode.NOT_COORDINATOR,
    ErrorCode.NOT_LEADER_OR_FOLLOWER,
    ErrorCode.CONCURRENT_TRANSACTIONS,
    ErrorCode.REQUEST_TIMED_OUT,
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ErrorCode.NOT_ENOUGH_REPLICAS,
  ].map((code) => errorName(code)),
)

interface Worker {
  readonly name: string
  done: number
  answers: string[]
  /** Answers the name of the error, or NONE. */
  act(): Promise<string>
  check(world: World): Promise<void>
}

export async function startLoad(world: World): Promise<Load> {
  const client = new Client(world.broker, new Ledger())
  for (const topic of ['plain', 'left', 'right', 'out', 'other']) await client.create(topic, 1, SMALL)
  const workers = [
    await writer(world, 'left'),
    await writer(world, 'right'),
    committer(world),
    transactor(world),
    admin(world, client),
  ]
  let stopped = false
  let resting = false
  const pause = (): Promise<void> =>
    new Promise((resolve) => world.clock.schedule(resting ? RESTING_MS : PAUSE_MS, () => resolve()))
  const runs = workers.map(async (worker) => {
    while (!stopped) {
      const answer = await worker.act().catch((error: unknown) => {
        worker.answers.push(String(error))
        throw error
      })
      worker.answers.push(answer)
      if (answer === 'NONE') worker.done++
      await pause()
    }
  })
  const failed = Promise.all(runs)
  failed.catch(() => {})
  return {
    acknowledged: () => Object.fromEntries(workers.map(({ name, done }) => [name, done])),
    answers: (name) =>
      workers
        .find((worker) => worker.name === name)
        ?.answers.slice(-10)
        .join() ?? '',
    rest(now) {
      resting = now
    },
    async stop() {
      stopped = true
      let isDone = false
      failed
        .finally(() => {
          isDone = true
        })
        .catch(() => {})
      for (let turn = 0; turn < 100 && !isDone; turn++) await world.clock.advance(1_000)
      if (!isDone) throw new Error('a client waits for ever')
      await failed
    },
    async check(seen) {
      for (const worker of workers) await worker.check(seen)
    },
  }
}

/** An idempotent producer: what it sends again is there once. */
async function writer({ broker, clock }: World, topic: string): Promise<Worker> {
  const producerId = await newProducerId(broker)
  const worker: Worker = {
    name: topic,
    done: 0,
    answers: [],
    async act() {
      const options = { producerId, producerEpoch: 0, baseSequence: worker.done }
      const records = batchOf([`${topic}${worker.done}`], clock.now(), options)
      const { responses } = await ask(broker, produceHandler, 9, produceRequest(topic, 0, records))
      const { errorCode = -1, baseOffset = -1n } = responses[0]?.partitionResponses[0] ?? {}
      const answer = errorName(errorCode)
      if (answer === 'NONE' && baseOffset !== BigInt(worker.done)) {
        throw new Error(`${topic}${worker.done} was stored at ${baseOffset}`)
      }
      if (answer !== 'NONE' && !RETRIABLE.has(answer)) throw new Error(`${topic}${worker.done}: ${answer}`)
      return answer
    },
    async check(world) {
      const { records } = await walkLog(world.broker, topic, 0)
      const wrong = records.find(({ value }, at) => value !== `${topic}${at}`)
      if (wrong !== undefined) throw new Error(`${topic} has ${wrong.value} at ${wrong.offset}`)
      const { length } = records
      if (length < worker.done || length > worker.done + 1)
        throw new Error(`${topic} has ${length} of ${worker.done}`)
    },
  }
  return worker
}

function committer({ broker }: World): Worker {
  const worker: Worker = {
    name: 'committer',
    done: 0,
    answers: [],
    act: async () =>
      errorName(await commitOffset(broker, BigInt(worker.done)).catch(() => ErrorCode.KAFKA_STORAGE_ERROR)),
    async check(world) {
      const told = await committedOffset(world.broker, PLAIN_GROUP, OFFSETS_OF)
      if (typeof told !== 'bigint' || told < BigInt(worker.done - 1) || told > BigInt(worker.done)) {
        throw new Error(`the offset is ${told}, and ${worker.done - 1} was committed`)
      }
    },
  }
  return worker
}

/** Writes each number to two logs and a group, in one transaction; every third is aborted. */
function transactor({ broker }: World): Worker {
  const producer = new TransactionalProducer(broker, 'V2', 'tx')
  const outcomes = new Map<string, boolean | null>()
  let state: 'new' | 'ready' | 'broken' | { readonly ends: boolean; readonly value: string } = 'new'
  let number = 0
  const answered: bigint[] = []
  const act = async (): Promise<string> => {
    if (state === 'new') {
      const answer = await producer.init()
      if (answer === 'NONE') state = 'ready'
      return answer === 'NONE' ? 'INITIALIZED' : answer
    }
    if (state === 'broken') {
      const answer = await producer.end(false)
      state = answer === 'NONE' ? 'ready' : RETRIABLE.has(answer) ? 'broken' : 'new'
      return `ABORTED ${answer}`
    }
    if (state === 'ready') {
      const value = `t${number++}`
      const steps = [
        () => producer.write('out', [value]),
        () => producer.write('other', [value]),
        () => producer.commitOffset(TRANSACTIONAL_GROUP, OFFSETS_OF, BigInt(number)),
      ]
      outcomes.set(value, false)
      for (const step of steps) {
        const answer = await step()
        if (answer === 'NONE') continue
        state = 'broken'
        return answer
      }
      state = { ends: number % 3 !== 0, value }
    }
    const { ends, value } = state
    outcomes.set(value, ends ? null : false)
    const answer = await producer.end(ends)
    if (answer === 'NONE') {
      outcomes.set(value, ends)
      if (ends) answered.push(BigInt(number))
      state = 'ready'
    } else if (!RETRIABLE.has(answer)) state = 'new'
    return answer
  }
  return {
    name: 'transactor',
    done: 0,
    answers: [],
    act,
    async check(world) {
      const [out, other] = [
        await committedValues(world.broker, 'out'),
        await committedValues(world.broker, 'other'),
      ]
      for (const [value, outcome] of outcomes) {
        const counts = [out, other].map((values) => values.filter((candidate) => candidate === value).length)
        const isRight =
          outcome === null ? counts[0] === counts[1] : counts.every((count) => count === Number(outcome))
        if (!isRight || Math.max(...counts) > 1)
          throw new Error(`${value} is there ${counts} times, committed: ${outcome}`)
      }
      const told = await committedOffset(world.broker, TRANSACTIONAL_GROUP, OFFSETS_OF)
      if (typeof told !== 'bigint' || told < (answered.at(-1) ?? -1n)) {
        throw new Error(`the offset of transactions is ${told}, and ${answered.at(-1)} was committed`)
      }
    },
  }
}

/** Makes topics. */
function admin(_world: World, client: Client): Worker {
  const worker: Worker = {
    name: 'admin',
    done: 0,
    answers: [],
    async act() {
      if (worker.done > 0 && worker.answers.length % 20 !== 0) {
        worker.done++
        return 'IDLE'
      }
      try {
        await client.create(`made${worker.answers.length}`, 1, {})
        return 'NONE'
      } catch (error) {
        return String(error)
      }
    },
    check: async () => {},
  }
  return worker
}
