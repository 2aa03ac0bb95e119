/** Reads the records of a topic as they stand in its partitions' logs. */
import { deadlineIn } from '../clock.ts'
import type { Topic } from '../metadata/metadata.ts'
import { Isolation, type Partition, type PartitionWatcher } from '../replica/partition.ts'
import * as batch from '../wire/batch.ts'
import { readRecords } from '../wire/records.ts'
import { KafkaRecord } from './kafka-record.ts'
import { type LibraryContext, topicNamed } from './library-context.ts'

export interface ReadOptions {
  /** Whether to wait for more when all has been read, and for a topic that is not there yet; false when left out. */
  readonly follow?: boolean | undefined
  /**
   * Where to begin in each partition: `beginning`, the default, `end`, an offset, or the first record of a time or
   * later.
   */
  readonly from?: 'beginning' | 'end' | bigint | number | Date | undefined
  /** The only partition to read; all of them when left out. */
  readonly partition?: number | undefined
  /**
   * Whether to see records of transactions that were aborted or are still open; only with `read_uncommitted`, and
   * `read_committed` is the default.
   */
  readonly isolation?: 'read_committed' | 'read_uncommitted' | undefined
  /** Ends a reader that follows. */
  readonly signal?: AbortSignal | undefined
}

const READ_BYTES = 1 << 20
/** Topics and partitions that are new are looked for so often; what is appended is heard of at once. */
const LOOK_AGAIN_MS = 20

/** Where one partition has been read up to. */
interface Cursor {
  next: bigint
  /** Where a reader that does not follow stops. */
  readonly end: bigint | null
}

export class TopicReader {
  readonly #context: LibraryContext
  readonly #name: string
  readonly #options: ReadOptions
  readonly #isolation: number
  readonly #cursors = new Map<number, Cursor>()
  /** Whose partitions the cursors are. A topic that was made anew is read from its beginning. */
  #topicId: string | undefined
  #from: ReadOptions['from']

  constructor(context: LibraryContext, name: string, options: ReadOptions) {
    this.#context = context
    this.#name = name
    this.#options = options
    this.#isolation =
      options.isolation === 'read_uncommitted' ? Isolation.READ_UNCOMMITTED : Isolation.READ_COMMITTED
    this.#from = options.from
    // What is the end now will not be when the first record is asked for.
    if (options.from === 'end')
      for (const partition of this.#partitions()) this.#cursor(partition, this.#endOf(partition))
    if (options.from === 'end') this.#from = 'beginning'
  }

  async *records(): AsyncGenerator<KafkaRecord, void, undefined> {
    const { follow = false, signal } = this.#options
    if (!follow) topicNamed(this.#context, this.#name)
    for (;;) {
      let found = false
      for (const partition of this.#partitions()) {
        for await (const record of this.#recordsOf(partition)) {
          found = true
          yield record
        }
      }
      if (signal?.aborted || this.#context.isStopped()) return
      if (found) continue
      if (!follow) return
      await this.#change()
    }
  }

  /** Those that are there now. */
  #partitions(): Partition[] {
    const { metadata, replicas } = this.#context.services
    const topic = this.#context.isStopped() ? undefined : metadata.topic(this.#name)
    if (topic === undefined) return []
    if (topic.id !== this.#topicId) {
      if (this.#topicId !== undefined) this.#from = 'beginning'
      this.#topicId = topic.id
      this.#cursors.clear()
    }
    return this.#indexes(topic).flatMap((index) => {
      if (!this.#options.follow) return [replicas.get(topic, index)]
      return replicas.find(topic.id, index) ?? []
    })
  }

  #indexes(topic: Topic): readonly number[] {
    const { partition } = this.#options
    return partition === undefined ? topic.partitions.map(({ index }) => index) : [partition]
  }

  #endOf(partition: Partition): bigint {
    return this.#isolation === Isolation.READ_COMMITTED ? partition.lastStableOffset : partition.highWatermark
  }

  #cursor(partition: Partition, next: bigint): Cursor {
    const end = this.#options.follow ? null : this.#endOf(partition)
    const cursor = { next, end }
    this.#cursors.set(partition.index, cursor)
    return cursor
  }

  async *#recordsOf(partition: Partition): AsyncGenerator<KafkaRecord, void, undefined> {
    const cursor =
      this.#cursors.get(partition.index) ?? this.#cursor(partition, await this.#startOf(partition))
    for (;;) {
      if (partition.deleted) return
      if (cursor.next < partition.logStartOffset) cursor.next = partition.logStartOffset
      const end = cursor.end ?? this.#endOf(partition)
      if (cursor.next >= end || cursor.next >= this.#endOf(partition)) return
      const { next } = cursor
      const position = { offset: next, maxBytes: READ_BYTES, currentLeaderEpoch: -1, lastFetchedEpoch: -1 }
      const read = await partition.read(position, READ_BYTES, this.#isolation, true)
      if (read.records.length === 0) {
        // Compaction has left nothing there.
        cursor.next = end
        return
      }
      for (const buffer of read.records) {
        for (const at of batch.wholeBatches(buffer)) {
          const base = batch.baseOffset(buffer, at)
          if (base >= end) return
          const producerId = batch.producerId(buffer, at)
          const isAborted =
            batch.isTransactional(buffer, at) &&
            read.abortedTransactions?.some(
              (aborted) =>
                aborted.producerId === producerId &&
                aborted.firstOffset <= base &&
                base <= aborted.lastOffset,
            )
          if (!isAborted && !batch.isControlBatch(buffer, at)) {
            for (const record of await readRecords(buffer, at)) {
              if (record.offset < cursor.next || record.offset >= end) continue
              cursor.next = record.offset + 1n
              yield own(partition, record)
            }
          }
          cursor.next = batch.lastOffset(buffer, at) + 1n
        }
      }
    }
  }

  async #startOf(partition: Partition): Promise<bigint> {
    const from = this.#from
    if (typeof from === 'bigint' || typeof from === 'number') return BigInt(from)
    if (!(from instanceof Date)) return partition.logStartOffset
    const found = await partition.listOffset(BigInt(from.getTime()), this.#isolation, -1)
    return found.offset === -1n ? this.#endOf(partition) : found.offset
  }

  /** Returns when there may be more to read, or nobody waits any more. */
  async #change(): Promise<void> {
    const partitions = this.#partitions()
    const { signal } = this.#options
    const hasMore = (partition: Partition): boolean =>
      this.#endOf(partition) > (this.#cursors.get(partition.index)?.next ?? -1n)
    if (partitions.some(hasMore)) return
    await new Promise<void>((resolve) => {
      const done = (): void => {
        timer.cancel()
        signal?.removeEventListener('abort', done)
        for (const partition of partitions) partition.unwatch(watcher)
        resolve()
      }
      const watcher: PartitionWatcher = { partitionChanged: done }
      const timer = deadlineIn(LOOK_AGAIN_MS, done)
      signal?.addEventListener('abort', done)
      for (const partition of partitions) partition.watch(watcher)
    })
  }
}

type Value = Awaited<ReturnType<typeof readRecords>>[number]

/** What is read are views of what the log keeps. */
function own({ topic, index }: Partition, { offset, timestamp, key, value, headers }: Value): KafkaRecord {
  return new KafkaRecord({
    topic,
    partition: index,
    offset,
    timestamp: Number(timestamp),
    key: key && Buffer.from(key),
    value: value && Buffer.from(value),
    headers: headers.map((header) => ({ key: header.key, value: header.value && Buffer.from(header.value) })),
  })
}
