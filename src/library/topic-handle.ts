import { deadlineIn } from '../clock.ts'
import { ConfigError } from '../config/config-error.ts'
import type { Partition } from '../replica/partition.ts'
import type { KafkaRecord } from './kafka-record.ts'
import { checkRunning, type LibraryContext, topicNamed } from './library-context.ts'
import { type ProducedRecord, type ProducedTo, produce } from './produce.ts'
import { type ReadOptions, TopicReader } from './topic-reader.ts'
import { DEFAULT_TIMEOUT_MS, type WaitOptions, WaitTimeoutError } from './wait.ts'

/** One partition, as it is at the moment of asking. All of it throws where there is no such partition. */
export interface PartitionHandle {
  readonly partition: number
  /** The first offset that is there. */
  readonly logStartOffset: bigint
  /** The first offset that readers of uncommitted records do not get yet. */
  readonly highWatermark: bigint
  /** The first offset that readers of committed records do not get yet. */
  readonly lastStableOffset: bigint
  /** The offset that the next record gets. */
  readonly logEndOffset: bigint
}

/** A topic by its name, whether it is there or not: it is looked for when something is asked of it. */
export interface TopicHandle {
  readonly name: string
  /** Whether there is such a topic now. */
  readonly exists: boolean
  /** How many partitions it has. @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION when there is no such topic. */
  readonly partitionCount: number
  /**
   * The records of the topic, partition by partition, each in the order of its offsets; those of transactions only
   * when they are committed. With `follow` it goes on with what is appended later, until the loop is left, the cluster
   * is stopped or `signal` is aborted, and a topic that is not there yet is waited for.
   * @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION, while iterating, when there is no such topic.
   */
  records(options?: ReadOptions): AsyncIterableIterator<KafkaRecord>
  /**
   * The first record for which `predicate` holds, from the beginning of the topic on unless `from` says otherwise.
   * @throws WaitTimeoutError that says what was there instead; and what `predicate` throws.
   */
  waitFor(
    predicate: (record: KafkaRecord) => boolean,
    options?: WaitOptions & Omit<ReadOptions, 'follow' | 'signal'>,
  ): Promise<KafkaRecord>
  /**
   * Appends records, as a client's would be: the topic is made where auto.create.topics.enable allows it, and all that
   * is checked of a produced batch is checked. Done when they can be read.
   * @returns where each has come to stand, in the order given.
   * @throws KafkaError as a producer is answered.
   */
  produce(records: readonly (string | ProducedRecord)[]): Promise<ProducedTo[]>
  partition(index: number): PartitionHandle
}

export function topicHandle(context: LibraryContext, name: string): TopicHandle {
  return {
    name,
    get exists() {
      checkRunning(context)
      return context.services.metadata.topic(name) !== undefined
    },
    get partitionCount() {
      return topicNamed(context, name).partitions.length
    },
    records(options = {}) {
      checkRunning(context)
      return new TopicReader(context, name, options).records()
    },
    waitFor: (predicate, options = {}) => waitForRecord(context, name, predicate, options),
    produce: (records) => produce(context, name, records),
    partition: (index) =>
      partitionHandle(index, () => context.services.replicas.get(topicNamed(context, name), index)),
  }
}

function partitionHandle(partition: number, find: () => Partition): PartitionHandle {
  return {
    partition,
    get logStartOffset() {
      return find().logStartOffset
    },
    get highWatermark() {
      return find().highWatermark
    },
    get lastStableOffset() {
      return find().lastStableOffset
    },
    get logEndOffset() {
      return find().logEndOffset
    },
  }
}

/** So many of the last records are told of when the one that was waited for did not come. */
const TOLD_RECORDS = 5

async function waitForRecord(
  context: LibraryContext,
  name: string,
  predicate: (record: KafkaRecord) => boolean,
  { timeoutMs = DEFAULT_TIMEOUT_MS, ...options }: WaitOptions & ReadOptions,
): Promise<KafkaRecord> {
  checkRunning(context)
  if (!(timeoutMs >= 0)) throw new ConfigError(`timeoutMs is ${timeoutMs}: give milliseconds`)
  const late = new AbortController()
  const timer = deadlineIn(timeoutMs, () => late.abort())
  const counts = new Map<number, number>()
  const last: KafkaRecord[] = []
  try {
    const reader = new TopicReader(context, name, { ...options, follow: true, signal: late.signal })
    for await (const record of reader.records()) {
      if (predicate(record)) return record
      counts.set(record.partition, (counts.get(record.partition) ?? 0) + 1)
      last.push(record)
      if (last.length > TOLD_RECORDS) last.shift()
    }
  } finally {
    timer.cancel()
  }
  checkRunning(context)
  throw new WaitTimeoutError(
    `no record of ${name} was the one waited for within ${timeoutMs} ms: ${seen(context, name, counts, last)}`,
  )
}

function seen(
  { services }: LibraryContext,
  name: string,
  counts: ReadonlyMap<number, number>,
  last: readonly KafkaRecord[],
): string {
  if (services.metadata.topic(name) === undefined) return 'there is no such topic'
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  if (total === 0) return 'there were no records'
  const each = [...counts].sort(([a], [b]) => a - b).map(([index, count]) => `${count} in partition ${index}`)
  const lines = last.map((record) => `\n  ${record}`)
  const which = total > last.length ? `the last ${last.length} of them` : 'all of them'
  return `there were ${total} others (${each.join(', ')}); ${which}:${lines.join('')}`
}
