/**
 * Keeps the metadata log from growing for ever (KIP-630): now and then all that it comes to is written down as a
 * checkpoint, and what checkpoints stand for is dropped from the log when there is too much of it or it is too old.
 */
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { LogId, LogStore } from '../storage/log-store.ts'
import {
  type CheckpointId,
  checkpointName,
  decodeCheckpoint,
  encodeCheckpoint,
  parseCheckpointName,
} from './checkpoint.ts'
import type { Metadata } from './metadata.ts'
import { imageRecords } from './metadata-image.ts'

export interface SnapshotConfig {
  /** metadata.log.max.record.bytes.between.snapshots */
  readonly maxBytesBetween: number
  /** metadata.log.max.snapshot.interval.ms; 0 for never because of the time. */
  readonly maxIntervalMs: number
  /** metadata.max.retention.bytes, of the log and its checkpoints together; -1 for no bound. */
  readonly retentionBytes: number
  /** metadata.max.retention.ms; -1 for no bound. */
  readonly retentionMs: number
}

/** Kafka's defaults. */
export const defaultSnapshotConfig: SnapshotConfig = {
  maxBytesBetween: 20_971_520,
  maxIntervalMs: 3_600_000,
  retentionBytes: 104_857_600,
  retentionMs: 604_800_000,
}

export interface SnapshotsOptions {
  readonly store: Pick<LogStore, 'file' | 'files'>
  readonly id: LogId
  readonly clock: Clock
  readonly config: SnapshotConfig
  readonly logger: Pick<Logger, 'warn'>
  /** The log that checkpoints stand for. */
  readonly log: {
    readonly sizeBytes: number
    deleteRecordsBefore(offset: bigint): undefined | Promise<void>
  }
  /** What the log holds behind its newest checkpoint. */
  readonly bytesBehind: number
}

interface KnownCheckpoint extends CheckpointId {
  readonly sizeBytes: number
  readonly lastTimestampMs: number
}

export class Snapshots {
  readonly #options: SnapshotsOptions
  #bytesBehind: number
  #lastMs: number
  /** From old to new; undefined until somebody has looked. */
  #known: KnownCheckpoint[] | undefined
  #working: Promise<void> | undefined

  constructor(options: SnapshotsOptions) {
    this.#options = options
    this.#bytesBehind = options.bytesBehind
    this.#lastMs = options.clock.now()
  }

  /** Counts what was appended to the log. */
  appended(bytes: number): void {
    this.#bytesBehind += bytes
  }

  /**
   * Writes a checkpoint where enough has happened since the last one. What goes wrong with it is a line in the log:
   * the metadata log itself has everything.
   * @param metadata what is committed.
   * @param epoch the leader epoch of the last record in it.
   */
  takeIfDue(metadata: Metadata, epoch: number): void {
    if (this.#working !== undefined || !this.#isDue()) return
    const lastTimestampMs = this.#options.clock.now()
    const id = { endOffset: metadata.endOffset, epoch }
    const bytes = encodeCheckpoint(imageRecords(metadata), epoch, BigInt(lastTimestampMs))
    this.#bytesBehind = 0
    this.#lastMs = lastTimestampMs
    this.#working = this.#keep({ ...id, sizeBytes: bytes.length, lastTimestampMs }, bytes)
      .catch((error: unknown) => {
        const name = checkpointName(id)
        this.#options.logger.warn({ err: error }, `the snapshot of the metadata ${name} could not be written`)
      })
      .finally(() => {
        this.#working = undefined
      })
  }

  /** Waits for what is being written. */
  async close(): Promise<void> {
    await this.#working
  }

  #isDue(): boolean {
    const { config, clock } = this.#options
    if (this.#bytesBehind >= config.maxBytesBetween) return true
    return config.maxIntervalMs > 0 && clock.now() - this.#lastMs >= config.maxIntervalMs
  }

  async #keep(checkpoint: KnownCheckpoint, bytes: Buffer): Promise<void> {
    const { store, id } = this.#options
    this.#known ??= await this.#look()
    await store.file(id, checkpointName(checkpoint)).replace(bytes)
    this.#known.push(checkpoint)
    await this.#trim(this.#known)
  }

  /** The newest checkpoint always stays, and the log from there on. */
  async #trim(known: KnownCheckpoint[]): Promise<void> {
    const { store, id, log } = this.#options
    for (;;) {
      const [oldest, next] = known
      if (oldest === undefined || next === undefined || !this.#isTooMuch(known, oldest)) return
      await log.deleteRecordsBefore(next.endOffset)
      await store.file(id, checkpointName(oldest)).remove()
      known.shift()
    }
  }

  #isTooMuch(known: readonly KnownCheckpoint[], oldest: KnownCheckpoint): boolean {
    const { config, clock, log } = this.#options
    const totalBytes = known.reduce((sum, { sizeBytes }) => sum + sizeBytes, log.sizeBytes)
    if (config.retentionBytes >= 0 && totalBytes > config.retentionBytes) return true
    return config.retentionMs >= 0 && clock.now() - oldest.lastTimestampMs > config.retentionMs
  }

  /** The checkpoints of lives before this one. Of one that cannot be read nobody knows how old it is: it is old. */
  async #look(): Promise<KnownCheckpoint[]> {
    const { store, id } = this.#options
    const known: KnownCheckpoint[] = []
    for (const checkpoint of await listCheckpoints(store, id)) {
      const bytes = await store.file(id, checkpointName(checkpoint)).read()
      if (bytes === null) continue
      const content = await decodeCheckpoint(bytes).catch(() => null)
      const lastTimestampMs = Number(content?.lastTimestampMs ?? 0n)
      known.push({ ...checkpoint, sizeBytes: bytes.length, lastTimestampMs })
    }
    return known
  }
}

/** Those beside a log, from old to new. */
export function listCheckpoints(
  store: Pick<LogStore, 'files'>,
  id: LogId,
): readonly CheckpointId[] | Promise<readonly CheckpointId[]> {
  const names = store.files(id)
  return names instanceof Promise ? names.then(sorted) : sorted(names)
}

function sorted(names: readonly string[]): readonly CheckpointId[] {
  return names
    .flatMap((name) => parseCheckpointName(name) ?? [])
    .toSorted((a, b) =>
      a.endOffset === b.endOffset ? a.epoch - b.epoch : a.endOffset < b.endOffset ? -1 : 1,
    )
}
