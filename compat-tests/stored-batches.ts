/**
 * What a broker really stored: the headers of a partition's batches, read by a Fetch v4 written by hand here, so that
 * no client's and no generated code's idea of the protocol stands between. A client that quietly stops compressing
 * (librdkafka does when it dislikes what a broker advertises) is found out by this alone.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { PROBE_CLIENT_ID } from './broker.ts'

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

export interface StoredBatch {
  readonly baseOffset: bigint
  readonly codec: (typeof CODECS)[number]
  readonly recordCount: number
  /** -1 where the producer is not idempotent. */
  readonly producerId: bigint
  readonly baseSequence: number
}

/** The whole batches at the beginning of a partition (as many as fit one fetch of a megabyte). */
export async function storedBatches(
  bootstrapServers: string,
  topic: string,
  partition = 0,
): Promise<StoredBatch[]> {
  const answer = await exchange(bootstrapServers, fetchRequest(topic, partition))
  // Correlation id, throttle time, one topic: its name, one partition: its index.
  let position = 4 + 4 + 4
  position += 2 + answer.readInt16BE(position) + 4 + 4
  const errorCode = answer.readInt16BE(position)
  if (errorCode !== 0) throw new Error(`fetching ${topic}-${partition} answers error ${errorCode}`)
  position += 2 + 8 + 8
  const aborted = answer.readInt32BE(position)
  position += 4 + Math.max(0, aborted) * 16
  const size = answer.readInt32BE(position)
  return batchesIn(answer.subarray(position + 4, position + 4 + size))
}

function batchesIn(records: Buffer): StoredBatch[] {
  const batches: StoredBatch[] = []
  for (let at = 0; at + 61 <= records.length; at += 12 + records.readInt32BE(at + 8)) {
    batches.push({
      baseOffset: records.readBigInt64BE(at),
      codec: CODECS[records.readInt16BE(at + 21) & 7] ?? 'none',
      producerId: records.readBigInt64BE(at + 43),
      baseSequence: records.readInt32BE(at + 53),
      recordCount: records.readInt32BE(at + 57),
    })
  }
  return batches
}

function fetchRequest(topic: string, partition: number): Buffer {
  const maxBytes = 1 << 20
  return Buffer.concat([
    int16(1), // Fetch
    int16(4),
    int32(1), // correlation id
    string(PROBE_CLIENT_ID),
    int32(-1), // replica id: a consumer
    int32(100), // max wait, ms
    int32(1), // min bytes
    int32(maxBytes),
    Buffer.of(0), // read uncommitted
    int32(1),
    string(topic),
    int32(1),
    int32(partition),
    int64(0n), // from offset
    int32(maxBytes),
  ])
}

async function exchange(bootstrapServers: string, request: Buffer): Promise<Buffer> {
  const [host, port] = bootstrapServers.split(/:(?=\d+$)/)
  const socket = connect({ host: host ?? '', port: Number(port) })
  try {
    await once(socket, 'connect')
    socket.write(Buffer.concat([int32(request.length), request]))
    let received: Buffer = Buffer.alloc(0)
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk as Buffer])
      if (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) return received.subarray(4)
    }
    throw new Error('the broker closed the connection')
  } finally {
    socket.destroy()
  }
}

function int16(value: number): Buffer {
  const buffer = Buffer.alloc(2)
  buffer.writeInt16BE(value)
  return buffer
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeInt32BE(value)
  return buffer
}

function int64(value: bigint): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeBigInt64BE(value)
  return buffer
}

function string(value: string): Buffer {
  return Buffer.concat([int16(Buffer.byteLength(value)), Buffer.from(value)])
}
