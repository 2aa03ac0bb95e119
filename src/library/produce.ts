import type { Partition } from '../replica/partition.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type { NewRecord } from '../wire/record-builder.ts'
import { buildBatch } from '../wire/records.ts'
import { checkRunning, type LibraryContext, topicNamed } from './library-context.ts'
import { partitionOfKey } from './partitioner.ts'

/** Text is written as UTF-8. */
export type Bytes = string | Uint8Array | null

/** A record to be produced; text alone is a record with that value. */
export interface ProducedRecord {
  readonly key?: Bytes | undefined
  /** Null, or nothing, is a tombstone. */
  readonly value?: Bytes | undefined
  readonly headers?: Readonly<Record<string, Bytes>> | undefined
  /** When left out, murmur2 of the key decides, as with other clients; records without a key take turns. */
  readonly partition?: number | undefined
  /** Milliseconds since 1970; when left out, the time on the cluster's clock. */
  readonly timestamp?: number | undefined
}

/** Where a record has come to stand. */
export interface ProducedTo {
  readonly partition: number
  readonly offset: bigint
}

/** See `TopicHandle.produce`. */
export async function produce(
  context: LibraryContext,
  topicName: string,
  records: readonly (string | ProducedRecord)[],
): Promise<ProducedTo[]> {
  await createIfAllowed(context, topicName)
  const topic = topicNamed(context, topicName)
  if (topic.internal) {
    throw new KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, `only the broker writes to ${topicName}`)
  }
  const nowMs = context.services.clock.now()
  const byPartition = new Map<number, { readonly at: number; readonly record: NewRecord }[]>()
  records.forEach((given, at) => {
    const record = typeof given === 'string' ? { value: given } : given
    const bytes = newRecord(record, nowMs)
    const count = topic.partitions.length
    const index = record.partition ?? (bytes.key == null ? at % count : partitionOfKey(bytes.key, count))
    const others = byPartition.get(index)
    if (others === undefined) byPartition.set(index, [{ at, record: bytes }])
    else others.push({ at, record: bytes })
  })
  const produced: ProducedTo[] = []
  const partitions = Array.from(byPartition, ([index, entries]) => ({
    partition: context.services.replicas.get(topic, index),
    entries,
  }))
  for (const { partition, entries } of partitions) {
    for (const batch of batchesOf(entries, partition.maxMessageBytes)) {
      const baseOffset = await append(
        partition,
        batch.map(({ record }) => record),
      )
      batch.forEach(({ at }, delta) => {
        produced[at] = { partition: partition.index, offset: baseOffset + BigInt(delta) }
      })
    }
  }
  return produced
}

/** As for a client that asks for a topic that is not there: auto.create.topics.enable says. */
async function createIfAllowed(context: LibraryContext, name: string): Promise<void> {
  checkRunning(context)
  const { metadata, config, controller } = context.services
  if (metadata.topic(name) !== undefined || !config.get('auto.create.topics.enable')) return
  const spec = { name, numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] }
  const [outcome] = await controller.createTopics([spec], false)
  if (outcome === undefined || !('error' in outcome)) return
  if (outcome.error.code !== ErrorCode.TOPIC_ALREADY_EXISTS) throw outcome.error
}

async function append(partition: Partition, records: readonly NewRecord[]): Promise<bigint> {
  const prepared = await partition.prepare(buildBatch(records))
  const { baseOffset, durable } = partition.append(prepared)
  await durable
  return baseOffset
}

function newRecord({ key, value, headers = {}, timestamp }: ProducedRecord, nowMs: number): NewRecord {
  return {
    key: bytesOf(key),
    value: bytesOf(value),
    headers: Object.entries(headers).map(([name, header]) => ({ key: name, value: bytesOf(header) })),
    timestamp: BigInt(timestamp ?? nowMs),
  }
}

function bytesOf(bytes: Bytes | undefined): Uint8Array | null {
  return typeof bytes === 'string' ? Buffer.from(bytes) : (bytes ?? null)
}

/** As much of a batch as is not the bytes of its records, and of a record as is not its key, value and headers. */
const BATCH_OVERHEAD_BYTES = 61
const RECORD_OVERHEAD_BYTES = 40

/** Cuts what does not fit into one batch; a record that is too large by itself is left for the log to refuse. */
function batchesOf<T extends { readonly record: NewRecord }>(entries: readonly T[], maxBytes: number): T[][] {
  const batches: T[][] = []
  let left = 0
  for (const entry of entries) {
    const bytes = sizeOf(entry.record)
    const last = batches.at(-1)
    if (last !== undefined && bytes <= left) {
      last.push(entry)
      left -= bytes
    } else {
      batches.push([entry])
      left = maxBytes - BATCH_OVERHEAD_BYTES - bytes
    }
  }
  return batches
}

function sizeOf({ key, value, headers = [] }: NewRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0)
  for (const header of headers) bytes += 10 + 3 * header.key.length + (header.value?.length ?? 0)
  return bytes
}
