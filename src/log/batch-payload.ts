/** Goes through the records of a stored batch, decompressed, in slices. */
import * as batch from '../wire/batch.ts'
import { decompress } from '../wire/compression.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type { RecordCursor } from '../wire/record-cursor.ts'
import { RecordParser } from '../wire/record-parser.ts'
import { invalidRecord } from '../wire/records-error.ts'

/** How much of what others wait for may come between two slices of a large batch. */
const SLICE_BYTES = 256 * 1024
/** What a few compressed bytes come to has to be in memory as a whole. */
const MAX_PAYLOAD_BYTES = 128 * 1024 * 1024

/**
 * Lets others have their turn, after that many bytes have been gone through; throws when the work is to be given up.
 * Without a promise the work goes on at once.
 */
export type Pause = (bytes: number) => void | Promise<void>

/** @param end where the record ends in `payload`. */
export type StoredRecordVisitor = (record: RecordCursor, end: number) => void

/**
 * The records of the batch at `position`, decompressed.
 * @throws CompressionError; KafkaError MESSAGE_TOO_LARGE for more than fits into memory.
 */
export function batchPayload(view: Buffer, position: number): Buffer | Promise<Buffer> {
  const stored = batch.recordsPayload(view, position)
  const codec = batch.compressionCodec(view, position)
  if (codec === batch.Codec.NONE || batch.recordsCount(view, position) === 0) return stored
  const pieces = decompress(codec, stored)
  return Buffer.isBuffer(pieces) ? pieces : collect(pieces)
}

/**
 * Visits the records of a payload; a promise only for a large one.
 * @throws RecordsError when they are malformed, or not as many as `count`.
 */
export function visitRecords(
  payload: Buffer,
  count: number,
  visit: StoredRecordVisitor,
  pause: Pause,
): void | Promise<void> {
  const parser = new RecordParser(payload)
  if (payload.length > SLICE_BYTES) return visitInSlices(parser, payload, count, visit, pause)
  for (let index = 0; index < count; index++) visit(parser.next(index), parser.position)
  checkEnd(parser, payload)
}

async function visitInSlices(
  parser: RecordParser,
  payload: Buffer,
  count: number,
  visit: StoredRecordVisitor,
  pause: Pause,
): Promise<void> {
  let sliceEnd = SLICE_BYTES
  for (let index = 0; index < count; index++) {
    visit(parser.next(index), parser.position)
    if (parser.position < sliceEnd || parser.position === payload.length) continue
    await pause(SLICE_BYTES)
    sliceEnd = parser.position + SLICE_BYTES
  }
  checkEnd(parser, payload)
}

function checkEnd({ position }: RecordParser, payload: Buffer): void {
  if (position < payload.length)
    throw invalidRecord(`${payload.length - position} bytes remain behind the records`)
}

/** Each piece is valid only until the next is asked for. */
async function collect(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const copies: Buffer[] = []
  let bytes = 0
  for await (const piece of pieces) {
    bytes += piece.length
    if (bytes > MAX_PAYLOAD_BYTES) {
      throw new KafkaError(
        ErrorCode.MESSAGE_TOO_LARGE,
        `a batch that decompresses to more than ${MAX_PAYLOAD_BYTES} bytes`,
      )
    }
    copies.push(Buffer.from(piece))
  }
  return Buffer.concat(copies)
}
