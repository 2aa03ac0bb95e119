/** What clients do after a loss of power: they try again what they are not sure of, and go on. */
import { ErrorCode, errorName } from '../../wire/error-codes.ts'
import { produceRequest, type TestBroker } from '../harness.suite.ts'
import { produceHandler } from '../produce.ts'
import {
  ask,
  committedOffset,
  committedValues,
  TransactionalProducer,
} from '../transactional-producer.suite.ts'
import { batchOf, commitOffset, OFFSETS_OF, PLAIN_GROUP, TRANSACTIONAL_GROUP } from './client.suite.ts'
import type { History } from './ledger.suite.ts'
import { walkLog } from './walk.suite.ts'
import type { World } from './world.suite.ts'

/** An offset above all that are committed in the history. */
const LATER = 1_000n
/** How often a producer begins anew: one that is behind the epochs of a log gets ahead of them. */
const MAX_INITS = 10

/** @throws Error that says what no longer works. */
export async function goOn(world: World, history: History): Promise<void> {
  const { broker } = world
  const topics = history.topics().filter((name) => broker.services.metadata.topic(name) !== undefined)
  if (topics.includes('sequenced')) await retrySequenced(broker, history)
  for (const topic of topics) {
    const partitions = broker.services.metadata.topic(topic)?.partitions.length ?? 0
    for (let partition = 0; partition < partitions; partition++) {
      const [code] = await send(broker, topic, ['k=later'], {}, partition)
      if (code !== ErrorCode.NONE) throw new Error(`${topic}-${partition} takes nothing: ${errorName(code)}`)
    }
  }
  if (!topics.includes(OFFSETS_OF)) return
  const code = await commitOffset(broker, LATER)
  const told = await committedOffset(broker, PLAIN_GROUP, OFFSETS_OF)
  if (code !== ErrorCode.NONE || told !== LATER)
    throw new Error(`committing: ${errorName(code)}, then ${told}`)
  if (topics.includes('other')) await transact(world)
}

/** An idempotent producer that was answered too late, or never, sends its batches again. */
async function retrySequenced(broker: TestBroker, history: History): Promise<void> {
  const producerId = history.of('producer')[0]?.answer ?? null
  const appends = history.appends('sequenced/1-0')
  if (producerId === null || appends.length === 0) return
  const { records } = await walkLog(broker, 'sequenced', 0)
  const sequenceOf = ([first = '']: readonly string[]): number => Number(first.slice(1))
  const next = appends.findIndex(({ values }) => sequenceOf(values) === records.length)
  const [last, lost] = next < 0 ? [appends.at(-1), undefined] : [appends[next - 1], appends[next]]
  for (const { values } of [last, lost].flatMap((append) => append ?? [])) {
    const baseSequence = sequenceOf(values)
    const [code, offset] = await send(broker, 'sequenced', values, {
      producerId,
      producerEpoch: 0,
      baseSequence,
    })
    if (code !== ErrorCode.NONE || offset !== BigInt(baseSequence)) {
      throw new Error(`sending ${values} to sequenced again: ${errorName(code)}, offset ${offset}`)
    }
  }
}

/** One transaction, by somebody who was at work before. */
async function transact({ broker, clock }: World): Promise<void> {
  const producer = new TransactionalProducer(broker, 'V2', 'second')
  const answers: string[] = []
  for (let tries = 0; ; tries++) {
    if (tries === MAX_INITS) throw new Error(`no transaction gets through: ${answers.join(', ')}`)
    const steps = [
      () => producer.init(),
      () => producer.write('out', ['later']),
      () => producer.write('other', ['later']),
      () => producer.commitOffset(TRANSACTIONAL_GROUP, OFFSETS_OF, LATER),
      () => producer.end(true),
    ]
    let answer = 'NONE'
    for (const step of steps) {
      answer = await step()
      if (answer !== 'NONE') break
    }
    if (answer === 'NONE') break
    answers.push(answer)
    await clock.advance(1_000)
  }
  for (const topic of ['out', 'other']) {
    const last = (await committedValues(broker, topic)).at(-1)
    if (last !== 'later')
      throw new Error(`${topic} shows ${last} last, and a later transaction was committed`)
  }
  const told = await committedOffset(broker, TRANSACTIONAL_GROUP, OFFSETS_OF)
  if (told !== LATER) throw new Error(`${TRANSACTIONAL_GROUP} is at ${told} after a later transaction`)
}

async function send(
  broker: TestBroker,
  topic: string,
  values: readonly string[],
  options: Parameters<typeof batchOf>[2] = {},
  partition = 0,
): Promise<readonly [code: number, offset: bigint]> {
  const records = batchOf(values, broker.clock.now(), options)
  const { responses } = await ask(broker, produceHandler, 9, produceRequest(topic, partition, records))
  const { errorCode = -1, baseOffset = -1n } = responses[0]?.partitionResponses[0] ?? {}
  return [errorCode, baseOffset]
}
