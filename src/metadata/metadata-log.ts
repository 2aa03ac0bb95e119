/** The log of the cluster's metadata, `__cluster_metadata`: every change of it, in Kafka's own records (KIP-500). */
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { Log } from '../log/log.ts'
import { defaultLogConfig, type LogConfig } from '../log/log-config.ts'
import { openLog } from '../log/open-log.ts'
import { storageError } from '../log/store-queue.ts'
import type { LogId, LogStore } from '../storage/log-store.ts'
import { batchBytes, lastOffset, wholeBatches } from '../wire/batch.ts'
import { buildBatch } from '../wire/records.ts'
import { type Checkpoint, type CheckpointId, checkpointName, decodeCheckpoint } from './checkpoint.ts'
import type { Metadata } from './metadata.ts'
import { MetadataReplay, type ReplayVisitor } from './metadata-replay.ts'
import { encodeQuorumState, parseQuorumState, QUORUM_STATE_FILE, type QuorumState } from './quorum-state.ts'
import { encodeMetadataRecords, type MetadataLogRecord } from './record-codec.ts'
import { listCheckpoints, type SnapshotConfig, Snapshots } from './snapshots.ts'
import { CLUSTER_METADATA_TOPIC } from './topic-name.ts'

export interface MetadataLogOptions {
  readonly store: LogStore
  readonly clock: Clock
  readonly logger: Pick<Logger, 'warn'>
  /** The node whose controller owns the log. */
  readonly nodeId: number
  /** metadata.log.segment.bytes and metadata.log.segment.ms */
  readonly segments: Pick<LogConfig, 'segmentBytes' | 'segmentMs'>
  readonly snapshots: SnapshotConfig
}

/** Kafka's fixed id of this topic. */
const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'
export const METADATA_LOG_ID: LogId = { topic: CLUSTER_METADATA_TOPIC, topicId: TOPIC_ID, partition: 0 }

/** How much is read at a time. */
const READ_BYTES = 1 << 20

/**
 * Opens the log and replays it: the newest checkpoint that is whole, and what the log holds behind it. It is open when
 * this returns where there is nothing to replay and the store answers at once.
 * @param visit told of all that is to be applied, in order; what there is below a checkpoint comes all at once.
 * @throws KafkaError KAFKA_STORAGE_ERROR when the store fails, or the log holds what cannot be read.
 */
export function openMetadataLog(
  options: MetadataLogOptions,
  visit: ReplayVisitor,
): MetadataLog | Promise<MetadataLog> {
  return asStorageError(() =>
    after(readQuorumState(options), (quorum) => {
      const storeEpoch = (quorum?.leaderEpoch ?? 0) + 1
      return after(openAt(options, storeEpoch), (log) =>
        after(listCheckpoints(options.store, METADATA_LOG_ID), (checkpoints) => {
          const isEmpty = log.startOffset === log.endOffset && log.startOffset === 0n
          const replayed =
            isEmpty && checkpoints.length === 0
              ? NOTHING
              : replayAll(options, { log, checkpoints, storeEpoch, visit })
          return after(replayed, (what) => begin(options, what.log ?? log, quorum, what, visit))
        }),
      )
    }),
  )
}

export class MetadataLog {
  /** Rises by one or more each time that the log is opened, as with each election of a controller. */
  readonly epoch: number
  readonly #log: Log
  readonly #clock: Clock
  readonly #snapshots: Snapshots

  /** For `openMetadataLog`. */
  constructor(options: MetadataLogOptions, log: Log, epoch: number, bytesBehind: number) {
    const { store, clock, logger, snapshots: config } = options
    this.#log = log
    this.#clock = clock
    this.epoch = epoch
    this.#snapshots = new Snapshots({ store, id: METADATA_LOG_ID, clock, config, logger, log, bytesBehind })
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
  append(records: readonly MetadataLogRecord[]): undefined | Promise<void> {
    const timestamp = BigInt(this.#clock.now())
    const batch = buildBatch(encodeMetadataRecords(records).map((value) => ({ value, timestamp })))
    this.#snapshots.appended(batch.length)
    return this.#log.appendOwn(batch, this.epoch).durable
  }

  /** To be told after each commit, with what is committed by then: it may be time for a snapshot. */
  committed(metadata: Metadata): void {
    this.#snapshots.takeIfDue(metadata, this.epoch)
  }

  /** Waits for what is in flight and lets go of the store's resources. */
  async close(): Promise<void> {
    await this.#snapshots.close()
    await this.#log.close()
  }
}

interface Replayed {
  /** The log, if it had to be opened anew. */
  readonly log: Log | undefined
  /** The epoch of the checkpoint that was taken. */
  readonly epoch: number
  readonly bytesBehind: number
  /** Whether records at the end belong to a transaction that nobody will end. */
  readonly isInTransaction: boolean
}

const NOTHING: Replayed = { log: undefined, epoch: 0, bytesBehind: 0, isInTransaction: false }

/** Nobody appends before the epoch is noted: whoever comes next then has a higher one. */
function begin(
  options: MetadataLogOptions,
  log: Log,
  quorum: QuorumState | null,
  replayed: Replayed,
  visit: ReplayVisitor,
): MetadataLog | Promise<MetadataLog> {
  const { store, nodeId } = options
  const epoch = Math.max(log.latestEpoch, replayed.epoch, quorum?.leaderEpoch ?? 0, 0) + 1
  const file = store.file(METADATA_LOG_ID, QUORUM_STATE_FILE)
  return after(file.replace(encodeQuorumState(quorum, nodeId, epoch)), () => {
    const opened = new MetadataLog(options, log, epoch, replayed.bytesBehind)
    if (!replayed.isInTransaction) return opened
    const reason = 'the controller that began it is gone'
    const durable = opened.append([{ name: 'AbortTransactionRecord', value: { reason } }])
    return after(durable, () => {
      visit([], log.endOffset)
      return opened
    })
  })
}

function openAt(options: MetadataLogOptions, epoch: number): Log | Promise<Log> {
  const { store, clock, segments } = options
  // As Kafka's controllers: what is answered is on the disk.
  const config = { ...defaultLogConfig, ...segments, flushMessages: 1 }
  return openLog({ store, id: METADATA_LOG_ID, epoch, clock, config: () => config })
}

function readQuorumState({
  store,
  logger,
}: MetadataLogOptions): QuorumState | null | Promise<QuorumState | null> {
  return after(store.file(METADATA_LOG_ID, QUORUM_STATE_FILE).read(), (bytes) => {
    const state = bytes === null ? null : parseQuorumState(bytes)
    if (bytes !== null && state === null) {
      logger.warn(`${QUORUM_STATE_FILE} of ${CLUSTER_METADATA_TOPIC} cannot be read: the log tells its epoch`)
    }
    return state
  })
}

interface ToReplay {
  readonly log: Log
  readonly checkpoints: readonly CheckpointId[]
  readonly storeEpoch: number
  readonly visit: ReplayVisitor
}

async function replayAll(
  options: MetadataLogOptions,
  { log, checkpoints, storeEpoch, visit }: ToReplay,
): Promise<Replayed> {
  const newest = await newestCheckpoint(options, checkpoints)
  const from = newest?.id.endOffset ?? 0n
  if (from < log.startOffset) {
    const reach = newest === null ? 'there is no whole snapshot' : `the newest whole snapshot ends at ${from}`
    throw new Error(`${CLUSTER_METADATA_TOPIC} begins at offset ${log.startOffset}, and ${reach}`)
  }
  let current = log
  if (from > log.endOffset) {
    options.logger.warn(
      `${CLUSTER_METADATA_TOPIC} ends at offset ${log.endOffset}, below its snapshot: it goes on at ${from}`,
    )
    current = await moveTo(options, log, storeEpoch, from)
  }
  if (newest !== null) visit(newest.content.records, from)
  const epoch = newest?.id.epoch ?? 0
  return { ...(await replayLog(current, from, visit)), log: current, epoch }
}

/** A snapshot that is torn was being written when the broker died: the one before it, and the log, have everything. */
async function newestCheckpoint(
  { store, logger }: MetadataLogOptions,
  checkpoints: readonly CheckpointId[],
): Promise<{ readonly id: CheckpointId; readonly content: Checkpoint } | null> {
  for (const id of checkpoints.toReversed()) {
    const bytes = await store.file(METADATA_LOG_ID, checkpointName(id)).read()
    const content = bytes === null ? null : await decodeCheckpoint(bytes)
    if (content !== null) return { id, content }
    logger.warn(`the snapshot of the metadata ${checkpointName(id)} is not whole, and is ignored`)
  }
  return null
}

/** What a log holds is in a checkpoint that ends above it: the log goes on from there, with nothing in it. */
async function moveTo(options: MetadataLogOptions, log: Log, epoch: number, offset: bigint): Promise<Log> {
  await log.close()
  const stored = await options.store.open(METADATA_LOG_ID, epoch)
  await stored.roll(offset)
  await stored.drop(stored.segments.slice(0, -1).map(({ baseOffset }) => baseOffset))
  await stored.close()
  return openAt(options, epoch)
}

async function replayLog(
  log: Log,
  from: bigint,
  visit: ReplayVisitor,
): Promise<Pick<Replayed, 'bytesBehind' | 'isInTransaction'>> {
  const replay = new MetadataReplay(visit)
  let offset = from
  let bytesBehind = 0
  try {
    while (offset < log.endOffset) {
      const buffers = await log.read(offset, READ_BYTES, log.endOffset)
      if (buffers.length === 0) throw new Error(`nothing at offset ${offset}, below the end ${log.endOffset}`)
      for (const buffer of buffers) {
        for (const at of wholeBatches(buffer)) {
          await replay.batch(buffer, at)
          bytesBehind += batchBytes(buffer, at)
          offset = lastOffset(buffer, at) + 1n
        }
      }
    }
  } catch (error) {
    throw new Error(`${CLUSTER_METADATA_TOPIC} cannot be replayed from offset ${offset} on`, { cause: error })
  }
  return { bytesBehind, isInTransaction: replay.isInTransaction }
}

/** Goes on with a value that may be late, at once where it is not. */
function after<T, U>(value: T | Promise<T>, next: (value: T) => U | Promise<U>): U | Promise<U> {
  return value instanceof Promise ? value.then(next) : next(value)
}

function asStorageError<T>(act: () => T | Promise<T>): T | Promise<T> {
  try {
    const done = act()
    if (!(done instanceof Promise)) return done
    return done.catch((error: unknown) => Promise.reject(storageError(error)))
  } catch (error) {
    throw storageError(error)
  }
}
