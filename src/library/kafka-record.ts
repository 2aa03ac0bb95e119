import type { RecordHeader } from '../wire/records.ts'

export type { RecordHeader } from '../wire/records.ts'

/** A record as it stands in a topic. Its bytes are its own: they may be kept, and changed. */
export class KafkaRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** Milliseconds since 1970: the producer's, or the broker's where the topic says LogAppendTime. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** In the order in which they were sent; a name may stand there more than once. */
  readonly headers: readonly RecordHeader[]

  /** @internal */
  constructor(fields: Pick<KafkaRecord, keyof typeof FIELDS>) {
    this.topic = fields.topic
    this.partition = fields.partition
    this.offset = fields.offset
    this.timestamp = fields.timestamp
    this.key = fields.key
    this.value = fields.value
    this.headers = fields.headers
  }

  /** The value as text, in UTF-8; null for a tombstone. */
  text(): string | null {
    return this.value === null ? null : this.value.toString()
  }

  /** The value as JSON; null for a tombstone. @throws SyntaxError when it is none. */
  json<T = unknown>(): T {
    return JSON.parse(this.text() ?? 'null')
  }

  /** The value of the last header of that name, as text; null for one without a value, undefined for none. */
  header(name: string): string | null | undefined {
    const found = this.headers.findLast(({ key }) => key === name)
    return found === undefined ? undefined : (found.value?.toString() ?? null)
  }

  /** On one line, for messages: `orders-0@42 key=a value={"id":7}`. */
  toString(): string {
    return `${this.topic}-${this.partition}@${this.offset} key=${shown(this.key)} value=${shown(this.value)}`
  }
}

const FIELDS = { topic: 0, partition: 0, offset: 0, timestamp: 0, key: 0, value: 0, headers: 0 }

const SHOWN_CHARACTERS = 120

function shown(bytes: Buffer | null): string {
  if (bytes === null) return 'null'
  const text = bytes.subarray(0, 4 * SHOWN_CHARACTERS).toString()
  if (text.includes('\ufffd'))
    return `<${bytes.length} bytes ${bytes.toString('hex', 0, 16)}${bytes.length > 16 ? '…' : ''}>`
  const line = text.replaceAll(/\s+/g, ' ')
  return line.length > SHOWN_CHARACTERS ? `${line.slice(0, SHOWN_CHARACTERS)}…` : line
}
