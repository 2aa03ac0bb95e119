/**
 * WriteTxnMarkers (key 27), v1 and v2: ends transactions in the partitions that this broker leads. Other brokers'
 * coordinators send it, and administrators who abort a hanging transaction (KIP-664).
 * v1 flexible · v2 the transaction version, by which the epoch is held against that of the records (KIP-1228).
 */
import type { TransactionMarker } from '../log/transaction-marker.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import {
  type WritableTxnMarker,
  type WritableTxnMarkerResult,
  type WriteTxnMarkersRequest,
  type WriteTxnMarkersResponse,
  writeTxnMarkersApi,
} from '../wire/messages/write-txn-markers.ts'
import { type Call, type Handler, handler } from './handler.ts'

export const writeTxnMarkersHandler: Handler<WriteTxnMarkersRequest, WriteTxnMarkersResponse> = handler(
  writeTxnMarkersApi,
  {
    async handle({ markers }, call) {
      const results = new Results()
      await Promise.all(markers.map((marker) => writeMarker(marker, results, call)))
      return { markers: results.answer() }
    },

    fail({ markers }, { code }) {
      const results = new Results()
      for (const { producerId, topics } of markers) {
        for (const { name, partitionIndexes } of topics) {
          for (const index of partitionIndexes) results.set(producerId, name, index, code)
        }
      }
      return { markers: results.answer() }
    },
  },
)

async function writeMarker(marker: WritableTxnMarker, results: Results, call: Call): Promise<void> {
  const writing = marker.topics.flatMap(({ name, partitionIndexes }) =>
    partitionIndexes.map(async (index) => {
      const errorCode = await written(name, index, markerOf(marker), call)
      results.set(marker.producerId, name, index, errorCode)
    }),
  )
  await Promise.all(writing)
}

function markerOf(marker: WritableTxnMarker): TransactionMarker {
  const { producerId, producerEpoch, coordinatorEpoch, transactionResult, transactionVersion } = marker
  return { producerId, producerEpoch, coordinatorEpoch, commit: transactionResult, transactionVersion }
}

/** Writes one marker and gives the code to answer. */
async function written(
  topic: string,
  index: number,
  marker: TransactionMarker,
  call: Call,
): Promise<ErrorCode> {
  try {
    if (call.metadata.topic(topic)?.partitions[index] === undefined) {
      throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `there is no partition ${topic}-${index}`)
    }
    if (marker.producerId < 0n || marker.producerEpoch < 0) {
      throw new KafkaError(
        ErrorCode.UNKNOWN_SERVER_ERROR,
        `a marker of producer id ${marker.producerId} and epoch ${marker.producerEpoch}`,
      )
    }
    await call.writeMarkers.write(topic, index, marker)
    return ErrorCode.NONE
  } catch (error) {
    if (error instanceof KafkaError) return asOfLeader(error.code)
    call.logger.error({ err: error, topic, index }, 'a marker could not be written')
    return ErrorCode.UNKNOWN_SERVER_ERROR
  }
}

/** A transaction coordinator knows nothing of the coordinators of groups: it looks for the leader anew. */
function asOfLeader(code: ErrorCode): ErrorCode {
  switch (code) {
    case ErrorCode.COORDINATOR_NOT_AVAILABLE:
    case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
    case ErrorCode.NOT_COORDINATOR:
      return ErrorCode.NOT_LEADER_OR_FOLLOWER
    default:
      return code
  }
}

/** What became of the markers: a producer has one entry, however often the request names it. */
class Results {
  readonly #byProducer = new Map<bigint, Map<string, Map<number, ErrorCode>>>()

  set(producerId: bigint, topic: string, index: number, errorCode: ErrorCode): void {
    const topics = this.#byProducer.get(producerId) ?? new Map<string, Map<number, ErrorCode>>()
    this.#byProducer.set(producerId, topics)
    const partitions = topics.get(topic) ?? new Map<number, ErrorCode>()
    topics.set(topic, partitions)
    partitions.set(index, errorCode)
  }

  answer(): readonly WritableTxnMarkerResult[] {
    return Array.from(this.#byProducer, ([producerId, topics]) => ({
      producerId,
      topics: Array.from(topics, ([name, partitions]) => ({
        name,
        partitions: Array.from(partitions, ([partitionIndex, errorCode]) => ({ partitionIndex, errorCode })),
      })),
    }))
  }
}
