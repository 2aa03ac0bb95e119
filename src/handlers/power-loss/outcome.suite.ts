/** What has to be true of a broker that starts on what a loss of power has left; see power-loss.test.ts. */
import { describeProducersHandler } from '../describe-producers.ts'
import type { TestBroker } from '../harness.suite.ts'
import { listTransactionsHandler } from '../list-transactions.ts'
import { committedOffset, committedValues } from '../transactional-producer.suite.ts'
import { writeTxnMarkersHandler } from '../write-txn-markers.ts'
import { newProducerId, OFFSETS_OF, PLAIN_GROUP, TRANSACTIONAL_GROUP } from './client.suite.ts'
import type { History, Noted, TopicState } from './ledger.suite.ts'
import { abortedName, type WalkedLog, walkLog } from './walk.suite.ts'
import type { World } from './world.suite.ts'

/** Longer than any transaction stays open. */
const TRANSACTIONS_TIMED_OUT_MS = 80_000
const COORDINATORS_TOPICS = ['__consumer_offsets', '__transaction_state']

export interface Expectation {
  readonly history: History
  /** Whether everything was flushed before it was acknowledged. */
  readonly flushes: boolean
}

interface FoundLog {
  /** As the ledger names it. */
  readonly name: string
  readonly topic: string
  readonly partition: number
  readonly isCompacted: boolean
  readonly log: WalkedLog
}

/** @throws Error that says which promise was broken. */
export async function checkOutcome(world: World, expectation: Expectation): Promise<void> {
  const { broker, clock } = world
  await clock.advance(0)
  const states = checkTopics(broker, expectation.history)
  for (const topic of COORDINATORS_TOPICS) await walked(broker, topic, 0)
  await checkLogs(broker, states, expectation)
  await clock.advance(TRANSACTIONS_TIMED_OUT_MS)
  await checkCoordinator(broker)
  if (!expectation.flushes) await abortHanging(broker, states)
  const found = await checkLogs(broker, states, expectation)
  for (const { name, log } of found) {
    const open = log.transactions.filter(({ marker }) => marker === null)
    holds(
      open.length === 0 && log.lastStableOffset === log.highWatermark,
      () => `${name} has open transactions`,
    )
  }
  const committed = checkTransactions(found, expectation)
  await checkOffsets(broker, committed, expectation)
  await checkProducerIds(broker, expectation.history)
  // A log that was cut says so; a broker that complains has lost its way.
  const complaints = broker.lines.filter((line) => !isOrdinary(line, expectation.flushes))
  holds(complaints.length === 0, () => `the broker says: ${complaints.join('; ')}`)
}

/**
 * What a broker may say: of a topic that was deleted, or not made yet, there may be something left; and a coordinator
 * that lost the end of its log may be behind the epochs of others.
 */
export function isOrdinary(line: string, flushes: boolean): boolean {
  return line.includes('was put aside') || (!flushes && line.includes('refuses the marker of producer'))
}

/** Topics and configs are flushed always. Answers the state of each topic that there is. */
function checkTopics(broker: TestBroker, history: History): ReadonlyMap<string, TopicState> {
  const { metadata } = broker.services
  const found = new Map<string, TopicState>()
  for (const name of history.topics()) {
    const topic = metadata.topic(name)
    const configs = Object.fromEntries(topic?.configs ?? [])
    const told = topic === undefined ? 'gone' : textOf({ partitions: topic.partitions.length, configs })
    const states = history.topicStates(name)
    const state = states.find((candidate) => textOf(candidate) === told)
    holds(state !== undefined, () => `topic ${name} is ${told}, not ${states.map(textOf).join(' or ')}`)
    if (state !== undefined && topic !== undefined) found.set(name, state)
  }
  return found
}

function textOf({ partitions, configs }: Pick<TopicState, 'partitions' | 'configs'>): string {
  const entries = Object.entries(configs).map(([name, value]) => `${name}=${value}`)
  return partitions === null ? 'gone' : `of ${partitions} partitions with ${entries.sort().join(', ')}`
}

async function checkLogs(
  broker: TestBroker,
  states: ReadonlyMap<string, TopicState>,
  expectation: Expectation,
): Promise<FoundLog[]> {
  const found: FoundLog[] = []
  for (const [topic, { partitions, generation, configs }] of states) {
    for (let partition = 0; partition < (partitions ?? 0); partition++) {
      const name = `${topic}/${generation}-${partition}`
      const isCompacted = configs['cleanup.policy'] === 'compact'
      const log = await walked(broker, topic, partition)
      if (isCompacted) checkCompacted(name, log, expectation)
      else checkRecords(name, log, expectation)
      found.push({ name, topic, partition, isCompacted, log })
    }
  }
  return found
}

/** Walks a log, and compares what the broker makes of it. */
async function walked(broker: TestBroker, topic: string, partition: number): Promise<WalkedLog> {
  const log = await walkLog(broker, topic, partition)
  const name = `${topic}-${partition}`
  const { endOffset, highWatermark, transactions } = log
  holds(endOffset <= highWatermark, () => `${name} ends at ${endOffset}, above ${highWatermark}`)
  const isCompacted = COORDINATORS_TOPICS.includes(topic) || topic === 'table'
  holds(
    isCompacted || endOffset === highWatermark,
    () => `${name} ends at ${endOffset}, not ${highWatermark}`,
  )
  const firstOpen = transactions.find(({ marker }) => marker === null)?.firstOffset ?? highWatermark
  const { lastStableOffset } = log
  holds(lastStableOffset === firstOpen, () => `${name} is stable up to ${lastStableOffset}, not ${firstOpen}`)
  if (isCompacted) return log
  // As in Kafka there may be some among them that lie above the last stable offset.
  const aborted = transactions.filter(({ marker }) => marker?.commit === false)
  const names = aborted.map(abortedName)
  const missing = aborted.filter(
    (one) => one.firstOffset < firstOpen && !log.abortedTold.includes(abortedName(one)),
  )
  const wrong = log.abortedTold.filter((told) => !names.includes(told))
  holds(
    missing.length + wrong.length === 0,
    () => `${name} tells of aborted ${log.abortedTold}, and has ${names}`,
  )
  const committed = await committedValues(broker, topic, partition, log.startOffset)
  const visible = log.records
    .filter(({ offset, transaction }) => offset < firstOpen && transaction?.marker?.commit !== false)
    .map(({ value }) => value)
  holds(committed.join() === visible.join(), () => `${name} shows ${committed}, not ${visible}`)
  await checkProducers(broker, topic, partition, log)
  return log
}

/** What is known of producers is what the log tells, where nothing of it has been deleted. */
async function checkProducers(
  broker: TestBroker,
  topic: string,
  partition: number,
  log: WalkedLog,
): Promise<void> {
  if (log.startOffset > 0n) return
  const request = { topics: [{ name: topic, partitionIndexes: [partition] }] }
  const { topics } = await broker.ask(describeProducersHandler, 0, request)
  const told = topics[0]?.partitions[0]?.activeProducers ?? []
  const lines = told.map(
    ({ producerId, producerEpoch, lastSequence, currentTxnStartOffset }) =>
      `${producerId}/${producerEpoch} ${lastSequence} ${currentTxnStartOffset}`,
  )
  const expected = Array.from(
    log.producers,
    ([producerId, { epoch, lastSequence, transaction }]) =>
      `${producerId}/${epoch} ${lastSequence ?? -1} ${transaction?.firstOffset ?? -1n}`,
  )
  const [one, other] = [lines.sort().join('; '), expected.sort().join('; ')]
  holds(one === other, () => `${topic}-${partition} has producers ${one}, not ${other}`)
}

/** A stretch of what was appended, in order, from where records have been deleted to some point behind what is safe. */
function checkRecords(name: string, log: WalkedLog, expectation: Expectation): void {
  const { history } = expectation
  const appends = history.appends(name)
  const values = appends.flatMap((append) => append.values)
  const found = log.records.filter(({ offset }) => offset >= log.startOffset).map(({ value }) => value)
  const deletes = history.of('delete').filter((deed) => deed.log === name)
  const latest = greatest(deletes.map(({ offset }) => offset))
  const least = greatest(deletes.filter((deed) => history.isAnswered(deed)).map(({ offset }) => offset))
  const { startOffset } = log
  holds(startOffset >= least && startOffset <= latest, () => `${name} starts at ${startOffset}, not ${least}`)
  // Where records are deleted there are no transactions, so that offsets count records.
  const start = startOffset > 0n ? Number(startOffset) : 0
  const expected = values.slice(start, start + found.length)
  holds(found.join() === expected.join(), () => `${name} holds ${found} from ${start} on, of ${values}`)
  const safe = appends.filter((append) => isSafe(append, expectation)).at(-1)
  const safeCount =
    safe === undefined ? 0 : appends.slice(0, appends.indexOf(safe) + 1).flatMap((one) => one.values).length
  const lost = values.slice(start + found.length, safeCount)
  holds(lost.length === 0, () => `${name} has lost ${lost}`)
  for (const append of appends) {
    if (append.answer === null || !history.isAnswered(append)) continue
    const record = log.records.find(({ value }) => value === append.values[0])
    const isRight = record === undefined || record.offset === append.answer
    holds(isRight, () => `${name} has ${record?.value} at ${record?.offset}, not ${append.answer}`)
  }
}

/** What was answered must not be lost where all is flushed; what was answered before a clean stop, never. */
function isSafe(deed: Noted, { history, flushes }: Expectation): boolean {
  return history.isAnswered(deed) && (flushes || deed.answeredAt < history.stoppedAt)
}

const greatest = (offsets: readonly bigint[]): bigint =>
  offsets.reduce((most, offset) => (offset > most ? offset : most), 0n)

/** Every key's newest value is there; whatever else is there was written at that place. */
function checkCompacted(name: string, log: WalkedLog, expectation: Expectation): void {
  const appends = expectation.history.appends(name)
  const written = appends.flatMap((append) => append.values)
  const found = new Map(log.records.map(({ offset, key, value }) => [offset, `${key}=${value}`]))
  for (const [offset, text] of found) {
    const expected = written[Number(offset)]
    holds(text === expected, () => `${name} has ${text} at ${offset}, where ${expected} was written`)
  }
  const safe = appends.findLastIndex((append) => isSafe(append, expectation))
  const safeCount = appends.slice(0, safe + 1).flatMap((append) => append.values).length
  holds(
    log.highWatermark >= safeCount,
    () => `${name} ends at ${log.highWatermark}, and ${safeCount} were safe`,
  )
  const newest = new Map<string, number>()
  for (const [at, text] of written.slice(0, Number(log.highWatermark)).entries()) {
    newest.set(text.split('=')[0] as string, at)
  }
  for (const [key, at] of newest) {
    holds(found.has(BigInt(at)), () => `${name} has lost the newest value of ${key}, at ${at}`)
  }
}

/** All that the coordinator knows of is over. */
async function checkCoordinator(broker: TestBroker): Promise<void> {
  const request = {
    stateFilters: [],
    producerIdFilters: [],
    durationFilter: -1n,
    transactionalIdPattern: null,
  }
  const { errorCode, transactionStates } = await broker.ask(listTransactionsHandler, 1, request)
  holds(errorCode === 0, () => `transactions cannot be listed: ${errorCode}`)
  for (const { transactionalId, transactionState } of transactionStates) {
    const isOver = ['Empty', 'CompleteCommit', 'CompleteAbort'].includes(transactionState)
    holds(isOver, () => `transaction ${transactionalId} is ${transactionState}`)
  }
}

/** Those that the coordinator has forgotten: an admin aborts them, as `kafka-transactions abort` does. */
async function abortHanging(broker: TestBroker, states: ReadonlyMap<string, TopicState>): Promise<void> {
  const topics = [...states].map(([name, { partitions }]) => ({ name, partitions }))
  for (const { name, partitions } of [...topics, { name: '__consumer_offsets', partitions: 1 }]) {
    for (let partition = 0; partition < (partitions ?? 0); partition++) {
      const { transactions } = await walkLog(broker, name, partition)
      for (const { producerId, producerEpoch, marker } of transactions) {
        if (marker !== null) continue
        const topics = [{ name, partitionIndexes: [partition] }]
        const result = { transactionResult: false, topics, coordinatorEpoch: 0, transactionVersion: 0 }
        await broker.ask(writeTxnMarkersHandler, 1, { markers: [{ producerId, producerEpoch, ...result }] })
      }
    }
  }
}

/**
 * Within a log a transaction's records are all committed or all aborted, which `walked` has seen to; here: that nobody
 * sees what nobody committed, and, where everything is flushed, that all logs agree.
 * @returns for each transaction whether it is committed, as far as that is known.
 */
function checkTransactions(
  found: readonly FoundLog[],
  expectation: Expectation,
): ReadonlyMap<number, boolean> {
  const { history, flushes } = expectation
  const numberOf = new Map<string, number>()
  for (const { log, values, transaction } of history.of('append')) {
    if (transaction !== null) for (const value of values) numberOf.set(`${log} ${value}`, transaction)
  }
  const outcomes = new Map<number, { readonly where: string; readonly commit: boolean }[]>()
  for (const { name, log } of found) {
    for (const { value, transaction } of log.records) {
      const number = numberOf.get(`${name} ${value}`)
      holds((number === undefined) === (transaction === null), () => `${name} has ${value} in no transaction`)
      if (number === undefined || transaction?.marker == null) continue
      const seen = outcomes.get(number) ?? []
      seen.push({ where: `${value} of ${name}`, commit: transaction.marker.commit })
      outcomes.set(number, seen)
    }
  }
  const committed = new Map<number, boolean>()
  for (const [number, seen] of outcomes) {
    const ends = history.of('end').filter((deed) => deed.transaction === number)
    for (const { where, commit } of seen) {
      const allowed = !commit || ends.some((end) => end.commit)
      holds(allowed, () => `${where} is committed, and nobody asked for that`)
      const end = ends.find((deed) => isSafe(deed, expectation))
      holds(
        end === undefined || end.commit === commit,
        () => `${where} is ${commit ? 'committed' : 'aborted'}`,
      )
    }
    const [first] = seen
    const differs = flushes ? seen.find(({ commit }) => commit !== first?.commit) : undefined
    holds(differs === undefined, () => `${first?.where} is ${first?.commit}, and ${differs?.where} is not`)
    committed.set(number, first?.commit === true)
  }
  return committed
}

/** Offsets never go back behind one that is safe, and none is there that nobody has committed. */
async function checkOffsets(
  broker: TestBroker,
  committed: ReadonlyMap<number, boolean>,
  expectation: Expectation,
): Promise<void> {
  const { history, flushes } = expectation
  for (const group of [PLAIN_GROUP, TRANSACTIONAL_GROUP]) {
    const told = await committedOffset(broker, group, OFFSETS_OF)
    const deeds = history.of('offset').filter((deed) => deed.group === group)
    const commits = deeds.flatMap((deed) => {
      const { transaction, offset } = deed
      const end = history
        .of('end')
        .find((candidate) => candidate.transaction === transaction && candidate.commit)
      const commit = transaction === null ? deed : end
      return commit === undefined ? [] : [{ offset, transaction, isSafe: isSafe(commit, expectation) }]
    })
    const least = commits.filter((one) => one.isSafe).at(-1)?.offset ?? -1n
    const known = commits.find(({ offset }) => offset === told)
    holds(
      typeof told === 'bigint' && told >= least && (told === -1n || known !== undefined),
      () => `${group} is at ${told}: ${least} was safe, and ${commits.map(({ offset }) => offset)} asked for`,
    )
    if (!flushes) continue
    // With the records of their transaction, or not at all: the end that was asked for last is all that is open.
    const last = commits.at(-1)
    const isCommitted = last?.transaction == null ? undefined : committed.get(last.transaction)
    const agrees = isCommitted === undefined || isCommitted === (told === last?.offset)
    holds(agrees, () => `${group} is at ${told}, and the records of that transaction are not: ${isCommitted}`)
  }
}

/** No producer id is given out twice: they come from the metadata, which are flushed always. */
async function checkProducerIds(broker: TestBroker, history: History): Promise<void> {
  const id = await newProducerId(broker)
  for (const deed of history.of('producer')) {
    const isBelow = deed.answer === null || !history.isAnswered(deed) || deed.answer < id
    holds(isBelow, () => `producer id ${id} was given out after ${deed.answer}`)
  }
}

function holds(condition: boolean, say: () => string): void {
  if (!condition) throw new Error(say())
}
