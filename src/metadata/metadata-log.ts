/** The log of the cluster's metadata, `__cluster_metadata`: every change of it, in Kafka's own records (KIP-500). */
import type { Clock } from '../clock.ts'
import { type Log, openLog } from '../log/log.ts'
import { defaultLogConfig, type LogConfig } from '../log/log-config.ts'
import { storageError } from '../log/store-queue.ts'
import type { LogStore } from '../storage/log-store.ts'
import { isControlBatch, lastOffset, wholeBatches } from '../wire/batch.ts'
import { buildBatch, readRecords } from '../wire/records.ts'
import type { MetadataRecord } from './metadata.ts'
import { decodeMetadataRecord, encodeMetadataRecords } from './record-codec.ts'
import { CLUSTER_METADATA_TOPIC } from './topic-name.ts'

export interface MetadataLogOptions {
  readonly store: LogStore
  readonly clock: Clock
  /** metadata.log.segment.bytes and metadata.log.segment.ms */
  readonly segments: Pick<LogConfig, 'segmentBytes' | 'segmentMs'>
}

/** Kafka's fixed id of this topic. */
const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'
const LOG_ID = { topic: CLUSTER_METADATA_TOPIC, topicId: TOPIC_ID, partition: 0 }

/** The epoch that the store knows the only controller by: whoever opens the log last, owns it. */
const STORE_EPOCH = 0

/** How much is read at a time. */
const READ_BYTES = 1 << 20

/**
 * Opens the log and replays it. It is open when this returns where the log is empty and the store answers at once.
 * @param replay called for each record in order.
 * @throws KafkaError KAFKA_STORAGE_ERROR when the store fails, or the log holds what cannot be read.
 */
export function openMetadataLog(
  options: MetadataLogOptions,
  replay: (record: MetadataRecord) => void,
): MetadataLog | Promise<MetadataLog> {
  const { store, clock, segments } = options
  const config = { ...defaultLogConfig, ...segments }
  const opened = openLog({ store, id: LOG_ID, epoch: STORE_EPOCH, clock, config: () => config })
  const load = (log: Log): MetadataLog | Promise<MetadataLog> => {
    if (log.startOffset === log.endOffset) return new MetadataLog(log, clock)
    return replayLog(log, replay).then(() => new MetadataLog(log, clock))
  }
  return opened instanceof Promise ? opened.then(load) : load(opened)
}

export class MetadataLog {
  /** Rises by one each time that the log is opened, as with each election of a controller. */
  readonly epoch: number
  readonly #log: Log
  readonly #clock: Clock

  /** For `openMetadataLog`. */
  constructor(log: Log, clock: Clock) {
    this.#log = log
    this.#clock = clock
    this.epoch = Math.max(log.latestEpoch, 0) + 1
  }

  /** Whether the store has failed; the log is then to be opened anew. */
  get offline(): boolean {
    return this.#log.offline
  }

  /**
   * Appends the records as one batch: all of them will be there, or none.
   * @returns undefined when they are durable already, otherwise what settles when they are.
   * @throws KafkaError KAFKA_STORAGE_ERROR.
   */
  append(records: readonly MetadataRecord[]): undefined | Promise<void> {
    const timestamp = BigInt(this.#clock.now())
    const batch = buildBatch(encodeMetadataRecords(records).map((value) => ({ value, timestamp })))
    return this.#log.appendOwn(batch, this.epoch).durable
  }

  /** Waits for what is in flight and lets go of the store's resources. */
  close(): void | Promise<void> {
    return this.#log.close()
  }
}

async function replayLog(log: Log, replay: (record: MetadataRecord) => void): Promise<void> {
  let offset = log.startOffset
  try {
    while (offset < log.endOffset) {
      const buffers = await log.read(offset, READ_BYTES, log.endOffset)
      if (buffers.length === 0) throw new Error(`nothing at offset ${offset}, below the end ${log.endOffset}`)
      for (const buffer of buffers) {
        for (const at of wholeBatches(buffer)) {
          // What the controllers tell each other about elections and snapshots changes no metadata.
          if (!isControlBatch(buffer, at)) {
            for (const { value } of await readRecords(buffer, at)) {
              if (value !== null) replay(decodeMetadataRecord(value))
            }
          }
          offset = lastOffset(buffer, at) + 1n
        }
      }
    }
  } catch (error) {
    throw storageError(
      new Error(`${CLUSTER_METADATA_TOPIC} cannot be replayed from offset ${offset} on`, { cause: error }),
    )
  }
}
