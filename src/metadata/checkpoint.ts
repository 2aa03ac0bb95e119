/**
 * A snapshot of the metadata as Kafka keeps it (KIP-630): a file of batches that begins with a control record of its
 * own, the header, and ends with another, the footer. Without the footer it is torn.
 */
import { batchBytes, isControlBatch, isCrcValid, MAGIC_V2, magic, wholeBatches } from '../wire/batch.ts'
import type { DataMessage } from '../wire/message.ts'
import { controlRecordTypeSchema } from '../wire/messages/control-record-type-schema.ts'
import { snapshotFooterRecord } from '../wire/messages/snapshot-footer-record.ts'
import { snapshotHeaderRecord } from '../wire/messages/snapshot-header-record.ts'
import { Reader } from '../wire/reader.ts'
import { buildBatch } from '../wire/records.ts'
import { Writer } from '../wire/writer.ts'
import { KRAFT_VERSION } from './features.ts'
import type { MetadataRecord } from './metadata.ts'
import { ControlType, MetadataReplay, readControlRecords } from './metadata-replay.ts'
import { encodeMetadataRecords } from './record-codec.ts'

/** What a checkpoint stands for: all that the log holds below an offset, the last of it written in an epoch. */
export interface CheckpointId {
  readonly endOffset: bigint
  readonly epoch: number
}

export interface Checkpoint {
  readonly records: readonly MetadataRecord[]
  /** When the last record was written that it stands for, in milliseconds since 1970. */
  readonly lastTimestampMs: bigint
}

/** `00000000000000000042-0000000003.checkpoint` */
export function checkpointName({ endOffset, epoch }: CheckpointId): string {
  return `${String(endOffset).padStart(20, '0')}-${String(epoch).padStart(10, '0')}.checkpoint`
}

/** What a file's name says; null when it is no checkpoint's. */
export function parseCheckpointName(name: string): CheckpointId | null {
  const [, endOffset, epoch] = /^(\d{20})-(\d{10})\.checkpoint$/.exec(name) ?? []
  return endOffset === undefined ? null : { endOffset: BigInt(endOffset), epoch: Number(epoch) }
}

export function encodeCheckpoint(
  records: Iterable<MetadataRecord>,
  epoch: number,
  lastTimestampMs: bigint,
): Buffer {
  const batches: Buffer[] = []
  let endOffset = 0n
  const add = (values: readonly { key?: Buffer; value: Buffer }[], isControl: boolean): void => {
    const stamped = values.map((record) => ({ ...record, timestamp: lastTimestampMs }))
    batches.push(buildBatch(stamped, { baseOffset: endOffset, leaderEpoch: epoch, isControl }))
    endOffset += BigInt(values.length)
  }
  const header = { version: 0, lastContainedLogTimestamp: lastTimestampMs }
  add([controlRecord(ControlType.SNAPSHOT_HEADER, snapshotHeaderRecord, header)], true)
  const data: MetadataRecord[] = []
  for (const record of records) {
    if (record.name === 'VotersRecord') {
      add([{ key: controlKey(ControlType.KRAFT_VOTERS), value: record.value }], true)
    } else if (record.name === 'FeatureLevelRecord' && record.value.name === KRAFT_VERSION) {
      add([kraftVersion(record.value.featureLevel)], true)
    } else data.push(record)
  }
  for (const some of inBatches(data)) {
    add(
      encodeMetadataRecords(some).map((value) => ({ value })),
      false,
    )
  }
  add([controlRecord(ControlType.SNAPSHOT_FOOTER, snapshotFooterRecord, { version: 0 })], true)
  return Buffer.concat(batches)
}

/**
 * What a checkpoint holds, or null when it is torn: cut, with a byte that has changed, without its header or footer.
 * @throws WireError or RecordsError when it is whole and yet holds what is not known here.
 */
export async function decodeCheckpoint(bytes: Buffer): Promise<Checkpoint | null> {
  const batches = batchesOf(bytes)
  const [first, last] = [batches?.[0], batches?.at(-1)]
  if (batches === null || first === undefined || last === undefined) return null
  const header = await controlValue(bytes, first, ControlType.SNAPSHOT_HEADER)
  const footer = await controlValue(bytes, last, ControlType.SNAPSHOT_FOOTER)
  if (header === null || footer === null) return null
  const records: MetadataRecord[] = []
  const replay = new MetadataReplay((visible) => {
    for (const record of visible) records.push(record)
  })
  for (const at of batches) await replay.batch(bytes, at)
  const { lastContainedLogTimestamp } = snapshotHeaderRecord.read(new Reader(header), 0)
  return { records, lastTimestampMs: lastContainedLogTimestamp }
}

/** How many records stand in one batch. */
const BATCH_RECORDS = 1000

function* inBatches(records: Iterable<MetadataRecord>): Generator<readonly MetadataRecord[]> {
  let some: MetadataRecord[] = []
  for (const record of records) {
    if (some.push(record) < BATCH_RECORDS) continue
    yield some
    some = []
  }
  if (some.length > 0) yield some
}

function controlRecord<T>(type: number, message: DataMessage<T>, content: T): { key: Buffer; value: Buffer } {
  const value = new Writer()
  message.write(value, 0, content)
  return { key: controlKey(type), value: value.concat() }
}

function controlKey(type: number): Buffer {
  const key = new Writer()
  key.int16(0)
  controlRecordTypeSchema.write(key, 0, { type })
  return key.concat()
}

/** Version of the record, level, no tagged fields. */
function kraftVersion(level: number): { key: Buffer; value: Buffer } {
  const value = new Writer()
  value.int16(0)
  value.int16(level)
  value.uvarint(0)
  return { key: controlKey(ControlType.KRAFT_VERSION), value: value.concat() }
}

/** Where the batches begin, or null unless they fill the file and each has its checksum. */
function batchesOf(bytes: Buffer): readonly number[] | null {
  const positions: number[] = []
  let end = 0
  try {
    for (const at of wholeBatches(bytes)) {
      if (magic(bytes, at) !== MAGIC_V2 || !isCrcValid(bytes, at)) return null
      positions.push(at)
      end = at + batchBytes(bytes, at)
    }
  } catch {
    return null
  }
  return end === bytes.length ? positions : null
}

async function controlValue(bytes: Buffer, at: number, type: number): Promise<Buffer | null> {
  if (!isControlBatch(bytes, at)) return null
  const record = (await readControlRecords(bytes, at)).find((one) => one.type === type)
  return record?.value ?? null
}
