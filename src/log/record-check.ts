/** What Kafka checks of each record of a produced batch. */
import * as batch from '../wire/batch.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import type { RecordCursor } from '../wire/record-cursor.ts'
import type { WalkStart } from '../wire/record-parser.ts'
import { scanUsualRecords } from '../wire/record-scan.ts'
import { type RecordError, RecordValidationError } from './record-validation-error.ts'
import type { BatchRules } from './validate-batch.ts'

/** How many record errors Kafka names in the message of the whole. */
const ERRORS_IN_MESSAGE = 3

/**
 * How many record errors are kept, which is more than fit uncompressed into a batch of the default size. A few
 * compressed bytes may hold millions of records to be refused: their errors would take gigabytes.
 */
const MAX_ERRORS = 200_000

/**
 * Goes along with a walk through a batch. Timestamps are compared as plain numbers as long as those are exact, so a
 * record that is in order costs no allocation.
 */
export class RecordCheck {
  readonly #rules: BatchRules
  readonly #byProducer: boolean
  readonly #frame: Buffer
  /** Kafka reads compressed records that stay as they are in passing, which shows in a message. */
  readonly #inPassing: boolean
  /** The timestamp of all records where the batch says LogAppendTime. */
  readonly #commonTimestamp: bigint | null
  readonly #baseTimestamp: bigint
  /** The same as a number, or NaN when that would not be exact. */
  readonly #baseMs: number
  #maxMs = -1
  #exactMax: bigint = batch.NO_TIMESTAMP
  #errors: RecordError[] | null = null
  #timestampFailed = false
  #foreignOffsets = false

  constructor(frame: Buffer, rules: BatchRules, inPassing: boolean) {
    this.#frame = frame
    this.#rules = rules
    this.#inPassing = inPassing
    this.#byProducer = rules.config.messageTimestampType === batch.TimestampType.CREATE_TIME
    const common = batch.timestampType(frame) === batch.TimestampType.LOG_APPEND_TIME
    this.#commonTimestamp = common ? batch.maxTimestamp(frame) : null
    this.#baseTimestamp = this.#commonTimestamp ?? batch.baseTimestamp(frame)
    const base = Number(this.#baseTimestamp)
    this.#baseMs = Number.isSafeInteger(base) ? base : Number.NaN
  }

  /** The latest timestamp seen; -1 when there was none above it. */
  get maxTimestamp(): bigint {
    const ofNumbers = BigInt(this.#maxMs)
    return ofNumbers > this.#exactMax ? ofNumbers : this.#exactMax
  }

  /** Whether the records of a compressed batch have other offsets than 0, 1, 2 and so on. */
  get hasForeignOffsets(): boolean {
    return this.#inPassing && this.#foreignOffsets
  }

  /**
   * Passes the uncompressed records that are usual and in order, all at once.
   * @returns where the others begin that `visit` has to see; undefined when it has to see all of them, because some may
   * have to be refused.
   */
  passUsual(): WalkStart | undefined {
    if (this.#commonTimestamp !== null || Number.isNaN(this.#baseMs)) return undefined
    const scanned = scanUsualRecords(batch.recordsPayload(this.#frame), batch.recordsCount(this.#frame))
    const { nowMs, config } = this.#rules
    const minMs = this.#baseMs + scanned.minTimestampDelta
    const maxMs = this.#baseMs + scanned.maxTimestampDelta
    if (minMs < 0 || !Number.isSafeInteger(maxMs)) return undefined
    if (config.compacted && scanned.hasNullKey) return undefined
    if (this.#byProducer) {
      if (nowMs - minMs > config.messageTimestampBeforeMaxMs) return undefined
      if (maxMs - nowMs > config.messageTimestampAfterMaxMs) return undefined
    }
    if (scanned.index > 0 && maxMs > this.#maxMs) this.#maxMs = maxMs
    return scanned
  }

  /** @throws RecordValidationError when so many records were refused that no more need to be looked at. */
  visit(record: RecordCursor): void {
    if (record.offsetDelta !== record.index) this.#foreignOffsets = true
    const inOrder = this.#checkTimestamp(record)
    if (this.#rules.config.compacted && record.keyBytes < 0)
      this.#fail(record, NO_KEY + this.#rules.topicPartition)
    else if (!inOrder) this.#failTimestamp(record)
  }

  /** @throws RecordValidationError when any record was refused; one timestamp out of bounds decides the code. */
  throwRecordErrors(): void {
    const errors = this.#errors
    if (errors === null) return
    if (this.#timestampFailed) {
      const message = 'One or more records have been rejected due to invalid timestamp'
      throw new RecordValidationError(ErrorCode.INVALID_TIMESTAMP, message, errors)
    }
    const first = errors
      .slice(0, ERRORS_IN_MESSAGE)
      .map(
        ({ batchIndex, batchIndexErrorMessage }) =>
          `RecordError(batchIndex=${batchIndex}, message='${batchIndexErrorMessage}')`,
      )
    const message =
      `One or more records have been rejected due to ${errors.length} record errors in total, and only ` +
      `showing the first three errors at most: [${first.join(', ')}]`
    throw new RecordValidationError(ErrorCode.INVALID_RECORD, message, errors)
  }

  /** Notes the record's timestamp for the maximum; whether it is one that the topic takes. */
  #checkTimestamp(record: RecordCursor): boolean {
    const ms = this.#baseMs + (this.#commonTimestamp === null ? record.timestampDelta : 0)
    if (!Number.isSafeInteger(ms)) return this.#checkExactTimestamp(record)
    if (ms > this.#maxMs) this.#maxMs = ms
    if (!this.#byProducer || ms === -1) return this.#commonTimestamp === null
    const { nowMs, config } = this.#rules
    return nowMs - ms <= config.messageTimestampBeforeMaxMs && ms - nowMs <= config.messageTimestampAfterMaxMs
  }

  /** The same with Java's 64 bits, which wrap around. */
  #checkExactTimestamp(record: RecordCursor): boolean {
    const timestamp = this.#exactTimestamp(record)
    if (timestamp > this.#exactMax) this.#exactMax = timestamp
    if (!this.#byProducer || timestamp === batch.NO_TIMESTAMP) return this.#commonTimestamp === null
    const { nowMs, config } = this.#rules
    const age = toInt64(BigInt(nowMs) - timestamp)
    return (
      age <= int64Of(config.messageTimestampBeforeMaxMs) &&
      toInt64(-age) <= int64Of(config.messageTimestampAfterMaxMs)
    )
  }

  #exactTimestamp(record: RecordCursor): bigint {
    return this.#commonTimestamp ?? toInt64(this.#baseTimestamp + record.exactTimestampDelta())
  }

  /** The messages are Kafka's: they reach the client. */
  #failTimestamp(record: RecordCursor): void {
    this.#timestampFailed = true
    const timestamp = this.#exactTimestamp(record)
    const offset = batch.baseOffset(this.#frame) + BigInt(record.offsetDelta)
    if (this.#byProducer && timestamp !== batch.NO_TIMESTAMP) {
      const { nowMs, config } = this.#rules
      const from = toInt64(BigInt(nowMs) - int64Of(config.messageTimestampBeforeMaxMs))
      const to = toInt64(BigInt(nowMs) + int64Of(config.messageTimestampAfterMaxMs))
      this.#fail(
        record,
        `Timestamp ${timestamp} of message with offset ${offset} is out of range. ` +
          `The timestamp should be within [${from}, ${to}]`,
      )
      return
    }
    this.#fail(
      record,
      `Invalid timestamp type in message ${this.#describe(record, offset, timestamp)}. ` +
        'Producer should not set timestamp type to LogAppendTime.',
    )
  }

  #describe(record: RecordCursor, offset: bigint, timestamp: bigint): string {
    const keyBytes = this.#inPassing ? record.keyBytes : Math.max(0, record.keyBytes)
    const valueBytes = this.#inPassing ? record.valueBytes : Math.max(0, record.valueBytes)
    const kind = this.#inPassing ? 'PartialDefaultRecord' : 'DefaultRecord'
    return `${kind}(offset=${offset}, timestamp=${timestamp}, key=${keyBytes} bytes, value=${valueBytes} bytes)`
  }

  #fail(record: RecordCursor, message: string): void {
    this.#errors ??= []
    this.#errors.push({ batchIndex: record.index, batchIndexErrorMessage: message })
    if (this.#errors.length === MAX_ERRORS) this.throwRecordErrors()
  }
}

const NO_KEY = 'Compacted topic cannot accept message without key in topic partition '
const MAX_INT64 = 2n ** 63n - 1n

/** A config's number: Kafka's largest, 2^63-1, is above what a double holds exactly. */
function int64Of(value: number): bigint {
  const exact = BigInt(value)
  return exact > MAX_INT64 ? MAX_INT64 : exact
}

function toInt64(value: bigint): bigint {
  return BigInt.asIntN(64, value)
}
