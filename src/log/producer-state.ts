/** What a log remembers of the idempotent producers that wrote to it (KIP-98, KIP-360). */
import * as batch from '../wire/batch.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'

/** How many of a producer's last batches are recognized when they come again. */
const REMEMBERED_BATCHES = 5
const MAX_SEQUENCE = 2 ** 31 - 1

/** A batch that was appended, as far as it takes to recognize it and to answer for it again. */
export interface RememberedBatch {
  readonly baseSequence: number
  readonly lastSequence: number
  readonly baseOffset: bigint
  readonly lastOffset: bigint
  /** The batch's latest timestamp, as stored. */
  readonly timestamp: bigint
}

/** A producer that the log remembers, as DescribeProducers tells it (KIP-664). */
export interface ActiveProducer {
  readonly producerId: bigint
  readonly producerEpoch: number
  /** -1 when it has written nothing in its epoch. */
  readonly lastSequence: number
  /** The latest timestamp of its last batch; -1 for none. */
  readonly lastTimestamp: bigint
}

interface Producer {
  epoch: number
  /** The latest timestamp of its last batch: how long it has been idle is counted from here. */
  lastTimestamp: bigint
  /** Of this epoch, the oldest first. */
  readonly batches: RememberedBatch[]
}

/** The producers of one log, by producer id. */
export class ProducerState {
  /** Made for the first producer: most partitions of a large cluster never see one. */
  #producers: Map<bigint, Producer> | null = null

  /** How many producers are known. */
  get size(): number {
    return this.#producers?.size ?? 0
  }

  /**
   * Holds a client's batch with a producer id against what is known of the producer; changes nothing.
   * @returns the batch that this one repeats, or null when it is to be appended.
   * @throws KafkaError INVALID_PRODUCER_EPOCH for an epoch that has been superseded, OUT_OF_ORDER_SEQUENCE_NUMBER
   * for a sequence that does not follow. A producer that is not known may start anywhere.
   */
  check(frame: Buffer): RememberedBatch | null {
    const producer = this.#producers?.get(batch.producerId(frame))
    const epoch = batch.producerEpoch(frame)
    const knownEpoch = producer?.epoch ?? batch.NO_PRODUCER_EPOCH
    if (producer !== undefined && epoch === knownEpoch) {
      const repeated = findRepeated(producer, frame)
      if (repeated !== undefined) return repeated
    }
    if (epoch < knownEpoch) {
      throw new KafkaError(
        ErrorCode.INVALID_PRODUCER_EPOCH,
        `epoch ${epoch} of producer ${batch.producerId(frame)}, which is in epoch ${knownEpoch}`,
      )
    }
    if (knownEpoch !== batch.NO_PRODUCER_EPOCH) checkSequence(frame, producer as Producer)
    return null
  }

  /** Takes a batch with a producer id into account that has been appended, or is replayed. */
  update(frame: Buffer, position = 0): void {
    const id = batch.producerId(frame, position)
    const epoch = batch.producerEpoch(frame, position)
    this.#producers ??= new Map()
    let producer = this.#producers.get(id)
    if (producer === undefined) {
      producer = { epoch, lastTimestamp: batch.NO_TIMESTAMP, batches: [] }
      this.#producers.set(id, producer)
    }
    if (producer.epoch !== epoch) {
      producer.epoch = epoch
      producer.batches.length = 0
    }
    producer.lastTimestamp = batch.maxTimestamp(frame, position)
    // A marker ends a transaction and has no sequence: it leaves the batches of its epoch as they are.
    if (batch.isControlBatch(frame, position)) return
    if (producer.batches.length === REMEMBERED_BATCHES) producer.batches.shift()
    producer.batches.push({
      baseSequence: batch.baseSequence(frame, position),
      lastSequence: batch.lastSequence(frame, position),
      baseOffset: batch.baseOffset(frame, position),
      lastOffset: batch.lastOffset(frame, position),
      timestamp: producer.lastTimestamp,
    })
  }

  /** Those that are known, in no order. */
  active(): readonly ActiveProducer[] {
    return Array.from(this.#producers ?? [], ([producerId, { epoch, lastTimestamp, batches }]) => ({
      producerId,
      producerEpoch: epoch,
      lastSequence: batches.at(-1)?.lastSequence ?? batch.NO_SEQUENCE,
      lastTimestamp,
    }))
  }

  /** Forgets the producers whose last timestamp is `expirationMs` or more before `nowMs`. */
  expire(nowMs: number, expirationMs: number): void {
    if (this.#producers === null) return
    const idleSince = BigInt(nowMs) - BigInt(expirationMs)
    for (const [id, { lastTimestamp }] of this.#producers) {
      if (lastTimestamp <= idleSince) this.#producers.delete(id)
    }
  }
}

function findRepeated(producer: Producer, frame: Buffer): RememberedBatch | undefined {
  const baseSequence = batch.baseSequence(frame)
  const lastSequence = batch.lastSequence(frame)
  return producer.batches.find(
    (known) => known.baseSequence === baseSequence && known.lastSequence === lastSequence,
  )
}

function checkSequence(frame: Buffer, producer: Producer): void {
  const sequence = batch.baseSequence(frame)
  const sameEpoch = batch.producerEpoch(frame) === producer.epoch
  const last = sameEpoch ? (producer.batches.at(-1)?.lastSequence ?? batch.NO_SEQUENCE) : batch.NO_SEQUENCE
  const next = last === MAX_SEQUENCE ? 0 : last + 1
  if (sequence === next) return
  throw new KafkaError(
    ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    `sequence ${sequence} of producer ${batch.producerId(frame)} in epoch ${batch.producerEpoch(frame)}, ` +
      `where ${next} follows (the log knows epoch ${producer.epoch})`,
  )
}
