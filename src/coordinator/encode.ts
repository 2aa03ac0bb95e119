/** How coordinators put their records into bytes. */
import type { DataMessage } from '../wire/message.ts'
import { Writer } from '../wire/writer.ts'

/** One for all records: what it hands over is never written to again. */
const writer = new Writer()

/**
 * The bytes of a record's key or value.
 * @param prefix the type of a key, or the version of a value.
 * @returns a view of memory that other records share: to be copied by whoever keeps it.
 */
export function encode<T>(prefix: number, message: DataMessage<T>, version: number, value: T): Buffer {
  // An error may have left a part of an earlier record.
  writer.reset()
  writer.int16(prefix)
  message.write(writer, version, value)
  const parts = writer.finish()
  const [first] = parts
  return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts)
}
