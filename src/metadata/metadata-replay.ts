/** From the batches of the metadata log, or of a checkpoint, to the records that count, in their order. */
import { isControlBatch, lastOffset } from '../wire/batch.ts'
import { readRecords } from '../wire/records.ts'
import { KRAFT_VERSION } from './features.ts'
import type { MetadataRecord } from './metadata.ts'
import { decodeMetadataRecord } from './record-codec.ts'

/**
 * Told of each batch.
 * @param records what is to be applied; often nothing.
 * @param endOffset the offset behind the batch.
 */
export type ReplayVisitor = (records: readonly MetadataRecord[], endOffset: bigint) => void

/** Types of control records, as their keys tell them. */
export const ControlType = {
  LEADER_CHANGE: 2,
  SNAPSHOT_HEADER: 3,
  SNAPSHOT_FOOTER: 4,
  KRAFT_VERSION: 5,
  KRAFT_VOTERS: 6,
} as const

/**
 * Records that belong together in a transaction (KIP-868) are held back until it ends, and forgotten when it is
 * aborted.
 */
export class MetadataReplay {
  readonly #visit: ReplayVisitor
  #held: MetadataRecord[] | null = null

  constructor(visit: ReplayVisitor) {
    this.#visit = visit
  }

  /** Whether a transaction has begun and not ended: its controller has died in the middle of it. */
  get isInTransaction(): boolean {
    return this.#held !== null
  }

  /** @throws WireError or RecordsError when the batch holds what cannot be read, or records of unknown types. */
  async batch(buffer: Buffer, at: number): Promise<void> {
    const visible: MetadataRecord[] = []
    if (isControlBatch(buffer, at)) {
      for (const { type, value } of await readControlRecords(buffer, at)) {
        if (type === ControlType.KRAFT_VERSION) visible.push(kraftVersion(value))
        // Not a view, which would keep all that was read.
        if (type === ControlType.KRAFT_VOTERS)
          visible.push({ name: 'VotersRecord', value: Buffer.from(value) })
      }
    } else {
      for (const { value } of await readRecords(buffer, at)) {
        if (value !== null) this.#add(value, visible)
      }
    }
    this.#visit(visible, lastOffset(buffer, at) + 1n)
  }

  #add(value: Buffer, visible: MetadataRecord[]): void {
    const record = decodeMetadataRecord(value)
    switch (record.name) {
      case 'BeginTransactionRecord':
        this.#held = []
        break
      case 'EndTransactionRecord':
        visible.push(...(this.#held ?? []))
        this.#held = null
        break
      case 'AbortTransactionRecord':
        this.#held = null
        break
      case 'NoOpRecord':
        break
      default: {
        const into = this.#held ?? visible
        into.push(record)
      }
    }
  }
}

export interface ControlRecord {
  /** One of `ControlType`, or whatever else there is. */
  readonly type: number
  readonly value: Buffer
}

/** The records of a control batch. */
export async function readControlRecords(buffer: Buffer, at: number): Promise<readonly ControlRecord[]> {
  const records = await readRecords(buffer, at)
  return records.map(({ key, value }) => ({
    type: key !== null && key.length >= 4 ? key.readInt16BE(2) : -1,
    value: value ?? Buffer.alloc(0),
  }))
}

/** Kafka writes this one feature with a control record (KIP-853): version of the record, level. */
function kraftVersion(value: Buffer): MetadataRecord {
  const featureLevel = value.length >= 4 ? value.readInt16BE(2) : 0
  return { name: 'FeatureLevelRecord', value: { name: KRAFT_VERSION, featureLevel } }
}
